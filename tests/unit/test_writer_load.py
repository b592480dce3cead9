"""Writing a run and reading it back."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import graph, graph_def, run_folder
from tracer.errors import NotFound, Unreadable, WriteFailed
from tracer.graph.lines import Frame
from tracer.graph.model import TensorType, Variable
from tracer.recorded import Argument, ModuleScope, Warned, Window
from tracer.store import writer
from tracer.store.load import load_run
from tracer.store.process import this_process
from tracer.store.writer import RunWriter, remove_run

TRACE = {
    "qualname": "Demo.f",
    "runtime_name": "__inference_f_7",
    "kind": "inference",
    "origin": "user",
    "arguments": [{"name": "x", "type": "float32[2]"}],
    "returns": "float32[]",
    "definition": {"file": "/a.py", "line": 3, "function": "f"},
    "call_site": {"file": "/a.py", "line": 9, "function": "<module>"},
    "cause": "first trace",
    "seconds": 0.5,
    "missing": {"hlo": "it is not jitted"},
}


def written(tmp_path: Path, **facts: Any) -> RunWriter:
    """Returns the writer of a run with one trace."""
    run = RunWriter(tmp_path, "demo", {"target": "demo", **facts})
    run.add_trace("f", TRACE, {"traced": graph_def("x:Add").SerializeToString(), "autograph": "f = é\n".encode()})
    return run


def edit(path: Path, **facts: Any) -> None:
    """Changes keys of a JSON file; None removes one."""
    changed = {**json.loads(path.read_text()), **facts}
    path.write_text(json.dumps({key: value for key, value in changed.items() if value is not None}))


def test_a_run_comes_back_whole(tmp_path: Path):
    """Everything that a finished run was told is read back."""
    run = written(tmp_path, parameters={"a": "3"}, versions={"tensorflow": "2.21.0"}, host={"os": "Linux"})
    run.finish(
        "complete",
        window={"steps": 5, "warmup": 1, "wall_ns": 900},
        calls=[{"name": "f", "status": "returned"}],
        warnings=[{"code": "no-profile", "message": "no profile", "hint": "install it"}, {"code": "c", "message": "m"}],
        traces={"000-f": {"calls": 6, "missing": {"optimized": "it never ran"}}},
    )
    loaded = load_run(run.path)

    assert (loaded.status, loaded.scenario, loaded.target, loaded.name) == (
        "complete",
        "demo",
        "demo",
        f"demo/{run.path.name}",
    )
    assert (loaded.parameters, loaded.versions, loaded.host) == ({"a": "3"}, {"tensorflow": "2.21.0"}, {"os": "Linux"})
    assert (loaded.window, loaded.error, loaded.calls) == (
        Window(5, 1, 900),
        "",
        ({"name": "f", "status": "returned"},),
    )
    assert loaded.warnings == (Warned("no-profile", "no profile", "install it"), Warned("c", "m"))


def test_a_trace_comes_back_whole(tmp_path: Path):
    """A trace keeps its facts, its calls and its stages, and says why it lacks the others."""
    run = written(tmp_path)
    run.finish("complete", traces={"000-f": {"calls": 6, "missing": {"optimized": "it never ran"}}})
    trace = load_run(run.path).functions["f"].traces[0]

    assert (trace.id, trace.qualname, trace.runtime_name, trace.calls, trace.seconds, trace.cause) == (
        "000-f",
        "Demo.f",
        "__inference_f_7",
        6,
        0.5,
        "first trace",
    )
    assert (trace.arguments, trace.returns) == ((Argument("x", "float32[2]"),), "float32[]")
    assert (trace.definition, trace.call_site) == (Frame("/a.py", 3, "f"), Frame("/a.py", 9, "<module>"))
    assert (trace.graph, trace.stage("autograph")) == (graph("x:Add"), "f = é\n")
    assert trace.stages == {
        "source": "it was not recorded",
        "autograph": "",
        "traced": "",
        "optimized": "it never ran",
        "hlo": "it is not jitted",
        "optimized_hlo": "it was not recorded",
    }


def test_a_stage_may_come_later(tmp_path: Path):
    """A stage that is added behind its trace is there when the run is read."""
    run = written(tmp_path)
    run.add_stage("000-f", "optimized", graph_def("y:Mul").SerializeToString())

    assert load_run(run.path).functions["f"].traces[0].stage("optimized") == graph("y:Mul")


def test_what_modules_tell_at_the_end_comes_back(tmp_path: Path):
    """Facts that are added to a trace leave the others, and replace what was a guess."""
    run = written(tmp_path)
    capture = {"node": "v", "name": "net/w:0", "kind": "variable", "type": "float32[2]", "trainable": False}
    run.complete_trace("000-f", captures=[{**capture, "optimizer": True}])
    run.complete_trace("000-f", modules=[{"scope": "net_1", "name": "net", "class": "Net", "kind": "layer"}])
    trace = load_run(run.path).functions["f"].traces[0]

    assert trace.modules == (ModuleScope("net_1", "net", "Net", "layer"),)
    assert trace.captures == {"v": Variable("net/w:0", TensorType("float32", (2,)), optimizer=True)}
    assert trace.qualname == "Demo.f"


def test_traces_are_numbered_as_they_come(tmp_path: Path):
    """Each trace gets the next number, and its name made safe."""
    run = written(tmp_path)

    assert [run.add_trace("f", TRACE, {}), run.add_trace("a/b", TRACE, {})] == ["001-f", "002-a_b"]


def test_threads_get_numbers_of_their_own(tmp_path: Path):
    """Functions that threads trace at once lose no folder."""
    run = RunWriter(tmp_path, "demo", {})
    threads = [threading.Thread(target=run.add_trace, args=("f", TRACE, {})) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [trace.id for trace in load_run(run.path).traces] == [f"{number:03d}-f" for number in range(16)]


def test_a_run_in_the_making_can_be_read(tmp_path: Path):
    """While its process lives a run reads as `recording`, with the traces so far and no time yet."""
    loaded = load_run(written(tmp_path).path)

    assert (loaded.status, loaded.seconds, list(loaded.functions)) == ("recording", None, ["f"])


def test_a_run_of_a_dead_process_reads_as_interrupted(tmp_path: Path):
    """A process that ended without a word leaves an interrupted run with the traces that it wrote."""
    code = (
        "import os, sys; from pathlib import Path; from tracer.store.writer import RunWriter\n"
        "run = RunWriter(Path(sys.argv[1]), 'demo', {}); run.add_trace('f', {}, {}); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    loaded = load_run(next(tmp_path.glob("demo/*")))

    assert (loaded.status, list(loaded.functions)) == ("interrupted", ["f"])


def test_a_half_written_trace_is_not_seen(tmp_path: Path):
    """A trace whose writing was cut off lies in a hidden folder, which readers pass."""
    run = written(tmp_path)
    (run.path / "functions" / ".001-g.tmp").mkdir()

    assert [trace.id for trace in load_run(run.path).traces] == ["000-f"]


@pytest.mark.parametrize("file", ["run.json", "functions/000-f/trace.json"])
def test_a_newer_format_is_refused_with_advice(tmp_path: Path, file: str):
    """What a later version wrote is not guessed at."""
    path = written(tmp_path).path
    edit(path / file, format=2)

    with pytest.raises(Unreadable) as caught:
        load_run(path)
    assert caught.value.message == f"{(path / file).parent} was written in format 2; this version reads up to 1"
    assert caught.value.hint == "pip install --upgrade trace-scenario"


@pytest.mark.parametrize("file", ["run.json", "functions/000-f/trace.json"])
def test_unknown_keys_are_ignored(tmp_path: Path, file: str):
    """A key that this version does not know changes nothing."""
    path = written(tmp_path).path
    before = load_run(path)
    edit(path / file, colour="blue")

    assert (path / file).read_text().count("blue") == 1
    assert (load_run(path).name, load_run(path).traces) == (before.name, before.traces)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "{path} is not valid JSON: Expecting value: line 1 column 1 (char 0)"),
        ('{"format": 1', "{path} is not valid JSON: Expecting ',' delimiter: line 1 column 13 (char 12)"),
        ("[1]", "{path} holds no JSON object"),
        ("{}", "{folder} does not say its format"),
        ('{"format": "1"}', "{folder} does not say its format"),
    ],
)
def test_a_damaged_run_file_is_unreadable(tmp_path: Path, content: str, message: str):
    """A run.json that is empty, cut off or something else says so and names itself."""
    folder = run_folder(tmp_path, "demo/20261123-021530")
    (folder / "run.json").write_text(content)

    with pytest.raises(Unreadable) as caught:
        load_run(folder)
    assert caught.value.message == message.format(path=folder / "run.json", folder=folder)


def test_nesting_without_end_is_unreadable(tmp_path: Path):
    """JSON that is nested deeper than Python follows is damaged, and no crash."""
    folder = run_folder(tmp_path, "demo/20261123-021530")
    (folder / "run.json").write_text("[" * 200_000)

    with pytest.raises(Unreadable):
        load_run(folder)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "is empty"), (b"\xff\xff\xff", "is no GraphDef: it ends inside the field at byte 0")],
)
def test_a_damaged_graph_is_unreadable(tmp_path: Path, content: bytes, problem: str):
    """A graph that is empty or no GraphDef is an error when it is asked for, not before."""
    run = written(tmp_path)
    run.add_stage("000-f", "traced", content)
    trace = load_run(run.path).functions["f"].traces[0]

    with pytest.raises(Unreadable) as caught:
        trace.stage("traced")
    assert caught.value.message == f"{run.path}/functions/000-f/graph.pb {problem}"


def test_a_run_without_traces_has_no_functions(tmp_path: Path):
    """A session that saw no function is a run all the same."""
    loaded = load_run(run_folder(tmp_path, "demo/20261123-021530"))

    assert (loaded.status, len(loaded.functions), loaded.traces) == ("complete", 0, ())
    with pytest.raises(NotFound):
        loaded.functions["f"]


def test_two_writers_of_one_second_get_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The second run of a second gets a number behind its stamp, the third the next."""

    class Clock(writer.datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 11, 23, 2, 15, 30, tzinfo=tz)

    monkeypatch.setattr(writer.datetime, "datetime", Clock)

    assert [RunWriter(tmp_path, "demo", {}).path.name for _ in range(3)] == [
        "20261123-021530",
        "20261123-021530-2",
        "20261123-021530-3",
    ]


