"""What of a chat is sent, and what is left out when it is too much."""

from hypothesis import given
from hypothesis import strategies as st

from backstay.llm.context import (
    ROOMS,
    Conversation,
    Document,
    estimated_tokens,
    first_that_fits,
    relevant,
)
from backstay.llm.request import Message

LONG = "word " * 4_000
TURNS = st.builds(Message, st.sampled_from(["user", "assistant"]), st.text(max_size=300))
CHATS = st.builds(
    Conversation,
    st.text(max_size=50),
    st.lists(st.builds(Document, st.text(max_size=20), st.text(max_size=9_000), st.sampled_from(["", "pricing"]))),
    st.lists(TURNS, max_size=30),
    st.text(min_size=1, max_size=4_000),
)


def turns(count: int) -> list[Message]:
    return [Message("user" if number % 2 == 0 else "assistant", f"turn {number}") for number in range(count)]


def test_all_of_a_short_chat_is_sent_in_order() -> None:
    chat = Conversation("Be kind.", [Document("Hours", "Nine to five.")], turns(2), "And on Sundays?")
    assert chat.within(ROOMS[0]) == (
        Message("system", "Be kind.\n\n# What you know\n\n## Hours\nNine to five."),
        Message("user", "turn 0"),
        Message("assistant", "turn 1"),
        Message("user", "And on Sundays?"),
    )


def test_history_is_the_last_ten_messages_cut_to_two_hundred_characters() -> None:
    sent = Conversation("", [], [*turns(30), Message("user", LONG), Message("assistant", LONG)], "Now?").within(
        ROOMS[0]
    )
    assert len(sent) == 11
    assert {len(message.content) for message in sent[-3:-1]} == {200}


def test_history_never_begins_with_the_model() -> None:
    sent = Conversation("", [], turns(11), "Now?").within(ROOMS[0])
    assert [message.role for message in sent[:2]] == ["user", "assistant"]
    assert sent[0].content == "turn 2"


def test_documents_are_cut_and_those_about_prices_later() -> None:
    chat = Conversation("", [Document("A", LONG), Document("B", LONG, "pricing")], [], "?")
    plain, pricing = chat.within(ROOMS[0])[0].content.removeprefix("# What you know\n\n").split("\n\n")
    assert len(plain) == len("## A\n") + 5_000
    assert len(pricing) == len("## B\n") + 8_000


def test_of_many_documents_the_ten_that_share_most_words_are_sent_in_their_order() -> None:
    documents = [Document(f"Number {number}", "about nothing") for number in range(20)]
    documents[3] = Document("Returns", "how to return a broken kettle")
    documents[17] = Document("Kettles", "KETTLES and warranty")
    found = relevant(documents, "Can I return my kettle? Kettles should not leak.")
    assert len(found) == 10
    assert documents[3] in found
    assert documents[17] in found
    assert list(found) == sorted(found, key=documents.index)


def test_a_chat_shrinks_to_five_messages_and_short_documents_and_then_to_the_message() -> None:
    sizes = Conversation("Be kind.", [Document("A", LONG)], turns(20), "Now?").sizes()
    assert [len(messages) for messages in sizes] == [12, 6, 2]
    assert len(sizes[1][0].content) < 600
    assert sizes[2] == (Message("system", "Be kind."), Message("user", "Now?"))


def test_what_can_not_shrink_has_one_size() -> None:
    assert Conversation("", [], [], "Now?").sizes() == ((Message("user", "Now?"),),)


@given(CHATS)
def test_no_size_is_larger_than_the_one_before_and_each_ends_with_the_message(chat: Conversation) -> None:
    sizes = chat.sizes()
    lengths = [estimated_tokens(messages) for messages in sizes]
    assert lengths == sorted(lengths, reverse=True)
    for messages in sizes:
        assert messages[-1] == Message("user", chat.message)
        assert messages[0].role != "assistant"


def test_the_largest_size_that_fits_with_its_answer_is_sent_first() -> None:
    sizes = [[Message("user", "x" * characters)] for characters in (4_000, 400, 40)]
    assert first_that_fits(sizes, None, 100) == 0
    assert first_that_fits(sizes, 1_100, 100) == 0
    assert first_that_fits(sizes, 1_099, 100) == 1
    assert first_that_fits(sizes, 200, 100) == 1
    assert first_that_fits(sizes, 3, 100) == 2, "whether the smallest fits, the provider knows better"
