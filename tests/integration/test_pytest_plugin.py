"""pytest with the plugin, in a project of its own: what is recorded, which tests fail, and what they say."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import tensorflow as tf

import tracer
from tests.helpers import run_folder
from tracer.testing.recording import Recording

SETTINGS = """
[pytest]
addopts = --strict-markers --strict-config -p no:randomly
filterwarnings =
    error
    default::DeprecationWarning
"""

RECORDED = """
import unittest
import pytest
import tensorflow as tf
import tracer

@tf.function
def step(x, flag=0):
    with tf.name_scope("net"):
        return tf.nn.tanh(x) * float(flag)

def test_traces_nothing():
    assert tf.reduce_sum(tf.ones([2])) == 2

def test_retraces():
    step(tf.ones([1, 2]))
    step(tf.ones([1, 3]))

class TestClass:
    @pytest.mark.trace(max_retraces=0)
    def test_method(self):
        step(tf.ones([2, 1]))

class TestUnit(unittest.TestCase):
    def setUp(self):
        step(tf.ones([3, 1]))

    @pytest.mark.trace(max_retraces=0)
    def test_method(self):
        step(tf.ones([3, 2]), flag=3)

class TestOwn(unittest.TestCase):
    @pytest.mark.trace(max_nodes=2)
    def test_fails_by_itself(self):
        step(tf.ones([5, 2]))
        self.fail("a failure of unittest's")

    @pytest.mark.trace(max_nodes=2)
    def test_skips(self):
        step(tf.ones([5, 3]))
        self.skipTest("enough")

@pytest.mark.trace(max_retraces=1, max_nodes=2, no_findings=["debug-op", "float64"])
def test_breaks_all_limits():
    @tf.function
    def loud(x, n):
        tf.print("calls")
        return x + n
    loud(tf.ones([4]), 3)
    loud(tf.ones([4]), 4)
    loud(tf.ones([5]), 4)

@pytest.mark.trace(max_nodes=2)
def test_fails_by_itself():
    step(tf.ones([5, 1]))
    assert 1 == 2, "its own failure"

@pytest.mark.xfail(strict=True)
@pytest.mark.trace(max_nodes=2)
def test_is_expected_to_fail():
    step(tf.ones([6, 1]))

@pytest.mark.trace(max_nodes=2)
def test_skips():
    step(tf.ones([7, 1]))
    pytest.skip("enough")

def test_has_a_session_of_its_own(tmp_path):
    with tracer.trace("own", logdir=tmp_path, profile=False) as run:
        step(tf.ones([8, 1]))
    assert [str(trace.arguments[0]) for trace in run.functions["step"].traces] == ["x: float32[8, 1]"]

@pytest.mark.trace(max_nodes=100)
def test_has_one_that_is_to_be_judged(tmp_path):
    with tracer.trace("own", logdir=tmp_path, profile=False):
        step(tf.ones([8, 2]))

@pytest.mark.trace(max_retraces=0)
def test_uses_the_fixture(traced, tmp_path):
    step(tf.ones([9, 1]))
    with traced("inner") as run:
        step(tf.ones([9, 2]))
    assert run.path.parent == tmp_path / "inner"
    assert len(run.functions["step"].traces) == 1
    assert not run.profiles

def test_uses_tensorflows_own_trace(tmp_path):
    tf.summary.trace_on(graph=True)
    step(tf.ones([10, 1]))
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.trace_export("own", step=0)
    assert list(tmp_path.glob("events*"))
"""

KEPT = """
import os
import pytest
import tensorflow as tf
from tracer.pytest_plugin import assert_graph

WIDTH = int(os.environ.get("WIDTH", "2"))
SCOPE = os.environ.get("SCOPE", "net")

