"""The secrets that sign webhooks."""

import base64

import pytest
from standardwebhooks import Webhook

from backstay.access.webhook_secrets import WebhookSecretError, WebhookSecrets


def test_a_secret_is_one_that_standard_webhooks_can_sign_with(webhook_secrets: WebhookSecrets, clock) -> None:
    secret = webhook_secrets.renew("k1")

    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert Webhook(secret).sign("msg_1", clock.now, "{}").startswith("v1,")


def test_a_replaced_secret_signs_for_a_day_more(webhook_secrets: WebhookSecrets, clock) -> None:
    old = webhook_secrets.renew("k1")
    new = webhook_secrets.renew("k1")

    assert webhook_secrets.signing("k1") == (new, old)
    clock.move(hours=24)
    assert webhook_secrets.signing("k1") == (new,)


def test_replacing_twice_in_a_day_strands_no_receiver(webhook_secrets: WebhookSecrets, clock) -> None:
    first = webhook_secrets.renew("k1")
    second = webhook_secrets.renew("k1")
    clock.move(hours=12)
    third = webhook_secrets.renew("k1")

    assert webhook_secrets.signing("k1") == (third, second, first)
    clock.move(hours=13)
    assert webhook_secrets.signing("k1") == (third, second)


def test_a_key_without_secret_is_told_how_to_get_one(webhook_secrets: WebhookSecrets) -> None:
    with pytest.raises(WebhookSecretError, match="backstay keys rotate k1 --webhook"):
        webhook_secrets.signing("k1")


def test_deleting_what_is_not_there_is_harmless(webhook_secrets: WebhookSecrets) -> None:
    webhook_secrets.delete("k1")


def test_a_secret_that_waits_for_its_deletion_is_no_secret(webhook_secrets: WebhookSecrets) -> None:
    webhook_secrets.renew("k1")
    webhook_secrets.delete("k1")

    with pytest.raises(WebhookSecretError, match="k1"):
        webhook_secrets.signing("k1")