def test_a_scenario_of_any_name_stays_below_the_log_folder(tmp_path: Path):
    """A name with separators is one folder, and the run remembers the name as it was."""
    run = RunWriter(tmp_path, "../../etc/x y", {})

    assert run.path.parent == tmp_path / "etc_x_y"
    assert load_run(run.path).scenario == "../../etc/x y"


def test_sources_are_kept_once_as_python_read_them(tmp_path: Path):
    """A file that lines refer to is copied; asking twice changes nothing, and `--no-source` leaves it out."""
    file = tmp_path / "model.py"
    file.write_text("x = 1\n")
    run = RunWriter(tmp_path / "logs", "demo", {})
    run.add_source(str(file))
    run.add_source(str(file))
    without = RunWriter(tmp_path / "logs", "bare", {}, keep_sources=False)
    without.add_source(str(file))

    assert [copy.read_text() for copy in (run.path / "sources").iterdir()] == ["x = 1\n"]
    assert not (without.path / "sources").exists()


def test_a_finished_run_knows_its_size(tmp_path: Path):
    """The end of a run says how many bytes it has, so that a list need not look."""
    run = written(tmp_path)
    run.finish("failed", error="ValueError: no")
    facts = json.loads((run.path / "run.json").read_text())
    before = sum(file.stat().st_size for file in run.path.glob("functions/**/*") if file.is_file())

    assert (facts["status"], facts["error"]) == ("failed", "ValueError: no")
    assert facts["bytes"] > before


