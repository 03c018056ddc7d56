"""What DynamoDB charges, against the examples and rules of its developer guide."""

import pytest

from bench.capacity import (
    Index,
    Table,
    index_write_units,
    item_bytes,
    read_units,
    stored_bytes,
    table_write_units,
)

JOBS = Table("jobs", ("id", "part"), (Index("by_state", ("state_key", "state_at")),))


def record(state: str, at: str, **more: dict[str, str]) -> dict[str, dict[str, str]]:
    keys = {"id": {"S": "j"}, "part": {"S": "state"}}
    return {**keys, "state_key": {"S": state}, "state_at": {"S": at}, **more}


@pytest.mark.parametrize(
    ("attribute", "size"),
    [
        ({"S": "abc"}, 3),
        ({"S": "ü"}, 2),
        ({"B": b"1234"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"N": "0"}, 2),
        ({"N": "123456789"}, 6),
        ({"N": "-12"}, 3),
        ({"N": "1000000"}, 2),
        ({"L": [{"S": "ab"}]}, 3 + 1 + 2),
        ({"M": {"k": {"S": "ab"}}}, 3 + 1 + 1 + 2),
    ],
)
def test_an_attribute_counts_its_name_and_its_value(attribute: dict[str, object], size: int) -> None:
    assert item_bytes({"name": attribute}) == 4 + size


def test_a_set_is_not_something_that_is_written_here() -> None:
    with pytest.raises(ValueError, match="SS"):
        item_bytes({"names": {"SS": ["a"]}})


def test_a_write_costs_a_unit_for_each_kilobyte_begun_of_the_larger_image() -> None:
    small, large = {"a": {"S": "x" * 100}}, {"a": {"S": "x" * 1024}}
    assert table_write_units(None, small) == 1
    assert table_write_units(None, large) == 2
    assert table_write_units(large, small) == 2
    assert table_write_units(None, None) == 1, "a write that was refused is charged too"


def test_an_index_entry_that_moves_is_deleted_and_put_anew() -> None:
    waiting, active = record("waiting", "1"), record("active", "2")
    assert index_write_units(JOBS, None, waiting) == 1
    assert index_write_units(JOBS, waiting, active) == 2
    assert index_write_units(JOBS, active, None) == 1


def test_a_keys_only_index_does_not_notice_what_it_does_not_hold() -> None:
    assert index_write_units(JOBS, record("active", "2"), record("active", "2", note={"S": "half-way"})) == 0


def test_an_index_that_projects_everything_is_written_with_every_change() -> None:
    keys = Table("keys", ("key_hash",), (Index("by_list", ("list",), keys_only=False),))
    before = {"key_hash": {"S": "h"}, "list": {"S": "keys"}}
    assert index_write_units(keys, before, {**before, "name": {"S": "new"}}) == 1


def test_an_item_without_an_index_key_is_not_in_the_index() -> None:
    assert index_write_units(JOBS, None, {"id": {"S": "j"}, "part": {"S": "input"}}) == 0


def test_a_read_costs_by_four_kilobytes_and_half_when_it_may_be_stale() -> None:
    assert read_units(100, consistent=True) == 1
    assert read_units(5000, consistent=True) == 2
    assert read_units(100, consistent=False) == 0.5


def test_storage_counts_each_index_entry_with_its_hundred_bytes() -> None:
    item = record("waiting", "1")
    entry = item_bytes({name: item[name] for name in ("state_key", "state_at", "id", "part")})
    assert stored_bytes(JOBS, item) == item_bytes(item) + entry + 100
