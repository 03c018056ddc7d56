"""The local scores: bounded, repeatable, quick, and moved by what they say they are moved by."""

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enhance_story.models import Story
from enhance_story.scores import local_scores

words = st.sampled_from(["the", "revolutionary", "could", "privacy", "bias", "4%", "!", "according", "to", "amazing"])
texts = st.one_of(st.text(min_size=1, max_size=2000), st.lists(words, min_size=1).map(" ".join))
stories = st.builds(
    Story,
    id=st.just("1"),
    title=texts.map(lambda text: text[:300]),
    content=texts,
    impact_tags=st.lists(st.text(min_size=1, max_size=60), max_size=20).map(tuple),
)

SOBER = "According to data from the company, sales rose 4% to 12.3 million units in the third quarter."


def story(content: str = SOBER, title: str = "Chip maker reports sales", tags: tuple[str, ...] = ()) -> Story:
    return Story(id="1", title=title, content=content, impact_tags=tags)


@given(stories)
def test_scores_are_bounded_and_have_one_decimal(a_story: Story) -> None:
    scores = local_scores(a_story)
    for score in (scores.hype_score, scores.ethics_score):
        assert 0 <= score <= 10
        assert score == round(score, 1)


@given(stories)
def test_the_same_story_always_gets_the_same_scores(a_story: Story) -> None:
    assert local_scores(a_story) == local_scores(Story.model_validate_json(a_story.model_dump_json()))


@given(stories)
def test_the_id_of_a_story_has_no_part_in_its_scores(a_story: Story) -> None:
    assert local_scores(a_story.model_copy(update={"id": "another"})) == local_scores(a_story)


@pytest.mark.parametrize(
    "louder",
    [
        story(SOBER + " It is a revolutionary breakthrough."),
        story(SOBER + " Experts say it could change everything."),
        story(title="An amazing chip"),
        story(SOBER.replace("4%", "much").replace("12.3 million", "many")),
        story(SOBER.replace("According to data from the company, ", "")),
        story(SOBER + "!!!"),
    ],
)
def test_superlatives_vagueness_and_missing_figures_and_sources_raise_hype(louder: Story) -> None:
    assert local_scores(louder).hype_score > local_scores(story()).hype_score


@pytest.mark.parametrize("term", ["privacy", "bias", "safety", "consent", "workers"])
def test_a_question_of_ethics_raises_its_score(term: str) -> None:
    assert local_scores(story(f"{SOBER} It is about {term}.")).ethics_score > local_scores(story()).ethics_score


def test_impact_tags_raise_ethics_and_more_so_where_they_name_a_question_of_it() -> None:
    plain, tagged, named = (local_scores(story(tags=tags)).ethics_score for tags in ((), ("energy",), ("Privacy",)))
    assert plain < tagged < named


def test_ten_kilobytes_take_less_than_a_millisecond() -> None:
    long = story((SOBER + " The most amazing chip could help everyone, experts say. ") * 70)
    assert len(long.content) > 10_000
    assert min(timeit.repeat(lambda: local_scores(long), number=5, repeat=40)) / 5 < 0.001
