"""The window as a value, and when a profile has grown enough."""

import json

import pytest

from tracer.capture.finish import once
from tracer.capture.limits import steady_growth
from tracer.recorded import Raised, Window
from tracer.render.text.show import show
from tracer.render.text.style import Style
from tracer.report.show import show_report
from tracer.store.load import load_run
from tracer.store.writer import RunWriter


def test_passes_are_all_that_the_program_ran():
    """Warm-up, the pass without the profiler, the step that instantiates, and the window's steps add up."""
    assert Window(4, 3, 90, bare_step_ns=(1, 2, 3, 4), fresh=True).passes == 3 + 4 + 1 + 4


def test_steps_that_ran_after_the_profiler_stopped_are_passes_too():
    """A window that was stopped after 2 of 4 steps had the other two run without the profiler."""
    assert Window(2, 0, 90, bare_step_ns=(1, 2, 3, 4), fresh=True).passes == 4 + 1 + 4


def test_a_window_of_an_older_run_had_no_other_pass(tmp_path):
    """A run from before these keys loads, and says that it knows no more than it does."""
    writer = RunWriter(tmp_path, "old", {"target": "old"})
    writer.finish("complete", window={"steps": 5, "warmup": 1, "wall_ns": 900}, warnings=[])
    window = load_run(writer.path).window

    assert window == Window(5, 1, 900, step_ns=(), bare_step_ns=(), fresh=False, incomplete="")
    assert window.passes == 6


def test_a_window_is_read_as_it_was_written(tmp_path):
    """Times of steps, and what may be missing, are there again."""
    facts = {"steps": 2, "warmup": 1, "wall_ns": 9, "step_ns": [4, 5], "bare_step_ns": [3, 3], "fresh": True}
    writer = RunWriter(tmp_path, "new", {"target": "new"})
    writer.finish("complete", window={**facts, "incomplete": "f ran before"}, warnings=[])

    assert load_run(writer.path).window == Window(2, 1, 9, (4, 5), (3, 3), fresh=True, incomplete="f ran before")
    assert json.loads((writer.path / "run.json").read_text())["window"]["step_ns"] == [4, 5]


def test_steps_without_a_window_are_read_as_they_were_written(tmp_path):
    """A run that came to no window has the times of its steps, without its first call, and the step that raised."""
    writer = RunWriter(tmp_path, "new", {"target": "new"})
    raised = {"pass": "bare", "step": 2}
    writer.finish("failed", bare_step_ns=[90, 5], warmup=0, raised=raised, error="ValueError: no good", warnings=[])
    run = load_run(writer.path)
    page = show(show_report(run), Style()).splitlines()

    assert (run.window, run.bare_step_ns, run.settled_ns, run.raised) == (None, (90, 5), (5,), Raised("bare", 2))
    assert page[1] == "2 steps of 5 ns without the profiler"
    assert page[2] == "error: in step 2 of the pass without the profiler: ValueError: no good"


@pytest.mark.parametrize(
    ("growth", "steady"),
    [
        ([], 0),
        ([10, 10], 0),  # too few to know what is usual
        ([10, 10, 10, 10], 40),
        ([10, 10, 9_000, 10], 40),  # a program's weights
        ([9_000, 9_000, 0, 0], 0),
        ([0, -50, 0, 20], 0),
    ],
)
def test_growth_that_comes_at_once_is_not_the_profiles(growth, steady):
    """Events come evenly, so what is usual in an interval counts, and what is not does not."""
    assert steady_growth(growth) == steady


class Exported:
    """A FunctionGraphs message, as far as it is looked at."""

    def __init__(self, before, after):
        self.pre_optimization_graph = self
        self.after = after
        self._before = before

    def SerializeToString(self, *, deterministic):  # noqa: N802  # as protobuf calls it
        """Returns what the graph was before it was optimised."""
        assert deterministic
        return self._before


@pytest.mark.parametrize(
    ("exported", "kept"),
    [
        ("a1 b2 a3 b4", "a1 b2"),
        ("a1 a2 a3 a4", "a1 a2"),  # two functions with equal graphs
        ("a1 b2 a3", "a1 b2"),  # one ran before only
        ("a1 a2 b3 b4 c5", "a1 b3 c5"),  # one had been instantiated before the session
    ],
)
def test_a_graph_that_was_instantiated_again_counts_once(exported, kept):
    """Of each graph the first half stays: as many as there were before functions were instantiated again."""
    assert [each.after for each in once(Exported(text[0], text) for text in exported.split())] == kept.split()