class Net(tf.Module):
    def __init__(self):
        super().__init__("net")
        self.w = tf.Variable(tf.ones([4, WIDTH]), name="w")

    @tf.function
    def __call__(self, x):
        with self.name_scope:
            y = x @ self.w
            if WIDTH > 2:
                with tf.name_scope("extra"):
                    y = tf.nn.relu(tf.exp(y))
        return y

def test_module():
    assert_graph(Net(), tf.ones([8, 4]))

class TestTwo:
    @pytest.mark.trace(max_retraces=0)
    def test_functions(self, assert_graph):
        def f(x):
            with tf.name_scope(SCOPE):
                return tf.tanh(tf.abs(x))
        assert_graph(f, tf.ones([2]))
        assert_graph(f, x=tf.ones([3]))

@pytest.mark.parametrize("axis", [0, 1], ids=["a", "../b c"])
def test_axes(assert_graph, axis):
    assert_graph(lambda x: tf.reduce_sum(x, axis), tf.ones([2, 2]))

def test_renumbered(assert_graph):
    with tf.Graph().as_default():
        pass
    for _ in range(WIDTH):
        layer = tf.keras.layers.Dense(3)
    assert_graph(layer, tf.ones([2, 4]))

def test_of_a_run(assert_graph, traced):
    @tf.function
    def outer(x):
        return inner(x) + 1
    @tf.function
    def inner(x):
        return x * 2
    with traced() as run:
        outer(tf.ones([2]))
    assert_graph(run.functions["inner"].traces[0])
"""


CACHE = ".pytest_cache/d/trace-scenario"


@dataclasses.dataclass(frozen=True)
class Said:
    """What became of the tests of a project, and what pytest printed."""

    outcomes: dict[str, str]  # by test: "passed", "failed", "skipped"
    texts: dict[str, str]  # what it says of those that did not pass
    output: str


def run_pytest(project: Path, *arguments: str, **environment: str) -> Said:
    """Runs pytest in a project, as its user does."""
    results = project / "results.xml"
    own = {"CI", "PYTEST_ADDOPTS"}  # of the pytest around it: where CI is set no line is cut
    without = {name: value for name, value in os.environ.items() if name not in own}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:timeout", f"--junit-xml={results}", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**without, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "100", **environment},
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    outcomes, texts = {}, {}
    for case in ElementTree.parse(results).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}.{case.get('name')}"
        outcomes[name] = {"failure": "failed", "error": "failed"}.get(case[0].tag, "skipped") if len(case) else "passed"
        texts[name] = "\n".join(f"{part.get('message', '')}\n{part.text or ''}" for part in case).replace(
            "\nE     ", "\n"
        )
    return Said(outcomes, texts, done.stdout)


def make_project(folder: Path, **files: str) -> Path:
    """Makes a project of test files, by their names without `.py`."""
    (folder / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a project whose tests trace functions, and in whose cache one of them has four older runs."""
    folder = make_project(tmp_path_factory.mktemp("recorded"), test_recorded=RECORDED)
    for year in (2020, 2021, 2022, 2023):
        run_folder(folder / CACHE, f"test_recorded.test_retraces/{year}0101-000000")
    return folder


@pytest.fixture(scope="module")
def said(project: Path) -> Said:
    """Returns what pytest said of it, from two processes."""
    return run_pytest(project, "--trace-scenario", "-n", "2", "-v")


def test_tests_fail_that_break_their_limits(said: Said) -> None:
    """A marker has a test fail, whatever sort of test it is, and changes nothing about one that fails or skips."""
    assert said.outcomes == {
        "test_recorded.test_traces_nothing": "passed",
        "test_recorded.test_retraces": "passed",
        "TestClass.test_method": "passed",
        "TestOwn.test_fails_by_itself": "failed",
        "TestUnit.test_method": "failed",
        "TestOwn.test_skips": "skipped",
        "test_recorded.test_breaks_all_limits": "failed",
        "test_recorded.test_fails_by_itself": "failed",
        "test_recorded.test_is_expected_to_fail": "skipped",
        "test_recorded.test_skips": "skipped",
        "test_recorded.test_has_a_session_of_its_own": "passed",
        "test_recorded.test_has_one_that_is_to_be_judged": "failed",
        "test_recorded.test_uses_the_fixture": "passed",
        "test_recorded.test_uses_tensorflows_own_trace": "passed",
    }


