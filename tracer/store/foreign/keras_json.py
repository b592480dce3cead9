"""The JSON of a Keras model to a graph of its layers, in the dialects of Keras 2 and Keras 3.

A node is a layer: its op is the layer's class, its attributes are the settings in its `config`, its inputs the layers
that it is called on. The layers of a model that is used as a layer stand in a scope with its name. A layer that is
called several times is one node, with the inputs of all calls.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tracer.errors import Unreadable
from tracer.graph.model import Graph, Kind, Node, Nodes, Shape, TensorType

_DEPTH = 100  # models in models; real ones stay below 10
_PORTS = 10_000  # outputs of a layer; a damaged number would ask for as many types
_POLICIES = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}  # what layers compute in
_PLAIN = (int, float, bool, str)
# Layers that return a tensor of the shape that they take.
_KEEP_SHAPE = frozenset(
    {"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "ActivityRegularization"}
    | {"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"}
    | {"GaussianNoise", "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization"}
    | {"Normalization", "Rescaling", "Identity"}
)

_Edge = tuple[str, int]  # a layer's name and which of its outputs


class _LayerKind(Kind):
    """A layer's class; its outputs are not TensorFlow's to tell."""

    is_layer = True

    def __init__(self, op: str, attributes: Mapping[str, Any], outputs: tuple[TensorType, ...]) -> None:
        super().__init__(op, attributes)
        self.__dict__["outputs"] = outputs  # where `Kind` would keep them once they are known


@dataclasses.dataclass(slots=True)
class _Layer:
    name: str  # its node path
    config: Mapping[str, Any]
    op: str
    inputs: list[_Edge]


@dataclasses.dataclass(slots=True)
class _Model:
    """The layers met so far, and what is known of what flows between them."""

    layers: list[_Layer] = dataclasses.field(default_factory=list)
    outputs: dict[str, list[_Edge]] = dataclasses.field(default_factory=dict)  # of models in the model
    types: dict[_Edge, TensorType] = dataclasses.field(default_factory=dict)


def keras_graph(content: bytes, path: Path | str) -> Graph:
    """Returns the graph of layers in a Keras model's JSON.

    Args:
      content: the JSON, as `model.to_json()` returns it.
      path: where it comes from, for messages.

    Raises:
      Unreadable: it is no JSON, or not of a Keras model with layers.
    """
    hint = "it is damaged, or of another kind"
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} holds a Keras model that is not valid JSON: {error}", hint=hint) from None
    model = _Model()
    try:
        _add_model(model, facts, "", [], 0)
        return Graph(Nodes.of(_nodes(model)))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        problem = f"{path} is not as Keras writes a model: {type(error).__name__} {error}"
        raise Unreadable(problem, hint=hint) from None


def _add_model(model: _Model, facts: Mapping[str, Any], prefix: str, given: list[_Edge], depth: int) -> list[_Edge]:
    """Adds the layers of a model, called on `given`, and returns its outputs."""
    if depth > _DEPTH:
        raise ValueError(f"models nest deeper than {_DEPTH}")
    config = facts["config"]
    layers = config if isinstance(config, list) else config["layers"]  # Keras 2's first Sequential was a bare list
    if any("inbound_nodes" in layer for layer in layers):
        return _add_functional(model, config, prefix, given, depth)
    flowing = given
    for layer in layers:
        flowing = _add_layer(model, layer, prefix, flowing, depth)
    return flowing


def _add_functional(
    model: _Model, config: Mapping[str, Any], prefix: str, given: list[_Edge], depth: int
) -> list[_Edge]:
    names = [prefix + name for name, _ in _ends(config.get("input_layers"))]
    for layer in config["layers"]:
        inputs = [(prefix + name, port) for name, port in _inbound(model, layer.get("inbound_nodes"), prefix)]
        own = prefix + _layer_name(layer)
        if own in names:
            inputs += given if len(names) == 1 else given[names.index(own) :: len(names)]
        _add_layer(model, layer, prefix, inputs, depth)
    return [(prefix + name, port) for name, port in _ends(config.get("output_layers"))]


def _add_layer(model: _Model, layer: Mapping[str, Any], prefix: str, inputs: list[_Edge], depth: int) -> list[_Edge]:
    name = prefix + _layer_name(layer)
    config = layer["config"]
    _note_input_types(model, layer, inputs)
    if _holds_layers(config):
        model.outputs[name] = _add_model(model, layer, f"{name}/", inputs, depth + 1)
        return [(name, port) for port in range(len(model.outputs[name]))]
    model.layers.append(_Layer(name, config, str(layer["class_name"]), inputs))
    return [(name, 0)]


def _holds_layers(config: Any) -> bool:
    """Tells the config of a model from that of a layer, which may keep anything under `layers`."""
    layers = config.get("layers") if isinstance(config, Mapping) else config
    return isinstance(layers, list) and all(isinstance(layer, Mapping) and "class_name" in layer for layer in layers)


def _layer_name(layer: Mapping[str, Any]) -> str:
    config = layer["config"]
    inner = config.get("name") if isinstance(config, Mapping) else None
    return str(layer.get("name") or inner or layer["class_name"])


def _ends(value: Any) -> list[_Edge]:
    """Returns the layers in `input_layers` or `output_layers`: one, or a list or a dict of them, nested."""
    if isinstance(value, Mapping):
        return [edge for part in value.values() for edge in _ends(part)]
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return [(value[0], _port(value[2]))]
    return [edge for part in value for edge in _ends(part)] if isinstance(value, list) else []


def _inbound(model: _Model, value: Any, prefix: str) -> Iterator[_Edge]:
    """Yields what a layer is called on, and notes the types that Keras 3 writes beside it."""
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        config = value["config"]
        name, _, port = config["keras_history"]
        model.types[prefix + name, _port(port)] = TensorType(
            str(config.get("dtype") or ""), _shape(config.get("shape"))
        )
        yield str(name), _port(port)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _inbound(model, part, prefix)
    elif isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str) and isinstance(value[1], int):
        yield value[0], _port(value[2])  # Keras 2: layer, call, output, keyword arguments
        yield from _inbound(model, value[3] if len(value) == 4 else None, prefix)
    elif isinstance(value, list):
        for part in value:
            yield from _inbound(model, part, prefix)


def _port(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < _PORTS:
        raise ValueError(f"a layer has no output {value!r}")
    return value


def _note_input_types(model: _Model, layer: Mapping[str, Any], inputs: list[_Edge]) -> None:
    """Notes what `build_config` says of a layer's inputs: it is what the layers before it return."""
    shapes = (layer.get("build_config") or {}).get("input_shape")
    rows = [shapes] if _is_shape(shapes) else shapes if isinstance(shapes, list) else []
    if rows and len(inputs) % len(rows) == 0:  # each call has as many
        for edge, row in zip(inputs, itertools.cycle(rows), strict=False):
            model.types.setdefault(edge, TensorType("", _shape(row)))


