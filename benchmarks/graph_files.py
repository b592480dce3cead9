"""The graphs that reading is measured on: copies of a recorded training step, and shapes that no good model has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import attr_value_pb2, config_pb2, graph_pb2, types_pb2

from tracer.store import layout
from tracer.store.find import find_run

SMALL = "small"  # what a process reads before the clock starts
STEP = "copies of a training step"
VARIED = "copies, each of another batch size"
DEEP = "500 scopes deep"
CHAIN = "a chain"
READERS = "one node that all others read"
CALLS = "calls of one function of 100 nodes"


def record_step(logdir: Path) -> bytes:
    """Records the training step of the scenario `mobilenet_v2` and returns its GraphDef: about 6,400 nodes.

    Raises:
      subprocess.CalledProcessError: it could not be recorded; the reason is on stderr.
    """
    command = (str(Path(sys.executable).with_name("trace-scenario")), "run", "mobilenet_v2", "--no-profile")
    subprocess.run([*command, "--logdir", str(logdir), "--json"], stdout=subprocess.DEVNULL, check=True)
    functions = find_run("mobilenet_v2", logdir) / layout.FUNCTIONS
    return (functions / layout.trace_folder(1, "train") / layout.STAGE_FILES["traced"]).read_bytes()


def make_file(folder: Path, shape: str, nodes: int, step: bytes) -> Path:
    """Writes a graph of this shape and of so many nodes, those of a function once for each call; returns its file."""
    path = folder / f"{shape.replace(' ', '_').replace(',', '')}_{nodes}.pb"
    makers = {DEEP: _deep, CHAIN: _chain, SMALL: _chain, READERS: _readers, CALLS: _calls}
    copies = makers[shape](nodes) if shape in makers else _copies(step, nodes, varied=shape == VARIED)
    with path.open("wb") as file:
        for part in copies:  # messages that follow each other are read as one
            file.write(part.SerializeToString())
    return path


def make_tag(graph: Path) -> Path:
    """Writes what a tag of an event file holds of a graph, a RunMetadata; returns its file."""
    metadata = config_pb2.RunMetadata()
    metadata.function_graphs.add().pre_optimization_graph.MergeFromString(graph.read_bytes())
    path = graph.with_suffix(".tag")
    path.write_bytes(metadata.SerializeToString())
    return path


def _copies(step: bytes, nodes: int, *, varied: bool) -> Iterator[Any]:
    """Yields copies of a step, each in a scope of its own; the last one ends where there are nodes enough."""
    source = graph_pb2.GraphDef.FromString(step)
    for number, begin in enumerate(range(0, nodes, len(source.node))):
        part = graph_pb2.GraphDef()
        part.node.extend(source.node[: nodes - begin])
        for node in part.node:
            node.name = f"step_{number}/{node.name}"
            node.input[:] = [_moved(reference, f"step_{number}/") for reference in node.input]
            for shape in node.attr["_output_shapes"].list.shape if varied else ():
                for dim in shape.dim[:1]:
                    dim.size += number
        yield part


def _moved(reference: str, prefix: str) -> str:
    return f"^{prefix}{reference[1:]}" if reference.startswith("^") else prefix + reference


def _deep(nodes: int) -> Iterator[Any]:
    scopes = ["s" + "/s" * level for level in range(500)]
    yield from _parts((f"{scopes[number % 500]}/add_{number}", ()) for number in range(nodes))


def _chain(nodes: int) -> Iterator[Any]:
    yield from _parts((f"chain/add_{number}", (f"chain/add_{number - 1}",) * bool(number)) for number in range(nodes))


def _readers(nodes: int) -> Iterator[Any]:
    yield from _parts((f"net/add_{number}", ("net/add_0",) * bool(number)) for number in range(nodes))


def _calls(nodes: int) -> Iterator[Any]:
    """Yields one graph: a function of 100 nodes, and so many calls of it that they run `nodes` nodes."""
    graph = graph_pb2.GraphDef()
    function = graph.library.function.add()
    function.signature.name = "__inference_layer_7"
    function.signature.input_arg.add(name="x", type=types_pb2.DT_FLOAT)
    function.signature.output_arg.add(name="y", type=types_pb2.DT_FLOAT)
    function.ret["y"] = "add_99:z:0"
    for part in _parts((f"add_{number}", (f"add_{number - 1}:z:0" if number else "x",)) for number in range(100)):
        function.node_def.extend(part.node)
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = types_pb2.DT_FLOAT
    for number in range(nodes // 100):
        node = graph.node.add(name=f"net/layer_{number}", op="StatefulPartitionedCall")
        node.input[:] = [f"net/layer_{number - 1}" if number else "x"]
        node.attr["f"].func.name = function.signature.name
    yield graph


def _parts(rows: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[Any]:
    """Yields graphs of one `AddV2`, float32 [32, 64], for each name and its inputs."""
    dtype = attr_value_pb2.AttrValue(type=types_pb2.DT_FLOAT)
    shapes = attr_value_pb2.AttrValue()
    for size in (32, 64):
        (shapes.list.shape or [shapes.list.shape.add()])[0].dim.add(size=size)
    for name, inputs in rows:
        part = graph_pb2.GraphDef()
        node = part.node.add(name=name, op="AddV2", input=inputs)
        node.attr["T"].CopyFrom(dtype)
        node.attr["_output_shapes"].CopyFrom(shapes)
        yield part
