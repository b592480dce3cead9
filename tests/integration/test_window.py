"""The profiler's window: what is seen in it, how often the program runs for it, and how it ends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

import tracer
from tests.integration.conftest import trace_scenario
from tracer.capture import profiler, tf_private
from tracer.errors import UsageError
from tracer.graph.model import Graph, Tensor
from tracer.profile.executions import read_profile
from tracer.profile.model import Profile
from tracer.recorded import Raised, Run, Window
from tracer.report.summary import run_summary
from tracer.store.load import load_run


@pytest.fixture(autouse=True)
def nothing_stays_on() -> Iterator[None]:
    """No test leaves a trace or a profiler behind."""
    yield
    assert not tf_private.trace_is_on()
    assert not tf_private.profiler_is_on()


def x() -> tf.Tensor:
    """Returns a tensor of shape [8, 8]."""
    return tf.ones([8, 8])


def record(tmp_path: Path, call: Callable[..., Any], *arguments: Any, **options: Any) -> Run:
    """Records one call."""
    return tracer.record(call, *arguments, logdir=tmp_path, name="test", **options)


def window_of(run: Run) -> Window:
    """Returns a run's window, which it has."""
    assert run.window is not None
    return run.window


def profile_of(run: Run) -> Profile:
    """Returns what the profiler saw of a run."""
    [file] = Path(run.path).glob("plugins/profile/*/*.xplane.pb")
    return read_profile(file.read_bytes(), file)


def calls_of(run: Run) -> Counter[str]:
    """Returns how often each kind of kernel was seen."""
    return Counter(each.op.type for each in profile_of(run) if each.op.kind == "node")


def codes(run: Run) -> list[str]:
    """Returns the codes of a run's warnings."""
    return [warned.code for warned in run.warnings]


class Program:
    """A program that counts its calls, and does something else in some of them."""

    def __init__(self, otherwise: dict[int, Callable[[], object]] | None = None) -> None:
        self.calls = 0
        self._otherwise = otherwise or {}
        self._step = tf.function(lambda x: tf.tanh(x @ x), autograph=False)

    def __call__(self) -> None:
        """Makes one step."""
        self.calls += 1
        self._step(x())
        self._otherwise.get(self.calls, lambda: None)()


def raising(error: BaseException) -> Callable[[], object]:
    """Returns what raises `error`."""

    def do() -> None:
        raise error

    return do


@tf.function
def turning(x: tf.Tensor) -> tf.Tensor:
    """Takes 300 turns."""
    for _ in tf.range(300):
        x = tf.tanh(x)
    return x


def test_cheap_kernels_are_seen_however_often_they_ran(tmp_path: Path) -> None:
    """TensorFlow stops to trace a cheap kernel after about 90 runs: after 200 it is seen again in each step."""
    run = record(tmp_path, tf.function(lambda x: tf.tanh(x @ x), autograph=False), x(), steps=100, warmup=200)
    calls = calls_of(run)

    assert (calls["Tanh"], calls["MatMul"] + calls["_MklMatMul"]) == (100, 100)
    assert (window_of(run).fresh, window_of(run).incomplete) == (True, "")


def test_every_turn_of_a_long_loop_is_seen(tmp_path: Path) -> None:
    """A loop's body is traced in full: its turns before the window do not count, nor do those in it."""
    assert calls_of(record(tmp_path, turning, x(), steps=3, warmup=2))["Tanh"] == 3 * 300


def test_a_run_says_what_its_steps_took_with_and_without_the_profiler(tmp_path: Path) -> None:
    """Each step has a wall time with the profiler and one without; each is a marked step of the profile."""
    program = Program()
    run = record(tmp_path, program, steps=4, warmup=3)
    window = window_of(run)

    assert program.calls == window.passes == 3 + 4 + 1 + 4
    assert (window.steps, window.warmup) == (len(window.step_ns), 3) == (4, 3)
    assert (len(window.bare_step_ns), len(window.bare_cpu_ns)) == (4, 4)
    assert 0 < sum(window.step_ns) <= window.wall_ns
    assert [step.number for step in profile_of(run).steps] == [0, 1, 2, 3]
    for step, wall_ns in zip(profile_of(run).steps, window.step_ns, strict=True):
        assert step.end_ns - step.start_ns <= wall_ns
    assert load_run(Path(run.path)).window == window


def test_without_the_profiler_there_is_no_more_than_warm_up_and_steps(tmp_path: Path) -> None:
    """`profile=False` calls the program as often as it says, and has no window."""
    program = Program()
    run = record(tmp_path, program, steps=4, warmup=3, profile=False)

    assert (program.calls, run.window) == (7, None)


