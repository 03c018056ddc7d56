"""Many at once at one thing: one submits' key, one API key's rotation."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from backstay.access.key_store import KeyChangedError, KeyStore
from backstay.access.webhook_secrets import WebhookSecrets
from cli.aws_check.finding import Finding, verdict_of
from cli.aws_check.ground import STORY_TASK, Ground

NAME = "races"
JOBS = 1
_SUBMITS, _ROTATIONS = 20, 8
_AT_ONCE = 8  # each is a Lambda of its own at first; a small machine starts eight in the time that a client waits


def findings(ground: Ground) -> Iterator[Finding]:
    """Submit one key twenty times, eight at once; rotate one API key eight times at once."""
    yield _submits(ground)
    yield _rotations(ground)


def _submits(ground: Ground) -> Finding:
    def submit(_: int) -> str:
        document = ground.submit(STORY_TASK, ground.story(700), ground.tenant("races"), idempotency_key="one")
        return str(document["id"])

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        ids = set(threads.map(submit, range(_SUBMITS)))
    ground.wait_for(ground.tenant("races"), 1, 180)
    says = "of many submits of one key at once, one makes the job"
    return Finding(NAME, says, verdict_of(len(ids) == 1), f"{_SUBMITS} submits, {len(ids)} job")


def _rotations(ground: Ground) -> Finding:
    outputs = ground.target.outputs
    store = KeyStore(outputs["KeysTable"], WebhookSecrets(outputs["SecretPrefix"]))
    key_id = store.create("aws-check rotation", ground.tenant("races"), ["read"]).record.key_id

    def rotate(_: int) -> bool:
        try:
            store.rotate(key_id)
        except KeyChangedError:
            return False
        return True

    try:
        with ThreadPoolExecutor(_ROTATIONS) as threads:
            rotated = sum(threads.map(rotate, range(_ROTATIONS)))
        left = [record for record in store.list() if record.key_id == key_id]
    finally:
        store.revoke(key_id)
    says = "rotations of one API key at once leave one key"
    measured = f"{rotated} of {_ROTATIONS} rotations went through, {len(left)} key is listed"
    return Finding(NAME, says, verdict_of(rotated >= 1 and len(left) == 1), measured)
