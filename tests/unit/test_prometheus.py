"""Prometheus' text format, against Prometheus' own parser."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from api.prometheus import Family, Sample, summed, text


def test_a_family_has_its_help_its_type_and_its_samples():
    family = Family("backstay_jobs", "Jobs by task.", "gauge", (Sample(3, {"task": "obey"}), Sample(0.5, {})))
    assert text([family]).splitlines() == [
        "# HELP backstay_jobs Jobs by task.",
        "# TYPE backstay_jobs gauge",
        'backstay_jobs{task="obey"} 3',
        "backstay_jobs 0.5",
    ]


def test_what_nothing_was_measured_of_is_left_out():
    assert text([Family("a", "b", "gauge", ())]) == ""


@given(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_any_number_come_back_as_they_were(help_text, label, value):
    family = Family("backstay_x", help_text, "summary", summed({"task": label}, value, 2))
    (parsed,) = text_string_to_metric_families(text([family]))
    assert [(sample.name, sample.labels, sample.value) for sample in parsed.samples] == [
        ("backstay_x_sum", {"task": label}, value),
        ("backstay_x_count", {"task": label}, 2),
    ]
