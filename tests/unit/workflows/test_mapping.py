"""How a step's input follows from what there is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.workflows.mapping import UnresolvedRefError, refs_of, resolve

DOCUMENTS = {"input": {"names": ["Ann", "Bo"], "empty": None}, "parse": {"parameters": {"audience": "all"}}}

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5).filter(lambda k: k != "$ref"), inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5).filter(lambda k: k != "$ref"), plain, max_size=4))
def test_what_holds_no_reference_stands_for_itself(mapping):
    assert resolve(mapping, {}) == json.loads(json.dumps(mapping))
    assert list(refs_of(mapping)) == []


@given(plain)
def test_a_reference_stands_for_all_that_it_leads_to(value):
    mapping = {"a": [{"b": {"$ref": "step.value"}}]}
    assert resolve(mapping, {"step": {"value": value}}) == {"a": [{"b": value}]}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("input.names.1", "Bo"),
        ("input.empty", None),
        ("parse.parameters", {"audience": "all"}),
        ("input.names", ["Ann", "Bo"]),
    ],
)
def test_paths_lead_through_fields_and_entries(path, value):
    assert resolve({"x": {"$ref": path}}, DOCUMENTS) == {"x": value}


@pytest.mark.parametrize(
    "path", ["input.none", "input.names.2", "input.names.x", "input.names.0.x", "later.x", "later"]
)
def test_what_leads_nowhere_is_named_or_replaced_or_left_out(path):
    with pytest.raises(UnresolvedRefError, match=repr(path)):
        resolve({"x": {"$ref": path}}, DOCUMENTS)
    assert resolve({"x": {"$ref": path, "default": 7}}, DOCUMENTS) == {"x": 7}
    assert resolve({"x": {"$ref": path}, "y": [{"$ref": path}, 1]}, DOCUMENTS, leave_out=True) == {"y": [1]}


def test_references_are_found_wherever_they_stand():
    mapping = {"a": {"$ref": "input.a"}, "b": [{"c": {"$ref": "parse.c", "default": None}}]}
    found = list(refs_of(mapping))
    assert [(ref.source, ref.path, ref.is_optional) for ref in found] == [
        ("input", "input.a", False),
        ("parse", "parse.c", True),
    ]
