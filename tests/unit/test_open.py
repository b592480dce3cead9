"""From what a user names to a run, ours or another tool's."""

import json
import os

import pytest

from tests.helpers import graph, graph_def, run_folder
from tests.unit.test_foreign_events import functions, tag, write
from tests.unit.test_foreign_saved_model import meta_graph, saved_model
from tracer.errors import NotFound, Unreadable
from tracer.recorded import Warned
from tracer.store.load import load_run
from tracer.store.open import open_run
from tracer.store.writer import RunWriter


def recorded(logdir):
    """Returns the folder of a run with two traces."""
    run = RunWriter(logdir, "demo", {})
    for name in "fg":
        run.add_trace(name, {}, {"traced": graph_def(f"{name}:Add").SerializeToString()})
    run.finish("complete")
    return run.path


def names(run):
    """Returns the names of a run's functions."""
    return list(run.functions)


def test_a_run_of_ours_comes_first(tmp_path, monkeypatch):
    """A scenario's name is its newest run, also where a folder of that name lies about."""
    run_folder(tmp_path / "logs", "demo/20261123-021530")
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)

    assert open_run("demo", tmp_path / "logs").name == "demo/20261123-021530"
    assert open_run("logs/demo/20261123-021530", tmp_path / "other").name == "demo/20261123-021530"


def test_a_log_folder_is_a_run(tmp_path):
    """A folder of TensorBoard's has the graphs of all files below it, those of our runs' exports too."""
    write(tmp_path / "tb/train/events.out.tfevents.1", tag("f", "graph_run_metadata", functions(("x:Mul", ""))))
    run = open_run(str(tmp_path / "tb"), tmp_path / "logs")

    assert (run.path, run.name, names(run)) == (str(tmp_path / "tb"), "tb", ["train/f"])


def test_a_single_event_file_is_a_run(tmp_path):
    """A file can be named instead of its folder."""
    file = write(tmp_path / "my.tfevents", tag("f", "graph_run_metadata", functions(("x:Mul", ""))))

    assert names(open_run(str(file), tmp_path / "logs")) == ["f"]


def test_a_saved_model_is_its_folder(tmp_path):
    """A SavedModel is named by its folder, or by the file in it."""
    (tmp_path / "model").mkdir()
    file = saved_model(tmp_path / "model/saved_model.pb", meta_graph())
    run = open_run(str(tmp_path / "model"), tmp_path / "logs")

    assert (run.path, run.name, run.target) == (str(tmp_path / "model"), "model", str(tmp_path / "model"))
    assert names(open_run(str(file), tmp_path / "logs")) == names(run) == ["serving_default", "layer.call"]


def test_a_graph_file_beside_an_unusable_log_folder_is_read(tmp_path):
    """What lies at a path needs no log folder."""
    (tmp_path / "logs").touch()
    (tmp_path / "g.pb").write_bytes(graph_def("x:Add").SerializeToString())

    assert open_run(str(tmp_path / "g.pb"), tmp_path / "logs").traces[0].graph == graph("x:Add")


def test_what_is_not_there_is_not_found(tmp_path):
    """A name that is neither a run nor a path is the error of `find_run`."""
    run_folder(tmp_path, "demo/20261123-021530")

    with pytest.raises(NotFound) as caught:
        open_run("demmo", tmp_path)
    assert (caught.value.message, caught.value.hint) == ("no run named 'demmo'", "did you mean 'demo'?")


@pytest.mark.parametrize("reference", ["x" * 5000, "a\0b", ""])
def test_a_name_that_no_file_can_have_is_not_found(tmp_path, reference):
    """Names that are too long, or hold a zero byte, are no crash."""
    with pytest.raises(NotFound) as caught:
        open_run(reference, tmp_path)
    assert caught.value.message.startswith("no run named '")
    assert len(caught.value.message) < 200


def test_a_folder_with_nothing_to_read_says_what_was_looked_for(tmp_path):
    """The error on a folder lists what would have been read."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(Unreadable) as caught:
        open_run(str(tmp_path / "empty"), tmp_path / "logs")
    assert caught.value.message == f"{tmp_path / 'empty'} holds nothing that can be read"
    assert caught.value.hint == (
        "looked for: a run of ours (run.json), a SavedModel (saved_model.pb), event files (*tfevents*), "
        "or profiles (*.xplane.pb), also in its subfolders"
    )


def test_a_folder_with_a_graph_file_says_to_name_it(tmp_path):
    """Which of a folder's graph files is meant, only the user knows."""
    for name in ("b.pbtxt", "a.pb"):
        (tmp_path / name).touch()

    with pytest.raises(Unreadable) as caught:
        open_run(str(tmp_path), tmp_path / "logs")
    assert caught.value.hint == "it has a.pb: name the file"


def test_a_folder_that_may_not_be_listed_says_why(tmp_path, monkeypatch):
    """A folder without the right to read it is an error with the system's reason."""

    def denied(path):
        raise PermissionError(13, "Permission denied", path)

    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "scandir", denied)

    with pytest.raises(Unreadable) as caught:
        open_run(str(tmp_path / "locked"), tmp_path / "logs")
    assert caught.value.message == f"cannot read {tmp_path / 'locked'}: Permission denied"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "x"}', '{"format": 1, "arguments": [1]}'])
def test_a_damaged_trace_is_a_warning(tmp_path, content):
    """One bad trace.json takes no run with it: its graph is still shown, and all others whole."""
    path = recorded(tmp_path)
    (path / "functions/000-f/trace.json").write_text(content)
    run = load_run(path)

    assert {trace.name: trace.graph for trace in run.traces} == {"f": graph("f:Add"), "g": graph("g:Add")}
    [warned] = run.warnings
    assert (warned.code, warned.hint) == (
        "damaged",
        "'f' is shown with what its other files tell; record the run again",
    )
    assert f"{path}/functions/000-f" in warned.message


def test_a_damaged_graph_leaves_the_other_traces(tmp_path):
    """One bad graph.pb is an error when it is asked for; the run and its other graphs are read."""
    path = recorded(tmp_path)
    (path / "functions/000-f/graph.pb").write_bytes(b"\xff")
    bad, good = load_run(path).traces

    assert good.graph == graph("g:Add")
    with pytest.raises(Unreadable) as caught:
        bad.stage("traced")
    assert caught.value.message == f"{path}/functions/000-f/graph.pb is no GraphDef: it ends inside the field at byte 0"


def test_warnings_of_the_recording_stay(tmp_path):
    """What the recording warned of comes before what reading found."""
    path = recorded(tmp_path)
    facts = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**facts, "warnings": [{"code": "c", "message": "m"}]}))
    (path / "functions/001-g/trace.json").unlink()
    warnings = load_run(path).warnings

    assert warnings[0] == Warned("c", "m")
    assert [warned.code for warned in warnings] == ["c", "damaged"]
