"""Targets in several modes: each in a process of its own, and what TensorFlow does in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tracer
from tests.integration.conftest import trace_scenario
from tracer.capture.modes import Mode
from tracer.capture.record import Settings, record_calls
from tracer.capture.returned import arrays
from tracer.discover.declare import Call
from tracer.recorded import Run, Trace
from tracer.report.modes import ModeRow, ModesReport

PROGRAM = """
import tensorflow as tf

w = tf.Variable(tf.random.normal([8, 4]))

@tf.function(jit_compile=True)
def product(x):
    return {"y": x @ w, "size": tf.shape(x)}

@tf.function
def noisy(x):
    return x + tf.random.uniform([8])

def broken(x):
    raise ValueError("no good")
"""


@pytest.fixture(autouse=True)
def nothing_stays_on() -> Iterator[None]:
    """Modes are for processes of their own; here they are put back."""
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Returns a file with functions to record."""
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    return file


def in_mode(tmp_path: Path, name: str, *calls: Call, steps: int = 1, warmup: int = 1) -> tuple[Run, Mode]:
    """Records calls in a mode, in this process."""
    mode, settings = Mode(name), Settings(steps=steps, warmup=warmup, logdir=tmp_path, profile=False)
    with mode.in_effect():
        run = record_calls("test", mode.calls_of(lambda: calls, settings, loaded=False), settings)
    return run, mode


def jitted(run: Run) -> dict[str, bool]:
    """Returns which functions of the user's XLA compiled."""
    return {trace.name: trace.jit_compile for trace in run.traces if trace.origin != "tensorflow"}


def rows_of(report: Run | ModesReport) -> dict[str, ModeRow]:
    """Returns the rows of a report by their modes."""
    assert isinstance(report, ModesReport)
    return {row.mode: row for row in report.modes}


def test_modes_are_recorded_each_as_a_run_and_compared(program: Path, tmp_path: Path) -> None:
    """The same numbers come out in all of them, though the variable starts with random ones; XLA runs fewer kernels."""
    logdir = tmp_path / "logs"
    rows = rows_of(
        tracer.run(f"{program}:product", inputs=["x=float32[16,8]"], modes=("graph", "xla", "eager"), logdir=logdir)
    )

    assert [row.status for row in rows.values()] == ["complete"] * 3
    for row in rows.values():
        assert row.run is not None
        assert json.loads(Path(row.run.path, "run.json").read_text(encoding="utf-8"))["mode"] == row.mode
        assert row.step_ns
        assert row.first_call_ns
        assert row.first_call_ns > row.step_ns
        assert row.rss_bytes
    graph = rows["graph"]
    assert graph.notes == ("jit_compile=True of 'product' is put aside",)
    assert rows["xla"].notes == rows["eager"].notes == ()
    assert 0 < (graph.tracing_ns or 0) < (graph.first_call_ns or 0)
    assert rows["eager"].tracing_ns == 0
    assert graph.difference is None
    assert graph.run is not None
    assert graph.run.scenario == "product"
    assert graph.run.functions["product"].traces[0].call_site is None  # no line of the program's calls it
    for mode in ("xla", "eager"):
        difference = rows[mode].difference
        assert difference is not None
        assert difference.values == 2 * (16 * 4 + 2)  # of two calls
        assert difference.relative is not None
        assert difference.relative < 1e-6
    assert len(list((logdir / "product").iterdir())) == 3


def test_random_numbers_are_told_from_a_difference(program: Path, tmp_path: Path) -> None:
    """A function that draws other numbers in each mode is not comparable."""
    rows = rows_of(
        tracer.run(f"{program}:noisy", inputs=["x=float32[8]"], modes=("eager", "graph"), logdir=tmp_path / "logs")
    )

    assert rows["graph"].difference is not None
    assert rows["graph"].difference.absolute is None
    assert rows["graph"].difference.reason == "not comparable: random (RandomUniform)"


def test_what_xla_refuses_leaves_the_other_modes(tmp_path: Path) -> None:
    """The row says which op it is, the exit code that a mode is missing, and stdout is one object."""
    done = trace_scenario("run", "demo_module", "--modes", "graph,xla", "--json", "--logdir", tmp_path)
    items = json.loads(done.stdout)["modes"]["items"]

    assert done.returncode == 7
    assert [(item["mode"], item["status"], item["error"]) for item in items] == [
        ("graph", "complete", ""),
        ("xla", "failed", "XLA does not compile StringFormat"),
    ]
    assert items[0]["kernels"] == 5
    assert "variable = 5" in done.stderr


