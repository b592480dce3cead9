"""Which rules fire on which built-in scenario: what a scenario is made to show, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.discover.listing import list_scenarios
from tracer.rules.finding import Finding
from tracer.rules.run import lint
from tracer.store.load import load_run

# By scenario: each finding's rule and function.
EXPECTED = {
    # tf.print is what these are about; the book's example prints in every call.
    "add_print": [("debug-op", "addprint")],
    "demo_module": [("debug-op", "addprint")],
    "attribute_module": [("debug-op", "addprint")],
    # A print in each of two saved modules, whose functions have no lines; a caller's line makes it no other print.
    "saved_model": [
        ("debug-op", "signature_wrapper_addprint"),
        ("debug-op", "signature_wrapper_addprint"),
    ],
    # Made to show two modules of one class in one box.
    "nested_modules": [("shared-scope", "forward")],
    # Two calls of Python; behind the second nobody gives back the shape, behind the first an EnsureShape does.
    "py_function": [("py-function", "call_python"), ("py-function", "call_python"), ("unknown-shape", "call_python")],
    # Made to show a trace for nearly each call: one finding for each argument that changes.
    "retracing": [("retracing", "scale"), ("retracing", "scale")],
    # Nothing is wrong with these: loops are graph loops, layers have names, each variable is used and trained. Keras'
    # own step makes the optimizer's variables and shuffles with a seed, which is not its user's to change.
    "control_flow": [],
    "eager_only": [],
    "input_pipeline": [],
    "keras_fit": [],
    "keras_sequential": [],
    "legacy_keras_sequential": [],
    "mobilenet_v2": [],
    "rnn": [],
    "train_step": [],
    "transformer_block": [],
    "xla_mlp": [],
}


def test_every_scenario_is_in_the_table():
    """A new scenario has to say what lint finds in it."""
    assert set(EXPECTED) == {entry.name for entry in list_scenarios() if entry.origin == "built-in"}


@pytest.mark.parametrize("scenario", sorted(EXPECTED))
def test_lint_finds_what_a_scenario_shows(recorded: Callable[[str], Path], scenario: str):
    """The findings of a scenario are those that it is made to show, and no others."""
    found = lint(load_run(recorded(scenario)))

    assert sorted((finding.rule, finding.function) for finding in found) == EXPECTED[scenario]


def test_findings_name_the_line_of_python(recorded: Callable[[str], Path]):
    """A finding points to the line that made the node: here to the call of tf.numpy_function, and of tf.py_function."""
    found = lint(load_run(recorded("py_function")))

    lines = [Path(finding.line.file).read_text().splitlines()[finding.line.line - 1].strip() for finding in found]
    assert lines == [
        'small = tf.numpy_function(clipped, [2.0 * x], tf.float32, stateful=False, name="clipped")',
        'return tf.reduce_sum(tf.py_function(cubed, [small], tf.float32, name="cubed"))',
        'return tf.reduce_sum(tf.py_function(cubed, [small], tf.float32, name="cubed"))',
    ]


def test_retracing_names_the_arguments(recorded: Callable[[str], Path]):
    """The finding says which argument made each call a trace, and in which types it came."""
    found = lint(load_run(recorded("retracing")))

    assert [finding.message for finding in found] == [
        "traced 6 times in 8 calls: 'factor' is a Python value, and each new one is a trace: "
        "Literal[2], Literal[3], int32[]",
        "traced 6 times in 8 calls: 'x' comes in several shapes and types: "
        "float32[1, 3], float32[2, 3], float32[3], float64[1, 3]",
    ]
    assert found[0].advice == "pass a tensor in each call: factor=tf.constant(3, tf.int32)"


# Models as users write them. Each function in it returns what is recorded.
MODELS = """
import sys

import keras
import numpy as np
import tensorflow as tf
import tf_keras

import tracer

X = tf.random.normal([4, 8])


