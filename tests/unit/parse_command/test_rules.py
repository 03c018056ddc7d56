"""Commands understood by words alone."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parse_command.models import Intent, Understanding
from parse_command.rules import MOST_SURE, understand_by_rules

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday

_WORDS = st.sampled_from(
    (
        *(
            "create",
            "send",
            "email",
            "sms",
            '"Summer',
            'Sale"',
            "called",
            "status",
            "list",
            "campaigns",
            "how is",
            "doing",
        ),
        *("20%", "code", "SUMMER20", "tomorrow", "at 9am", "until", "December 24", "every Monday", "to all customers"),
        *(
            "2026-02-31",
            "31/12",
            "99",
            "in 999 weeks",
            "saying",
            "say",
            "“",
            "«",
            "subject:",
            "25:99pm",
            "#tag",
            "urgent",
        ),
        *("now", "help", "$10 off", "12am", "\u2018", "\u2019"),
    )
)
TEXTS = st.one_of(st.text(min_size=1, max_size=400), st.lists(_WORDS, min_size=1, max_size=60).map(" ".join))


def understand(text: str) -> Understanding:
    return understand_by_rules(text, NOON)


@given(TEXTS)
def test_any_text_is_understood_somehow_and_never_for_sure(text: str) -> None:
    understood = understand(text)
    assert 0 < understood.confidence <= MOST_SURE
    assert Understanding.model_validate_json(understood.model_dump_json()) == understood


@given(TEXTS)
def test_the_same_text_is_always_understood_the_same(text: str) -> None:
    assert understand(text) == understand(text)


@given(TEXTS)
def test_what_is_extracted_stands_in_the_text(text: str) -> None:
    found = understand(text).extracted_entities
    for phrase in (*found.dates, *found.percentages, *found.promo_codes, *found.audiences):
        assert phrase in text
    for channel in found.channels:
        assert channel in text.lower()


@pytest.mark.parametrize(
    "piece", ['say "', "say «", "to a ", "how is ", "show ", "code A", "1 ", "until ", "in 1 ", "A1"]
)
def test_the_longest_command_is_read_whatever_it_repeats(piece: str) -> None:
    understand((piece * 10_000)[:10_000])


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Create an email campaign for all subscribers", Intent.CREATE_EMAIL_CAMPAIGN),
        ("launch our newsletter", Intent.CREATE_EMAIL_CAMPAIGN),
        ("Run a campaign for Easter", Intent.CREATE_EMAIL_CAMPAIGN),
        ("Schedule a push notification for tonight", Intent.CREATE_EMAIL_CAMPAIGN),
        ("Send an SMS to our members", Intent.CREATE_SMS_CAMPAIGN),
        ("please send a text message to VIP customers", Intent.CREATE_SMS_CAMPAIGN),
        ("Start a text blast to everyone", Intent.CREATE_SMS_CAMPAIGN),
        ("How is the Summer Sale campaign doing?", Intent.GET_CAMPAIGN_STATUS),
        ("What is the status of my email campaign?", Intent.GET_CAMPAIGN_STATUS),
        ("campaign metrics please", Intent.GET_CAMPAIGN_STATUS),
        ("List my campaigns", Intent.LIST_CAMPAIGNS),
        ("show all active campaigns", Intent.LIST_CAMPAIGNS),
        ("which campaigns are there?", Intent.LIST_CAMPAIGNS),
        ("help", Intent.HELP),
        ("What can you do?", Intent.HELP),
        ("How do I create a campaign?", Intent.HELP),
        ("x", Intent.HELP),
    ],
)
def test_an_intent_is_told_by_its_words(text: str, intent: Intent) -> None:
    assert understand(text).intent is intent


@pytest.mark.parametrize(
    "text",
    [
        "Erstelle eine E-Mail-Kampagne für alle Kunden mit 20 % Rabatt",
        "Crée une campagne d'e-mails pour nos clients",
        "すべての顧客にメールを送って",
        "给所有客户发短信",
        "أنشئ حملة بريد إلكتروني",
        "Создай рассылку для всех клиентов",
        "🎉🎉🎉",
        "\u202e\u0000\ud7ff",
    ],
)
def test_other_languages_are_taken_for_what_looks_the_same_there(text: str) -> None:
    assert understand(text).confidence < MOST_SURE


def test_all_that_a_command_says_is_found() -> None:
    understood = understand(
        'Create an urgent email campaign called "Summer Sale" with subject "Up to 20% off" for all loyal customers, '
        'saying "Come in!", code SUMMER20, on December 5 at 5:30pm, valid until December 24 #summer'
    )
    said = understood.parameters
    assert (said.name, said.subject, said.message) == ("Summer Sale", "Up to 20% off", "Come in!")
    assert (said.audience, said.priority, said.tags) == ("all loyal customers", "high", ("summer",))
    assert said.type == "email"
    assert said.timing is not None
    assert (said.timing.type, said.timing.schedule_time) == ("scheduled", "2026-12-05T17:30:00Z")
    assert (said.offers.discount, said.offers.promo_code, said.offers.expiry) == ("20%", "SUMMER20", "December 24")
    found = understood.extracted_entities
    assert found.dates == ("December 5", "December 24")
    assert found.channels == ("email",)
    assert understood.summary == "Create an email campaign called Summer Sale for all loyal customers."


@pytest.mark.parametrize(
    ("text", "kind", "at", "frequency"),
    [
        ("send emails now", "immediate", None, None),
        ("send emails right away", "immediate", None, None),
        ("send emails tomorrow", "scheduled", "2026-11-26T09:00:00Z", None),
        ("send emails tomorrow at 9:15pm", "scheduled", "2026-11-26T21:15:00Z", None),
        ("send emails on Wednesday at 12am", "scheduled", "2026-12-02T00:00:00Z", None),
        ("send emails in 3 days", "scheduled", "2026-11-28T09:00:00Z", None),
        ("send emails in 2 hours", "scheduled", "2026-11-25T14:00:00Z", None),
        ("send emails on 2026-12-24 18:30", "scheduled", "2026-12-24T18:30:00Z", None),
        ("send emails on 24th of December 2027", "scheduled", "2027-12-24T09:00:00Z", None),
        ("send emails on March 1st", "scheduled", "2027-03-01T09:00:00Z", None),
        ("send emails weekly", "recurring", None, "weekly"),
        ("send emails every Monday at 8am", "recurring", "2026-11-30T08:00:00Z", "every monday"),
        ("announce the Black Friday sale by email now", "immediate", None, None),
    ],
)
def test_a_time_is_counted_from_when_the_command_was_given(
    text: str, kind: str, at: str | None, frequency: str | None
) -> None:
    timing = understand(text).parameters.timing
    assert timing is not None
    assert (timing.type, timing.schedule_time, timing.frequency) == (kind, at, frequency)


@pytest.mark.parametrize("text", ["send emails", "send emails until December 24", "send emails on 2026-02-31"])
def test_a_command_that_names_no_day_to_send_has_no_timing(text: str) -> None:
    assert understand(text).parameters.timing is None


def test_a_question_says_nothing_of_a_campaign_but_its_name() -> None:
    parameters = understand("What is the status of the Winter Sale campaign for our members?").parameters
    assert (parameters.name, parameters.audience) == ("Winter Sale", None)