def test_a_failure_explains_what_broke_the_limits(said: Said, project: Path) -> None:
    """It has each retrace with its cause and advice, the graph's size, each finding, and where the run is."""
    found = said.texts["test_recorded.test_breaks_all_limits"]
    lines = [number for number, line in enumerate(RECORDED.splitlines(), 1) if line.startswith("    loud(")]
    retraces = re.sub(r", at [\d.]+ m?s, took [\d.]+ m?s\n", "\n", found.partition("the graph of loud")[0])

    assert retraces.endswith(
        "loud was traced again 2 times, and max_retraces is 1:\n"
        "  n: Literal[3] -> Literal[4]\n"
        f"    #2, test_recorded.py:{lines[1]}\n"
        "    do: pass it as a tensor, whose value costs no trace: n=tf.constant(4)\n"
        "  x: float32[4] -> float32[5]\n"
        f"    #3, test_recorded.py:{lines[2]}\n"
        "    do: let TensorFlow make one trace for every size: @tf.function(reduce_retracing=True)\n"
    )
    assert re.search(r"the graph of loud has \d+ nodes, and max_nodes is 2: ", found)
    assert "1 finding of lint, and no_findings forbids debug-op:\nnote  debug-op  test_recorded.py:" in found
    assert "do: remove it when it has done its work" in found
    [path] = re.findall(r"to see the run: trace-scenario show (\S+)", found)
    shown = tracer.show(path, logdir=project)
    assert [(row.name, len(row.traces)) for row in shown.functions.items] == [("loud", 3)]


def test_both_failures_are_shown(said: Said) -> None:
    """A test that fails by itself shows that failure, and below it the limits that it breaks."""
    assert "its own failure" in said.texts["test_recorded.test_fails_by_itself"]
    assert "a failure of unittest's" in said.texts["TestOwn.test_fails_by_itself"]
    assert said.output.count("- limits of the trace marker -") == 2
    assert said.output.count("and max_nodes is 2: ") == 3 + said.output.count("Failed: the graph of")


def test_a_session_of_the_tests_own_goes_first(said: Said) -> None:
    """Where a test opens a session the plugin's steps back, and says so; it cannot judge what it did not record."""
    assert "not recorded: test_recorded.py::test_has_a_session_of_its_own: it has a session of its own" in said.output
    judged = said.texts["test_recorded.test_has_one_that_is_to_be_judged"]
    assert "the limits of this test cannot be judged: it has a session of its own" in judged


def test_the_summary_comes_from_all_processes(said: Said, project: Path) -> None:
    """Each test that traced something has a run, the others none; the numbers of the workers reach the summary."""
    summary = said.output.rpartition("= trace-scenario =")[2].splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in summary if re.match(r"test_recorded\.py::\S+ +\d", line)}
    logdir = project / CACHE

    assert rows["test_recorded.py::test_retraces"][:3] == ["1", "2", "1"]
    assert rows["test_recorded.py::test_breaks_all_limits"][:3] == ["1", "3", "2"]
    assert "test_recorded.py::test_traces_nothing" not in rows
    folders = {row.replace(".py::", ".").replace("::", ".") for row in rows} - {"test_recorded.test_uses_the_fixture"}
    assert {folder.name for folder in logdir.iterdir()} == folders
    total = next(line for line in summary if " tests: " in line)
    assert total.startswith("11 of 12 tests: 11 functions, 15 traces, 4 retraces; 11 runs in")
    assert sorted(run.scenario for run in tracer.runs(logdir=logdir).runs.items if run.status != "complete") == [
        "test_recorded.TestOwn.test_fails_by_itself",
        "test_recorded.test_fails_by_itself",
    ]


