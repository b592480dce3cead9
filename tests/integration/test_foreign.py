"""What TensorFlow and Keras themselves write, read without them."""

import json

import pytest

from tests.helpers import run_python
from tests.unit.test_open import names
from tracer.graph.inline import inline
from tracer.graph.model import TensorType, Variable
from tracer.recorded import Argument
from tracer.store.open import open_run

TENSORFLOW = """
import sys, pathlib
import tensorflow as tf
root = pathlib.Path(sys.argv[1])

@tf.function
def step(x):
    with tf.name_scope("net"):
        y = tf.nn.relu(tf.matmul(x, tf.ones([3, 2])))
    return tf.cond(tf.reduce_sum(y) > 0, lambda: y + 1, lambda: y)

writer = tf.summary.create_file_writer(str(root / "bare"))
tf.summary.trace_on(graph=True, profiler=True, profiler_outdir=str(root / "bare"))
step(tf.ones([2, 3]))
with writer.as_default():
    tf.summary.trace_export("my_func", step=0)
writer.close()
concrete = step.get_concrete_function(tf.TensorSpec([None, 3], tf.float32, name="x"))
with tf.summary.create_file_writer(str(root / "run_graph")).as_default():
    tf.summary.graph(concrete.graph)
tf.io.write_graph(concrete.graph.as_graph_def(add_shapes=True), str(root), "step.pb", as_text=False)
tf.io.write_graph(concrete.graph.as_graph_def(add_shapes=True), str(root), "step.pbtxt")

class Model(tf.Module):
    def __init__(self):
        self.w = tf.Variable(tf.ones([3, 2]), name="w")
        self.b = tf.Variable(tf.zeros([2]), name="b", trainable=False)
        self.c = tf.constant([1.0, 2.0])

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def predict(self, x):
        return {"y": tf.matmul(x, self.w) + self.b + self.c}

    @tf.function
    def shift(self, x, flag=True):
        return x + self.b if flag else x

model = Model()
model.shift(tf.ones([2]))
model.shift(tf.ones([2]), False)
tf.saved_model.save(model, str(root / "saved"), signatures=model.predict)
with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
    x = tf.compat.v1.placeholder(tf.float32, [None, 3], name="x")
    y = tf.nn.relu(x, name="y")
    tf.compat.v1.saved_model.simple_save(session, str(root / "saved_1"), {"x": x}, {"y": y})
"""

KERAS = """
import sys
import numpy as np
{imports}
root = sys.argv[1]
layers = keras.layers
sequential = keras.Sequential(
    [keras.Input((4,), name="in"), layers.Dense(8, name="a"), layers.Dense(2, name="b")], name="block"
)
x = keras.Input((4,), name="x")
left, right = sequential(x), layers.Dense(2, name="right")(x)
functional = keras.Model(x, layers.Add(name="sum")([left, right]), name="net")
for model in (sequential, functional):
    model.compile("sgd", "mse")
    callback = keras.callbacks.TensorBoard(f"{{root}}/{prefix}{{model.name}}")
    model.fit(np.zeros((8, 4), "f"), np.zeros((8, 2), "f"), verbose=0, callbacks=[callback])
{export}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Returns a folder with what TensorFlow, Keras and tf_keras wrote, each in a process of its own."""
    path = tmp_path_factory.mktemp("foreign")
    export = 'functional.export(f"{root}/exported", verbose=False)'
    run_python(TENSORFLOW, path, TF_CPP_MIN_LOG_LEVEL="3")
    run_python(KERAS.format(imports="import keras", prefix="", export=export), path, TF_CPP_MIN_LOG_LEVEL="3")
    code = KERAS.format(imports="import tf_keras as keras", prefix="tf_", export="")
    run_python(code, path, TF_CPP_MIN_LOG_LEVEL="3")
    return path


def opened(path):
    """Returns the run at a path."""
    return open_run(str(path), path.parent / "logs")


def layers(run):
    """Returns class, inputs and shape of each layer of a run's only graph."""
    [trace] = run.traces
    return {node.name: (node.op, node.inputs, node.outputs[0].shape) for node in trace.graph.nodes}


def dangling(graph):
    """Returns the inputs of a graph's nodes that are no nodes."""
    inlined = inline(graph).nodes
    known = set(inlined.names)
    return [text for inputs in inlined.inputs for text in inputs if text.lstrip("^").partition(":")[0] not in known]


def test_the_bare_api_is_read(root):
    """trace_export's function is the first of its run, at both stages, and eager operations come last."""
    run = opened(root / "bare")
    first = run.traces[0]

    assert names(run)[0] == "my_func"
    assert {t.origin for t in run.traces if t.name != "my_func"} == {"tensorflow"}
    paths = inline(first.graph).nodes.names
    assert {"net/MatMul", "net/Relu", "cond/then/cond/add"} <= set(paths)
    assert (dangling(first.graph), dangling(first.stage("optimized"))) == ([], [])
    assert run.warnings == ()


