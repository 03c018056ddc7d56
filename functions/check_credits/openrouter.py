"""OpenRouter's word about an account: what its key may spend, and what its credit is."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from backstay.credit import Balance
from backstay.errors import BackstayError
from backstay.outbound.sender import Bounds, Request, Response, Sends

ADDRESS = "https://openrouter.ai/api/v1"

_BOUNDS = Bounds(body_bytes=65_536)


class CheckFailed(BackstayError):  # noqa: N818 - an outcome of the check
    """The credit could not be learned; says why, without the key."""


def balance_of(sender: Sends, base_url: str, api_key: str) -> Balance:
    """Ask for both.

    Args:
        sender: sends requests.
        base_url: where OpenRouter is, such as `https://openrouter.ai/api/v1`.
        api_key: whose account.

    Raises:
        CheckFailed: the answer is none.
        WorkError: there was no answer, or the address may not be called.
    """
    key = _data(sender, f"{base_url.rstrip('/')}/key", api_key)
    account = _data(sender, f"{base_url.rstrip('/')}/credits", api_key)
    return read_balance(key, account)


def read_balance(key: Mapping[str, Any], account: Mapping[str, Any]) -> Balance:
    """What the two answers come to: a key may have a limit of its own, and the account has what was bought. Pure.

    Raises:
        CheckFailed: a number is none.
    """
    bought, used = _usd(account, "total_credits"), _usd(account, "total_usage")
    left = [_usd(key, "limit_remaining"), None if bought is None or used is None else bought - used]
    return Balance(
        remaining_usd=min((amount for amount in left if amount is not None), default=None),
        used_today_usd=_usd(key, "usage_daily"),
        used_this_week_usd=_usd(key, "usage_weekly"),
        used_this_month_usd=_usd(key, "usage_monthly"),
        is_free_tier=bool(key.get("is_free_tier", False)),
    )


def _data(sender: Sends, url: str, api_key: str) -> Mapping[str, Any]:
    headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
    response = sender.send(Request(url, "GET", headers, bounds=_BOUNDS))
    if response.status != 200:
        raise CheckFailed(f"{_last_part(url)} answered {response.status}{_remedy(response)}")
    try:
        data = json.loads(response.body, parse_float=Decimal)["data"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckFailed(f"{_last_part(url)} answered something that is not its JSON") from error
    if not isinstance(data, dict):
        raise CheckFailed(f"{_last_part(url)} answered {type(data).__name__} for 'data', not an object")
    return data


def _remedy(response: Response) -> str:
    return "; is the key right? backstay secrets set" if response.status in (401, 403) else ""


def _last_part(url: str) -> str:
    return "GET /" + url.rsplit("/", 1)[-1]


def _usd(data: Mapping[str, Any], name: str) -> Decimal | None:
    value = data.get(name)
    if value is None:
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise CheckFailed(f"{name} = {str(value)[:50]!r} is no amount") from error
    if not amount.is_finite():
        raise CheckFailed(f"{name} = {str(value)[:50]!r} is no amount")
    return amount