def test_the_cache_holds_the_newest_runs(said: Said, project: Path) -> None:
    """Of each test three runs stay."""
    found = sorted(path.name for path in (project / CACHE / "test_recorded.test_retraces").iterdir())

    assert said.outcomes["test_recorded.test_retraces"] == "passed"
    assert found[:2] == ["20220101-000000", "20230101-000000"]
    assert len(found) == 3


def test_what_is_removed_while_it_is_recorded_is_said(tmp_path: Path) -> None:
    """A test may delete the log folder: that costs its recording, which says so, and nothing else."""
    for profile in (False, True):
        recording = Recording()
        recording.start("deletes", tmp_path / "logs", profile=profile)
        tf.function(lambda x: x + 1)(tf.ones([2]))
        shutil.rmtree(tmp_path / "logs")
        recording.end(None)

        assert str(tmp_path / "logs" / "deletes") in recording.problem
        assert recording.found == []


def test_the_profiler_gives_way_too(tmp_path: Path) -> None:
    """A test that records with the profiler gets it from the recording in the background, of which nothing is left."""
    recording = Recording()
    recording.start("background", tmp_path, profile=True)
    with tracer.trace("own", logdir=tmp_path) as session:
        tf.function(lambda x: x + 1)(tf.ones([2]))
    recording.end(None)

    assert len(session.run.profiles) == 1
    assert session.run.warnings == ()
    assert recording.problem.startswith("it has a session of its own: session 'own', opened at ")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


ENDED = """
import os, signal
import pytest
import tensorflow as tf
import tracer

def ends(tmp_path):
    with tracer.trace("own", logdir=tmp_path, profile=False):
        tf.function(lambda x: x + 1)(tf.ones([2]))
        os.kill(os.getpid(), signal.SIGTERM)

@pytest.fixture
def ending(tmp_path):
    ends(tmp_path)

def test_raises(tmp_path):
    ends(tmp_path)

def test_catches(tmp_path):
    with tracer.trace("own", logdir=tmp_path, profile=False), pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)

def test_asks_for_it(ending):
    pass

def test_without_a_session():
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)

def test_follows():
    print("went on")
"""


@pytest.mark.parametrize(
    ("test", "options"),
    [
        ("test_raises", ()),
        ("test_raises", ("--trace-scenario",)),
        ("test_catches", ()),
        ("test_asks_for_it", ()),
        ("test_without_a_session", ("--trace-scenario",)),
    ],
)
def test_sigterm_ends_pytest(test: str, options: tuple[str, ...], tmp_path: Path) -> None:
    """A recording makes an exception of it, so that it can close; pytest would go on after it."""
    project = make_project(tmp_path, test_ended=ENDED)
    command = [sys.executable, "-m", "pytest", "-s", "-p", "no:timeout", "-k", f"{test} or follows", *options]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=240, check=False)

    assert (done.returncode, "went on" in done.stdout) == (-signal.SIGTERM, False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Said, Said]:
    """Returns a project that keeps graphs, what pytest said before there were any, and when it wrote them."""
    project = make_project(tmp_path_factory.mktemp("kept"), test_kept=KEPT)
    before = run_pytest(project, "-p", "no:cacheprovider")
    return project, before, run_pytest(project, "--update-graphs", "-n", "2")


def test_a_graph_that_is_not_kept_is_a_failure(kept: tuple[Path, Said, Said]) -> None:
    """Nothing is written unless asked for, as CI must not; the failure says how to ask."""
    _, before, _ = kept

    assert set(before.outcomes.values()) == {"failed"}
    assert (
        "no graph is kept in graphs/test_kept/test_module.graph\n"
        "hint: pytest test_kept.py::test_module --update-graphs writes it; look at it, and commit it"
    ) in before.texts["test_kept.test_module"]
    assert "graph written" not in before.output