def table_and_closure_in_a_saved_model():
    class Saved(tf.Module):
        def __init__(self):
            self.rates = tf.random.normal([300])
            pairs = tf.lookup.KeyValueTensorInitializer(tf.constant(["a", "b"]), tf.constant([1, 2]))
            self.table = tf.lookup.StaticHashTable(pairs, -1)

        @tf.function(input_signature=[tf.TensorSpec([None]), tf.TensorSpec([None], tf.string)])
        def look(self, x, words):
            return x * self.rates, self.table.lookup(words)

    tf.saved_model.save(Saved(), sys.argv[1] + "/saved")
    loaded = tf.saved_model.load(sys.argv[1] + "/saved")

    @tf.function
    def call(x, words):
        return loaded.look(x, words)

    return lambda: call(tf.ones([300]), tf.constant(["a"]))


def layer_with_tensors():
    norm = keras.layers.Normalization()
    norm.adapt(np.ones([10, 300], np.float32))
    model = keras.Sequential([keras.Input((300,)), norm, keras.layers.Dense(1)])

    @tf.function
    def serve(x):
        return model(x)

    return lambda: serve(tf.ones([2, 300]))


def inner_function():
    @tf.function
    def outer(x):
        y = x * 2.0

        @tf.function
        def inner(z):
            return z + y

        return inner(x)

    return lambda: outer(tf.ones([300]))


def closure():
    rates = tf.random.normal([300])

    @tf.function
    def step(x):
        return x * rates

    return lambda: step(tf.ones([300]))


def sum_that_is_exact():
    @tf.function
    def mean(x):
        number = tf.cast(tf.size(x), tf.float64)
        return tf.cast(tf.reduce_sum(tf.cast(x, tf.float64)) / number, tf.float32)

    return lambda: mean(X)


def array_of_numpy():
    w, scale = tf.Variable(X[:, :4]), np.array([0.1, 0.2, 0.3, 0.4])

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            wide = tf.sin(tf.cast(x @ w, tf.float64) * scale)
            loss = tf.reduce_mean(tf.cast(wide, tf.float32))
        w.assign_sub(tape.gradient(loss, w))

    return lambda: step(tf.ones([2, 4]))


def frozen_layer_and_batch_norm():
    layers = [keras.layers.Dense(8, trainable=False), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), *layers])
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x, training=True) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    return lambda: step(X)


def target_network_and_rate():
    online, target = (keras.Sequential([keras.Input((8,)), keras.layers.Dense(2, name=name)]) for name in "ab")
    rate = tf.Variable(0.1)

    @tf.function
    def step(x):
        goal = tf.stop_gradient(0.9 * tf.reduce_max(target(x), axis=1))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.reduce_max(online(x), axis=1) - goal) ** 2)
        for variable, gradient in zip(online.variables, tape.gradient(loss, online.trainable_variables)):
            variable.value.assign_sub(rate * gradient)

    return lambda: step(X)


def tied_weights_and_a_gradient_of_its_own():
    embedding = tf.Variable(tf.random.normal([10, 4]), name="embedding")
    bias = tf.Variable(tf.zeros([10]), name="bias")

    @tf.custom_gradient
    def straight_through(x):
        return tf.round(x), lambda gradient: gradient

    @tf.function
    def step(i):
        with tf.GradientTape(persistent=True) as tape:
            hidden = straight_through(tf.gather(embedding, i))
            logits = tf.matmul(hidden, embedding, transpose_b=True) + bias
            loss = tf.reduce_mean(logits**2)
        for variable in (embedding, bias):
            variable.assign_sub(tf.convert_to_tensor(tape.gradient(loss, variable)))

    return lambda: step(tf.constant([1, 2]))


def gate_of_argmax():
    w, gate = (tf.Variable(tf.random.normal([8, 4]), name=name) for name in ("w", "gate"))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            pick = tf.one_hot(tf.argmax(x @ gate, -1), 4)
            loss = tf.reduce_mean((x @ w) * pick)
        w.assign_sub(tape.gradient(loss, w))

    return lambda: step(X)


def gate_of_whole_numbers():
    w, gate = tf.Variable(tf.ones([8, 2])), tf.Variable(tf.ones([8, 2]))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x @ w + tf.cast(tf.cast(x @ gate, tf.int32), tf.float32))
        w.assign_sub(tape.gradient(loss, w))
        return loss

    return lambda: step(X)


