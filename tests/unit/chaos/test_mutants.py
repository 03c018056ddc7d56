"""Who has noticed a bug: only a test that fails by what it asserts."""

import pytest

from tests.chaos.known_bugs import KNOWN_BUGS
from tests.chaos.mutants import Found, Judged, judged

PASSED = '<testcase name="fine"/>'
ASSERTED = '<testcase name="wrong"><failure message="AssertionError: assert 2 == 1"/></testcase>'
NOT_RAISED = '<testcase name="mild"><failure message="Failed: DID NOT RAISE &lt;class ValueError&gt;"/></testcase>'
RAISED = '<testcase name="broken"><failure message="ImportError: no such name"/></testcase>'
NOT_COLLECTED = '<testcase name=""><error message="collection failure"/></testcase>'


@pytest.mark.parametrize(
    ("tests", "expected", "is_caught"),
    [
        ((PASSED,), Judged(1, 0), False),
        ((PASSED, ASSERTED, NOT_RAISED), Judged(1, 2), True),
        ((ASSERTED, RAISED), Judged(0, 1, ("ImportError: no such name",)), False),
        ((NOT_COLLECTED,), Judged(0, 0, ("collection failure",)), False),
        ((), Judged(0, 0), False),
    ],
)
def test_a_bug_is_caught_by_assertions_alone(tests: tuple[str, ...], expected: Judged, is_caught: bool) -> None:
    found = judged(f"<testsuites><testsuite>{''.join(tests)}</testsuite></testsuites>")
    assert found == expected
    assert Found(KNOWN_BUGS[0], found).is_caught is is_caught
