import pytest

from tracer.store.schema import RUN, TRACE, check


def test_what_is_right_passes():
    """Keys that nobody knows, absent ones, and null where it may stand are all well."""
    check({}, RUN)
    check({"format": 1, "unknown": [], "window": None, "seconds": 1, "traces": {"000-f": {"calls": None}}}, RUN)
    check({"call_site": None, "lines": {"stacks": [[0, 1], []], "nodes": {"": {"x": 0}}}}, TRACE)


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ([], "it is not an object"),
        ({"status": 1}, "its 'status' is not a text"),
        ({"window": {"steps": -1}}, "its 'window.steps' is not a whole number"),
        ({"window": {"steps": True}}, "its 'window.steps' is not a whole number"),
        ({"seconds": float("nan")}, "its 'seconds' is not a time in seconds"),
        ({"seconds": 1e308}, "its 'seconds' is not a time in seconds"),
        ({"calls": [{}, 7]}, r"its 'calls\[1\]' is not an object"),
        ({"traces": {"000-f": {"missing": {"hlo": 1}}}}, "its 'traces.000-f.missing.hlo' is not a text"),
        ({"functions": None}, "its 'functions' is not a whole number"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(facts, problem):
    """The message leads to the value."""
    with pytest.raises(ValueError, match=f"^{problem}$"):
        check(facts, RUN)
