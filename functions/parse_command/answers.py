"""Answers to commands that create nothing."""

from collections.abc import Callable, Sequence

from backstay.campaigns.listing import Standing

from .models import Intent, Reply, Understanding

_EXAMPLES = (
    'Create an email campaign called "Summer Sale" for all subscribers with 20% off, code SUMMER20, tomorrow at 9am',
    'Send an SMS to our members saying "Doors open at six"',
    "How is the Summer Sale campaign doing?",
    "List my campaigns",
)


def answer_to(understood: Understanding, newest: Callable[[], Sequence[Standing]]) -> Reply | None:
    """What to answer; None where something is created.

    Args:
        understood: the command.
        newest: looks up the tenant's campaigns; called only where they are asked for.
    """
    match understood.intent:
        case Intent.HELP:
            return Reply(text="You can create campaigns, ask how they stand, and list them.", examples=_EXAMPLES)
        case Intent.LIST_CAMPAIGNS:
            return _told(tuple(newest()), "There are no campaigns yet.")
        case Intent.GET_CAMPAIGN_STATUS:
            name = understood.parameters.name
            return _told(
                _called(newest(), name), f"No campaign is called {name!r}." if name else "There are no campaigns."
            )
        case _:
            return None


def _called(campaigns: Sequence[Standing], name: str | None) -> tuple[Standing, ...]:
    if name is None:
        return tuple(campaigns)
    wanted = name.casefold()
    return tuple(one for one in campaigns if wanted in ((one.name or "").casefold(), one.campaign_id.casefold()))


def _told(campaigns: tuple[Standing, ...], none: str) -> Reply:
    if not campaigns:
        return Reply(text=none)
    return Reply(text="\n".join(map(_line, campaigns)), campaigns=campaigns)


def _line(one: Standing) -> str:
    state = f"{one.state.replace('_', ' ')}, " if one.state else ""
    return f"{one.name or one.campaign_id}: {state}drafts for {', '.join(one.channels)}, made {one.created_at}"
