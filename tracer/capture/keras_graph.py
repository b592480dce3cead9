"""The layers of Keras models as TensorBoard's conceptual graph, for the models whose layers a recorded function ran.

How its layers hang together a Sequential or functional model says itself. Of a model with a `call` of its own the
traced graph tells: Keras opens a name scope for each layer that it calls, so what flows between them is seen there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tracer.capture.layers import Flow, Layer, Link, as_json, linked
from tracer.capture.modules import keras_variables, variable_name
from tracer.graph.inline import Inlined

_PACKAGES = ("keras", "tf_keras")


def conceptual_graphs(models: Sequence[Layer], traced: Sequence[Inlined]) -> dict[str, str]:
    """Returns the JSON of TensorBoard's conceptual graph for each Keras model that a trace ran, by the model's name."""
    found: dict[str, set[str]] = {}
    flows = [Flow(graph) for graph in traced] if models else []
    ran = [(model, flow, scope) for model in models for flow, scope in _first_run(model, flows)]
    inner = {layer for model, _, _ in ran for layer in model.below()}
    for model, flow, scope in ran:
        if model not in inner and model.layers:
            rows = linked(model) if model.links is not None else flow.rows(model, scope)
            found.setdefault(model.name, set()).update([as_json(model, rows)] if rows else [])
    # Of two models of one name that both fit nobody can tell which it was.
    return {name: texts.pop() for name, texts in found.items() if len(texts) == 1}


def _first_run(model: Layer, flows: Iterable[Flow]) -> Iterator[tuple[Flow, str]]:
    for flow in flows:
        scope = flow.scope_of(model)
        if scope is not None:
            yield flow, scope
            return


def living_models(objects: Iterable[Any]) -> tuple[Layer, ...]:
    """Returns the Keras models among the living objects, as values."""
    return tuple(_described(thing) for thing in objects if _is_a(thing, "Model"))


def _described(layer: Any) -> Layer:
    chain = _is_a(layer, "Sequential") and _call_is_kerass(layer)
    graph = bool(getattr(layer, "_nodes_by_depth", None)) and _call_is_kerass(layer)
    inner = (
        _sequence(layer)
        if chain
        else _operations(layer)
        if graph
        else list(getattr(layer, "layers", ()) or _parts(layer))
    )
    return Layer(
        name=str(layer.name),
        class_name=re.sub(r"[^ -~]", "?", type(layer).__name__),  # TensorBoard reads it as ASCII
        dtype=str(getattr(layer, "compute_dtype", None) or ""),
        variables=frozenset(map(variable_name, keras_variables(layer))),
        layers=tuple(map(_described, inner)),
        links=_chained(inner) if chain else _links(layer) if graph else None,
        inputs=(str(inner[0].name),) if chain and inner else _ends(layer, "inputs") if graph else (),
        outputs=((str(inner[-1].name), 0),) if chain and inner else _results(layer) if graph else (),
    )


def _call_is_kerass(layer: Any) -> bool:
    """Tells a model whose layers run as it was put together from one with a `call` of its own."""
    return str(getattr(type(layer).call, "__module__", "")).partition(".")[0] in _PACKAGES


def _is_a(layer: Any, name: str) -> bool:
    return any(base.__name__ == name and base.__module__.partition(".")[0] in _PACKAGES for base in type(layer).__mro__)


def _parts(layer: Any) -> list[Any]:
    """Returns the layers directly below a layer that is no model."""
    flatten = getattr(layer, "_flatten_layers", None)
    return list(flatten(include_self=False, recursive=False)) if flatten else []


def _sequence(model: Any) -> list[Any]:
    """Returns the layers of a Sequential model, the one that stands for its input too."""
    kept = getattr(model, "_layers", None) or getattr(model, "_self_tracked_trackables", None) or ()
    first = [layer for layer in kept[:1] if type(layer).__name__ == "InputLayer"]
    return [*first, *(layer for layer in model.layers if layer not in first)]


def _chained(layers: Sequence[Any]) -> tuple[Link, ...]:
    names = [str(layer.name) for layer in layers]
    return tuple(Link(a, 0, b, 0) for a, b in itertools.pairwise(names))


def _operations(model: Any) -> list[Any]:
    return list(dict.fromkeys(_owner(node) for node in _graph_nodes(model)))


def _graph_nodes(model: Any) -> list[Any]:
    """Returns the nodes of a functional model's graph of layers, inputs first."""
    return [node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]]


def _owner(node: Any) -> Any:
    return node.operation if hasattr(node, "operation") else node.layer


def _links(model: Any) -> tuple[Link, ...]:
    found = []
    for node in _graph_nodes(model):
        if node.is_input:
            continue
        tensors = node.keras_inputs if hasattr(node, "keras_inputs") else node.input_tensors
        for position, tensor in enumerate(tensors):
            producer, _, output = tensor._keras_history
            found.append(Link(str(producer.name), output, str(_owner(node).name), position))
    return tuple(found)


def _ends(model: Any, which: str) -> tuple[str, ...]:
    return tuple(str(tensor._keras_history[0].name) for tensor in getattr(model, which))


def _results(model: Any) -> tuple[tuple[str, int], ...]:
    return tuple((str(t._keras_history[0].name), t._keras_history[2]) for t in model.outputs)