def test_the_run_graph_is_read(root):
    """`tf.summary.graph` writes a graph without a tag, with its functions."""
    [trace] = opened(root / "run_graph").traces

    assert (trace.name, "cond/then/cond/add" in inline(trace.graph).nodes.names) == ("run graph", True)


def test_bytes_and_text_are_the_same_graph(root):
    """`tf.io.write_graph` writes one graph in two forms."""
    graphs = [opened(root / name).traces[0].graph for name in ("step.pb", "step.pbtxt")]

    assert graphs[0].nodes == graphs[1].nodes
    assert graphs[0].functions == graphs[1].functions
    assert dict(zip(graphs[0].nodes.names, graphs[0].nodes, strict=True))["net/Relu"].outputs == (
        TensorType("float32", (None, 2)),
    )


@pytest.mark.parametrize("prefix", ["", "tf_"])
def test_a_sequential_model_is_read(root, prefix):
    """Keras' callback writes the layers, Keras 3's and Keras 2's."""
    assert layers(opened(root / f"{prefix}block")) == {
        "in": ("InputLayer", (), (None, 4)),
        "a": ("Dense", ("in",), (None, 8)),
        "b": ("Dense", ("a",), (None, 2)),
    }


@pytest.mark.parametrize("prefix", ["", "tf_"])
def test_a_nested_functional_model_is_read(root, prefix):
    """A model in the model is a scope; its last layer is what the next one reads."""
    assert layers(opened(root / f"{prefix}net")) == {
        "x": ("InputLayer", (), (None, 4)),
        "block/in": ("InputLayer", ("x",), (None, 4)),
        "block/a": ("Dense", ("block/in",), (None, 8)),
        "block/b": ("Dense", ("block/a",), (None, 2)),
        "right": ("Dense", ("x",), (None, 2)),
        "sum": ("Add", ("block/b", "right"), None),
    }


def test_a_log_folder_of_both_is_read(root):
    """All that lies below one folder is one run, with the way to each graph in its name."""
    run = opened(root)

    assert {"bare/my_func", "net/train/keras", "tf_block/train/keras", "run_graph/run graph"} <= set(names(run))


def test_a_saved_module_is_read(root):
    """Signature, functions, their traces, their types and what they capture are those of the module."""
    run = opened(root / "saved")
    w = Variable("w:0", TensorType("float32", (3, 2)), trainable=True)
    b = Variable("b:0", TensorType("float32", (2,)))
    c = Variable("", TensorType("float32", (2,)), kind="tensor")

    assert {name: len(function.traces) for name, function in run.functions.items()} == {
        "serving_default": 1,
        "predict": 1,
        "shift": 2,
    }
    signature, predict, *shifts = run.traces
    assert signature.signature == predict.signature == "(x: float32[?, 3]) -> {'y': float32[?, 2]}"
    assert list(predict.captures.values()) == list(signature.captures.values()) == [w, b, c]
    assert {trace.arguments[1] for trace in shifts} == {
        Argument("flag", "Literal[False]"),
        Argument("flag", "Literal[True]"),
    }
    assert [dangling(trace.graph) for trace in run.traces] == [[]] * 4
    assert "MatMul" in {node.op for node in inline(signature.graph).nodes}


def test_an_exported_keras_model_is_read(root):
    """`model.export` gives two signatures and one function; the variables have Keras' names."""
    run = opened(root / "exported")

    assert names(run) == ["serving_default", "signatures.serve", "serve"]
    assert [variable.name for variable in run.functions["serve"].traces[0].captures.values()] == [
        "block/a/kernel:0",
        "block/a/bias:0",
        "block/b/kernel:0",
        "block/b/bias:0",
        "right/kernel:0",
        "right/bias:0",
    ]


def test_a_model_of_tensorflow_1_is_read(root):
    """Its signature is the whole graph, which has no functions."""
    [trace] = opened(root / "saved_1").traces

    assert (trace.name, trace.signature) == ("serving_default", "(x: float32[?, 3]) -> {'y': float32[?, 3]}")
    assert [(node.name, node.op) for node in trace.graph.nodes][:2] == [("x", "Placeholder"), ("y", "Relu")]


def test_reading_imports_no_tensorflow(root):
    """Opening and reading all of it leaves TensorFlow, Keras and NumPy unimported."""
    code = """
import json, pathlib, sys
from tracer.store.open import open_run
root = pathlib.Path(sys.argv[1])
read = 0
for name in json.loads(sys.argv[2]):
    for trace in open_run(str(root / name), root / "logs").traces:
        trace.stage("traced")
        read += 1
print(read >= 12, sorted({"tensorflow", "keras", "tf_keras", "numpy"} & set(sys.modules)))"""
    paths = ["bare", "run_graph", "net", "tf_net", "saved", "saved_1", "exported", "step.pb", "step.pbtxt"]

    assert run_python(code, root, json.dumps(paths)) == "True []\n"