def test_graphs_are_written_when_asked_for(kept: tuple[Path, Said, Said]) -> None:
    """Each assertion of each test has a file of its own, whatever the parameters are called and whoever ran it."""
    project, _, written = kept
    files = sorted(file.name for file in (project / "graphs" / "test_kept").iterdir())

    assert set(written.outcomes.values()) == {"passed"}
    assert [re.sub("-[0-9a-f]{8}", "-DIGEST", name) for name in files] == [
        "TestTwo.test_functions-2.graph",
        "TestTwo.test_functions.graph",
        "test_axes[a].graph",
        "test_axes_.._b_c-DIGEST.graph",
        "test_module.graph",
        "test_of_a_run.graph",
        "test_renumbered.graph",
    ]
    assert [line for line in written.output.splitlines() if line.startswith("graph written")] == [
        f"graph written: graphs/test_kept/{name}" for name in files
    ]


def test_a_kept_graph_reads_as_the_function_does(kept: tuple[Path, Said, Said]) -> None:
    """A file has the signature and a line for each node, in TensorFlow's own words."""
    project, _, _ = kept

    assert (project / "graphs" / "test_kept" / "test_module.graph").read_text(encoding="utf-8") == (
        "trace-scenario graph 1\n"
        "function Net(x: float32[8, 4]) -> float32[8, 2]\n"
        "nodes 6\n"
        "\n"
        "x = Placeholder() -> float32[8, 4]\n"
        "net/matmul/ReadVariableOp/resource = Placeholder() -> resource[] "
        'captures w:0 {"captured": "float32[4, 2], trainable"}\n'
        "net/matmul/ReadVariableOp = ReadVariableOp(net/matmul/ReadVariableOp/resource) -> float32[4, 2]\n"
        "net/matmul = MatMul(x, net/matmul/ReadVariableOp) -> float32[8, 2]\n"
        "Identity = Identity(net/matmul, ^NoOp) -> float32[8, 2]\n"
        "NoOp = NoOp(^net/matmul/ReadVariableOp)\n"
    )


def test_a_graph_that_changed_fails_with_its_changes(kept: tuple[Path, Said, Said]) -> None:
    """By node path: added, removed, changed, renamed. Other numbers in names are no change; damaged files are told."""
    project, _, _ = kept
    damaged = project / "graphs" / "test_kept" / "test_axes[a].graph"
    content = damaged.read_text(encoding="utf-8")
    damaged.write_text(content.replace("graph 1", "graph 2"), encoding="utf-8")
    try:
        now = run_pytest(project, WIDTH="3", SCOPE="other")
    finally:
        damaged.write_text(content, encoding="utf-8")
    module, two = (now.texts[name] for name in ("test_kept.test_module", "TestTwo.test_functions"))

    assert {name for name, outcome in now.outcomes.items() if outcome == "passed"} == {
        "test_kept.test_axes[../b c]",
        "test_kept.test_renumbered",
        "test_kept.test_of_a_run",
    }
    assert (
        "the graph of Net is not the one in graphs/test_kept/test_module.graph: 6 nodes then, 8 now\n"
        "2 added  0 removed  4 changed  2 same nodes\n"
        "  - Net(x: float32[8, 4]) -> float32[8, 2]\n"
        "  + Net(x: float32[8, 4]) -> float32[8, 3]\n"
    ) in module
    assert "  ~ net/matmul  shape: [8, 2] → [8, 3]\n  + net/extra/  2 nodes\n" in module
    assert "hint: if that is meant, pytest test_kept.py::test_module --update-graphs writes it anew" in module
    assert "  > net → other  renamed, 2 nodes\n" in two
    assert (
        "graphs/test_kept/test_axes[a].graph has the format 2, of a newer version\n"
        "hint: pip install --upgrade trace-scenario: this version knows format 1"
    ) in now.texts["test_kept.test_axes[a]"]
