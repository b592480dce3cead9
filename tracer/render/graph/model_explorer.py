"""A view as Model Explorer's JSON (github.com/google-ai-edge/model-explorer, `graph_builder.py`).

Its loader takes `{"label", "graphs"}`. In it, scopes are the `namespace` of nodes: a path whose parts are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tracer.graph.references import CONTROL
from tracer.render.graph.words import plain, reads_text, source_text, type_text, visible
from tracer.report.export import Edge, GraphView, ViewNode

_VALUE = 1000  # characters of an attribute: the side panel shows it whole
_GROUP = "___group___"  # what its web app puts behind a namespace to name the layer

# Its web app splits namespaces at "/" and ";", drops empty parts, and reads "\/" as an escape.
_PART = str.maketrans({"/": "\u2215", ";": ",", "\\": "\u2216"})


def render(view: GraphView) -> str:
    """Returns a collection of one graph, with a line for each node; only ASCII, whatever the names are."""
    namespaces = _namespaces(view)
    ids = _ids(node.path for node in view.nodes)
    incoming: list[list[dict[str, str]]] = [[] for _ in view.nodes]
    for edge in view.edges:
        incoming[edge.target].append(_edge(edge, ids))
    shared: dict[int, Any] = {}
    rows = (
        _node(node, ids[number], namespaces[node.group], incoming[number], shared)
        for number, node in enumerate(view.nodes)
    )
    nodes = ",\n".join(map(_dumps, rows))
    name = f"{view.trace.name} ({view.stage})"
    graph = {
        "id": visible(f"{name}: {view.scope}" if view.scope else name),
        "nodeLabelsToHide": [],  # else it hides constants and variables, which are here because they were asked for
        "groupNodeAttributes": _scope_attributes(view, namespaces),
    }
    head = _dumps(graph)[:-1]
    label = _dumps(visible(view.trace.name))
    return f'{{"label": {label}, "graphs": [{head}, "nodes": [\n{nodes}\n]}}]}}\n'


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _namespaces(view: GraphView) -> dict[int, str]:
    """Returns the namespaces of the scopes that something is written of: nested, all together would be too long."""
    parts = [visible(group.label).translate(_PART).strip() or "(empty)" for group in view.groups]
    needed = {node.group for node in view.nodes} | {at for at, group in enumerate(view.groups) if group.function}
    found: dict[int, str] = {}
    for number in needed:
        path, at = [], number
        while at > 0:
            path.append(parts[at])
            at = view.groups[at].parent
        found[number] = "/".join(reversed(path))
    return found


def _ids(paths: Iterable[str]) -> list[str]:
    """Returns an id for each node: its path, with a number behind it where that is taken."""
    found: dict[str, None] = {}
    for path in paths:
        text = path or "(empty)"
        if text == "__proto__" or text.endswith(_GROUP):  # keys that mean something else to its web app
            text = f"{text} "
        number, unique = 1, text
        while unique in found:
            number += 1
            unique = f"{text} ({number})"
        found[unique] = None
    return list(found)


def _edge(edge: Edge, ids: list[str]) -> dict[str, str]:
    output = "control" if edge.port == CONTROL else str(edge.port)
    return {"sourceNodeId": ids[edge.source], "sourceNodeOutputId": output, "targetNodeInputId": str(edge.input)}


def _node(
    node: ViewNode, name: str, namespace: str, incoming: list[dict[str, str]], shared: dict[int, Any]
) -> dict[str, Any]:
    known = shared.get(id(node.attributes))  # shared by all nodes of a kind
    if known is None:
        outputs = [
            {"id": str(port), "attrs": [_pair("tensor_shape", type_text(output) or "?")]}
            for port, output in enumerate(node.outputs)
        ]
        known = shared[id(node.attributes)] = (
            [_pair(key, _value(item)) for key, item in node.attributes.items()],
            outputs,
        )
    return {
        "id": name,
        "label": visible(node.label),
        "namespace": namespace,
        "attrs": [_pair(key, item) for key, item in _facts(node).items() if item] + known[0],
        "incomingEdges": incoming,
        "outputsMetadata": known[1],
    }


def _facts(node: ViewNode) -> dict[str, str]:
    return {
        "op": node.op,
        "path": visible(node.path),
        "source": visible(source_text(node)),
        "variable": visible(node.variable.name) if node.variable else "",
        "reads": visible(reads_text(node)),
        "runs": visible(", ".join(node.functions)),
        "not followed": node.not_followed,
        "outside of the scope": "yes" if node.outside else "",
        "device": node.device,
    }


def _scope_attributes(view: GraphView, namespaces: Mapping[int, str]) -> Mapping[str, Mapping[str, str]]:
    whole = {"function": f"{view.trace.name}{view.trace.signature}", "stage": view.stage}
    runs = {
        namespaces[number]: {"function": visible(group.function)}
        for number, group in enumerate(view.groups)
        if group.function
    }
    return {**runs, "": {key: visible(value) for key, value in whole.items()}}


def _pair(key: str, value: str) -> dict[str, str]:
    return {"key": visible(key), "value": value}


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(plain(value))
    return visible(text, _VALUE)
