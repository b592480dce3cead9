"""The layers of Keras models, and what flows between them."""

import json

from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

from tests.helpers import graph
from tracer.capture.layers import Flow, Layer, Link, as_json, linked
from tracer.graph.inline import inline
from tracer.graph.model import Graph, TensorType, Variable


def layer(name, *variables, layers=(), **facts):
    """Returns a layer; a model has the variables of its layers."""
    below = frozenset(variable for part in layers for variable in part.variables)
    return Layer(name, "Dense", "float32", frozenset(variables) | below, tuple(layers), **facts)


def flow(nodes, **variables):
    """Returns the flow of a traced graph; a node of it stands for each variable."""
    captures = {node: Variable(name, TensorType("float32", ())) for node, name in variables.items()}
    return Flow(inline(Graph(graph(nodes).nodes, {}, captures)))


def edges(rows):
    """Returns the inputs of each layer."""
    return {row.path: row.inputs for row in rows}


def test_a_nested_models_ends_are_its_own_layers():
    """What goes into a model in a model goes into its first layer, and what comes out comes from its last."""
    inner = layer(
        "inner",
        layers=[layer("a"), layer("b")],
        links=(Link("a", 0, "b", 0),),
        inputs=("a",),
        outputs=(("b", 0),),
    )
    model = layer(
        "model",
        layers=[layer("x"), inner, layer("y")],
        links=(Link("x", 0, "inner", 0), Link("inner", 0, "y", 0)),
    )

    assert edges(linked(model)) == {"x": (), "inner/a": ("x",), "inner/b": ("inner/a",), "y": ("inner/b",)}


def test_what_the_model_does_between_its_layers_joins_them():
    """An edge goes through the model's own nodes; the gradient's nodes and control edges join nothing."""
    model = layer("m", layers=[layer("p"), layer("q"), layer("r")])
    nodes = "x:Placeholder  m/p/y:Mul<-x  m/add:Add<-m/p/y,x  m/q/y:Mul<-m/add  g/y:Mul<-m/q/y  m/r/y:Mul<-g/y,^m/q/y"

    assert edges(flow(nodes).rows(model, "m")) == {"x": (), "y": (), "p": ("x",), "q": ("p", "x"), "r": ("y",)}


def test_a_scope_is_its_models_if_the_variables_are():
    """A scope may be numbered; of two of the name only the one that reads the model's variables is it."""
    model = layer("m", layers=[layer("p", "m/kernel:0")])
    ran = flow("v:Placeholder  w:Placeholder  m/p/y:Mul<-w  m_1/p_1/y:Mul<-v", v="m/kernel:0", w="other:0")

    assert ran.scope_of(model) == "m_1"
    assert ran.scope_of(layer("n", layers=[layer("p", "m/kernel:0")])) is None


def test_a_second_call_is_told_from_a_second_layer():
    """`d_1` is the layer `d_1` if `d` is placed, and `d` again if it reads the same variables."""
    model = layer("m", layers=[layer("d", "k:0"), layer("d_1", "k:0")])
    two = flow("v:Placeholder=resource  w:Placeholder=resource  m/d/y:Mul<-v  m/d_1/y:Mul<-w,m/d/y", v="k:0", w="k:0")
    again = flow("v:Placeholder=resource  m/d/y:Mul<-v  m/d_1/y:Mul<-v,m/d/y", v="k:0")

    assert edges(two.rows(model, "m")) == {"d": (), "d_1": ("d",)}
    assert edges(again.rows(model, "m")) == {"d": ()}


def test_what_may_not_be_true_is_not_drawn():
    """Where a scope may be of two layers there is no conceptual graph."""
    model = layer("m", layers=[layer("d"), layer("d_1")])

    assert flow("m/d_1/y:Mul").rows(model, "m") == []


def test_tensorboard_reads_the_layers_and_their_edges():
    """Its own parser makes a node of each layer, with its class, behind its inputs."""
    model = layer("m", layers=[layer("p"), layer("q")], links=(Link("p", 0, "q", 0),))

    nodes = keras_model_to_graph_def(json.loads(as_json(model, linked(model)))).node

    assert [(node.name, node.attr["keras_class"].s, list(node.input)) for node in nodes] == [
        ("m/p", b"Dense", []),
        ("m/q", b"Dense", ["m/p"]),
    ]
