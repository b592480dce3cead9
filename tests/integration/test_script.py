"""Whole programs, unchanged: they run as `python` runs them, and what they trace and where time goes is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import tracer
from tests.integration.conftest import COMMAND, heed_ctrl_c, started, trace_scenario
from tests.integration.test_faults import only_run
from tracer import text
from tracer.recorded import Run
from tracer.report.ops import OpsReport
from tracer.store.events import read_graph_tags
from tracer.store.load import load_run

LOOP = """
    import argparse
    import tensorflow as tf

    class Net(tf.Module):
        def __init__(self):
            super().__init__(name="net")
            self.w = tf.Variable(tf.random.normal([64, 64]), name="w")

        @tf.Module.with_name_scope
        def __call__(self, x):
            return tf.nn.relu(x @ self.w)

    @tf.function
    def scaled(x):
        return x * 2.0

    @tf.function
    def train_step(net, x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(net(x) ** 2)
        net.w.assign_sub(1e-6 * tape.gradient(loss, net.w))
        return loss

    @tf.function
    def evaluate(net, x):
        return tf.reduce_mean(net(x))

    def main():
        parser = argparse.ArgumentParser()
        parser.add_argument("--steps", type=int)
        parser.add_argument("--evaluate-every", type=int, default=10)
        arguments = parser.parse_args()
        net = Net()
        for number, x in enumerate(tf.data.Dataset.from_tensors(tf.ones([64, 64])).repeat(arguments.steps)):
            train_step(net, scaled(x))
            if number % arguments.evaluate_every == 0:
                evaluate(net, x)
        print("done", arguments.steps)

    if __name__ == "__main__":
        main()
"""


class Recorded(NamedTuple):
    """A program that was recorded."""

    done: subprocess.CompletedProcess[str]
    run: Run


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Recorded]:
    """Returns what records a program in a folder of its own."""

    def recorded(source: str, *arguments: str, options: tuple[str, ...] = (), name: str = "program.py") -> Recorded:
        folder = tmp_path_factory.mktemp("program")
        (folder / name).write_text(textwrap.dedent(source))
        done = trace_scenario("script", *options, name, *arguments, cwd=folder)
        return Recorded(done, load_run(only_run(folder / "logs")))

    return recorded


@pytest.fixture(scope="module")
def loop(record: Callable[..., Recorded]) -> Recorded:
    """A training loop of 400 steps, an evaluation for every ten, and a helper that is called before each step."""
    return record(LOOP, "--steps", "400")


def test_a_program_keeps_its_output_and_its_exit_code(loop: Recorded) -> None:
    """What a program prints is all there is on stdout; what was recorded is told on stderr."""
    assert loop.done.stdout == "done 400\n"
    assert loop.done.returncode == 0
    assert "next: trace-scenario show program/" in loop.done.stderr


def test_every_function_of_a_program_is_recorded(loop: Recorded) -> None:
    """A run has the functions of the program with their calls, each stage, and the line that had each traced."""
    calls = {name: function.calls for name, function in loop.run.functions.items()}
    [trace] = loop.run.functions["train_step"].traces

    assert calls == {"scaled": 400, "train_step": 400, "evaluate": 40}
    assert [stage for stage, why in trace.stages.items() if not why] == ["source", "autograph", "traced", "optimized"]
    assert trace.call_site is not None
    assert trace.call_site.function == "main"
    assert loop.run.status == "complete"


def test_the_steps_are_calls_of_the_function_that_takes_the_most_time(loop: Recorded) -> None:
    """`train_step` repeats and takes time: its calls are the steps, from the second one on, with every kernel."""
    window = loop.run.window
    assert window is not None

    assert (window.function, window.steps, window.warmup, window.incomplete) == ("train_step", 10, 1, "")
    assert len(window.step_ns) == 10
    assert sum(window.step_ns) == window.wall_ns
    assert 100 < len(window.bare_step_ns) <= 200


def test_the_nodes_of_a_window_ran_once_a_step(loop: Recorded) -> None:
    """Straight-line code runs each node once a step, so calls are as many as steps, and all of them have an owner."""
    report = tracer.ops(loop.run.path, function="train_step")
    calls = {row.node.time.path.rpartition("/")[2]: row.node.time.calls for row in report.ops.items}

    assert report.timing.coverage_nodes == 1.0
    assert {calls[name] for name in ("pow", "Relu", "mul_1")} <= {10}


def test_later_windows_are_kept_and_not_counted(loop: Recorded) -> None:
    """Windows go on while the program does; those that TensorFlow no longer traces in full count for no number."""
    windows = json.loads((Path(loop.run.path) / "run.json").read_text())["windows"]
    sessions = {path.name for path in Path(loop.run.path).glob("plugins/profile/*")}

    assert [window["counted"] for window in windows] == [True] + [False] * (len(windows) - 1)
    assert sessions == {window["session"] for window in windows}
    assert loop.run.profiles == tuple(
        str(path) for path in sorted(Path(loop.run.path).glob(f"plugins/profile/{windows[0]['session']}/*"))
    )


def test_keras_batches_are_steps(record: Callable[..., Recorded]) -> None:
    """The steps of a Keras program are the batches of `fit`, though `evaluate` runs more of them."""
    source = """
        import keras, numpy as np

        model = keras.Sequential([keras.Input([8]), keras.layers.Dense(4, name="hidden"), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = np.ones([320, 8], "float32"), np.ones([320, 1], "float32")
        model.fit(x, y, batch_size=16, epochs=2, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
        model.evaluate(x, y, batch_size=16, verbose=0)
    """
    recorded = record(source)
    window = recorded.run.window
    assert window is not None

    assert (window.function, window.steps, window.warmup) == ("Model.fit", 10, 1)
    assert window.incomplete == ""
    layers = {row.name for row in tracer.show(recorded.run.path, by="layer").groups.items}
    assert "sequential.hidden" in layers


def test_functions_and_steps_can_be_chosen(record: Callable[..., Recorded]) -> None:
    """`--functions` records those alone, and `--step-function`, `--skip-steps`, `--steps` and `--every` the windows."""
    options = ("--functions", "evaluate|train", "--step-function", "evaluate", "--skip-steps", "2", "--steps", "3")
    recorded = record(LOOP, "--steps", "80", "--evaluate-every", "2", options=(*options, "--every", "10"))
    windows = json.loads((Path(recorded.run.path) / "run.json").read_text())["windows"]

    assert set(recorded.run.functions) == {"train_step", "evaluate"}
    assert [(one["function"], one["first_step"], one["steps"]) for one in windows] == [
        ("evaluate", 2, 3),
        ("evaluate", 12, 3),
        ("evaluate", 22, 3),
        ("evaluate", 32, 3),
    ]
    assert [warned.code for warned in recorded.run.warnings] == ["functions-left-out"]


def test_fresh_windows_are_all_complete(record: Callable[..., Recorded]) -> None:
    """With `--fresh` functions are instantiated again for each window, so each has every kernel, and all count."""
    recorded = record(LOOP, "--steps", "300", options=("--fresh", "--steps", "4", "--every", "100"))
    window = recorded.run.window
    assert window is not None

    assert (window.steps, window.windows, window.others, window.fresh) == (12, 3, 0, True)
    report = tracer.ops(recorded.run.path, function="train_step")
    assert report.timing.coverage_nodes >= 0.99
    assert {row.node.time.calls for row in report.ops.items if row.node.op in ("Relu", "MatMul", "_FusedMatMul")} == {
        12
    }


DATASET = """
    import tensorflow as tf

    @tf.function
    def train_step(x):
        return tf.reduce_sum(tf.tanh(x) * 3.0)

    dataset = tf.data.Dataset.from_tensor_slices(tf.ones([400, 32])).map(
        lambda x: x * 2.0
    ).batch(4)
    for x in dataset:
        train_step(x)
"""


def muls(report: OpsReport) -> int:
    """Returns how many executions of a `mul` the window has: those of the dataset run ahead, so not always the same."""
    return sum(execution.op.name == "mul" for profile in report.timing.profiles for execution in profile)


def test_nodes_of_one_name_in_the_step_and_in_its_dataset_are_apart(record: Callable[..., Recorded]) -> None:
    """Each step runs its own `mul` once, and what the dataset maps has all others, each at its line."""
    report = tracer.ops(record(DATASET).run.path)
    found = [row for row in report.ops.items if row.node.op == "Mul"]
    rows = [(row.node.time.trace, row.node.time.calls, row.source.line) for row in found if row.source is not None]

    assert sorted(rows) == [("000-Dataset_map_lambda", muls(report) - 10, 9), ("001-train_step", 10, 6)]
    assert muls(report) > 20
    assert (report.timing.coverage_nodes, report.timing.untraced) == (1.0, 0)


def test_nodes_of_a_dataset_that_is_not_recorded_are_nobodys(record: Callable[..., Recorded]) -> None:
    """Where `--functions` leaves out what the dataset maps, the step's node of that name keeps its own calls."""
    report = tracer.ops(record(DATASET, options=("--functions", "train")).run.path)
    [calls] = [row.node.time.calls for row in report.ops.items if row.node.op == "Mul"]
    [lost] = report.timing.unattributed

    assert (calls, lost.calls, lost.examples) == (10, muls(report) - 10, ("mul",))
    assert muls(report) > 20


def test_a_program_of_one_call_has_a_profile_of_that(record: Callable[..., Recorded]) -> None:
    """Where nothing repeats, the window is of the program's first calls, and the run says so."""
    recorded = record("import tensorflow as tf\ntf.function(lambda x: x + 1.0)(tf.ones([2]))\n")
    window = recorded.run.window
    assert window is not None

    assert (window.steps, window.warmup) == (1, 0)
    assert [warned.code for warned in recorded.run.warnings] == ["first-calls"]


def test_a_program_for_an_older_tensorflow_works(record: Callable[..., Recorded]) -> None:
    """The listing of every book, which raises today, gets graph and profile, and is told which line to change."""
    source = """
        import tensorflow as tf

        @tf.function
        def addprint(x):
            return tf.reduce_sum(x * 2.0)

        writer = tf.summary.create_file_writer("own")
        tf.summary.trace_on(graph=True, profiler=True)
        addprint(tf.ones([30, 30]))
        with writer.as_default():
            tf.summary.trace_export(name="my_trace", step=0, profiler_outdir="own")
        print("done")
    """
    recorded = record(source)
    own = Path(recorded.run.path).parents[2] / "own"

    assert (recorded.done.returncode, recorded.done.stdout) == (0, "done\n")
    assert len(list(own.glob("plugins/profile/*/*.xplane.pb"))) == 1
    assert len(recorded.run.profiles) == 1
    assert [trace.name for trace in recorded.run.traces] == ["addprint"]
    [warned] = [warned for warned in recorded.run.warnings if warned.code == "old-trace"]
    assert "program.py:9 turns the profiler on" in warned.message
    assert "profiler_outdir=FOLDER" in warned.hint
    graphs = tracer.show(str(own)).run.traces
    assert any(node.op == "Sum" for trace in graphs for node in trace.graph.nodes)


def test_a_program_that_profiles_itself_keeps_its_profile(record: Callable[..., Recorded]) -> None:
    """A program's own profiler and trace work as ever; the recording's gives way to it, and goes on behind it."""
    source = """
        import tensorflow as tf

        @tf.function
        def step(x):
            return tf.tanh(x @ x)

        x = tf.ones([64, 64])
        for number in range(60):
            if number == 5:
                tf.summary.trace_on(graph=True, profiler=True, profiler_outdir="own")
            step(x)
            if number == 8:
                with tf.summary.create_file_writer("own").as_default():
                    tf.summary.trace_export(name="own", step=0)
            if number == 20:
                with tf.profiler.experimental.Profile("own2"):
                    step(x)
    """
    recorded = record(source, options=("--steps", "3", "--every", "10"))
    folder = Path(recorded.run.path).parents[2]
    windows = json.loads((Path(recorded.run.path) / "run.json").read_text())["windows"]

    assert recorded.done.returncode == 0
    assert [len(list((folder / own).glob("plugins/profile/*/*.xplane.pb"))) for own in ("own", "own2")] == [1, 1]
    first_steps = [window["first_step"] for window in windows if window["function"] == "step"]
    assert first_steps == [1, 11, 22, 32, 42, 52]  # at 21 the program's own profiler is on
    assert {window["steps"] for window in windows} == {3}


def test_a_package_runs_as_python_runs_it(tmp_path: Path) -> None:
    """`script -m package --flag` gives the package its own name, arguments, path and relative imports."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "made.py").write_text("import tensorflow as tf\nhalved = tf.function(lambda x: x / 2.0)\n")
    (package / "__main__.py").write_text(
        "import sys, os\nfrom .made import halved\nimport tensorflow as tf\nhalved(tf.constant(4.0))\n"
        "print(__name__, __package__, __spec__.name, sys.argv[1:])\n"
        "print(sys.argv[0] == __file__, sys.path[0] == os.getcwd())\n"
    )
    recorded = trace_scenario("script", "--no-profile", "-m", "package", "--steps", "3", cwd=tmp_path)
    plain = subprocess.run(
        [sys.executable, "-m", "package", "--steps", "3"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert recorded.stdout == plain.stdout == "__main__ package package.__main__ ['--steps', '3']\nTrue True\n"
    assert list(load_run(only_run(tmp_path / "logs")).functions) == ["<lambda>"]


@pytest.mark.parametrize(
    ("source", "code", "status"),
    [
        ("import sys; sys.exit(3)", 3, "failed"),
        ("import sys; sys.exit('no good')", 1, "failed"),
        ("import sys; sys.exit()", 0, "complete"),
        ("import os; print('out', flush=True); os._exit(7)", 7, "failed"),
        ("import os; os._exit(0)", 0, "complete"),
        ("def broken(:\n", 1, "failed"),
        ("import no_such_module", 1, "failed"),
        (
            "import sys\nsys.excepthook = lambda *error: print('mine', error[1])\nraise ValueError('no good')",
            1,
            "failed",
        ),
        ("import sys\nsys.excepthook = lambda *error: sys.exit(9)\nraise ValueError('no good')", 9, "failed"),
        ("import sys\nsys.excepthook = lambda *error: 1 / 0\nraise ValueError('no good')", 1, "failed"),
        ("print('a')\nprint('\\u20ac \\ud800')", 1, "failed"),
        (
            "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach(), 'ascii', 'replace')\nprint('\\xe4')",
            0,
            "complete",
        ),
        ("def f():\n    g()\ndef g():\n    raise ValueError('no good') from KeyError('why')\nf()\n", 1, "failed"),
        ("import sys; sys.stdout.close(); sys.stderr.close()", 0, "complete"),
        ("import os, tempfile; os.chdir(tempfile.gettempdir())", 0, "complete"),
        ("import os\nif os.fork() == 0:\n    os._exit(9)\nprint(os.wait()[1] >> 8)", 0, "complete"),
        ("import threading\nthreading.Timer(0.2, lambda: print('late')).start()", 0, "complete"),
        ("import atexit\natexit.register(print, 'at exit')", 0, "complete"),
        (
            "from concurrent.futures import ThreadPoolExecutor\n"
            "pool = ThreadPoolExecutor(1)\nprint(pool.submit(abs, -1).result())\n",
            0,
            "complete",
        ),
        (  # the pool ends its workers by SIGTERM, which is none of their parent's
            "import multiprocessing, time\nwith multiprocessing.get_context('fork').Pool(1) as pool:\n"
            "    print(pool.map(abs, [-1]))\ntime.sleep(6)\nprint('alive')\n",
            0,
            "complete",
        ),
        (  # inside of C, where no handler of Python's comes to run
            "import multiprocessing, time\n"
            "child = multiprocessing.get_context('fork').Process(target=sum, args=(range(10**12),))\n"
            "child.start()\ntime.sleep(0.3)\nchild.terminate()\nchild.join(20)\nprint(child.exitcode)\n",
            0,
            "complete",
        ),
        ("import os; os._exit(status=3)", 3, "failed"),
        ("import sys; print(sys.stdin.read())", 0, "complete"),
        ("import warnings; warnings.warn('careful')", 0, "complete"),
        ("import signal, os\nos.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, "interrupted"),
        (  # as runners of tests do, which take whatever a test raises for its failure
            "import signal, os\ntry:\n    os.kill(os.getpid(), signal.SIGTERM)\nexcept BaseException:\n    pass\n",
            -signal.SIGTERM,
            "interrupted",
        ),
        ("import signal, os\nos.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "interrupted"),
    ],
)
def test_a_program_ends_as_it_does_without_us(source: str, code: int, status: str, tmp_path: Path) -> None:
    """Exit code, output and what it says of its error are the program's own, and its run says how it ended."""
    (tmp_path / "program.py").write_text(source)

    def ran(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "program.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            input="typed",
            preexec_fn=heed_ctrl_c,
        )

    plain, recorded = ran(sys.executable), ran(str(COMMAND), "script")

    assert (recorded.returncode, recorded.stdout) == (plain.returncode, plain.stdout) == (code, plain.stdout)
    assert recorded.stderr.startswith(plain.stderr)
    assert load_run(only_run(tmp_path / "logs")).status == status


SHOWS = """
    import os, sys
    names = {name: type(value).__name__ for name, value in sorted(globals().items())}
    print(__file__, sys.argv, sys.path[0], __package__, __spec__ and __spec__.name, __annotations__, names)
    os.chdir("/")
    import helper
"""


@pytest.mark.parametrize(
    ("arguments", "code", "environment"),
    [
        (["../here/./program.py", "a"], 0, {}),
        (["program.py"], 1, {"PYTHONSAFEPATH": "1"}),  # there is no helper then, where Python knows the variable
        (["./folder/", "a"], 0, {}),
        (["archive.dat", "a"], 0, {}),
        (["folder"], 0, {"PYTHONSAFEPATH": "1"}),
        (["-m", "program", "a"], 0, {}),
    ],
)
def test_a_program_finds_what_python_gives_it(
    arguments: list[str], code: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """`__main__`, `sys.argv` and `sys.path` of a file, a folder, an archive and a module are as `python` makes them."""
    here = tmp_path / "here"
    (here / "folder").mkdir(parents=True)
    for name in ("program.py", "folder/__main__.py"):
        (here / name).write_text(textwrap.dedent(SHOWS))
    for name in ("helper.py", "folder/helper.py"):
        (here / name).write_text("")
    with zipfile.ZipFile(here / "archive.dat", "w") as archive:
        for name in ("__main__.py", "helper.py"):
            archive.write(here / "folder" / name, name)
    plain = subprocess.run(
        [sys.executable, *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
    )
    recorded = trace_scenario("script", *arguments, cwd=here, PYTHONDONTWRITEBYTECODE="1", **environment)

    assert plain.returncode == (code if hasattr(sys.flags, "safe_path") else 0)
    assert (recorded.returncode, recorded.stdout) == (plain.returncode, plain.stdout)
    assert recorded.stderr.startswith(plain.stderr)
    assert len(list((here / "logs").glob("*/*/run.json"))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "nothing"], "No module named nothing"),
        (["-m", "package"], "'package' is a package and cannot be directly executed"),
        (["-m", "package.module.x"], "(ModuleNotFoundError: "),
        (["-m", ".package"], "Relative module names not supported"),
        (["package"], "can't find '__main__' module in "),
    ],
)
def test_what_python_does_not_find_leaves_no_run(arguments: list[str], message: str, tmp_path: Path) -> None:
    """Where there is no module or `__main__` to run, the message and the exit code are Python's; no run is left."""
    (tmp_path / "package").mkdir()
    for name in ("__init__.py", "module.py"):
        (tmp_path / "package" / name).write_text("")
    plain = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    recorded = trace_scenario("script", *arguments, cwd=tmp_path)

    assert message in plain.stderr
    assert (recorded.returncode, recorded.stdout, recorded.stderr) == (plain.returncode, "", plain.stderr)
    assert list(tmp_path.glob("logs/*")) == []


def test_spawned_processes_find_the_program(tmp_path: Path) -> None:
    """`multiprocessing` with spawn imports the program's `__main__` in its children, as it does without us."""
    (tmp_path / "program.py").write_text(
        "import multiprocessing\ndef square(x):\n    return x * x\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(square, [1, 2, 3]))\n"
    )
    done = trace_scenario("script", "program.py", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "[1, 4, 9]\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing.py"], 3, "no file 'nothing.py'"),
        ([], 2, "no program"),
        (["--steps", "0", "program.py"], 2, "steps is 0"),
        (["--every", "5", "program.py"], 2, "every is 5, and a window has 10 steps"),
        (["--functions", "(", "program.py"], 2, "--functions (: missing )"),
        (["--max-bytes", "much", "program.py"], 2, "'much' is no number of bytes"),
        (["book.ipynb"], 2, "'book.ipynb' is a notebook"),
        (["--logdir", "program.py/logs", "program.py"], 1, "cannot write"),
        (["-m"], 2, "option '-m' requires an argument"),
        (["own/program.py"], 2, "the program has a module 'tracer', "),
    ],
)
def test_what_cannot_be_recorded_is_said_before_the_program_runs(
    arguments: list[str], code: int, message: str, tmp_path: Path
) -> None:
    """A wrong option or file is one line of error and one of hint, and the program does not run."""
    (tmp_path / "program.py").write_text("print('ran')")
    (tmp_path / "book.ipynb").write_text("{}")
    (tmp_path / "own").mkdir()
    for name in ("program.py", "tracer.py"):
        (tmp_path / "own" / name).write_text("print('ran')")
    done = trace_scenario("script", *arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (code, "")
    assert f"error: {message}" in done.stderr
    assert "hint: " in done.stderr


def test_a_log_folder_that_goes_before_tensorflow_comes_is_no_failure_of_the_program(tmp_path: Path) -> None:
    """A program that clears its log folder before it imports TensorFlow runs as ever."""
    (tmp_path / "program.py").write_text(
        "import shutil\nshutil.rmtree('logs')\nimport tensorflow as tf\nprint(float(tf.constant(2.0)))\n"
    )
    done = trace_scenario("script", "program.py", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "2.0\n")
    assert "Traceback" not in done.stderr


def test_a_program_that_cannot_turn_into_another_is_recorded_on(record: Callable[..., Recorded]) -> None:
    """Where `os.exec...` finds no such program the one that asked goes on, and so does its recording."""
    source = """
        import os
        import tensorflow as tf

        try:
            os.execvp("no-such-program", ["no-such-program"])
        except OSError:
            tf.function(lambda x: x + 1)(tf.ones([2]))
    """
    recorded = record(source, options=("--no-profile",))

    assert (recorded.done.returncode, recorded.run.status, list(recorded.run.functions)) == (
        0,
        "complete",
        ["<lambda>"],
    )


def test_a_block_that_catches_sigterm_dies_of_it_at_its_end(tmp_path: Path) -> None:
    """The run is closed as interrupted, and the program does not live longer for being recorded."""
    code = (
        "import os, signal, tracer\nwith tracer.trace('block', profile=False):\n    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n    except BaseException:\n        print('caught', flush=True)\n"
        "print('went on', flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "caught\n")
    assert load_run(only_run(tmp_path / "logs")).status == "interrupted"


def test_a_program_that_asks_for_tensorflow_before_it_imports_it_is_recorded(record: Callable[..., Recorded]) -> None:
    """Many libraries look first whether there is a TensorFlow; others try to import it in vain at first."""
    source = """
        import importlib.util, sys
        assert importlib.util.find_spec("tensorflow") is not None
        sys.modules["numpy"] = None
        try:
            import tensorflow
        except ImportError:
            del sys.modules["numpy"]
            for name in [name for name in sys.modules if name.startswith("tensorflow")]:
                del sys.modules[name]
        assert importlib.util.find_spec("tensorflow") is not None
        import tensorflow as tf
        tf.function(lambda x: x + 1)(tf.ones([2]))
    """
    recorded = record(source, options=("--no-profile",))

    assert (recorded.done.returncode, list(recorded.run.functions)) == (0, ["<lambda>"])


def test_what_a_program_exports_is_whole(record: Callable[..., Recorded]) -> None:
    """The graphs of its own trace are in its export, however many windows end before that, and in the run as well."""
    source = """
        import sys
        import tensorflow as tf

        @tf.function
        def step(x):
            return tf.tanh(x @ x)

        tf.summary.trace_on(graph=True)
        for _ in range(60):
            step(tf.ones([4, 4]))
        for number in range(40):
            tf.function(lambda x: x + number)(1)
        with tf.summary.create_file_writer("own").as_default():
            tf.summary.trace_export("mine", step=0)
    """
    recorded = record(source, options=("--steps", "2", "--every", "5"))
    [file] = Path(recorded.run.path).parents[2].glob("own/events.*")
    exported = [
        node.op for graph in read_graph_tags(file)["mine"].function_graphs for node in graph.pre_optimization_graph.node
    ]

    assert {"MatMul", "Tanh"} <= set(exported)
    assert recorded.run.functions["step"].traces[0].stages["optimized"] == ""


@pytest.mark.parametrize(
    ("sets", "stays"),
    [
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "signal.getsignal(signal.SIGTERM) is signal.SIG_IGN"),
        ("sys.unraisablehook = print", "sys.unraisablehook is print"),
    ],
)
def test_a_handler_that_a_program_sets_stays(sets: str, stays: str, tmp_path: Path) -> None:
    """What a block does with SIGTERM, or with what Python cannot raise, is there when the session is over."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import signal, sys, tracer\nwith tracer.trace('block', profile=False):\n    {sets}\nprint({stays})\n",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "True\n"


def test_a_program_that_deletes_the_log_folder_ends_as_it_would(tmp_path: Path) -> None:
    """The program's result is its own where its run is lost, and the loss is said."""
    (tmp_path / "program.py").write_text(
        "import shutil, tensorflow as tf\nplus = tf.function(lambda x: x + 1.0)\nplus(tf.constant(0.0))\n"
        "shutil.rmtree('logs')\nprint(float(plus(tf.constant(1.0))))\n"
    )
    done = trace_scenario("script", "program.py", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (0, "2.0\n")
    assert "error: cannot write" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_is_one_object_and_what_the_program_prints_is_beside_it(tmp_path: Path) -> None:
    """With `--json` stdout holds one object, and the program's output goes to stderr."""
    (tmp_path / "program.py").write_text("import sys\nprint('printed')\nsys.exit(4)\n")
    done = trace_scenario("script", "--json", "program.py", cwd=tmp_path)
    told = json.loads(done.stdout)

    assert (done.returncode, told["exit_code"], told["status"], told["scenario"]) == (4, 4, "failed", "program")
    assert "printed\n" in done.stderr


def test_the_verb_leaves_python_as_it_was(tmp_path: Path) -> None:
    """`tracer.script` in a process of yours puts `__main__`, `sys.argv` and `sys.path` back, and returns the run."""
    program = tmp_path / "program.py"
    program.write_text("import sys\nvalue = 5\nassert sys.argv[1:] == ['a'] and __name__ == '__main__'\nsys.exit(2)\n")
    before = sys.modules["__main__"], list(sys.argv), list(sys.path)
    ended = tracer.script(str(program), ["a"], logdir=tmp_path / "logs")

    assert (ended.exit_code, ended.run and ended.run.status) == (2, "failed")
    assert (sys.modules["__main__"], sys.argv, sys.path) == before


ENDLESS = """
    import tensorflow as tf

    @tf.function
    def step(x):
        return tf.tanh(x @ x)

    x = tf.ones([64, 64])
    number = 0
    while True:
        step(x)
        number += 1
        if number == 300:
            print("going", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_program_that_is_ended_keeps_its_run(number: signal.Signals, tmp_path: Path) -> None:
    """The signal that ends a program is what it dies of, and the run has its functions and the windows up to then."""
    (tmp_path / "endless.py").write_text(textwrap.dedent(ENDLESS))
    process = started(str(COMMAND), "script", "--steps", "5", "--every", "50", "endless.py", cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    process.send_signal(number)
    process.communicate(timeout=60)

    run = load_run(only_run(tmp_path / "logs"))
    windows = json.loads((Path(run.path) / "run.json").read_text())["windows"]
    assert (process.returncode, run.status) == (-number, "interrupted")
    assert [window["first_step"] for window in windows][:5] == [1, 51, 101, 151, 201]
    assert all(window["steps"] == 5 for window in windows[:5])
    assert tracer.ops(run.path).ops.total > 0
    assert run.functions["step"].calls >= 200


def test_a_program_that_is_inside_of_a_long_op_dies_of_sigterm_too(tmp_path: Path) -> None:
    """Python cannot raise anything inside of an op, so after some seconds the process is ended as without us."""
    (tmp_path / "busy.py").write_text(
        "import tensorflow as tf\n"
        "@tf.function\ndef turn(x):\n    for _ in tf.range(10**9):\n        x = tf.tanh(x)\n    return x\n"
        "print('going', flush=True)\nturn(tf.ones([100]))\n"
    )
    process = subprocess.Popen(
        [str(COMMAND), "script", "busy.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "going\n"
    while not list(tmp_path.glob("logs/busy/*/functions/*-turn")):
        assert process.poll() is None
    process.terminate()
    process.communicate(timeout=60)

    run = load_run(only_run(tmp_path / "logs"))
    assert (process.returncode, run.status, list(run.functions)) == (-signal.SIGTERM, "interrupted", ["turn"])


def test_a_folder_stays_within_its_limit(record: Callable[..., Recorded]) -> None:
    """Of a program that traces much the last graphs are left out, then the last traces; the rest is whole and fits."""
    source = """
        import tensorflow as tf

        for number in range(300):
            tf.function(lambda x: x + float(number) + tf.reduce_sum(tf.constant([0.5] * 2000)), autograph=False)(1.0)
    """
    recorded = record(source, options=("--max-bytes", "1MiB", "--no-profile"))
    [warned] = [each for each in recorded.run.warnings if each.code == "too-many-traces"]
    files = [path for path in Path(recorded.run.path).rglob("*") if path.is_file()]
    whole = [trace for trace in recorded.run.traces if not trace.stages["traced"]]
    left = 300 - len(recorded.run.traces)

    assert (recorded.done.returncode, recorded.run.status) == (0, "complete")
    assert 0.3 < sum(file.stat().st_size for file in files) / (1 << 20) < 1
    assert 0 < len(whole) < len(recorded.run.traces) < 300
    assert f"{len(recorded.run.traces) - len(whole)} traces are recorded without their graphs" in warned.message
    assert f"and {left} not at all, nor {left} calls of those" in warned.message
    assert len([file for file in files if file.name.startswith("events.")]) == 1


def test_what_a_dataset_has_traced_is_in_the_time_of_tracing(record: Callable[..., Recorded]) -> None:
    """A program that calls no function has still been traced for as long as its dataset's functions took."""
    recorded = record("import tensorflow as tf\nfor x in tf.data.Dataset.range(4).map(lambda x: x * 2): pass\n")
    [trace] = recorded.run.traces

    assert f"1 function  1 trace  0 calls from Python  {text.seconds(trace.seconds)} of tracing" in recorded.done.stderr


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (
            "tf.ones([2]) + 1",
            (),
            {"no-function": "no tf.function in the program: it ran eagerly, op by op, so there is no graph"},
        ),
        ("tf.ones([2]) + 1; raise SystemExit(0)", (), {"no-function": None}),
        ("tf.ones([2]) + 1; raise SystemExit(1)", (), {}),
        ("tf.function(lambda x: x + 1)(tf.ones([2]))", ("--functions", "zzz"), {"functions-left-out": None}),
        (
            "with tf.Graph().as_default(), tf.compat.v1.Session() as s: s.run(tf.constant(1))",
            (),
            {"sessions": "graphs that 1 tf.compat.v1.Session ran are not recorded: only tf.functions are"},
        ),
    ],
    ids=["eager", "exits", "breaks off", "filtered", "sessions"],
)
def test_why_no_function_is_recorded(
    source: str, options: tuple[str, ...], said: dict[str, str | None], record: Callable[..., Recorded]
) -> None:
    """A program without functions says why, if that is known; if it broke off or they were not wanted, nothing."""
    warnings = record(f"import tensorflow as tf\n{source}\n", options=("--no-profile", *options)).run.warnings

    assert [warned.code for warned in warnings] == list(said)
    assert all(said[warned.code] in (None, warned.message) for warned in warnings)
