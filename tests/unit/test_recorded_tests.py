"""What is said at the end of the tests that were recorded."""

import hashlib
from pathlib import Path

import pytest

from tracer.render.text import Style
from tracer.render.text import recorded_tests as page
from tracer.report.recorded_tests import RecordedTest, recorded_tests_report
from tracer.testing.kept import graph_file
from tracer.testing.recording import run_name, summary

TESTS = [
    RecordedTest("t.py::test_a", 1, 2, 1, 1234, "/logs/t.test_a/1", graphs={"graphs/t/test_a.graph": "same"}),
    RecordedTest("t.py::test_b", 2, 3, 2, 5, "/logs/t.test_b/1", graphs={"graphs/t/test_b.graph": "written"}),
    RecordedTest("t.py::test_b", 1, 1, 0, 5, "/logs/t.test_b/2", graphs={"graphs/t/test_b.graph": "written"}),
    RecordedTest("t.py::test_c"),
    RecordedTest("t.py::test_d", problem="it has a session of its own"),
    RecordedTest("t.py::test_f", problem="no space left"),
    RecordedTest("t.py::test_g", problem="no space left"),
    RecordedTest("t.py::test_e", recorded=False, graphs={"graphs/t/test_e.graph": "not compared"}),
]


def test_the_summary_lists_runs_and_sums_them():
    """The most retraced run first; then how many tests traced anything, what was not recorded, what was written."""
    report = recorded_tests_report(TESTS, "/logs", top=0)

    assert page.recorded_tests(report, Style(width=80)) == (
        "test           functions   traces   retraces   nodes\n"
        "────────────────────────────────────────────────────\n"
        "t.py::test_b           2        3          2       5\n"
        "t.py::test_a           1        2          1   1,234\n"
        "t.py::test_b           1        1          0       5\n"
        "2 of 3 tests: 4 functions, 6 traces, 3 retraces; 3 runs in /logs\n"
        "not recorded: t.py::test_d: it has a session of its own\n"
        "not recorded: t.py::test_f and 1 test more: no space left\n"
        "graph written: graphs/t/test_b.graph\n"
        "next: trace-scenario show /logs/t.test_b/1\n"
    )


def test_the_summary_says_what_it_leaves_out():
    """Beyond so many runs the rest is a number, and counts in the sums."""
    said = page.recorded_tests(recorded_tests_report(TESTS, "/logs", top=1), Style(width=80)).splitlines()

    assert said[2].split() == ["t.py::test_b", "2", "3", "2", "5"]
    assert said[3:5] == [
        "... and 2 runs more: -v shows all",
        "2 of 3 tests: 4 functions, 6 traces, 3 retraces; 3 runs in /logs",
    ]


def test_tests_that_trace_nothing_are_a_number():
    """Where no test traced a function there is no table."""
    report = recorded_tests_report([RecordedTest("t.py::test_c"), RecordedTest("t.py::test_f")], "/logs", top=0)

    assert page.recorded_tests(report, Style(width=80)) == "none of 2 tests traced a function\n"


def test_without_the_option_only_written_graphs_are_news():
    """Tests with a marker are recorded too; where they are in order there is nothing to say of them."""
    tests = [one.as_json() for one in TESTS]

    assert summary(tests, "/logs", top=0, all_tests=False, width=80) == "graph written: graphs/t/test_b.graph\n"
    assert summary(tests[3:], "/logs", top=0, all_tests=False, width=80) == ""


@pytest.mark.parametrize(
    ("test", "number", "file"),
    [
        ("test_step", 1, "test_step"),
        ("test_step", 3, "test_step-3"),
        ("TestStep.test_a", 1, "TestStep.test_a"),
        ("test_step[train-2]", 1, "test_step[train-2]"),
        ("test_step[train]", 2, "test_step[train]-2"),
        ("test_step[a/b]", 1, "test_step_a_b-{}"),
        ("test_step[../x]", 2, "test_step_.._x-{}-2"),
        ("test_step[]", 1, "test_step-{}"),
        ("test_step[a]b]", 1, "test_step_a_b-{}"),
        ("test_" + "x" * 300, 1, "test_" + "x" * 55 + "-{}"),
    ],
)
def test_each_test_has_a_file_of_its_own(test: str, number: int, file: str):
    """A test's name is its file's, where every file system takes it; else with a digest that tells it from others."""
    digest = hashlib.sha256(test.encode()).hexdigest()[:8]
    expected = Path(f"tests/graphs/test_model/{file.format(digest)}.graph")

    assert graph_file(Path("tests/test_model.py"), test, number) == expected


def test_a_long_name_is_cut_in_its_middle():
    """Tests with parameters differ at their ends; folders are not shown."""
    test = RecordedTest(f"tests/unit/test_model.py::test_{'x' * 40}[train]", 1, 1, 0, 5, "/logs/t/1")
    said = page.recorded_tests(recorded_tests_report([test], "/logs", top=0), Style(width=80)).splitlines()

    assert said[2].split()[0] == "test_model.py::test_" + "…" + "x" * 12 + "[train]"
    assert len(said[2]) <= 80


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("test_m.test_a", "test_m.test_a"),
        ("test_m.Test.test_a[train-2]", "test_m.Test.test_a[train-2]"),
        ("test_m.test_a[b/c]", "test_m.test_a[b/c]"),
        ("test_m.test_a[..]", "test_m.test_a-{}"),
        ("test_m.test_" + "x" * 60, "test_m.test_" + "x" * 39 + "-{}"),
    ],
)
def test_runs_of_each_test_have_a_name_of_their_own(test: str, name: str):
    """A name that the log folder would cut has a digest of the whole."""
    assert run_name(test) == name.format(hashlib.sha256(test.encode()).hexdigest()[:8])
