"""The JSON of Keras models, in both dialects."""

import json

import pytest

from tracer.errors import Unreadable
from tracer.graph.model import TensorType
from tracer.store.foreign.keras_json import keras_graph

FLOAT = "float32"


def layer(name, kind="Dense", *, inbound=None, build=None, **config):
    """Returns a layer; `inbound` makes it one of a functional model."""
    facts = {"class_name": kind, "config": {"name": name, **config}}
    if inbound is not None:
        facts |= {"name": name, "inbound_nodes": inbound}
    return facts | ({"build_config": {"input_shape": build}} if build else {})


def keras3(*sources, shape=(None, 4)):
    """Returns one call's arguments as Keras 3 writes them: `a`, or `a:1` for its second output."""
    tensors = []
    for source in sources:
        name, _, port = source.partition(":")
        config = {"shape": shape, "dtype": FLOAT, "keras_history": [name, 0, int(port or 0)]}
        tensors.append({"class_name": "__keras_tensor__", "config": config})
    return {"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": {"mask": None}}


def keras2(*sources):
    """Returns one call's arguments as Keras 2 writes them: layer, call, output, keyword arguments."""
    return [[source, 0, 0, {}] for source in sources]


def model(*layers, kind="Functional", **config):
    """Returns a model."""
    return {"class_name": kind, "config": {"name": "model", "layers": list(layers), **config}}


def read(facts):
    """Returns the graph in a model's JSON."""
    return keras_graph(json.dumps(facts).encode(), "model.json")


def edges(facts):
    """Returns each layer with what it reads."""
    return {node.name: list(node.inputs) for node in read(facts).nodes}


def outputs(facts):
    """Returns the types that each layer returns."""
    return {node.name: node.outputs for node in read(facts).nodes}


def test_a_sequential_model_is_a_chain():
    """Each layer reads the one before it; its class is its op, its settings are its attributes."""
    facts = model(layer("a", units=8, activation="relu"), layer("b", "Dropout", rate=0.5, seed=None), kind="Sequential")

    assert edges(facts) == {"a": [], "b": ["a"]}
    assert [(node.op, dict(node.attributes)) for node in read(facts).nodes] == [
        ("Dense", {"activation": "relu", "units": 8}),
        ("Dropout", {"rate": 0.5}),
    ]