def test_where_another_profiler_runs_nothing_is_run_for_a_window(tmp_path: Path) -> None:
    """A profiler that somebody else holds costs the window, and the calls that would have been made for it."""
    program = Program()
    tf.profiler.experimental.start(str(tmp_path / "other"))
    try:
        run = record(tmp_path, program, steps=4)
    finally:
        tf.profiler.experimental.stop()

    assert (program.calls, run.window, codes(run)) == (4, None, ["no-profile"])


def test_a_tensorflow_that_cannot_instantiate_again_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that corner of TensorFlow the window is there, and says what may be missing and what to do."""
    from tensorflow.python.eager import context

    monkeypatch.delattr(context.Context, "clear_kernel_cache")
    program = Program()
    window = window_of(record(tmp_path, program, steps=2))

    assert (window.steps, window.fresh, program.calls) == (2, False, 4)
    assert "--warmup 0" in window.incomplete


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no good"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
        (SystemExit(0), "complete"),
        (SystemExit(3), "failed"),
    ],
)
def test_what_ends_the_window_keeps_its_steps(error: BaseException, status: str, tmp_path: Path) -> None:
    """An exception, Ctrl-C and `sys.exit` in a step leave the profile up to there, and the steps that were done."""
    program = Program({5 + 1 + 3: raising(error)})
    with pytest.raises(type(error)):
        record(tmp_path, program, steps=5)
    [row] = tracer.runs(logdir=tmp_path).runs.items
    run = load_run(Path(row.path))

    assert run.status == status
    assert (window_of(run).steps, len(window_of(run).step_ns), len(window_of(run).bare_step_ns)) == (2, 2, 5)
    assert run.raised == Raised("window", 2)
    assert calls_of(run)["Tanh"] == 3
    report = tracer.show(row.path, by="step")
    assert ([step.number for step in report.raised], report.steps.total, report.profiled.samples) == ([2], 3, 2)


def test_a_window_of_no_step_keeps_what_was_before_it(tmp_path: Path) -> None:
    """A program that raises in the first step of the window has a profile, and the true times of its steps."""
    with pytest.raises(ValueError, match="no good"):
        record(tmp_path, Program({2 + 1 + 1: raising(ValueError("no good"))}), steps=2)
    [row] = tracer.runs(logdir=tmp_path).runs.items
    run = load_run(Path(row.path))

    assert (window_of(run).steps, window_of(run).step_ns, len(window_of(run).bare_step_ns)) == (0, (), 2)
    assert str(run.raised) == "step 0 of the window"
    assert calls_of(run)["Tanh"] == 1
    assert tracer.show(row.path, by="step").profiled is None


@pytest.mark.parametrize(
    ("call", "raised", "steps"),
    [
        (0, "step 0 of the warm-up", 0),
        (2, "step 1 of the pass without the profiler", 1),
        (4, "the step before the window, in which functions are instantiated again", 3),
    ],
)
def test_a_step_before_the_window_that_raises_is_named(call: int, raised: str, steps: int, tmp_path: Path) -> None:
    """The run says which it was, and keeps the times of the steps that were done; there is no window."""
    with pytest.raises(ValueError, match="no good"):
        record(tmp_path, Program({call + 1: raising(ValueError("no good"))}), steps=3, warmup=1)
    [row] = tracer.runs(logdir=tmp_path).runs.items
    run = load_run(Path(row.path))

    assert (run.window, str(run.raised), len(run.bare_step_ns)) == (None, raised, steps)


def test_a_block_that_raises_is_no_sample_of_a_step(tmp_path: Path) -> None:
    """Its window is as long as it was, and has no step that came to its end."""
    with pytest.raises(ValueError, match="no good"), tracer.trace("test", logdir=tmp_path):
        turning(x())
        raise ValueError("no good")
    [row] = tracer.runs(logdir=tmp_path).runs.items
    run = load_run(Path(row.path))

    assert (window_of(run).steps, window_of(run).step_ns, str(run.raised)) == (0, (), "the block")
    assert window_of(run).wall_ns > 0


def test_steps_are_timed_without_the_profiler_too(tmp_path: Path) -> None:
    """With `profile=False` there is no window; the wall time of each step is kept, and shown."""
    run = record(tmp_path, Program(), steps=3, warmup=1, profile=False)
    [said] = run_summary(run)

    assert (run.window, run.warmup, len(run.bare_step_ns), run.settled_ns) == (None, 1, 3, run.bare_step_ns)
    assert len(run.bare_cpu_ns) == 3
    assert min(run.bare_cpu_ns) > 0
    assert said.message.endswith("without the profiler (median of 3).")
    assert "3 steps of " in trace_scenario("show", run.path).stdout.splitlines()[1]


def test_the_profiler_stops_when_its_seconds_are_up(tmp_path: Path) -> None:
    """It stops at the end of a step; the steps that are left run without it, and the run says how many had it."""
    program = Program(dict.fromkeys(range(7 + 2, 30), lambda: time.sleep(0.1)))
    run = record(tmp_path, program, steps=7, profile_seconds=0.25)
    done = window_of(run).steps

    assert 1 <= done <= 4
    assert program.calls == 7 + 1 + 7 == window_of(run).passes
    assert calls_of(run)["Tanh"] == done
    [warned] = run.warnings
    assert warned.message == (
        f"the profiler stopped after {done} of 7 steps: its 0.25 seconds were up; the others ran without it"
    )


def test_the_profiler_stops_before_its_events_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events take memory until the profiler stops, so it stops when they have taken their share of it."""
    monkeypatch.setattr(profiler, "MEMORY", 2 << 20)
    run = record(tmp_path, turning, x(), steps=2_000)

    assert window_of(run).steps < 2_000
    assert calls_of(run)["Tanh"] == 300 * window_of(run).steps
    [warned] = run.warnings
    assert (warned.code, "the process grew evenly by" in warned.message) == ("profile-stopped", True)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_seconds_that_are_none_are_refused(seconds: float, tmp_path: Path) -> None:
    """A time that is not above 0, or endless, is a usage error that says what to write, before anything runs."""
    program = Program()
    with pytest.raises(UsageError, match=r"profile-seconds is ") as refused:
        record(tmp_path, program, profile_seconds=seconds)
    with pytest.raises(UsageError), tracer.trace("test", logdir=tmp_path, profile_seconds=seconds):
        program()

    assert "--profile-seconds 60" in refused.value.hint
    assert program.calls == 0
    assert list(tmp_path.glob("*")) == []


