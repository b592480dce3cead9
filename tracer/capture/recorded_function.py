"""What is written of a function when it is recorded, and what is kept of it until the session ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tracer.capture import describe, hooks, tf_private
from tracer.capture.modules import Living, local_name
from tracer.capture.trace_types import type_text
from tracer.graph.names import function_name

NodeKey = tuple[str, str, str]
NO_ROOM = "the run had no room left for it (--max-bytes)"


def node_key(node: Any) -> NodeKey:
    """Returns what tells a node of a NodeDef: its name, its op, and the function that it calls."""
    return node.name, node.op, node.attr["f"].func.name if "f" in node.attr else ""


@dataclasses.dataclass(slots=True)
class RecordedFunction:
    """A function that is on disk, and what only the rest of the session will tell about it."""

    folder: str
    name: str
    qualname: str  # as Python calls the function: "Net.call"; empty without a Python function
    runtime_name: str
    kind: str
    nodes: frozenset[NodeKey]  # which find it again in TensorFlow's export
    outputs: tuple[str, ...]  # nodes that its result and its side effects hang on
    children: tuple[str, ...]  # runtime names of the functions that it runs
    creates_variables: bool
    existing: bool  # it was traced before the session, and may have been instantiated then too
    jitted: bool  # whether XLA compiles it
    concrete: Any  # if HLO is wanted of it: its ConcreteFunction, or the AtomicFunction where that is all there is
    captures: list[dict[str, Any]]  # as `trace.json` has them
    variables: dict[str, str]  # unique names of the captured variables, by the node that stands for each
    calls: int = 0
    first_call: int = -1  # its place among the functions called; -1: Python never called it
    missing: dict[str, str] = dataclasses.field(default_factory=dict)

    def forget(self) -> None:
        """Lets go of what finds its later stages: there is no room for them."""
        self.nodes, self.outputs, self.variables, self.concrete = frozenset(), (), {}, None


def recorded_function(function: Any, creation: hooks.Creation | None, *, hlo: bool) -> RecordedFunction:
    """Returns what is kept of a function; its folder is known when it is written."""
    runtime_name = describe.text(function.name)
    name, kind = function_name(runtime_name)
    definition = function.definition
    graph = function.graph
    jitted = bool(definition.attr["_XlaMustCompile"].b) if "_XlaMustCompile" in definition.attr else False
    return RecordedFunction(
        folder="",
        name=name,
        qualname=local_name(creation.python_function) if creation else "",
        runtime_name=runtime_name,
        kind=kind,
        nodes=frozenset(node_key(node) for node in definition.node_def if node.op != "Placeholder"),
        outputs=tuple(
            sorted(
                {tensor.op.name for tensor in graph.outputs} | {operation.name for operation in graph.control_outputs}
            )
        ),
        children=tuple(describe.text(child.name) for child in function.children),
        creates_variables=bool(creation and creation.creates_variables),
        existing=kind == "inference" and (creation is None or creation.concrete is None),
        jitted=jitted,
        concrete=((creation and creation.concrete) or function) if jitted or hlo else None,
        captures=describe.captures(graph),
        variables=describe.captured_variables(graph),
    )


def trace_facts(
    function: Any, entry: RecordedFunction, creation: hooks.Creation | None, cause: str, number: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Returns what `trace.json` says of a function, and the content of each stage that it has by now.

    Args:
      function: the runtime function.
      entry: what is kept of it.
      creation: how TensorFlow made it; None if that was not seen.
      cause: why it was traced.
      number: of its tf.function object; 0 if that is not known.
    """
    python_function = creation.python_function if creation else None
    frames = describe.user_frames(tf_private.stack())
    nothing = (b"", f"the function was not traced in this session ({cause})")
    source = describe.source(python_function) if creation else nothing
    code = describe.autograph_code(creation) if creation else nothing
    graph_def = function.graph.as_graph_def(add_shapes=True)
    texts = {"source": source, "autograph": code, "traced": (graph_def.SerializeToString(), "")}
    facts = {
        "qualname": entry.qualname,
        "runtime_name": entry.runtime_name,
        "kind": entry.kind,
        "origin": describe.origin(python_function) if creation else "user",
        "arguments": describe.arguments(function.function_type),
        "returns": type_text(function.function_type.output),
        "captures": entry.captures,
        "definition": describe.definition(python_function),
        "call_site": _frame(frames[-1]) if frames else None,
        "stack": [_frame(frame) for frame in frames],
        "cause": cause,
        "seconds": creation.seconds if creation else None,
        "jit_compile": entry.jitted,
        "object": number,
        "attributes": {name: str(value).strip() for name, value in sorted(function.definition.attr.items())},
        "nodes": len(graph_def.node),
        "missing": {stage: reason for stage, (_, reason) in texts.items() if reason},
    }
    return facts, {stage: content for stage, (content, reason) in texts.items() if not reason}


def _frame(frame: tuple[str, int, str]) -> dict[str, Any]:
    return {"file": frame[0], "line": frame[1], "function": frame[2]}


def without_graph(facts: Mapping[str, Any], stages: Mapping[str, bytes]) -> dict[str, Any]:
    """Returns the facts of a trace whose stages are not written, for want of room."""
    missing = dict.fromkeys(stages, NO_ROOM)
    return {**facts, "missing": {**facts["missing"], **missing}}


def named_capture(capture: dict[str, Any], variables: Mapping[str, str], living: Living) -> dict[str, Any]:
    """Returns a captured variable with the name that says most of where it is, and as an optimizer's if it is one."""
    unique = variables.get(capture["node"], "")
    return {
        **capture,
        "name": living.names.get(unique, capture["name"]),
        "optimizer": unique in living.optimizer,
    }