def test_what_a_layer_takes_is_what_the_one_before_it_returns():
    """`build_config` gives the shapes of a Sequential model, and the InputLayer's own that of the first."""
    facts = model(
        layer("i", "InputLayer", batch_shape=[None, 4], dtype=FLOAT),
        layer("a", build=[None, 4], dtype={"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}),
        layer("b", build=[None, 8], dtype=FLOAT),
        kind="Sequential",
    )

    assert outputs(facts) == {
        "i": (TensorType(FLOAT, (None, 4)),),
        "a": (TensorType("float16", (None, 8)),),
        "b": (TensorType(FLOAT, None),),
    }


def test_settings_tell_what_a_layer_returns():
    """Where nobody wrote a shape, a `Dense` layer has its units, others keep theirs; of the rest nothing is said."""
    facts = model(
        layer("i", "InputLayer", batch_shape=[None, 5, 4], dtype=FLOAT),
        layer("a", units=7, dtype=FLOAT),
        layer("b", "Dropout", dtype=FLOAT),
        layer("c", "Mine", dtype=FLOAT),
        layer("d", units=3, dtype=FLOAT),
        kind="Sequential",
    )

    assert {name: types[0].shape for name, types in outputs(facts).items()} == {
        "i": (None, 5, 4),
        "a": (None, 5, 7),
        "b": (None, 5, 7),
        "c": None,
        "d": None,
    }


def test_keras_3_writes_edges_as_tensors():
    """A functional model of Keras 3 has the edges, and the types of what flows along them, in its calls."""
    facts = model(
        layer("i", "InputLayer", inbound=[]),
        layer("split", "Split", inbound=[keras3("i", shape=[2, 6])]),
        layer("sum", "Add", inbound=[keras3("split", "split:1", shape=[2, 3])]),
    )

    assert edges(facts) == {"i": [], "split": ["i"], "sum": ["split", "split:1"]}
    assert outputs(facts)["i"] == (TensorType(FLOAT, (2, 6)),)
    assert outputs(facts)["split"] == (TensorType(FLOAT, (2, 3)), TensorType(FLOAT, (2, 3)))


def test_keras_2_writes_edges_as_rows():
    """A functional model of Keras 2 names layer, call and output; tensors among keyword arguments are edges too."""
    operation = {
        "class_name": "TFOpLambda",
        "name": "add",
        "config": {},
        "inbound_nodes": [["i", 0, 0, {"y": ["a", 0, 0]}]],
    }
    facts = model(layer("i", "InputLayer", inbound=[]), layer("a", inbound=[keras2("i")]), operation)

    assert edges(facts) == {"i": [], "a": ["i"], "add": ["i", "a"]}


@pytest.mark.parametrize("call", [keras2, keras3])
def test_a_model_in_a_model_is_a_scope(call):
    """A nested model's layers stand below its name; who reads the model reads its last layer."""
    inner = layer("seq", "Sequential", inbound=[call("i")], layers=[layer("in", "InputLayer"), layer("a"), layer("b")])
    facts = model(layer("i", "InputLayer", inbound=[]), inner, layer("out", inbound=[call("seq")]))

    assert edges(facts) == {"i": [], "seq/in": ["i"], "seq/a": ["seq/in"], "seq/b": ["seq/a"], "out": ["seq/b"]}


@pytest.mark.parametrize(
    ("ends", "out"),
    [([["x", 0, 0], ["y", 0, 0]], ["o", 0, 0]), ({"x": ["x", 0, 0], "y": ["y", 0, 0]}, {"o": ["o", 0, 0]})],
)
def test_a_functional_model_in_a_model_gives_each_input_its_own(ends, out):
    """Of several inputs, listed or named, each reads what the model is called on in its place, in every call."""
    inner = [layer(name, "InputLayer", inbound=[]) for name in "xy"] + [layer("o", "Add", inbound=[keras2("x", "y")])]
    calls = [keras2("a", "b"), keras2("b", "a")]
    nested = layer("net", "Functional", inbound=calls, layers=inner, input_layers=ends, output_layers=out)
    facts = model(layer("a", inbound=[]), layer("b", inbound=[]), nested, layer("z", inbound=[keras2("net")]))

    assert edges(facts) == {
        "a": [],
        "b": [],
        "net/x": ["a", "b"],
        "net/y": ["b", "a"],
        "net/o": ["net/x", "net/y"],
        "z": ["net/o"],
    }


def test_a_layer_that_is_called_twice_is_one_node():
    """A shared layer reads what it is called on in all of its calls."""
    facts = model(layer("a", inbound=[]), layer("b", inbound=[]), layer("shared", inbound=[keras2("a"), keras2("b")]))

    assert edges(facts)["shared"] == ["a", "b"]


def test_the_first_dialect_of_sequential_is_read():
    """Keras 2 once wrote a Sequential's config as a bare list."""
    assert edges({"class_name": "Sequential", "config": [layer("a"), layer("b")]}) == {"a": [], "b": ["a"]}


def test_a_layer_may_keep_anything_under_layers():
    """Only layers make a model: a setting of that name does not."""
    assert edges(model(layer("a", "Custom", layers=[1, 2]), kind="Sequential")) == {"a": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "model.json holds a Keras model that is not valid JSON: "),
        (b"{", "model.json holds a Keras model that is not valid JSON: "),
        (b"[" * 100_000, "model.json holds a Keras model that is not valid JSON: "),
        (b"[]", "model.json is not as Keras writes a model: TypeError "),
        (b'{"config": {}}', "model.json is not as Keras writes a model: KeyError 'layers'"),
        (b'{"config": {"layers": [3]}}', "model.json is not as Keras writes a model: TypeError "),
        (b'{"config": {"layers": [{"config": null}]}}', "model.json is not as Keras writes a model: "),
    ],
)
def test_json_that_is_no_model_is_unreadable(content, message):
    """Damaged JSON, and JSON of something else, is an error of ours."""
    with pytest.raises(Unreadable) as caught:
        keras_graph(content, "model.json")
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("port", [-1, 10**9, "x", None])
def test_an_output_that_no_layer_has_is_unreadable(port):
    """A damaged number of an output asks for no memory."""
    facts = model(layer("a", inbound=[]), layer("b", inbound=[[["a", 0, port, {}]]]))

    with pytest.raises(Unreadable, match="a layer has no output"):
        read(facts)


def test_models_that_nest_without_end_are_unreadable():
    """A model 300 levels deep is an error, and no crash."""
    text = b'{"class_name": "Sequential", "config": {"name": "m", "layers": [' * 300
    text += json.dumps(layer("a")).encode() + b"]}}" * 300

    with pytest.raises(Unreadable, match="models nest deeper than 100"):
        keras_graph(text, "model.json")
