"""What follows from a command that is understood. Pure."""

from collections.abc import Sequence

from backstay.llm.cache_key import normalised

from .models import Insights, Intent, Parameters, Understanding, Workflow

SURE = 0.8
"""Above this a command can be carried out as it is understood."""
UNCLEAR = 0.7
"""Below this it should be asked again."""
_SIMILAR = 0.5

_CONTINUATIONS: dict[Intent, tuple[str, ...]] = {
    Intent.CREATE_EMAIL_CAMPAIGN: ("validate_audience", "generate_content", "schedule_send"),
    Intent.CREATE_SMS_CAMPAIGN: ("validate_phone_numbers", "check_opt_ins", "schedule_send"),
    Intent.GET_CAMPAIGN_STATUS: ("format_status_report", "check_metrics"),
    Intent.LIST_CAMPAIGNS: (),
    Intent.HELP: ("show_available_commands", "provide_examples"),
}


def workflow_of(run_id: str, understood: Understanding, insights: Insights) -> Workflow:
    """What a run does next, by intent, timing and confidence."""
    return Workflow(
        run_id=run_id,
        recommended_next_actions=_recommended(understood),
        continuation=_CONTINUATIONS[understood.intent],
        can_proceed=understood.confidence > SURE,
        requires_approval=understood.intent.creates,
        insights=insights,
    )


def insights_of(text: str, earlier: Sequence[str], earlier_in_all: int) -> Insights:
    """What earlier commands of the run tell.

    Args:
        text: this command.
        earlier: the last of those before it, the oldest first.
        earlier_in_all: how many there were.
    """
    similar = tuple(other for other in reversed(earlier) if _likeness(text, other) >= _SIMILAR)
    return Insights(commands_in_run=earlier_in_all + 1, similar_recent=similar)


def completed(understood: Understanding, priority: str | None) -> Understanding:
    """With what the intent says of the channel, and the priority that came beside the words."""
    parameters = understood.parameters
    changes: dict[str, object] = {}
    if understood.intent.creates:
        channel = parameters.type or _CHANNEL_OF[understood.intent]
        changes = {"type": channel, "channels": tuple(dict.fromkeys((channel, *parameters.channels)))}
    if priority:
        changes["priority"] = priority
    checked = Parameters.model_validate(parameters.model_dump() | changes)
    return understood.model_copy(update={"parameters": checked})


_CHANNEL_OF = {Intent.CREATE_EMAIL_CAMPAIGN: "email", Intent.CREATE_SMS_CAMPAIGN: "sms"}


def _recommended(understood: Understanding) -> tuple[str, ...]:
    actions = []
    if understood.intent.creates and understood.parameters.timing is None:
        actions.append("schedule_campaign")
    if understood.confidence < UNCLEAR:
        actions.append("clarify_requirements")
    return tuple(actions)


def _likeness(one: str, other: str) -> float:
    """Words that two texts share, as a part of all their words; 0 to 1."""
    ours, theirs = set(normalised(one).split()), set(normalised(other).split())
    return len(ours & theirs) / len(ours | theirs) if ours and theirs else 0.0