def test_a_program_that_fails_in_every_mode_has_failed(program: Path, tmp_path: Path) -> None:
    """Exit code 1, and the runs that are kept are named."""
    done = trace_scenario(
        "run", f"{program}:broken", "--input", "x=float32[8]", "--modes", "eager", "--logdir", tmp_path / "logs"
    )

    assert done.returncode == 1
    assert "eager: ValueError: no good: trace-scenario show broken/" in done.stdout


def test_a_program_that_cannot_be_imported_is_told_once(tmp_path: Path) -> None:
    """No mode mends that: its traceback is shown, cut to its own frames, and nothing else is tried."""
    file = tmp_path / "wrong.py"
    file.write_text("import no_such_module\n\ndef f(): ...\n", encoding="utf-8")
    done = trace_scenario("run", f"{file}:f", "--modes", "eager,graph", "--logdir", tmp_path / "logs")

    assert done.returncode == 1
    assert done.stderr.count("ModuleNotFoundError: No module named 'no_such_module'") == 2  # the traceback, the error
    assert done.stderr.count("  File ") == 1


def test_a_saved_model_is_compiled_but_does_not_run_eagerly(tmp_path: Path) -> None:
    """It has graphs and no Python, so its eager row says so, and the first mode that there is is compared with."""
    module = tf.Module()
    module.serve = tf.function(lambda x: {"y": 2.0 * x}, input_signature=[tf.TensorSpec([4], tf.float32, name="x")])
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.serve)
    report = tracer.run(str(tmp_path / "saved"), modes=("eager", "graph", "xla"), logdir=tmp_path / "logs")
    rows = rows_of(report)

    assert isinstance(report, ModesReport)
    assert report.compared_with == "graph"
    assert (rows["eager"].status, rows["eager"].run) == ("not possible", None)
    assert rows["xla"].difference is not None
    assert rows["xla"].difference.absolute == 0.0
    assert rows["xla"].run is not None
    assert any(trace.jit_compile for trace in rows["xla"].run.traces)


def test_wrong_parameters_are_usage_errors_of_the_command(tmp_path: Path) -> None:
    """What is known only when the target is loaded is told as it is without modes."""
    done = trace_scenario("run", "demo_module", "-p", "b=1", "--modes", "graph", "--logdir", tmp_path)

    assert done.returncode == 2
    assert done.stderr.endswith(
        "error: scenario 'demo_module' has no parameter 'b'\nhint: its parameters: init_value, a\n"
    )


def test_the_graph_mode_puts_xla_aside_also_in_what_is_called_inside(tmp_path: Path) -> None:
    """Neither a function with jit_compile=True nor one that it calls is compiled."""
    inner = named("inner", lambda x: x + 1.0, jit_compile=True)
    outer = named("outer", lambda x: inner(x) * 2.0)
    run, mode = in_mode(tmp_path, "graph", Call(outer, tf.ones([2])))

    assert jitted(run) == {"inner": False, "outer": False}
    assert mode.notes == ["jit_compile=True of 'inner' is put aside"]


def test_the_xla_mode_compiles_what_python_calls(tmp_path: Path) -> None:
    """Also what was a part of another function before."""
    inner = named("inner", lambda x: x + 1.0)
    outer = named("outer", lambda x: inner(x) * 2.0)
    run, mode = in_mode(tmp_path, "xla", Call(lambda x: inner(outer(x)), tf.ones([2])))

    assert [(trace.name, trace.jit_compile) for trace in called(run)] == [("inner", True), ("outer", True)]
    assert mode.notes == []


def test_a_function_that_is_given_an_iterator_stays_a_graph_around_what_is_compiled(tmp_path: Path) -> None:
    """XLA has no iterators, so the training loop that takes one is not compiled, and the step in it is."""
    step = named("step", lambda x: x * 2.0)
    loop = named("loop", lambda iterator: step(next(iterator)))
    elements = iter(tf.data.Dataset.from_tensors(tf.ones([2])).repeat())
    run, _ = in_mode(tmp_path, "xla", Call(loop, elements))

    assert jitted(run) == {"step": True, "loop": False}


def test_a_method_is_compiled_for_its_object(tmp_path: Path) -> None:
    """TensorFlow makes a function of its own for each object."""

    class Doubled(tf.Module):
        @tf.function
        def double(self, x: tf.Tensor) -> tf.Tensor:
            return 2.0 * x

    run, _ = in_mode(tmp_path, "xla", Call(Doubled().double, tf.ones([2])))

    assert jitted(run) == {"double": True}


