"""Recorded values in memory: a trace with graphs of its own, and a run of some traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.graph.model import Graph
from tracer.recorded import STAGES, Argument, Frame, Run, Trace, group_functions
from tracer.store import layout


def trace(name: str, index: int = 0, *, graphs: Mapping[str, Graph] | None = None, **facts: Any) -> Trace:
    """Returns one trace, called once, with the stages in `graphs` and no other."""
    stages = graphs or {}
    values: dict[str, Any] = {
        "id": layout.trace_folder(index, name),
        "name": name,
        "qualname": "",
        "runtime_name": f"__inference_{name}_{index}",
        "kind": "inference",
        "origin": "user",
        "arguments": (Argument("x", "float32[2]"),),
        "returns": "float32[2]",
        "definition": Frame("/home/me/train.py", 7, name),
        "call_site": Frame("/home/me/train.py", 12, "<module>"),
        "cause": "first trace",
        "seconds": 0.0125,
        "calls": 1,
        "stages": {stage: "" if stage in stages else "it was not recorded" for stage in STAGES},
    }
    return Trace(**{**values, **facts}, _read=lambda _, stage: stages[stage])


def run(*traces: Trace, **facts: Any) -> Run:
    """Returns a run of some traces that was recorded to its end."""
    values: dict[str, Any] = {
        "path": "/logs/demo/20261123-021530",
        "name": "demo/20261123-021530",
        "status": "complete",
        "scenario": "demo",
        "target": "demo",
        "parameters": {},
        "started": "2026-11-23T02:15:30.000+01:00",
        "seconds": 1.5,
        "versions": {"tensorflow": "2.21.0"},
        "host": {},
        "window": None,
        "error": "",
        "traceback": "",
        "calls": (),
        "warnings": (),
        "functions": group_functions(list(traces)),
    }
    return Run(**{**values, **facts})
