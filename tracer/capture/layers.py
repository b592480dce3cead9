"""The layers of a Keras model as values, and what flows between them: as it says, or as the traced graph shows."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tracer.graph.inline import Inlined
from tracer.graph.references import by_name, data_of, producer_of

_NUMBER = re.compile(r"_\d+$")  # behind a scope that was opened before


@dataclasses.dataclass(frozen=True, slots=True)
class Link:
    """An edge between two layers of one model."""

    producer: str
    output: int  # which of its results
    consumer: str
    position: int  # which of the consumer's inputs


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """A layer or a model, as a value."""

    name: str
    class_name: str
    dtype: str
    variables: frozenset[str] = frozenset()  # names of its variables and of those of its layers, as captures have them
    layers: tuple[Layer, ...] = ()
    links: tuple[Link, ...] | None = None  # between its layers; None where only its `call` knows
    inputs: tuple[str, ...] = ()  # the layers that take what it is given
    outputs: tuple[tuple[str, int], ...] = ()  # the layers that make its results, and which of their results

    def below(self) -> Iterator[Layer]:
        """Yields its layers, and theirs."""
        for layer in self.layers:
            yield layer
            yield from layer.below()


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A layer in the conceptual graph of a model."""

    layer: Layer
    path: str  # in the model: "encoder/attention"
    inputs: tuple[str, ...]  # paths of the layers that it reads from


def linked(model: Layer) -> list[Row]:
    """Returns the innermost layers of a model that knows its links."""
    return [Row(layer, path, tuple(dict.fromkeys(inputs))) for layer, path, inputs in _Linked().of(model, "")]


class _Linked:
    """Goes through nested models; a model in a model has its own layers' places as its ends."""

    def of(self, model: Layer, prefix: str) -> list[tuple[Layer, str, list[str]]]:
        rows: list[tuple[Layer, str, list[str]]] = []
        parts = {}
        for layer in model.layers:
            path = prefix + layer.name
            below = self.of(layer, f"{path}/") if layer.links is not None else [(layer, path, [])]
            parts[layer.name] = {path: inputs for _, path, inputs in below}
            rows += below
        known = {layer.name: layer for layer in model.layers}
        for link in model.links or ():
            into = self._into(known[link.consumer], prefix, link.position)
            parts[link.consumer][into].append(self._out_of(known[link.producer], prefix, link.output))
        return rows

    def _into(self, layer: Layer, prefix: str, position: int) -> str:
        if layer.links is None or not layer.inputs:
            return prefix + layer.name
        name = layer.inputs[min(position, len(layer.inputs) - 1)]
        return self._into(_named(layer, name), f"{prefix}{layer.name}/", 0)

    def _out_of(self, layer: Layer, prefix: str, output: int) -> str:
        if layer.links is None or not layer.outputs:
            return prefix + layer.name
        name, number = layer.outputs[min(output, len(layer.outputs) - 1)]
        return self._out_of(_named(layer, name), f"{prefix}{layer.name}/", number)


def _named(model: Layer, name: str) -> Layer:
    return next(layer for layer in model.layers if layer.name == name)


def as_json(model: Layer, rows: Iterable[Row]) -> str:
    """Returns a model's layers as the JSON that TensorBoard's Keras plugin reads (`plugins/graph/keras_util.py`).

    It is that of a functional model of Keras 3, in which nested models are scopes of names: so all edges are said.
    """
    layers = [
        {
            "class_name": row.layer.class_name,
            "config": {"name": row.path, **({"dtype": row.layer.dtype} if row.layer.dtype else {})},
            "inbound_nodes": [{"args": [_tensor(name) for name in row.inputs], "kwargs": {}}] if row.inputs else [],
        }
        for row in rows
    ]
    return json.dumps({"class_name": model.class_name, "config": {"name": model.name, "layers": layers}})


def _tensor(name: str) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


class _Ambiguous(Exception):
    """A scope may be that of two layers."""


