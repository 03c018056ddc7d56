"""From a header to a caller."""

import hashlib

import pytest

from backstay import aws
from backstay.access.authenticator import REMEMBER_S, REMEMBER_UNKNOWN_S, Authenticator
from backstay.access.caller import Caller, Forbidden, Unauthenticated
from backstay.access.key import Scope, new_key
from backstay.access.key_store import KeyStore


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that were looked up, in order."""
    seen: list[str] = []

    def note(params, **_):  # type: ignore[no-untyped-def]
        seen.append(str(params["Key"]))

    aws.dynamodb().meta.events.register("provide-client-params.dynamodb.GetItem", note)
    return seen


@pytest.fixture
def authenticator(clock) -> Authenticator:
    return Authenticator("keys", clock, clock.elapsed)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (None, "has no API key"),
        ("", "has no API key"),
        ("Basic dXNlcjpwYXNz", "not Bearer"),
        ("Bearer", "form of an API key"),
        ("Bearer nonsense", "form of an API key"),
        ("Bearer bsk_0123456789_short", "form of an API key"),
    ],
)
def test_what_is_no_key_is_refused_without_a_read(
    authenticator: Authenticator, reads: list[str], header: str | None, says: str
) -> None:
    with pytest.raises(Unauthenticated, match=says):
        authenticator.check(header)
    assert reads == []


def test_an_unknown_key_is_refused_without_repeating_it(authenticator: Authenticator) -> None:
    key = new_key("0123456789")
    with pytest.raises(Unauthenticated) as refusal:
        authenticator.check(f"Bearer {key}")
    assert key not in str(refusal.value)


def test_the_scheme_may_be_written_in_any_case(authenticator: Authenticator, store: KeyStore) -> None:
    issued = store.create("ingest", "newsroom", ["submit"])

    assert authenticator.check(f"bearer  {issued.key}") == Caller(
        issued.record.key_id, "newsroom", frozenset({Scope.SUBMIT})
    )


def test_a_known_key_is_read_once_in_thirty_seconds(
    authenticator: Authenticator, store: KeyStore, reads: list[str], clock
) -> None:
    key = store.create("ingest", "newsroom", ["submit"]).key
    for _ in range(5):
        authenticator.check(f"Bearer {key}")
    assert len(reads) == 1
    clock.move(seconds=REMEMBER_S)
    authenticator.check(f"Bearer {key}")
    assert len(reads) == 2


@pytest.mark.parametrize("right", [0, 1, 20, 47])
def test_a_guess_is_never_compared_with_a_key_so_its_time_tells_nothing(
    authenticator: Authenticator, store: KeyStore, reads: list[str], right: int
) -> None:
    key = store.create("ingest", "newsroom", ["submit"]).key
    head, secret = key[:-48], key[-48:]
    others = {"a": "b"}
    guess = head + secret[:right] + "".join(others.get(letter, "a") for letter in secret[right:])

    with pytest.raises(Unauthenticated):
        authenticator.check(f"Bearer {guess}")

    assert reads == [str({"key_hash": {"S": hashlib.sha256(guess.encode()).hexdigest()}})]  # nothing of the key itself


def test_an_unknown_key_is_remembered_briefly(authenticator: Authenticator, reads: list[str], clock) -> None:
    header = f"Bearer {new_key('0123456789')}"
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            authenticator.check(header)
    assert len(reads) == 1
    clock.move(seconds=REMEMBER_UNKNOWN_S)
    with pytest.raises(Unauthenticated):
        authenticator.check(header)
    assert len(reads) == 2


def test_a_revoked_key_is_shut_out_within_thirty_seconds(authenticator: Authenticator, store: KeyStore, clock) -> None:
    issued = store.create("ingest", "newsroom", ["submit"])
    authenticator.check(f"Bearer {issued.key}")
    store.revoke(issued.record.key_id)
    clock.move(seconds=REMEMBER_S)

    with pytest.raises(Unauthenticated, match="may be revoked"):
        authenticator.check(f"Bearer {issued.key}")


def test_a_grace_that_ends_while_the_key_is_remembered_ends_it(
    authenticator: Authenticator, store: KeyStore, clock
) -> None:
    old = store.create("ingest", "newsroom", ["submit"])
    store.rotate(old.record.key_id)
    clock.move(hours=24, seconds=-5)
    authenticator.check(f"Bearer {old.key}")
    clock.move(seconds=5)

    with pytest.raises(Unauthenticated):
        authenticator.check(f"Bearer {old.key}")


def test_strangers_who_try_keys_do_not_fill_the_memory(authenticator: Authenticator) -> None:
    for number in range(1_100):
        with pytest.raises(Unauthenticated):
            authenticator.check(f"Bearer bsk_0123456789_{number:048x}")
    assert len(authenticator._remembered) == 1_000


def test_a_key_of_one_tenant_acts_for_that_tenant_alone() -> None:
    caller = Caller("k1", "newsroom", frozenset({Scope.READ}))

    assert caller.tenant_for(None) == "newsroom"
    assert caller.tenant_for("newsroom") == "newsroom"
    assert caller.tenant_to_list(None) == "newsroom"
    assert not caller.may_touch("sports")
    with pytest.raises(Forbidden, match="can't act for 'sports'"):
        caller.tenant_for("sports")
    with pytest.raises(Forbidden):
        caller.tenant_to_list("sports")


def test_a_key_of_all_tenants_may_name_any_and_means_default_otherwise() -> None:
    caller = Caller("k1", "*", frozenset({Scope.READ}))

    assert caller.tenant_for(None) == "default"
    assert caller.tenant_for("sports") == "sports"
    assert caller.tenant_to_list(None) is None
    assert caller.tenant_to_list("sports") == "sports"


def test_a_missing_scope_is_named_with_what_the_key_has() -> None:
    caller = Caller("k1", "newsroom", frozenset({Scope.READ}))

    caller.require_any(frozenset({Scope.READ, Scope.OPERATE}))
    with pytest.raises(Forbidden, match="scope 'operate' or 'submit'; key k1 has read"):
        caller.require_any(frozenset({Scope.SUBMIT, Scope.OPERATE}))
