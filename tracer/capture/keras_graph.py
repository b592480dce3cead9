"""The layers of Keras models as TensorBoard's conceptual graph, for the models whose layers a recorded function ran.

How the layers hang together a Sequential or functional model says itself. Of a model with a `call` of its own the traced
graph tells: Keras opens a name scope for each layer that it calls, so what flows between these scopes is seen there.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracer.capture.layer_flow import Flow
from tracer.errors import reason
from tracer.graph.inline import Inlined
from tracer.recorded import Warned

_PACKAGES = ("keras", "tf_keras")


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
    variables: frozenset[str] = frozenset()  # TensorFlow's names of its variables and of those of its layers
    layers: tuple[Layer, ...] = ()
    links: tuple[Link, ...] | None = None  # between its layers; None where only its `call` knows
    inputs: tuple[str, ...] = ()  # the layers that take what it is given
    outputs: tuple[tuple[str, int], ...] = ()  # the layers that make its results, and which of their results

    def below(self) -> Iterator[Layer]:
        """Yields its layers, and theirs."""
        for layer in self.layers:
            yield layer
            yield from layer.below()


def conceptual_graphs(traced: Sequence[Inlined], warnings: list[Warned]) -> dict[str, str]:
    """Returns the JSON of TensorBoard's conceptual graph for each Keras model that a trace ran, by the model's name.

    Nothing is loaded for it, and nothing is done where the program has not loaded Keras.
    """
    try:
        models = [_described(model) for model in _living_models()]
        return _graphs(models, traced) if models else {}
    except Exception as error:  # noqa: BLE001  # models are the user's objects, and Keras' insides change
        warnings.append(
            Warned("no-keras-graph", f"the Keras model's layers could not be drawn: {reason(error)}", "please report this")
        )
        return {}


def _graphs(models: Sequence[Layer], traced: Sequence[Inlined]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    flows = [Flow(graph) for graph in traced]
    ran = [(model, flow, scope) for model in models for flow, scope in _first_run(model, flows)]
    inner = {layer for model, _, _ in ran for layer in model.below()}
    for model, flow, scope in ran:
        if model not in inner and model.layers:
            edges = linked(model) if model.links is not None else flow.edges(model, scope)
            found.setdefault(model.name, set()).add(as_json(model, edges))
    # Of two models of one name that both fit nobody can tell which it was.
    return {name: texts.pop() for name, texts in found.items() if len(texts) == 1}


def _first_run(model: Layer, flows: Iterable[Flow]) -> Iterator[tuple[Flow, str]]:
    for flow in flows:
        scope = flow.scope_of(model)
        if scope is not None:
            yield flow, scope
            return


def linked(model: Layer) -> list[tuple[Layer, str, tuple[str, ...]]]:
    """Returns the innermost layers of a model that knows its links: layer, path in the model, paths of its inputs."""
    return [(layer, path, tuple(dict.fromkeys(inputs))) for layer, path, inputs in _Linked().of(model, "")]


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


def as_json(model: Layer, rows: Iterable[tuple[Layer, str, tuple[str, ...]]]) -> str:
    """Returns a model's layers as the JSON that TensorBoard's Keras plugin reads (`plugins/graph/keras_util.py`).

    It is that of a functional model of Keras 3, in which nested models are scopes of names: so all edges are said.
    """
    layers = [
        {
            "class_name": layer.class_name,
            "config": {"name": path, **({"dtype": layer.dtype} if layer.dtype else {})},
            "inbound_nodes": [{"args": [_tensor(name) for name in inputs], "kwargs": {}}] if inputs else [],
        }
        for layer, path, inputs in rows
    ]
    return json.dumps({"class_name": model.class_name, "config": {"name": model.name, "layers": layers}})


def _tensor(name: str) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


def _living_models() -> list[Any]:
    """Returns the Keras models of the process. Only Python's own list of objects knows all of them."""
    import gc

    classes: set[type] = set()
    for package in _PACKAGES:
        waiting = [vars(sys.modules[package]).get("Model")] if package in sys.modules else []
        while waiting:
            found = waiting.pop()
            if isinstance(found, type) and found not in classes:
                classes.add(found)
                waiting += type.__subclasses__(found)
    return [thing for thing in gc.get_objects() if type(thing) in classes] if classes else []


def _described(layer: Any) -> Layer:
    chain = _is_a(layer, "Sequential") and _call_is_kerass(layer)
    graph = bool(getattr(layer, "_nodes_by_depth", None)) and _call_is_kerass(layer)
    inner = _sequence(layer) if chain else _operations(layer) if graph else list(getattr(layer, "layers", ()) or _parts(layer))
    return Layer(
        name=str(layer.name),
        class_name=re.sub(r"[^ -~]", "?", type(layer).__name__),  # TensorBoard reads it as ASCII
        dtype=str(getattr(layer, "compute_dtype", None) or ""),
        variables=frozenset(_variable_name(variable) for variable in getattr(layer, "variables", ())),
        layers=tuple(map(_described, inner)),
        links=_chained(inner) if chain else _links(layer) if graph else None,
        inputs=(str(inner[0].name),) if chain and inner else _ends(layer, "inputs") if graph else (),
        outputs=((str(inner[-1].name), 0),) if chain and inner else _results(layer) if graph else (),
    )
