"""FLOPs against TensorFlow's own registry and profiler, on real models."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tracer.graph.flops import DIFFERS_FROM_TENSORFLOW, FORMULAS, graph_flops
from tracer.graph.inline import inline
from tracer.graph.model import Nodes
from tracer.store.graph_def import read_graph

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _mlp(keras: Any) -> tuple[Any, tuple[int, ...]]:
    layers = keras.layers
    first = layers.Dense(30, activation="relu")
    return keras.Sequential([keras.Input((20,)), first, layers.Dense(10, activation="softmax")]), (8, 20)


def _conv_net(keras: Any) -> tuple[Any, tuple[int, ...]]:
    layers = keras.layers
    stack = [
        layers.Conv2D(8, 3, strides=2, padding="same"),  # 33 and 31 rows and columns: strides cut the border off
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPool2D(),
        layers.DepthwiseConv2D(3),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(10),
    ]
    return keras.Sequential([keras.Input((33, 31, 3)), *stack]), (4, 33, 31, 3)


def _lstm(keras: Any) -> tuple[Any, tuple[int, ...]]:
    return keras.Sequential([keras.Input((7, 5)), keras.layers.LSTM(6), keras.layers.Dense(3)]), (2, 7, 5)


def _attention(keras: Any) -> tuple[Any, tuple[int, ...]]:
    value = keras.Input((5, 16))
    return keras.Model(value, keras.layers.MultiHeadAttention(2, 8)(value, value)), (2, 5, 16)


def _mobile_net(keras: Any) -> tuple[Any, tuple[int, ...]]:
    return keras.applications.MobileNetV2(weights=None), (1, 224, 224, 3)


MODELS: dict[str, Callable[[Any], tuple[Any, tuple[int, ...]]]] = {
    "mlp": _mlp,
    "conv net": _conv_net,
    "lstm": _lstm,
    "attention": _attention,
    "MobileNetV2": _mobile_net,
}


@pytest.fixture(scope="module")
def graphs() -> dict[str, Any]:
    """TensorFlow's graph of each model's inference, and of a training step of the conv net."""
    import keras
    import tensorflow as tf

    found = {}
    for name, make in MODELS.items():
        model, shape = make(keras)
        found[name] = tf.function(lambda x, model=model: model(x)).get_concrete_function(tf.TensorSpec(shape)).graph
        if name == "conv net":
            found["training"] = _training(tf, model).get_concrete_function(tf.TensorSpec(shape)).graph
    return found


def _training(tf: Any, model: Any) -> Any:
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.nn.l2_loss(model(x, training=True))
        return tape.gradient(loss, model.trainable_variables)

    return tf.function(step)


def _nodes(graph: Any) -> Nodes:
    return inline(read_graph(graph.as_graph_def(add_shapes=True).SerializeToString(), "the model")).nodes


def _registry(graph: Any) -> dict[str, int]:
    """What TensorFlow's registry says of each node that it knows."""
    from tensorflow.python.framework import ops

    found = {}
    for node in graph.as_graph_def(add_shapes=True).node:
        statistics = ops.get_stats_for_node_def(graph, node, "flops")
        if statistics and statistics.value:
            found[node.name] = int(statistics.value)
    return found


NAMES = [*MODELS, "training"]


@pytest.mark.parametrize("name", NAMES)
def test_nodes_agree_with_tensorflows_registry(graphs: dict[str, Any], name: str) -> None:
    """Where both know an op they give the same number for each node, but for the ops that are listed as different."""
    nodes = _nodes(graphs[name])
    ours = dict(zip(nodes.names, graph_flops(nodes).per_node, strict=True))
    ops = dict(zip(nodes.names, (kind.op for kind in nodes.kinds), strict=True))

    theirs = _registry(graphs[name])

    different = {node for node, number in theirs.items() if ours[node] != number}
    assert theirs
    assert {ops[node] for node in different} <= DIFFERS_FROM_TENSORFLOW.keys()


def test_every_listed_difference_is_one(graphs: dict[str, Any]) -> None:
    """The training step of the conv net has every op that is said to differ, and each differs as it is said to."""
    nodes = _nodes(graphs["training"])
    theirs = _registry(graphs["training"])
    pairs = {
        kind.op: (number, theirs[name])
        for name, kind, number in zip(nodes.names, nodes.kinds, graph_flops(nodes).per_node, strict=True)
        if kind.op in DIFFERS_FROM_TENSORFLOW
    }

    # 4 images, 17 by 16 outputs of 8 channels, each of 3 * 3 * 3 products; TensorFlow: 33 * 31 / 4 outputs
    gradient = (2 * 4 * 17 * 16 * 8 * 27, 2 * 4 * 33 * 31 * 8 * 27 // 4)
    assert pairs == {
        "Rsqrt": (8, 16),
        "L2Loss": (2 * 40, 3 * 40 - 1),
        "Conv2DBackpropFilter": gradient,
        "Conv2DBackpropInput": gradient,
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_profiler_has_the_same_total(graphs: dict[str, Any], name: str) -> None:
    """`tf.compat.v1.profiler` sums the registry over the nodes outside of functions, so the registry is the oracle."""
    import tensorflow as tf

    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    with graphs[name].as_default():
        total = tf.compat.v1.profiler.profile(graphs[name], options=options, cmd="op").total_float_ops

    assert total == sum(_registry(graphs[name]).values())


@pytest.mark.parametrize("name", NAMES)
def test_the_models_are_counted_whole(graphs: dict[str, Any], name: str) -> None:
    """Nothing in them is without a formula, and all shapes are known."""
    flops = graph_flops(_nodes(graphs[name]))

    assert (flops.without_formula, flops.unknown_shape) == (Counter(), Counter())


def test_mobile_net_has_the_multiply_adds_of_its_paper(graphs: dict[str, Any]) -> None:
    """Sandler et al. 2018, table 4: 300 million multiply-adds for one image of 224 by 224."""
    nodes = _nodes(graphs["MobileNetV2"])
    products = ("Conv2D", "DepthwiseConv2dNative", "MatMul")

    numbers = zip(nodes.kinds, graph_flops(nodes).per_node, strict=True)

    assert sum(number or 0 for kind, number in numbers if kind.op in products) == 2 * 300_774_272


def test_an_attention_is_its_products(graphs: dict[str, Any]) -> None:
    """Four projections, the scores and the weighted sum; those two are Einsums, which the registry does not know."""
    nodes = _nodes(graphs["attention"])
    batch, length, width, heads, size = 2, 5, 16, 2, 8

    numbers = zip(nodes.kinds, graph_flops(nodes).per_node, strict=True)

    projections = 4 * 2 * batch * length * width * heads * size
    products = projections + 2 * 2 * batch * heads * length * length * size
    assert sum(number or 0 for kind, number in numbers if kind.op in ("Einsum", "BatchMatMulV2")) == products


def test_every_op_of_the_registry_has_a_formula() -> None:
    """What TensorFlow can count, we can: there is no op that only its registry knows."""
    import tensorflow as tf  # noqa: F401  # fills the registry
    from tensorflow.python.framework import ops
    from tensorflow.python.profiler.internal import flops_registry  # noqa: F401  # fills the registry

    registry = ops._stats_registry._registry
    known = {name.partition(",")[0] for name in registry if name.endswith(",flops")}

    assert len(known) > 40
    assert known - FORMULAS.keys() == set()
