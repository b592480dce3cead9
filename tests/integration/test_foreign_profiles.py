"""Profiles that TensorFlow's own tools write: of Keras' callback, and of the bare profiler."""

import pytest

from tests.helpers import run_python
from tracer import api
from tracer.store.open import open_run

SCRIPT = """
import sys
import keras, tensorflow as tf

logdir = sys.argv[1]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
callback = keras.callbacks.TensorBoard(f"{logdir}/keras", profile_batch=(2, 4))
model.fit(tf.ones((160, 8)), tf.ones((160, 1)), verbose=0, callbacks=[callback])

@tf.function
def f(a):
    with tf.name_scope("net"):
        return tf.reduce_sum(tf.matmul(a, a))

a = tf.ones((300, 300))
tf.profiler.experimental.start(f"{logdir}/bare")
with tf.summary.create_file_writer(f"{logdir}/bare").as_default():
    tf.summary.trace_on(graph=True, profiler=False)
    for step in range(3):
        with tf.profiler.experimental.Trace("train", step_num=step, _r=1):
            f(a)
    tf.summary.trace_export("f", step=0)
tf.profiler.experimental.stop()
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Returns a folder with what the tools wrote."""
    folder = tmp_path_factory.mktemp("foreign_profiles")
    run_python(SCRIPT, folder, TF_CPP_MIN_LOG_LEVEL="3")
    return folder


def test_nodes_of_the_bare_profiler_are_found_in_the_graph_beside_it(root):
    """`trace_export` leaves the graph, the profiler the executions: they meet by the nodes' names."""
    report = api.ops(str(root / "bare"))
    [matmul] = [row for row in report.ops.items if row.node.time.path == "net/MatMul"]

    assert (matmul.sums.calls, matmul.node.function) == (3, "f")
    assert sum(row.sums.self_ns for row in report.ops.items) == report.self_ns
    assert 0 < report.timing.coverage_time <= 1


def test_nodes_of_keras_callback_are_listed_by_their_names(root):
    """The callback writes no graph of operations: what ran has its executed name and its op all the same."""
    rows = {row.node.time.path: row for row in api.ops(str(root / "keras")).ops.items}

    [fused] = [row for path, row in rows.items() if path.endswith("/Relu") and "gradient_tape" not in path]
    assert fused.sums.calls == 3
    assert fused.node.function == ""
    assert fused.node.op.endswith("FusedMatMul")


def test_the_profile_alone_tells_its_steps(root):
    """The steps that the program marked are there without any graph."""
    [file] = open_run(str(root / "bare"), root).profiles
    run = open_run(file, root)

    assert run.window.steps == 3
    assert run.scenario.startswith("profile of ")


def test_exports_of_a_profile_have_all_of_its_time(root):
    """The folded stacks add up to what `ops` lists."""
    whole = api.ops(str(root / "bare")).self_ns
    folded = api.export(str(root / "bare"), format="folded")

    assert sum(int(line.rpartition(" ")[2]) for line in folded.splitlines()) == whole