def _nodes(model: _Model) -> Iterator[Node]:
    for edge, known in list(model.types.items()):  # what a model in the model returns, its last layer returns
        model.types.setdefault(_source(model, edge), known)
    for layer in model.layers:
        known = model.types.get((layer.name, 0), TensorType("", None))
        if known.shape is None and (shape := _returned(model, layer)) is not None:
            model.types[layer.name, 0] = TensorType(known.dtype, shape)
    ports: dict[str, int] = {}
    for name, port in model.types:
        ports[name] = max(ports.get(name, 0), port)
    for layer in model.layers:
        edges = [(layer.name, port) for port in range(ports.get(layer.name, 0) + 1)]
        kind = _kind(layer, tuple(model.types.get(edge, TensorType("", None)) for edge in edges))
        sources = [_source(model, edge) for edge in layer.inputs]
        yield Node(layer.name, kind, tuple(f"{name}:{port}" if port else name for name, port in sources), "")


def _returned(model: _Model, layer: _Layer) -> Shape:
    """Returns the shape that a layer returns by what it takes and its settings; None where these do not tell."""
    batch = layer.config.get("batch_shape", layer.config.get("batch_input_shape"))
    if layer.op == "InputLayer" and _is_shape(batch):
        return _shape(batch)
    taken = {model.types.get(_source(model, edge), TensorType("", None)).shape for edge in layer.inputs}
    shape = taken.pop() if len(taken) == 1 else None
    units = layer.config.get("units")
    if layer.op == "Dense" and shape and isinstance(units, int):
        return *shape[:-1], units
    return shape if layer.op in _KEEP_SHAPE else None


def _kind(layer: _Layer, outputs: tuple[TensorType, ...]) -> Kind:
    config = layer.config
    attributes: dict[str, Any] = {
        key: value for key, value in config.items() if isinstance(value, _PLAIN) and key != "name"
    }
    attributes |= {
        key: tuple(value)
        for key, value in config.items()
        if isinstance(value, list) and value and all(isinstance(part, int | None) for part in value)
    }
    dtype = _dtype(config.get("dtype"))
    outputs = tuple(TensorType(known.dtype or dtype, known.shape) for known in outputs)
    if dtype:
        attributes["dtype"] = dtype
    return _LayerKind(layer.op, dict(sorted(attributes.items())), outputs)


def _dtype(value: Any) -> str:
    """Returns the dtype in a layer's config: a name, or Keras 3's policy."""
    name = (value.get("config") or {}).get("name") if isinstance(value, Mapping) else value
    return _POLICIES.get(name, name) if isinstance(name, str) else ""


def _source(model: _Model, edge: _Edge) -> _Edge:
    """Returns the layer behind an edge: inside of a model, where one is used as a layer."""
    for _ in range(_DEPTH + 2):
        inner = model.outputs.get(edge[0])
        if not inner:
            break
        edge = inner[edge[1]] if edge[1] < len(inner) else inner[-1]
    return edge


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and all(dim is None or isinstance(dim, int) for dim in value)


def _shape(value: Any) -> Shape:
    return tuple(dim if isinstance(dim, int) and dim >= 0 else None for dim in value) if _is_shape(value) else None
