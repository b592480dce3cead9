"""A view as JSON: everything that is known of it. The keys are a contract (docs/export.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tracer.graph.lines import Frame
from tracer.graph.model import TensorType, Variable
from tracer.graph.references import CONTROL
from tracer.render.graph.words import plain
from tracer.render.json.times import coverage, window
from tracer.report.export import Edge, GraphView, Group, TextView, ViewNode
from tracer.timing.timing import Timing
from tracer.version import __version__

FORMAT = 1


def render(view: GraphView | TextView) -> str:
    """Returns one JSON object, with a line for each node, edge and scope; only ASCII, whatever the names are."""
    if isinstance(view, TextView):
        return _object({**_header(view), "text": view.text}, {})
    shared: dict[int, Any] = {}
    put_aside = ({"path": path, "reason": reason} for path, reason in view.put_aside.items())
    rows: dict[str, Iterable[dict[str, Any]]] = {
        "scopes": (_group(number, group) for number, group in enumerate(view.groups)),
        "nodes": (_node(number, node, shared) for number, node in enumerate(view.nodes)),
        "edges": map(_edge, view.edges),
        "put_aside": put_aside,
    }
    return _object({**_header(view), "scope": view.scope, "raw": view.raw, "profile": _profile(view.timing)}, rows)


def _object(header: Mapping[str, Any], rows: Mapping[str, Iterable[Any]]) -> str:
    """Writes a row a line: so a diff of two files tells what changed, and it is faster than an indented object."""
    parts = [f"{_dumps(key)}: {_dumps(value)}" for key, value in header.items()]
    parts += [f"{_dumps(key)}: {_rows(items)}" for key, items in rows.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rows(items: Iterable[Any]) -> str:
    lines = ",\n".join(map(_dumps, items))
    return f"[\n{lines}\n]" if lines else "[]"


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _header(view: GraphView | TextView) -> dict[str, Any]:
    trace = view.trace
    function = {
        "name": trace.name,
        "qualname": trace.qualname,
        "runtime_name": trace.runtime_name,
        "signature": trace.signature,
        "kind": trace.kind,
    }
    return {"format": FORMAT, "version": __version__, "trace": trace.id, "function": function, "stage": view.stage}


def _profile(timing: Timing | None) -> dict[str, Any] | None:
    """Returns what the costs rest on; the JSON of all reports tells it so."""
    if timing is None:
        return None
    return {
        "window": window(timing.run.window),
        "coverage": coverage(timing),
        "warnings": [warned.message for warned in timing.damaged],
    }


def _group(number: int, group: Group) -> dict[str, Any]:
    return {
        "id": number,
        "name": group.name,
        "label": group.label,
        "parent": None if group.parent < 0 else group.parent,
        "depth": group.depth,
        "nodes": group.nodes,
        "function": group.function or None,
    }


def _node(number: int, node: ViewNode, shared: dict[int, Any]) -> dict[str, Any]:
    known = shared.get(id(node.attributes))  # shared by all nodes of a kind
    if known is None:
        known = shared[id(node.attributes)] = (plain(node.attributes), list(map(_type, node.outputs)))
    return {
        "id": number,
        "path": node.path,
        "op": node.op,
        "label": node.label,
        "scope_id": node.group,
        "scope": node.scope,
        "device": node.device,
        "inputs": node.inputs,
        "outputs": known[1],
        "attributes": known[0],
        "source": _frame(node.line),
        "variable": _variable(node.variable),
        "reads": [read._asdict() for read in node.reads],
        "functions": node.functions,
        "not_followed": node.not_followed or None,
        "outside": node.outside,
        "cost": node.cost._asdict() if node.cost else None,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    control = edge.port == CONTROL
    return {
        "source": edge.source,
        "source_output": None if control else edge.port,
        "target": edge.target,
        "target_input": edge.input,
        "control": control,
        **(_type(edge.type) if edge.type else {"dtype": None, "shape": None}),
    }


def _type(kind: TensorType) -> dict[str, Any]:
    return {"dtype": kind.dtype or None, "shape": kind.shape}


def _frame(line: Frame | None) -> dict[str, Any] | None:
    return {"file": line.file, "line": line.line, "function": line.function} if line else None


def _variable(variable: Variable | None) -> dict[str, Any] | None:
    if variable is None:
        return None
    facts = {"name": variable.name, "kind": variable.kind, "trainable": variable.trainable}
    return {**facts, **_type(variable.type)}
