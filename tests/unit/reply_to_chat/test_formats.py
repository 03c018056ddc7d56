"""From Markdown to what a channel shows."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reply_to_chat.formats import convert

WORDS = st.text("abcxyzäß0123", min_size=1, max_size=8)
PHRASES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
MARKED = st.one_of(
    PHRASES,
    PHRASES.map("**{}**".format),
    PHRASES.map("__{}__".format),
    PHRASES.map("***{}***".format),
    PHRASES.map("~~{}~~".format),
    PHRASES.map("[{}](https://example.com/x)".format),
)
SENTENCES = st.lists(MARKED, min_size=1, max_size=4).map(" ".join)
BLOCKS = st.one_of(
    SENTENCES,
    st.tuples(st.integers(1, 6), SENTENCES).map(lambda found: f"{'#' * found[0]} {found[1]}"),
    st.tuples(st.sampled_from("*+-•"), SENTENCES).map(" ".join),
    st.sampled_from(["---", "***", "* * *", ""]),
)
DOCUMENTS = st.lists(BLOCKS, max_size=8).map("\n".join)
ANYTHING = st.one_of(DOCUMENTS, st.text(), st.text("*_~`#-+•[]()ab \n"))


@pytest.mark.parametrize(
    ("markdown", "whatsapp", "plain"),
    [
        ("**bold**", "*bold*", "bold"),
        ("__bold__", "*bold*", "bold"),
        ("***both***", "*both*", "both"),
        ("**a** and **b**", "*a* and *b*", "a and b"),
        ("*light*", "*light*", "light"),
        ("_light_", "_light_", "light"),
        ("~~gone~~", "~gone~", "gone"),
        ("# Title", "*Title*", "Title"),
        ("### A **strong** title ###", "*A strong title*", "A strong title"),
        ("* one\n+ two\n• three\n- four", "- one\n- two\n- three\n- four", "- one\n- two\n- three\n- four"),
        ("  * nested **b**", "  - nested *b*", "  - nested b"),
        ("1. one", "1. one", "1. one"),
        ("a\n---\nb", "a\n\nb", "a\n\nb"),
        ("[site](https://a.b/c)", "site (https://a.b/c)", "site (https://a.b/c)"),
        ("[https://a.b](https://a.b)", "https://a.b", "https://a.b"),
        ("snake_case_name and 4*5*6", "snake_case_name and 4*5*6", "snake_case_name and 4*5*6"),
        ("`**x**`", "`**x**`", "**x**"),
        ("```py\n# x = **y\n```", "```\n# x = **y\n```", "# x = **y"),
        ("#hashtag", "#hashtag", "#hashtag"),
        ("**half", "*half", "half"),
        ("2 ** 3", "2 * 3", "2 ** 3"),
        ("", "", ""),
    ],
)
def test_marks_become_what_the_channel_shows(markdown, whatsapp, plain):
    assert convert(markdown, "whatsapp") == whatsapp
    assert convert(markdown, "plain") == plain
    assert convert(markdown, "markdown") == markdown


@given(ANYTHING)
@example("****")
@example("** a ** **b**")
def test_no_heading_and_no_double_asterisk_reaches_whatsapp_outside_of_code(text):
    shown = re.sub(r"`[^`\n]+`", "", re.sub(r"(?ms)^[ \t]*```.*?(^```$|\Z)", "", convert(text, "whatsapp")))
    assert "**" not in shown
    assert not re.search(r"(?m)^ {0,3}#{1,6} ", shown)
    assert not re.search(r"(?m)^[ \t]*[*+•][ \t]", shown)


@given(DOCUMENTS)
def test_what_whatsapp_shows_stays_as_it_is_when_converted_again(text):
    shown = convert(text, "whatsapp")
    assert convert(shown, "whatsapp") == shown


@given(DOCUMENTS, st.sampled_from(["plain", "whatsapp"]))
def test_every_word_stays_and_no_line_is_added(text, channel):
    shown = convert(text, channel)
    assert re.findall(r"\w+", shown.replace("_", " ")) == re.findall(r"\w+", text.replace("_", " "))
    assert len(shown.splitlines()) <= len(text.splitlines())


@given(DOCUMENTS)
def test_plain_text_has_no_marks(text):
    assert not re.search(r"\*\w|\w\*|~~|^#", convert(text, "plain"))


@given(st.text("*_~`#[]()! ab", max_size=400), st.sampled_from(["plain", "whatsapp"]))
def test_no_text_makes_it_hang_or_fail(text, channel):
    convert(text * 10, channel)