@pytest.mark.parametrize("given", [{"skip_steps": 2}, {"every": 100}, {"step_function": "step"}])
def test_what_is_for_windows_of_steps_needs_their_length(given: dict[str, Any], tmp_path: Path) -> None:
    """A block without `steps` is one window, so what says which steps to profile is refused."""
    with pytest.raises(UsageError, match="are for windows of steps"), tracer.trace("test", logdir=tmp_path, **given):
        pass

    assert list(tmp_path.glob("*")) == []


def test_the_command_line_refuses_them_too(tmp_path: Path) -> None:
    """`--profile-seconds 0` is exit code 2, with one line and a hint."""
    done = trace_scenario("run", "demo_module", "--profile-seconds", "0", "--logdir", tmp_path)

    assert done.returncode == 2
    assert "error: profile-seconds is 0\nhint: a time above 0: --profile-seconds 60;" in done.stderr


def test_a_block_is_a_window_of_its_own(tmp_path: Path) -> None:
    """A `trace` block runs once, as it is; what it runs for the first time is seen in full, however often it runs."""
    program = Program()
    with tracer.trace("test", logdir=tmp_path) as session:
        for _ in range(200):
            program()
    window = window_of(session.run)

    assert program.calls == 200
    assert (window.steps, window.warmup, window.passes) == (1, 0, 1)
    assert (window.step_ns, window.bare_step_ns, window.fresh) == ((window.wall_ns,), (), False)
    assert window.incomplete == ""
    assert calls_of(session.run)["Tanh"] == 200


def test_a_block_says_which_functions_ran_before_it(tmp_path: Path) -> None:
    """Of a function that ran before the block, cheap kernels may go unseen: the window names it and a way out."""
    turning(x())
    with tracer.trace("test", logdir=tmp_path) as session:
        turning(x())
    window = window_of(session.run)

    assert calls_of(session.run)["Tanh"] < 300
    assert window.incomplete.startswith("'turning' ran before the recording")
    assert "tracer.record" in window.incomplete


def test_a_block_goes_on_when_the_profilers_seconds_are_up(tmp_path: Path) -> None:
    """In a block the profiler stops by itself, and the program runs on."""
    late = tf.function(lambda x: tf.sin(x), autograph=False)
    with tracer.trace("test", logdir=tmp_path, profile_seconds=0.2) as session:
        turning(x())
        time.sleep(0.4)
        late(x())
    run = session.run

    assert window_of(run).wall_ns < 0.4e9
    assert (calls_of(run)["Sin"], len(run.traces)) == (0, 2)
    [warned] = run.warnings
    assert warned.message == "the profiler stopped before the block did: its 0.2 seconds were up"


