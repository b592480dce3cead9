"""pytest with the plugin, where nothing is traced."""

import re

import pytest

pytest_plugins = ["pytester"]


def outcome_of(pytester: pytest.Pytester, test: str, *arguments: str) -> str:
    """Runs one file of tests in this process, and returns what pytest printed."""
    pytester.makepyfile(test)
    pytester.makeini("[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n")
    return str(pytester.runpytest_inprocess("-p", "no:timeout", "-p", "no:xdist", *arguments).stdout)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ("max_retrace=1", "no limit is named 'max_retrace'\nhint: did you mean 'max_retraces'?"),
        ("max_nodes='many'", "max_nodes is 'many'\nhint: a number, 0 or more: max_nodes=1"),
        ("no_findings=['retracin']", "no rule of lint is named 'retracin'\nhint: did you mean 'retracing'?"),
        ("3", "it takes keywords only, as in trace(max_retraces=1), and not 3"),
    ],
)
def test_a_wrong_marker_says_what_is_wrong(pytester: pytest.Pytester, marker: str, said: str):
    """The test is an error before it runs, in the words of the command line, and without our own lines."""
    output = outcome_of(pytester, f"import pytest\n@pytest.mark.trace({marker})\ndef test_it(): raise SystemExit\n")

    assert f"ERROR at setup of test_it ___\n@pytest.mark.trace: {said}\n" in re.sub("_{3,}", "___", output)
    assert "1 error in" in output


def test_the_marker_and_the_options_are_documented(pytester: pytest.Pytester):
    """`pytest --markers` and `pytest --help` say what there is."""
    assert "@pytest.mark.trace(max_retraces=None, max_nodes=None, no_findings=()): " in str(
        pytester.runpytest_inprocess("--markers").stdout
    )
    shown = str(pytester.runpytest_inprocess("--help").stdout)
    assert re.findall(r"--(?:trace-scenario[\w-]*|update-graphs)", shown) == [
        "--trace-scenario",
        "--trace-scenario-logdir",
        "--trace-scenario-profile",
        "--update-graphs",
    ]


def test_assert_graph_is_for_tests(pytester: pytest.Pytester):
    """Outside of a test there is no name to keep a graph by."""
    pytester.makepyfile("from tracer.pytest_plugin import assert_graph\nassert_graph(len)\n")
    output = str(pytester.runpytest_subprocess().stdout)

    assert "assert_graph was called outside of a test" in output
    assert "hint: call it in a test: the graph is kept by the test's name" in output
