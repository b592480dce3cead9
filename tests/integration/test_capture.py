"""Sessions around real TensorFlow code, in this process."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

import tracer
from tracer.capture import tf_private
from tracer.errors import SessionActive, UsageError, WriteFailed
from tracer.recorded import Run
from tracer.store.events import read_graph_tags


@pytest.fixture(autouse=True)
def nothing_stays_on() -> Iterator[None]:
    """No test leaves a trace, a profiler, or a patched TensorFlow behind."""
    from tensorflow.python.eager.polymorphic_function import transform

    before = len(transform.CONCRETE_FUNCTION_CALLBACKS)
    yield
    assert len(transform.CONCRETE_FUNCTION_CALLBACKS) == before
    assert not tf_private.trace_is_on()
    assert not tf_private.profiler_is_on()


def record(tmp_path: Path, call: object, *arguments: object) -> Run:
    """Records one call without the profiler."""
    return tracer.record(call, *arguments, logdir=tmp_path, profile=False, name="test")  # type: ignore[arg-type]


def x() -> tf.Tensor:
    """Returns a tensor of shape [2, 3]."""
    return tf.ones([2, 3])


def test_a_function_that_ran_before_is_recorded_when_it_is_called(tmp_path: Path) -> None:
    """A function that TensorFlow traced before the session is there: its source, AutoGraph's code, both graphs."""

    @tf.function
    def step(x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(x) * (2.0 * 3.0)

    step(x())

    [trace] = record(tmp_path, step, x()).traces

    assert trace.cause == "traced before the session"
    assert trace.seconds is None
    assert {node.op for node in trace.graph.nodes} >= {"Relu", "Mul"}
    assert [stage for stage, missing in trace.stages.items() if not missing] == [
        "source",
        "autograph",
        "traced",
        "optimized",
    ]


def test_a_nested_function_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Inner functions are recorded beside the outer one, which comes first because the program called it."""

    @tf.function
    def inner(x: tf.Tensor) -> tf.Tensor:
        return tf.tanh(x)

    @tf.function
    def outer(x: tf.Tensor) -> tf.Tensor:
        return inner(x) + 1.0

    run = record(tmp_path, outer, x())

    assert list(run.functions) == ["outer", "inner"]
    assert [trace.id for trace in run.traces] == ["000-inner", "001-outer"]
    assert [node.op for node in run.functions["inner"].traces[0].stage("optimized").nodes].count("Tanh") == 1


def test_methods_are_named_for_their_classes(tmp_path: Path) -> None:
    """Two `__call__`s are told apart by their classes."""

    class Inner(tf.Module):
        @tf.function
        def __call__(self, x: tf.Tensor) -> tf.Tensor:
            return tf.tanh(x)

    class Outer(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Inner()

        @tf.function
        def __call__(self, x: tf.Tensor) -> tf.Tensor:
            return self.inner(x)

    run = record(tmp_path, Outer(), x())

    assert list(run.functions) == ["Outer.__call__", "Inner.__call__"]


def test_a_method_of_a_temporary_module_can_be_recorded(tmp_path: Path) -> None:
    """`Call(Module().step)` works, though TensorFlow binds methods to a weak reference."""
    from tracer.capture.record import Settings, record_calls

    class Module(tf.Module):
        @tf.function
        def step(self, x: tf.Tensor) -> tf.Tensor:
            return x + 1.0

    run = record_calls("test", lambda: [tracer.Call(Module().step, x())], Settings(logdir=tmp_path, profile=False))

    assert list(run.functions) == ["step"]


def test_variables_made_in_the_first_call_show_both_traces(tmp_path: Path) -> None:
    """TensorFlow traces such a function twice: once to make the variables, once to run."""

    class Lazy(tf.Module):
        @tf.function
        def step(self, x: tf.Tensor) -> tf.Tensor:
            if not hasattr(self, "w"):
                self.w = tf.Variable(tf.ones([3, 2]))
            return x @ self.w

    lazy = Lazy()
    run = record(tmp_path, lazy.step, x())

    assert [trace.cause for trace in run.functions["step"].traces] == ["creates variables", "traced again"]
    assert [trace.calls for trace in run.functions["step"].traces] == [0, 1]


def test_a_gradient_tape_shows_forward_and_backward(tmp_path: Path) -> None:
    """Under a tape TensorFlow runs two functions made from the one that it traced: both are there."""
    weight = tf.Variable(tf.ones([3, 2]))

    @tf.function
    def loss(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.tanh(x @ weight))

    def train() -> None:
        with tf.GradientTape() as tape:
            value = loss(x())
        tape.gradient(value, weight)

    run = record(tmp_path, train)

    kinds = {trace.kind: trace for trace in run.functions["loss"].traces + run.traces if trace.name == "loss"}
    assert sorted(kinds) == ["backward", "forward", "inference"]
    assert kinds["forward"].calls == kinds["backward"].calls == 1
    assert kinds["inference"].stages["optimized"].startswith("a gradient tape watched it")


def test_a_dataset_made_before_the_session_shows_its_functions(tmp_path: Path) -> None:
    """The functions of a tf.data pipeline are recorded when it is iterated, whenever it was made."""
    dataset = tf.data.Dataset.range(3).map(lambda number: number * 2)

    run = record(tmp_path, lambda: list(dataset))

    assert [trace.name for trace in run.traces] == ["Dataset_map_lambda"]


def test_stages_and_lines_of_a_function(tmp_path: Path) -> None:
    """A trace keeps its source, AutoGraph's code, its signature and the line that caused it."""

    @tf.function
    def branch(x: tf.Tensor, *, scale: int = 2) -> tf.Tensor:
        if tf.reduce_sum(x) > 0:
            x = x * scale
        return x

    [trace] = record(tmp_path, lambda: branch(x(), scale=3)).traces

    assert trace.signature == "(x: float32[2, 3], scale: Literal[3]) -> float32[2, 3]"
    assert "if tf.reduce_sum(x) > 0" in str(trace.stage("source"))
    assert "ag__.if_stmt" in str(trace.stage("autograph"))
    assert trace.call_site is not None
    assert Path(trace.call_site.file).name == "test_capture.py"
    assert trace.seconds is not None
    assert 0 < trace.seconds < 60


def test_two_sessions_do_not_see_each_other(tmp_path: Path) -> None:
    """A function of the first session is not in the second, nor in its raw export."""
    first = tf.function(lambda x: tf.sin(x), autograph=False)
    second = tf.function(lambda x: tf.cos(x), autograph=False)
    record(tmp_path, first, x())
    tf.function(lambda x: tf.tan(x), autograph=False)(x())  # between the sessions: TensorFlow would collect it too

    run = record(tmp_path, second, x())

    [raw] = [read_graph_tags(file) for file in Path(run.path).glob("raw/events*")]
    ops = {n.op for metadata in raw.values() for g in metadata.function_graphs for n in g.pre_optimization_graph.node}
    assert {node.op for trace in run.traces for node in trace.graph.nodes} & {"Sin", "Cos", "Tan"} == {"Cos"}
    assert ops & {"Sin", "Cos", "Tan"} == {"Cos"}


def test_an_exception_goes_through_and_keeps_what_was_recorded(tmp_path: Path) -> None:
    """The program's own exception reaches its caller; the run is `failed` and holds the functions up to then."""

    class Mine(Exception):
        pass

    with pytest.raises(Mine), tracer.trace("test", logdir=tmp_path, profile=True) as session:
        tf.function(lambda x: tf.sin(x), autograph=False)(x())
        raise Mine("no good")

    assert session.status == "failed"
    assert session.error == "Mine: no good"
    assert len(session.traces) == 1
    assert session.traces[0].stages["optimized"] == ""


def test_a_session_inside_another_names_its_owner(tmp_path: Path) -> None:
    """TensorFlow has one trace a process, so a second session says who has it, and the first is not harmed."""
    with tracer.trace("outer", logdir=tmp_path, profile=False) as session:
        with pytest.raises(SessionActive, match=r"session 'outer' is open already, since .*test_capture") as told:
            with tracer.trace("inner", logdir=tmp_path):
                pass
        seen: list[Exception] = []

        def other() -> None:
            try:
                tracer.record(tf.function(lambda: 1), logdir=tmp_path)
            except SessionActive as error:
                seen.append(error)

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        tf.function(lambda x: tf.sin(x), autograph=False)(x())

    assert told.value.exit_code == 2
    assert len(seen) == 1
    assert len(session.traces) == 1


def test_a_trace_of_the_programs_own_is_named(tmp_path: Path) -> None:
    """A session does not take over a `tf.summary.trace_on` that the program has open."""
    tf.summary.trace_on(graph=True)
    try:
        with pytest.raises(SessionActive, match=r"the program's own tf\.summary\.trace_on is on"):
            record(tmp_path, lambda: None)
    finally:
        tf.summary.trace_off()


def test_no_session_inside_a_function(tmp_path: Path) -> None:
    """Inside a tf.function a session would record nothing, so it says so."""

    @tf.function(autograph=False)
    def inside() -> tf.Tensor:
        with tracer.trace("test", logdir=tmp_path):
            return tf.constant(1)

    with pytest.raises(UsageError, match=r"cannot be opened inside a tf\.function"):
        inside()


def test_eager_code_says_so(tmp_path: Path) -> None:
    """A call without a tf.function is complete, with a warning in words and a hint."""
    run = record(tmp_path, lambda: tf.ones([2]) + 1)

    [warned] = run.warnings
    assert (run.status, warned.code) == ("complete", "no-function")
    assert "@tf.function" in warned.hint


def test_functions_that_run_eagerly_are_named_as_the_reason(tmp_path: Path) -> None:
    """With `run_functions_eagerly` nothing is traced, and the run says which switch did it."""
    tf.config.run_functions_eagerly(True)
    try:
        run = record(tmp_path, tf.function(lambda x: x + 1.0), x())
    finally:
        tf.config.run_functions_eagerly(False)

    assert [warned.code for warned in run.warnings] == ["runs-eagerly"]


def test_a_profiler_that_cannot_start_costs_the_profile_only(tmp_path: Path) -> None:
    """While another profiler runs, the graphs are recorded and the other profiler goes on."""
    tf.profiler.experimental.start(str(tmp_path / "other"))
    try:
        run = tracer.record(tf.function(lambda x: x + 1.0), x(), logdir=tmp_path, name="test")
        assert tf_private.profiler_is_on()
    finally:
        tf.profiler.experimental.stop()

    assert run.status == "complete"
    assert [warned.code for warned in run.warnings] == ["no-profile"]
    assert run.window is None
    assert len(run.traces) == 1


def test_a_profiler_that_the_program_stops_costs_the_profile_only(tmp_path: Path) -> None:
    """A program that stops the profiler itself loses nothing else."""

    def stops() -> None:
        with contextlib.suppress(tf.errors.UnavailableError):  # before the window there is none to stop
            tf.profiler.experimental.stop()

    run = tracer.record(stops, logdir=tmp_path, name="test")

    assert run.status == "complete"
    assert "no-profile" in {warned.code for warned in run.warnings}


def test_the_window_counts_its_steps(tmp_path: Path) -> None:
    """`warmup` calls run first, then a pass of `steps`, one to instantiate, and the window's: all are counted."""
    step = tf.function(lambda x: x + 1.0)

    run = tracer.record(step, x(), logdir=tmp_path, steps=4, warmup=2)

    assert run.window is not None
    assert (run.window.steps, run.window.warmup) == (4, 2)
    assert run.traces[0].calls == run.window.passes == 2 + 4 + 1 + 4
    assert len(list(Path(run.path).glob("plugins/profile/*/*.xplane.pb"))) == 1


def test_trace_is_also_a_decorator(tmp_path: Path) -> None:
    """Each call of a decorated function is a run of its own."""

    @tracer.trace("decorated", logdir=tmp_path, profile=False)
    def work() -> None:
        tf.function(lambda x: x + 1.0)(x())

    work()
    work()

    assert [row.functions for row in tracer.runs(logdir=tmp_path).runs.items] == [1, 1]


def test_without_sources_no_file_of_the_users_is_copied(tmp_path: Path) -> None:
    """`sources=False` keeps the graphs and leaves the user's code where it is."""
    step = tf.function(lambda x: x + 1.0)
    kept = tracer.record(step, x(), logdir=tmp_path, profile=False, name="kept")
    bare = tracer.record(step, tf.ones([1]), logdir=tmp_path, profile=False, name="bare", sources=False)

    assert len(list(Path(kept.path).glob("sources/*-test_capture.py"))) == 1
    assert list(Path(bare.path).glob("sources/*")) == []


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """A log folder that is a file is refused before anything runs."""
    (tmp_path / "file").write_text("")
    ran: list[int] = []

    with pytest.raises(WriteFailed, match="Not a directory"):
        tracer.record(lambda: ran.append(1), logdir=tmp_path / "file")
    assert ran == []


@pytest.mark.parametrize("vanished", ["functions", "functions/*", "functions/*/graph.pb"])
def test_a_run_whose_files_vanish_is_no_success(tmp_path: Path, vanished: str) -> None:
    """The session reads back what it wrote: a graph that is gone is an error, and the run is not complete."""
    failed = pytest.raises(WriteFailed, match=r"functions/000-.* was written, and is gone")
    with failed, tracer.trace("test", logdir=tmp_path, profile=False) as session:
        tf.function(lambda x: tf.sin(x), autograph=False)(x())
        [path] = session.path.glob(vanished)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()

    [row] = tracer.runs(logdir=tmp_path).runs.items
    assert row.status == "failed"


def test_memory_stays_flat_over_many_sessions(tmp_path: Path) -> None:
    """Two hundred sessions in one process, each with a new function, hold no more memory than the first fifty."""
    psutil_like = Path("/proc/self/statm")
    if not psutil_like.exists():
        pytest.skip("no /proc to read the memory from")

    def resident() -> int:
        return int(psutil_like.read_text().split()[1]) * 4096

    def session() -> None:
        record(tmp_path, tf.function(lambda x: tf.sin(x) + 1.0, autograph=False), x())

    for _ in range(50):
        session()
    before = resident()
    for _ in range(150):
        session()

    assert resident() - before < 40 << 20


def test_functions_traced_in_two_threads_are_told_apart(tmp_path: Path) -> None:
    """Traces that overlap in time keep their own names, sources and seconds."""
    import time

    begun = threading.Event()

    @tf.function(autograph=False)
    def slow(x: tf.Tensor) -> tf.Tensor:
        begun.set()
        time.sleep(0.4)
        return x + 1.0

    @tf.function(autograph=False)
    def late(x: tf.Tensor) -> tf.Tensor:
        time.sleep(0.6)
        return x + 2.0

    def second() -> None:
        begun.wait()
        late(x())

    with tracer.trace("test", logdir=tmp_path, profile=False) as session:
        thread = threading.Thread(target=second)
        thread.start()
        slow(x())
        thread.join()

    seconds = {trace.name: trace.seconds for trace in session.traces}
    assert {trace.name: trace.qualname for trace in session.traces} == {"slow": "slow", "late": "late"}
    assert 0.4 <= seconds["slow"] < 0.6 <= seconds["late"]


def test_a_forked_child_writes_nothing_into_its_parents_run(tmp_path: Path) -> None:
    """What a forked child traces is its own affair: the parent's run holds the parent's functions only."""
    import os

    step = tf.function(lambda x: x + 1.0, autograph=False)
    with tracer.trace("test", logdir=tmp_path, profile=False) as session:
        child = os.fork()
        if child == 0:
            step.get_concrete_function(tf.TensorSpec([7]))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        step(x())

    assert [trace.signature for trace in session.traces] == ["(x: float32[2, 3]) -> float32[2, 3]"]


def test_functions_made_in_a_loop_are_no_retraces(tmp_path: Path) -> None:
    """Each new tf.function object is traced for the first time, though Python may use an old one's place in memory."""

    def loop() -> None:
        for number in range(4):
            tf.function(lambda x, n=number: x + float(n), autograph=False)(x())

    assert [trace.cause for trace in record(tmp_path, loop).traces] == ["first trace"] * 4


def test_a_number_at_the_end_of_a_name_belongs_to_the_name(tmp_path: Path) -> None:
    """`block_1` and `block_2` are two functions, though TensorFlow puts a number behind each name."""

    @tf.function
    def block_1(x: tf.Tensor) -> tf.Tensor:
        return x + 1.0

    @tf.function
    def block_2(x: tf.Tensor) -> tf.Tensor:
        return x + 2.0

    run = record(tmp_path, lambda: block_2(block_1(x())))

    assert list(run.functions) == ["block_1", "block_2"]


def test_an_optimised_graph_goes_to_the_trace_that_it_came_from(tmp_path: Path) -> None:
    """Of two traces with the same nodes, one from before the session, each has the graph of its own shapes."""
    step = tf.function(lambda x: tf.reduce_sum(x * 2.0, axis=0), autograph=False)
    step(tf.ones([4, 3]))

    def both() -> None:
        step(tf.ones([4, 3]))
        step(tf.ones([9, 5]))

    old, new = record(tmp_path, both).functions["<lambda>"].traces

    def widths(trace: tracer.recorded.Trace) -> set[str]:  # type: ignore[name-defined]
        from tensorboard.compat.proto import graph_pb2

        [path] = tmp_path.glob(f"*/*/functions/{trace.id}/optimized.pb")
        graph = graph_pb2.GraphDef.FromString(path.read_bytes())
        shapes = [shape for n in graph.node if n.op == "Sum" for shape in n.attr["_output_shapes"].list.shape]
        return {str(dim.size) for shape in shapes for dim in shape.dim}

    assert (old.cause, widths(old) <= {"3"}) == ("traced before the session", True)
    assert (new.cause, widths(new) <= {"5"}) == ("traced again", True)


def test_a_signal_that_arrives_inside_a_del_is_not_lost(tmp_path: Path) -> None:
    """Python drops what a signal raises in a `__del__`; the session has it delivered again."""
    import signal
    import time

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background ignores Ctrl-C

    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt), tracer.trace("test", logdir=tmp_path, profile=False) as session:
            Dropped()
            time.sleep(30)
    finally:
        signal.signal(signal.SIGINT, before)

    assert session.status == "interrupted"