def test_lone_surrogates_in_names_come_back(tmp_path: Path):
    """A name that is no valid text, as Python allows, is kept as it is."""
    run = RunWriter(tmp_path, "demo", {"target": "\udc80.py"})

    assert load_run(run.path).target == "\udc80.py"


def test_a_log_folder_that_is_a_file_cannot_be_written(tmp_path: Path):
    """A file in the place of the log folder is an error that says what to do."""
    (tmp_path / "logs").touch()

    with pytest.raises(WriteFailed) as caught:
        RunWriter(tmp_path / "logs", "demo", {})
    assert caught.value.hint == "a file stands where a folder should: choose another --logdir"


def test_no_file_is_left_aside(tmp_path: Path):
    """Everything that was written aside has been renamed."""
    run = written(tmp_path)
    run.finish("complete")

    assert sorted(str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()) == [
        "functions/000-f/autograph.py",
        "functions/000-f/graph.pb",
        "functions/000-f/trace.json",
        "run.json",
    ]


def test_a_removed_run_takes_its_empty_scenario_with_it(tmp_path: Path):
    """The scenario's folder goes with its last run, and stays while it has another."""
    first = run_folder(tmp_path, "demo/20261123-021530")
    second = run_folder(tmp_path, "demo/20261123-021531")
    (first / "functions").mkdir()
    remove_run(first)
    assert list((tmp_path / "demo").iterdir()) == [second]

    remove_run(second)
    assert list(tmp_path.iterdir()) == []


def test_a_removal_follows_no_link(tmp_path: Path):
    """What a link in a run points to is not the run's, and stays."""
    run = run_folder(tmp_path / "logs", "demo/20261123-021530")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (run / "link").symlink_to(tmp_path / "mine")
    remove_run(run)

    assert list((tmp_path / "mine").iterdir()) == [tmp_path / "mine" / "file"]


def test_the_writer_is_named_in_the_run(tmp_path: Path):
    """run.json says which process writes it, so that a reader can tell whether it lives."""
    assert json.loads((written(tmp_path).path / "run.json").read_text())["process"] == this_process()


@pytest.mark.parametrize("facts", [{"window": 3}, {"window": {"steps": 1}}, {"warnings": [{}]}, {"traces": [1]}])
def test_a_value_of_the_wrong_kind_is_unreadable(tmp_path: Path, facts: dict[str, Any]):
    """A run.json that is JSON, but not as a run is written, is damaged, and no crash of ours."""
    path = written(tmp_path).path
    edit(path / "run.json", **facts)

    with pytest.raises(Unreadable) as caught:
        load_run(path)
    assert caught.value.message.startswith(f"{path} is not as a run is written: ")


def test_a_run_that_does_not_say_who_writes_it_is_interrupted(tmp_path: Path):
    """Without a process, or with something else in its place, nobody is recording."""
    for process in (None, "me", {}):
        path = written(tmp_path).path
        edit(path / "run.json", process=process)

        assert load_run(path).status == "interrupted"
