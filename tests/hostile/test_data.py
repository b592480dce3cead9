"""Files that once crashed a command, or kept it busy for ever. What each holds, its name says."""

import json
from pathlib import Path

import pytest

from tests.hostile import wire as w
from tests.hostile.verbs import outcome
from tracer import api

DATA = Path(__file__).parent.parent / "data"

# What the graphs come to that are not answered; the limit refuses them.
TOO_LARGE = {"calls-double-40-times.pb", "functions-call-each-other-12.pb"}
# Runs and traces that are odd, but hold what they have to.
READABLE = {"terminal-codes.json", "a-call-without-a-name.json"}


def files(folder):
    """Returns the parameters of a test for each file in a folder."""
    found = sorted((DATA / folder).iterdir())
    assert found
    return [pytest.param(path, id=path.stem) for path in found]


@pytest.mark.parametrize("path", files("graphs"))
def test_a_graph_file_is_answered_or_too_large(path):
    """All commands agree on it, and what they print is printable."""
    assert outcome(path) == ("TooLarge" if path.name in TOO_LARGE else "answered")


@pytest.mark.parametrize("path", files("models"))
def test_a_damaged_keras_model_is_unreadable(path):
    """The JSON of a model whose values are of other types than Keras gives them."""
    assert outcome(path) == "Unreadable"


@pytest.mark.parametrize("path", files("runs"))
def test_a_damaged_run_is_unreadable(path, tmp_path):
    """A `run.json` whose values are of other types than they have to be is refused by every command, and listed."""
    folder = recorded(tmp_path, run=path.read_text())

    assert outcome(folder, tmp_path) == ("answered" if path.name in READABLE else "Unreadable")
    [row] = api.runs(logdir=tmp_path).runs.items
    assert (row.status == "unreadable") == (path.name not in READABLE)
    assert path.name in READABLE or "is not as a run is written: its '" in row.warning


@pytest.mark.parametrize("path", files("traces"))
def test_a_damaged_trace_is_a_warning(path, tmp_path):
    """With a `trace.json` whose values are of other types, the graph beside it is shown, and the warning says why."""
    folder = recorded(tmp_path, trace=path.read_text())

    assert outcome(folder, tmp_path) == "answered"
    warnings = api.show(str(folder), logdir=tmp_path).run.warnings
    assert ["is not as a trace is written" in warned.message for warned in warnings] == (
        [] if path.name in READABLE else [True]
    )


def test_the_files_are_small():
    """They lie in the repository for ever."""
    assert all(path.stat().st_size < 30_000 for path in DATA.rglob("*") if path.is_file())


def recorded(logdir, *, run="", trace=""):
    """Makes the folder of a run with one trace."""
    folder = logdir / "demo" / "20261123-021530"
    inner = folder / "functions" / "000-f"
    inner.mkdir(parents=True)
    whole = {"format": 1, "status": "complete", "scenario": "demo", "started": "2026-11-23T02:15:30.000+00:00"}
    (folder / "run.json").write_text(run or json.dumps(whole))
    (inner / "trace.json").write_text(trace or json.dumps({"format": 1, "name": "f"}))
    nodes = [w.node("x", "Placeholder", dtype=w.a_type(1)), w.node("net/y", "Relu", ("x",), T=w.a_type(1))]
    (inner / "graph.pb").write_bytes(w.graph(nodes))
    return folder