class Flow:
    """What flows between the name scopes of a traced graph."""

    def __init__(self, graph: Inlined) -> None:
        self._nodes = graph.nodes
        self._below: dict[str, dict[str, None]] = defaultdict(dict)  # the scopes directly below each scope
        for name in graph.nodes.names:
            self._open(name.rpartition("/")[0])
        self._names = {node: variable.name for node, variable in graph.captures.items() if variable.kind == "variable"}
        self._read: dict[str, set[str]] = defaultdict(set)  # the captures that the nodes of each scope read
        for node in graph.nodes:
            read = {text for text in node.inputs if text in self._names}
            for scope in _scopes_of(node.name) if read else ():
                self._read[scope] |= read

    def _open(self, scope: str) -> None:
        while scope:
            above, _, _ = scope.rpartition("/")
            if scope in self._below[above]:
                return
            self._below[above][scope] = None
            scope = above

    def scope_of(self, model: Layer) -> str | None:
        """Returns the first scope in which the model ran: it has the model's name, and all of its layers' variables."""
        waiting = [""]
        while waiting:
            scope = waiting.pop(0)
            if scope and _fits(scope, model) and self._holds(scope, model):
                return scope
            waiting += [inner for inner in self._below.get(scope, ()) if not inner.endswith("gradient_tape")]
        return None

    def _holds(self, scope: str, model: Layer) -> bool:
        placed = self._placed(scope, model).values()
        weighted = {layer for layer in model.layers if layer.variables}
        if model.links is not None and not weighted <= set(placed):
            return False  # all layers of such a model run
        return bool(placed) and (not model.variables or bool(self._variables(scope) & model.variables))

    def _variables(self, scope: str) -> set[str]:
        return {self._names[handle] for handle in self._read[scope]}

    def _placed(self, scope: str, model: Layer) -> dict[str, Layer]:
        """Returns which layer ran in each scope directly below that of its model; scopes that may be of two stay out.

        `dense_1` may be the second call of `dense`, or the first of `dense_1`. It is the latter's if `dense` is placed
        elsewhere; it is the former's if it reads the same variables.
        """
        fitting = self._fitting(scope, model)
        found: dict[str, Layer] = {}
        while True:
            sure = {inner: layers[0] for inner, layers in fitting.items() if len(layers) == 1 and inner not in found}
            if not sure:
                return found
            found |= sure
            taken = set(found.values())
            for inner in fitting.keys() - found.keys():
                same = {layer for other, layer in found.items() if self._read[other] & self._read[inner]}
                fitting[inner] = [
                    layer for layer in fitting[inner] if layer in same or (not same and layer not in taken)
                ]

    def _fitting(self, scope: str, model: Layer) -> dict[str, list[Layer]]:
        """Returns the layers whose name and whose variables fit each scope directly below that of their model."""
        found = {}
        for inner in self._below.get(scope, ()):
            layers = [layer for layer in model.layers if _fits(inner, layer)]
            reading = [layer for layer in layers if layer.variables & self._variables(inner)]
            found[inner] = reading or [layer for layer in layers if not layer.variables]
        return {inner: layers for inner, layers in found.items() if layers}

    def rows(self, model: Layer, scope: str) -> list[Row]:
        """Returns the innermost layers that ran in the model's scope, and whose results reached them.

        None of them where a scope may be of two layers: what would be drawn might not be true.
        """
        try:
            places = dict(self._innermost(scope, model, ""))
        except _Ambiguous:
            return []
        owners = {inner: path for inner, (path, _) in places.items()}
        inputs: dict[str, dict[str, None]] = {path: {} for path in owners.values()}
        for reader, producer in _Sources(self._nodes, scope, owners).edges():
            inputs[reader][producer] = None
        layers = dict(places.values())
        given = {name for names in inputs.values() for name in names} - layers.keys()
        rows = [Row(Layer(name, "Input", ""), name, ()) for name in sorted(given)]
        return rows + [Row(layer, path, tuple(inputs[path])) for path, layer in layers.items()]

    def _innermost(self, scope: str, model: Layer, prefix: str) -> Iterator[tuple[str, tuple[str, Layer]]]:
        placed = self._placed(scope, model)
        if placed.keys() != self._fitting(scope, model).keys():
            raise _Ambiguous
        for inner, layer in placed.items():
            below = dict(self._innermost(inner, layer, f"{prefix}{layer.name}/")) if layer.layers else {}
            yield from below.items() or [(inner, (prefix + layer.name, layer))]


class _Sources:
    """Finds whose results reach a layer, through the nodes of the models around it."""

    def __init__(self, nodes: Any, scope: str, owners: Mapping[str, str]) -> None:
        self._inputs = by_name(nodes.names, nodes.inputs)
        self._kinds = by_name(nodes.names, nodes.kinds)
        self._prefix = f"{scope}/"
        self._owner: dict[str, str] = {}  # the layer of each node below the scope
        for name in nodes.names:
            owner = next((owners[inner] for inner in _scopes_of(name) if inner in owners), "")
            if owner:
                self._owner[name] = owner
        self._found: dict[str, frozenset[str]] = {}

    def edges(self) -> Iterator[tuple[str, str]]:
        """Yields reader and producer."""
        for name, owner in self._owner.items():
            for source in self._data(name):
                for producer in sorted(self._producers(source)):
                    if producer != owner:
                        yield owner, producer

    def _data(self, name: str) -> list[str]:
        return [producer_of(text) for text in data_of(self._inputs.get(name, ()))]

    def _producers(self, name: str) -> frozenset[str]:
        """Returns the layers, and what stands outside of the model, whose results a node's result is made of."""
        waiting, seen, found = [name], set[str](), set[str]()
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in self._owner:
                found.add(self._owner[node])
            elif node in self._found:
                found |= self._found[node]
            elif node.startswith(self._prefix):
                waiting += self._data(node)
            elif node in self._kinds and self._is_tensor(node):
                found.add(node.rpartition("/")[2])
        self._found[name] = frozenset(found)
        return self._found[name]

    def _is_tensor(self, name: str) -> bool:
        """Tells an input of the model from a variable's handle and from a constant."""
        kind = self._kinds[name]
        return kind.op != "Const" and all(output.dtype != "resource" for output in kind.outputs)


def _fits(scope: str, layer: Layer) -> bool:
    name = scope.rpartition("/")[2]
    return name == layer.name or _NUMBER.sub("", name) == layer.name


def _scopes_of(name: str) -> Iterator[str]:
    """Yields the scopes that a node stands in, the innermost first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
