"""The table of deviations holds nothing that no test pins."""

from pathlib import Path

from tests.contract import deviations


def test_every_deviation_is_pinned_by_a_test():
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    clouds = ("ACCEPTED", "MEMORY", "MINISTACK", "MOTO")
    names = [name for name in vars(deviations) if name.isupper() and name not in clouds]
    assert names
    assert not [name for name in names if f"but={name}" not in tests]
