"""SavedModels and MetaGraphDefs: their signatures, and the functions that loading one gives back.

What a function takes from outside is in the object graph (`saved_object_graph.proto`): the variables' names, dtypes and
shapes. Their values are in files that are not read.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tracer.collector import paused_collector
from tracer.errors import Unreadable
from tracer.graph.model import Graph, TensorType, Variable
from tracer.graph.ops import dtype_name
from tracer.graph.references import producer_of
from tracer.recorded import Argument, Run
from tracer.store.foreign.bodies import argument_types, body_graph, captures
from tracer.store.foreign.structured import arguments, structure_text, tensor_type, type_text
from tracer.store.foreign.values import Found, foreign_run
from tracer.store.graph_def import graph_of, shape_of

MODEL_FILE = "saved_model.pb"

_MISSING = "a SavedModel does not hold it"
_SIGNATURES = "signatures"  # the root's child that holds them
_INIT = "__saved_model_init_op"  # a signature of TensorFlow's own: what to run on loading
_DEFAULT = "serving_default"
_JIT_ON = 1  # FunctionSpec.JitCompile.ON


def saved_model_run(path: Path, kind: str, meta_graphs: Sequence[Any]) -> Run:
    """Returns the run of a model: signatures first, then the functions of its objects, `layer.call`.

    Args:
      path: where it was read.
      kind: what that is: `SavedModel`.
      meta_graphs: its MetaGraphDef messages, as `store.graph_def` reads them.

    Raises:
      Unreadable: a message in it is damaged, or it holds no graph.
    """
    from google.protobuf.message import DecodeError

    try:
        models = [_Model(message, path) for message in meta_graphs]
    except DecodeError as error:
        raise Unreadable(f"{path} is damaged: {error}", hint="export the model again") from None
    found = []
    for number, model in enumerate(models):  # TensorFlow 1 could save several, told apart by their tags
        suffix = f" ({', '.join(model.tags)})" if number else ""
        found += [dataclasses.replace(item, name=item.name + suffix) for item in model.found()]
    if not found:
        raise Unreadable(f"{path} holds no graph: no signature, function or node", hint="export the model again")
    version = models[0].tensorflow
    return foreign_run(path, kind, found, versions={"tensorflow": version} if version else {})


class _Model:
    """One MetaGraphDef."""

    def __init__(self, message: Any, path: Path) -> None:
        from tensorboard.compat.proto import meta_graph_pb2, saved_object_graph_pb2

        info = meta_graph_pb2.MetaGraphDef.MetaInfoDef.FromString(message.meta_info_def)
        self.tags = tuple(info.tags)
        self.tensorflow = str(info.tensorflow_version)
        self._path = path
        self._message = message.graph_def
        self._signatures = {
            _text(entry.key): meta_graph_pb2.SignatureDef.FromString(entry.value) for entry in message.signature_def
        }
        self._objects = saved_object_graph_pb2.SavedObjectGraph.FromString(message.object_graph_def)
        self._functions = {_text(item.signature.name): item for item in self._message.library.function}
        self._graph: Graph | None = None

    def found(self) -> Iterator[Found]:
        """Yields the signatures, and what else has a graph; the graph itself if nothing has."""
        names = sorted(self._signatures.keys() - {_INIT}, key=lambda name: (name != _DEFAULT, name))
        wrappers = self._wrappers()
        yield from (self._signature(name, wrappers.get(name, "")) for name in names)
        functions = list(self._restored())
        yield from functions
        if not names and not functions and len(self._message.node):
            yield Found("graph", {"traced": self._whole}, _MISSING)

    def _signature(self, name: str, wrapper: str) -> Found:
        signature = self._signatures[name]
        facts = {
            "arguments": tuple(Argument(key, _info_text(signature.inputs[key])) for key in sorted(signature.inputs)),
            "returns": _fields({key: _info_text(signature.outputs[key]) for key in signature.outputs}),
            "cause": "signature",
            "qualname": f"{_SIGNATURES}.{name}",  # a function of the object may have the same name
        }
        wrapper = wrapper or self._called(signature)
        if wrapper:
            return self._body(name, wrapper, facts)
        return Found(name, {"traced": self._whole}, _MISSING, facts)

    def _wrappers(self) -> dict[str, str]:
        """Returns the function behind each signature, as the object graph says."""
        nodes = self._objects.nodes
        root = {child.local_name: child.node_id for child in nodes[0].children} if nodes else {}
        holder = self._object(root.get(_SIGNATURES, -1))
        children = holder.children if holder is not None else ()
        targets = {child.local_name: self._object(child.node_id) for child in children}
        return {
            name: item.bare_concrete_function.concrete_function_name
            for name, item in targets.items()
            if item is not None
        }

    def _called(self, signature: Any) -> str:
        """Returns the function whose call gives all of a signature's outputs; empty if it has no such call."""
        makers = {producer_of(info.name) for info in signature.outputs.values()}
        if len(makers) != 1 or not self._functions:
            return ""
        maker = makers.pop()
        call = next((index for index, node in enumerate(self._message.node) if _text(node.name) == maker), None)
        bodies = self._whole().nodes[call].bodies if call is not None else ()
        return bodies[0].function if len(bodies) == 1 and bodies[0].function in self._functions else ""

    def _restored(self) -> Iterator[Found]:
        """Yields the functions of the objects, by the shortest path of attributes that leads to them."""
        for path, node in self._walk():
            kind = node.WhichOneof("kind")
            if kind == "function":
                for runtime_name in node.function.concrete_functions:
                    yield self._concrete(path, runtime_name, node.function.function_spec)
            elif kind == "bare_concrete_function":
                bare = node.bare_concrete_function
                yield self._concrete(path, bare.concrete_function_name, bare.function_spec)

    def _walk(self) -> Iterator[tuple[str, Any]]:
        """Yields each object once, without the signatures, and without the traces below their functions."""
        waiting, seen = deque([("", 0)]), {0}
        while waiting:
            path, number = waiting.popleft()
            node = self._object(number)
            if node is None:
                continue
            yield path, node
            if node.WhichOneof("kind") in ("function", "bare_concrete_function"):
                continue
            for child in node.children:
                if child.node_id not in seen and (path or child.local_name != _SIGNATURES):
                    seen.add(child.node_id)
                    waiting.append((f"{path}.{child.local_name}" if path else child.local_name, child.node_id))

    def _concrete(self, path: str, runtime_name: str, function_spec: Any) -> Found:
        concrete = self._objects.concrete_functions[runtime_name]
        facts = {
            "arguments": arguments(concrete, function_spec),
            "returns": structure_text(concrete.output_signature),
            "jit_compile": function_spec.jit_compile == _JIT_ON,
        }
        return self._body(path, runtime_name, facts)

    def _body(self, name: str, runtime_name: str, facts: dict[str, Any]) -> Found:
        message = self._functions.get(runtime_name)
        facts = {**facts, "runtime_name": runtime_name}
        if message is None:
            return Found(name, {}, f"the model's library lacks the function '{runtime_name}'", facts)
        names = [_text(argument.name) for argument in message.signature.input_arg]
        captured = self._captured(runtime_name, message)
        facts["captures"] = captures(names, captured)
        return Found(name, {"traced": partial(self._read, runtime_name, captured)}, _MISSING, facts)

    def _captured(self, runtime_name: str, message: Any) -> list[Variable]:
        """Returns what a function's last arguments stand for."""
        if runtime_name not in self._objects.concrete_functions:
            return []
        bound = self._objects.concrete_functions[runtime_name].bound_inputs
        types = argument_types(message)
        types = types[max(len(types) - len(bound), 0) :]
        return [self._variable(number, kind) for number, kind in zip(bound, types, strict=False)]

    def _variable(self, number: int, kind: TensorType) -> Variable:
        node = self._object(number)
        if node is None or node.WhichOneof("kind") != "variable":
            return Variable("", kind, kind="tensor")
        variable = node.variable
        return Variable(f"{variable.name}:0" if variable.name else "", tensor_type(variable), variable.trainable)

    def _object(self, number: int) -> Any:
        return self._objects.nodes[number] if 0 <= number < len(self._objects.nodes) else None

    def _read(self, runtime_name: str, captured: Sequence[Variable]) -> Graph:
        graph = self._whole()
        return body_graph(graph.functions[runtime_name], self._functions[runtime_name], graph, captured)

    def _whole(self) -> Graph:
        if self._graph is None:
            with paused_collector():
                self._graph = graph_of(self._message)
        return self._graph


def _info_text(info: Any) -> str:
    """Returns the type in a TensorInfo."""
    kind = type_text(TensorType(dtype_name(info.dtype), shape_of(info.tensor_shape)))
    return f"SparseTensor {kind}" if info.WhichOneof("encoding") == "coo_sparse" else kind


def _fields(types: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key!r}: {types[key]}" for key in sorted(types)) + "}"


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
