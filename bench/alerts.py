"""How soon people hear of what goes wrong: from a fault in the embedded cloud to the message at the Slack receiver."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import httpx

from bench.embedded import calling, embedded
from bench.faults import Alarming, Fault, Faults
from bench.figures import Figure, Part
from bench.run import Run
from cli.local.alert_channels import SLACK
from cli.local.cloud import Wish
from cli.local.state import LocalCloud

NAMES = ("alert_latency_s",)
_LOOK_EVERY_S, _LONGEST_S = 0.05, 180.0


class SilentError(Exception):
    """Nobody heard of a fault."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One alert that has come."""

    rule: str
    after_s: float
    is_real: bool
    """Whether it went wrong from the beginning, and not only in what is measured."""


def measure(run: Run) -> list[Figure]:
    """One fault after the other, each until all of its alerts have come."""
    with embedded(run, Wish()) as cloud, calling(cloud) as http:
        faults = Faults(cloud, http)
        chosen = [fault for fault in faults.all() if fault.is_real or not run.quick]
        with run.progress("alerts", len(chosen)) as step:
            heard: list[Heard] = []
            for fault in chosen:
                heard += listen(cloud, fault)
                step()
    return [latency_of(heard)]


def listen(cloud: LocalCloud, fault: Fault) -> Iterator[Heard]:
    """Let it happen, and wait until people have read of all that it raises.

    Raises:
        SilentError: names what nobody has read of.
    """
    began, missing = time.monotonic(), list(fault.raises)
    fault.happen()
    while missing:
        texts = read(cloud)
        for alarming in [one for one in missing if has_come(one, texts)]:
            missing.remove(alarming)
            yield Heard(alarming.rule, time.monotonic() - began, fault.is_real)
        if missing and time.monotonic() - began > _LONGEST_S:
            raise SilentError(f"nobody heard of {', '.join(one.words for one in missing)} within {_LONGEST_S:g} s")
        time.sleep(_LOOK_EVERY_S)


def read(cloud: LocalCloud) -> list[str]:
    """What has come to the local Slack receiver."""
    deliveries = httpx.get(f"{cloud.inbox_url}/alerts/{SLACK}", trust_env=False).raise_for_status().json()
    return [json.loads(delivery["body"])["text"] for delivery in deliveries]


def has_come(alarming: Alarming, texts: Sequence[str]) -> bool:
    """Whether one of the texts is about it."""
    return any(alarming.words in text for text in texts)


def latency_of(heard: Sequence[Heard]) -> Figure:
    """The median of all rules, with each of them beside it."""
    slowest = max(heard, key=lambda one: one.after_s)
    return Figure(
        "alert_latency_s", median(one.after_s for one in heard), "s",
        "From a fault in the embedded cloud to the message at the local Slack receiver: the median over the built-in "
        "rules, one at a time.",
        parts=tuple(Part(one.rule, one.after_s, _how(one)) for one in sorted(heard, key=lambda one: one.after_s)),
        note=f"The slowest is {slowest.rule}, {slowest.after_s:.1f} s. On AWS, CloudWatch itself takes a minute or two "
        "to measure and to judge, which the emulator does in seconds; what functions see themselves goes as fast.",
    )  # fmt: skip


def _how(one: Heard) -> str:
    return "a real fault" if one.is_real else "what it would measure or tell, in its stead"
