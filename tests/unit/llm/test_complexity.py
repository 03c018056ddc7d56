"""How demanding a prompt is taken to be, and where it goes."""

import pytest

from backstay.llm.complexity import Tier, TieredRoutes, choose_routes, complexity

ANDS = "a and b and c and d and e. "


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", Tier.LOW),
        ("Write a greeting.", Tier.LOW),
        ("one and two and three and four", Tier.LOW),
        (ANDS, Tier.MEDIUM),
        ("Add personalization.", Tier.MEDIUM),
        ("A DYNAMIC Template", Tier.MEDIUM),
        ("sand band landing", Tier.LOW),
        ("x" * 1_000, Tier.LOW),
        ("x" * 1_001, Tier.MEDIUM),
        ("x" * 2_001, Tier.MEDIUM),
        ("personalization of a dynamic template", Tier.HIGH),
        (ANDS + "dynamic " + "x" * 1_000, Tier.HIGH),
        (ANDS + "dynamic templates with personalization " + "x" * 2_000, Tier.HIGH),
    ],
)
def test_a_prompt_has_a_tier(prompt: str, expected: Tier) -> None:
    assert complexity(prompt) is expected


def test_routes_come_from_the_first_who_has_any_for_the_tier_before_all_tiers() -> None:
    task = TieredRoutes(tiers={Tier.HIGH: ("task/high",)})
    file = TieredRoutes(("file/any",), {Tier.MEDIUM: ("file/medium",)})
    hard, middling, easy = "personalization of a dynamic template", "a template", "hello"
    assert choose_routes(hard, task, file) == ("task/high",)
    assert choose_routes(middling, task, file) == ("file/medium",)
    assert choose_routes(easy, task, file) == ("file/any",)
    assert choose_routes(middling, TieredRoutes(("task/any",)), file) == ("task/any",)
    assert choose_routes(easy, TieredRoutes(), TieredRoutes()) == ()