def bias_that_stays():
    w, bias = tf.Variable(tf.ones([8, 2])), tf.Variable(tf.ones([2]))

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x @ w + bias)
        w.assign_sub(tape.gradient(loss, w))
        return loss

    return lambda: step(X)


def threshold_of_a_metric():
    w, threshold = tf.Variable(tf.ones([8, 2])), tf.Variable(0.5)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x @ w)
        w.assign_sub(tape.gradient(loss, w))
        return loss, tf.reduce_mean(tf.cast(x @ w > threshold, tf.float32)), tf.reduce_sum(tf.round(threshold))

    return lambda: step(X)


def variable_read_for_nothing():
    w, bias = tf.Variable(tf.ones([8, 2])), tf.Variable(tf.ones([2]))

    @tf.function
    def forward(x):
        bias.read_value()
        return x @ w

    return lambda: forward(X)


def variable_that_is_returned():
    w, bias = tf.Variable(tf.ones([8, 2])), tf.Variable(tf.ones([2]))

    @tf.function
    def forward(x):
        return x @ w, bias.read_value()

    return lambda: forward(X)


class Block(tf.Module):
    def __init__(self, name=None):
        super().__init__(name)
        self.w = tf.Variable(tf.ones([8, 8]), name="w")

    @tf.Module.with_name_scope
    def __call__(self, x):
        return x @ self.w


def blocks_of_one_name():
    blocks = [Block(), Block()]

    @tf.function
    def forward(x):
        return blocks[1](blocks[0](x))

    return lambda: forward(X)


def blocks_of_two_names():
    blocks = [Block("first"), Block("second")]

    @tf.function
    def forward(x):
        return blocks[1](blocks[0](blocks[0](x)))

    return lambda: forward(X)


def prediction_of_legacy_keras():
    model = tf_keras.Sequential([tf_keras.layers.Dense(2), tf_keras.layers.BatchNormalization()])
    return lambda: model.predict(X, verbose=0)


def layers_with_functions():
    class Layer(tf.Module):
        def __init__(self, inputs, outputs):
            self.w = tf.Variable(tf.ones([inputs, outputs]))

        @tf.function
        def __call__(self, x):
            return x @ self.w

    layers = [Layer(8, 6), Layer(6, 4), Layer(4, 2)]

    def forward():
        x = X
        for layer in layers:
            x = layer(x)

    return forward


def objects():
    @tf.function
    def step(x, config):
        return x + 1.0

    return lambda: [step(X, type("Config", (), {})()) for _ in range(3)]


for name, model in [item for item in globals().items() if type(item[1]) is type(closure)]:
    recorded = model()
    with tracer.trace(name, logdir=sys.argv[1] + "/logs", profile=False):
        recorded()
"""

# By model: rule, function, nodes or traces. The others are sound.
FOUND = {
    "closure": [("captured-tensor", "step", 1)],
    "array_of_numpy": [("float64", "step", 5)],
    "gate_of_argmax": [("no-gradient", "step", 1)],
    "gate_of_whole_numbers": [("no-gradient", "step", 1)],
    "variable_read_for_nothing": [("unused-variable", "forward", 1)],
    "blocks_of_one_name": [("shared-scope", "forward", 2)],
    "objects": [("retracing", "step", 3)],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Finding, ...]]:
    """Returns the findings of each of the models, recorded in one process."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "models.py").write_text(MODELS)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(folder / "models.py"), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return {path.parent.name: lint(load_run(path)) for path in sorted((folder / "logs").glob("*/*"))}


def test_lint_finds_what_is_wrong_with_models_and_nothing_else(models: dict[str, tuple[Finding, ...]]):
    """Of the models as users write them, those with a fault have one finding, and the sound ones none."""
    found = {
        name: [(finding.rule, finding.function, finding.count) for finding in findings]
        for name, findings in models.items()
    }

    assert len(found) == MODELS.count("\ndef ")
    assert {name: rows for name, rows in found.items() if rows} == FOUND