def test_a_function_that_was_traced_before_cannot_be_compiled_and_is_named(tmp_path: Path) -> None:
    """The building of a target may have called it already."""
    function = named("function", lambda x: x + 1.0)
    function(tf.ones([2]))
    _, mode = in_mode(tmp_path, "xla", Call(function, tf.ones([2])))

    assert mode.notes == ["'function' was traced before the recording, and runs without XLA"]


def test_nothing_stays_of_a_mode(tmp_path: Path) -> None:
    """Functions are what they were when the mode is over."""
    function = named("function", lambda x: x + 1.0, jit_compile=True)
    in_mode(tmp_path, "graph", Call(function, tf.ones([2])))

    assert function._jit_compile is True
    assert "_jit_compile" not in vars(type(function))


def test_the_eager_mode_runs_python_each_time(tmp_path: Path) -> None:
    """No function is traced, and the Python in it runs in every call."""
    seen = []

    def body(x: tf.Tensor) -> tf.Tensor:
        seen.append(tf.executing_eagerly())
        return x + 1.0

    run, mode = in_mode(tmp_path, "eager", Call(tf.function(body), tf.ones([2])), steps=2, warmup=1)

    assert seen == [True] * 3
    assert (jitted(run), mode.tracing_ns) == ({}, 0)


def test_the_first_call_is_timed_without_what_recording_took(tmp_path: Path) -> None:
    """It has the tracing of the call, of inner functions once, and no more than the wall time."""
    inner = named("inner", lambda x: x + 1.0)
    outer = named("outer", lambda x: inner(x) * 2.0)
    run, mode = in_mode(tmp_path, "graph", Call(outer, tf.ones([2])))
    [whole] = [trace for trace in run.traces if trace.name == "outer"]

    assert whole.seconds is not None
    assert 0 < mode.tracing_ns <= whole.seconds * 1e9 * 1.1
    assert mode.tracing_ns < mode.first_call_ns


def test_results_are_kept_of_the_calls_that_warm_up(tmp_path: Path) -> None:
    """Two of each call; where there is no second one before the steps are timed, one."""
    variable = tf.Variable(0.0)
    add = tf.function(lambda: {"sum": variable.assign_add(1.0)})
    _, two = in_mode(tmp_path, "graph", Call(add).named("add"), steps=3, warmup=2)
    _, one = in_mode(tmp_path, "graph", Call(add).named("add"), Call(add).named("add"), steps=3, warmup=0)

    assert {call: float(found["['sum']"]) for call, found in two.results.items()} == {
        "call 1 of add": 1.0,
        "call 2 of add": 2.0,
    }
    assert list(one.results) == ["call 1 of add", "call 1 of add (2)"]


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (lambda: [tf.constant([1, 2]), {"a": (None, 3.5)}], {"[0]": [1, 2], "[1]['a'][1]": 3.5}),
        (lambda: tf.constant(["x\0", "y"]), {"": ["7800", "79"]}),
        (lambda: tf.ragged.constant([[1], [2, 3]]), {".0": [1, 2, 3], ".1": [0, 1, 3]}),
        (lambda: tf.Variable(2.0), {"": 2.0}),
        (lambda: tf.cast([1.5], tf.bfloat16), {"": [1.5]}),
        (lambda: [tf.data.Dataset.range(3), tf.int32, object()], {}),
    ],
)
def test_what_a_call_returned_is_kept_as_arrays_by_its_places(value: Callable[[], Any], kept: dict[str, Any]) -> None:
    """Structures are looked into, texts kept by their bytes, and what is no tensor is left out."""
    found = arrays(value())

    assert {place: array.tolist() for place, array in found.items()} == kept


def test_a_keras_variable_and_history_are_looked_into() -> None:
    """What `fit` returns holds the losses."""
    import keras

    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    history = model.fit(np.ones([4, 2]), np.ones([4, 1]), epochs=2, verbose=0)

    assert list(arrays(history)) == [".history['loss'][0]", ".history['loss'][1]"]
    assert arrays(keras.Variable([1.0, 2.0]))[""].tolist() == [1.0, 2.0]


def named(name: str, body: Callable[..., Any], **options: Any) -> Any:
    """Returns a tf.function of that name."""
    body.__name__ = body.__qualname__ = name
    return tf.function(body, autograph=False, **options)


def called(run: Run) -> list[Trace]:
    """Returns the traces that Python called."""
    return [trace for trace in run.traces if trace.calls]
