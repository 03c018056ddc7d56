"""Issuing, rotating, revoking and listing API keys."""

from datetime import timedelta

import pytest

from backstay import aws
from backstay.access.authenticator import Authenticator
from backstay.access.caller import Unauthenticated
from backstay.access.key import InvalidScopeError, is_key
from backstay.access.key_store import KeyStore, UnknownKeyError
from backstay.jobs.keys import InvalidTenantError


def opens(key: str, clock) -> bool:  # type: ignore[no-untyped-def]
    """Whether a fresh process lets the key in."""
    try:
        Authenticator("keys", clock).check(f"Bearer {key}")
    except Unauthenticated:
        return False
    return True


def test_a_new_key_has_its_form_and_opens_the_door(store: KeyStore, clock) -> None:
    issued = store.create("ingest", "newsroom", ["submit", "read"])

    assert is_key(issued.key)
    assert issued.key.split("_")[1] == issued.record.key_id
    assert opens(issued.key, clock)


def test_no_key_is_stored_only_its_hash(store: KeyStore) -> None:
    issued = store.create("ingest", "newsroom", ["submit"])

    everything = str(aws.dynamodb().scan(TableName="keys")["Items"])

    assert issued.key not in everything
    assert issued.key.rsplit("_", 1)[1] not in everything


def test_a_scope_that_does_not_exist_is_refused_by_name(store: KeyStore) -> None:
    with pytest.raises(InvalidScopeError, match="'admin' is unknown; choose from operate, read, submit"):
        store.create("ingest", "newsroom", ["read", "admin"])


def test_a_key_without_scopes_is_refused(store: KeyStore) -> None:
    with pytest.raises(InvalidScopeError, match="at least one scope"):
        store.create("ingest", "newsroom", [])


def test_a_tenant_that_can_not_stand_in_keys_is_refused(store: KeyStore) -> None:
    with pytest.raises(InvalidTenantError, match="'News Room'"):
        store.create("ingest", "News Room", ["read"])


def test_no_key_is_of_the_tenant_that_is_backstays_own(store: KeyStore) -> None:
    with pytest.raises(InvalidTenantError, match="is Backstay's own"):
        store.create("ingest", "system", ["read"])


def test_a_rotated_key_keeps_its_id_and_the_old_secret_has_a_grace(store: KeyStore, clock) -> None:
    old = store.create("ingest", "newsroom", ["read"])
    clock.move(days=30)
    new = store.rotate(old.record.key_id)

    assert new.record.key_id == old.record.key_id
    assert new.record.created_at == old.record.created_at
    assert new.record.rotated_at == clock.now
    clock.move(hours=23)
    assert opens(old.key, clock)
    clock.move(hours=2)
    assert not opens(old.key, clock)
    assert opens(new.key, clock)


def test_a_rotation_without_grace_ends_the_old_secret_at_once(store: KeyStore, clock) -> None:
    old = store.create("ingest", "newsroom", ["read"])
    new = store.rotate(old.record.key_id, grace=timedelta(0))

    assert not opens(old.key, clock)
    assert opens(new.key, clock)


def test_after_two_rotations_only_the_last_two_secrets_work(store: KeyStore, clock) -> None:
    first = store.create("ingest", "newsroom", ["read"])
    second = store.rotate(first.record.key_id)
    third = store.rotate(first.record.key_id)

    assert [opens(issued.key, clock) for issued in (first, second, third)] == [False, True, True]


def test_a_revoked_key_is_shut_out_with_its_old_secret_too(store: KeyStore, clock) -> None:
    old = store.create("ingest", "newsroom", ["read"])
    new = store.rotate(old.record.key_id)
    store.revoke(old.record.key_id)

    assert not opens(old.key, clock)
    assert not opens(new.key, clock)


def test_a_revoked_key_stays_in_the_list_and_can_not_be_rotated(store: KeyStore) -> None:
    issued = store.create("ingest", "newsroom", ["read"])
    store.revoke(issued.record.key_id)

    (listed,) = store.list()
    assert listed.revoked_at is not None
    with pytest.raises(UnknownKeyError, match="is revoked; create another"):
        store.rotate(issued.record.key_id)
    with pytest.raises(UnknownKeyError, match="is revoked"):
        store.revoke(issued.record.key_id)


def test_the_list_shows_each_key_once_oldest_first(store: KeyStore, clock) -> None:
    first = store.create("first", "newsroom", ["read"])
    clock.move(minutes=1)
    second = store.create("second", "*", ["read", "operate"])
    store.rotate(first.record.key_id)

    assert [(key.key_id, key.name) for key in store.list()] == [
        (first.record.key_id, "first"),
        (second.record.key_id, "second"),
    ]


def test_an_unknown_id_is_named(store: KeyStore) -> None:
    with pytest.raises(UnknownKeyError, match="there is no key 'nosuch'"):
        store.revoke("nosuch")
    assert store.get("nosuch") is None


def test_a_key_with_a_webhook_secret_says_where_it_is_kept(store: KeyStore, webhook_secrets) -> None:
    issued = store.create("ingest", "newsroom", ["submit"], webhook=True)

    assert issued.record.webhook_secret_name == f"backstay/test/webhook/{issued.record.key_id}"
    assert webhook_secrets.signing(issued.record.key_id) == (issued.webhook_secret,)


def test_a_key_can_get_its_webhook_secret_later(store: KeyStore, webhook_secrets, clock) -> None:
    issued = store.create("ingest", "newsroom", ["submit"])
    secret = store.renew_webhook_secret(issued.record.key_id)

    assert webhook_secrets.signing(issued.record.key_id) == (secret,)
    assert Authenticator("keys", clock).check(f"Bearer {issued.key}").webhook_secret_name


def test_revoking_a_key_ends_its_webhook_secret(store: KeyStore, webhook_secrets) -> None:
    issued = store.create("ingest", "newsroom", ["submit"], webhook=True)
    store.revoke(issued.record.key_id)

    described = aws.secretsmanager().describe_secret(SecretId=webhook_secrets.name_of(issued.record.key_id))
    assert "DeletedDate" in described