def test_marks_of_the_programs_own_are_the_steps_of_a_block(tmp_path: Path) -> None:
    """Who marks the steps of a loop has them in the profile."""
    program = Program()
    with tracer.trace("test", logdir=tmp_path) as session:
        for number in range(3):
            with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
                program()

    assert [(step.name, step.number) for step in profile_of(session.run).steps] == [
        ("train", 0),
        ("train", 1),
        ("train", 2),
    ]


def numbers() -> Iterator[tf.Tensor]:
    """Returns an iterator of a dataset that runs a function."""
    return iter(tf.data.Dataset.range(100).map(lambda number: tf.tanh(tf.cast(number, tf.float32))))


def test_an_iterator_from_before_the_window_is_told(tmp_path: Path) -> None:
    """An iterator keeps its functions: where the window goes on with one, it says that kernels may go unseen."""
    older = numbers()
    stepped = record(tmp_path, lambda: next(older))
    given = record(tmp_path, tf.function(lambda iterator: next(iterator), autograph=False), older)
    made = record(tmp_path, lambda: next(numbers()))

    assert window_of(stepped).incomplete.startswith("an iterator of a dataset was made before the window")
    assert window_of(given).incomplete == window_of(stepped).incomplete
    assert window_of(made).incomplete == ""


def test_a_function_that_is_traced_in_the_window_is_told(tmp_path: Path) -> None:
    """A step that traces is not as the others: the run names the function and the way out."""

    @tf.function(autograph=False)
    def late(x: tf.Tensor) -> tf.Tensor:
        return tf.sin(x)

    run = record(tmp_path, Program({2 + 1 + 2: lambda: late(x())}), steps=2)

    [warned] = run.warnings
    assert (warned.code, warned.message) == (
        "not-steady",
        "the window has more than the steps' work in it: 'late' traced",
    )
    assert "--warmup" in warned.hint


def test_a_function_that_each_step_traces_is_part_of_the_steps(tmp_path: Path) -> None:
    """Where each step traces a function of its own, as for a dataset, the window is as steady as the program is."""
    run = record(tmp_path, lambda: list(tf.data.Dataset.range(2).map(lambda number: number + 1)), steps=2)

    assert len(run.traces) == 2 + 1 + 2
    assert codes(run) == []


def test_a_program_that_is_compiled_in_the_window_is_told(tmp_path: Path) -> None:
    """XLA compiles for each shape, also where TensorFlow does not trace again: a step that did so is told."""
    jitted = tf.function(
        lambda x: x * 2.0, jit_compile=True, autograph=False, input_signature=[tf.TensorSpec([None], tf.float32)]
    )
    sizes = iter([3, 3, 3, 3, 4])
    run = record(tmp_path, lambda: jitted(tf.ones([next(sizes)])), steps=2)
    steady = record(tmp_path, lambda: jitted(tf.ones([3])), steps=2)

    [warned] = run.warnings
    assert warned.message == "the window has more than the steps' work in it: programs compiled by XLA"
    assert steady.warnings == ()


def test_seeded_random_numbers_that_begin_again_are_told(tmp_path: Path) -> None:
    """Instantiated again, an op with a seed draws its first numbers again: the run says so, and for which ops."""
    seeded = tf.function(lambda: tf.random.uniform([], seed=7), autograph=False)
    drawn: list[float] = []
    run = record(tmp_path, lambda: drawn.append(float(seeded())), steps=2)
    generator = tf.random.Generator.from_seed(7)
    going_on = record(tmp_path, tf.function(lambda: generator.uniform([]), autograph=False), steps=2)

    assert drawn[:2] == drawn[2:4]
    [warned] = run.warnings
    assert warned.code == "random-repeats"
    assert "RandomUniform in '<lambda>' began again from the seed" in warned.message
    assert codes(going_on) == []


def test_instantiated_again_a_trace_keeps_its_own_optimised_graph(tmp_path: Path) -> None:
    """Of two traces with the same nodes, one from before the session, each has the graph with its own constant."""
    step = tf.function(lambda x, factor: tf.reduce_sum(x * factor, axis=0), autograph=False)
    step(x(), 2.0)

    def both() -> None:
        step(x(), 3.0)
        step(x(), 2.0)

    found = {}
    for trace in record(tmp_path, both).functions["<lambda>"].traces:
        graph = trace.stage("optimized")
        assert isinstance(graph, Graph)
        values = [node.attributes["value"] for node in graph.nodes if node.op == "Const"]
        found[trace.cause] = {
            value.values for value in values if isinstance(value, Tensor) and value.dtype == "float32"
        }

    assert found == {"traced before the session": {(2.0,)}, "first trace": {(3.0,)}}
