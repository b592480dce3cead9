"""What a session writes when it ends: the later stages of each trace, and the event file that TensorBoard opens."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tracer.capture import tf_private
from tracer.capture.functions import RecordedFunction
from tracer.capture.keras_graph import conceptual_graphs
from tracer.capture.optimized import optimized_graphs
from tracer.collector import paused_collector
from tracer.errors import WriteFailed, reason
from tracer.graph.inline import Inlined, TooLarge, inline
from tracer.graph.model import Graph, Nodes
from tracer.recorded import Run, Trace, Warned
from tracer.store import layout
from tracer.store.events import read_graph_tags, read_model_tags, write_graph_events
from tracer.store.graph_def import write_graph
from tracer.store.load import load_run, read_graph_def
from tracer.store.tags import LIMIT, crowded, tag_nodes, within
from tracer.store.writer import RunWriter
from tracer.text import count


def write_stages(
    writer: RunWriter, recorded: Iterable[RecordedFunction], exported: list[Any], *, hlo: bool = False
) -> None:
    """Adds the optimised graph of each function, and the HLO of the jitted ones, or of all if `hlo` asks for it."""
    functions = list(recorded)
    folders = {function.runtime_name: function.folder for function in functions}
    for name, graph in optimized_graphs(functions, exported, _TracedGraphs(writer.path, functions)).items():
        writer.add_stage(folders[name], "optimized", graph.SerializeToString())
    for function in functions:
        for stage in ("hlo", "optimized_hlo"):
            _write_hlo(writer, function, stage, asked=hlo)


def _write_hlo(writer: RunWriter, function: RecordedFunction, stage: str, *, asked: bool) -> None:
    if not function.jitted and not asked:
        function.missing[stage] = (
            "XLA does not compile it, as jit_compile is off: record with --hlo to see what it would"
        )
    elif function.concrete is None:
        function.missing[stage] = "it was traced before the session"
    else:
        try:
            writer.add_stage(function.folder, stage, tf_private.hlo(function.concrete, stage).encode())
        except WriteFailed:
            raise
        except Exception as error:  # noqa: BLE001  # XLA refuses in many ways: unknown shapes, unsupported ops
            function.missing[stage] = f"XLA gave none: {reason(error)}"


def write_tags(path: Path, warnings: list[Warned]) -> int:
    """Writes TensorBoard's tags, reads everything that the session wrote back, and returns how many functions.

    Each trace has a tag, another for its optimised graph, and each Keras model whose layers a trace ran has one.

    Args:
      path: the run's folder.
      warnings: the run's, to which those about the tags are added.

    Raises:
      WriteFailed: a file is missing, empty, or not what was written.
    """
    run = load_run(path)
    names = tag_names(run)
    tags = _Tags(path, warnings)
    with paused_collector():
        for trace in sorted(run.traces, key=lambda trace: int(names[trace.id].split()[0])):
            tags.add(trace, names[trace.id])
    if not tags.graphs:
        return 0
    models = {f"keras {name}": json for name, json in conceptual_graphs(tags.traced, warnings).items()}
    _check(write_graph_events(path, tags.graphs, models, host=socket.gethostname()), tags.nodes, models)
    return len(run.functions)


def tag_names(run: Run) -> dict[str, str]:
    """Returns TensorBoard's tag for each trace folder: `1 train_step`, `2 loss (2)`.

    TensorBoard sorts tags and opens the first, so the number puts the function first that the program called.
    """
    tags: dict[str, str] = {}
    for function in run.functions.values():
        traces = sorted(function.traces, key=lambda trace: (not trace.calls, trace.order))
        for number, trace in enumerate(traces, 1):
            again = f" ({number})" if number > 1 else ""
            tags[trace.id] = f"{len(tags) + 1} {function.name}{again}"
    return tags


class _Tags:
    """The tags of a run's graphs, trace by trace."""

    def __init__(self, path: Path, warnings: list[Warned]) -> None:
        self.graphs: dict[str, bytes] = {}  # a GraphDef for each tag
        self.nodes: dict[str, int] = {}  # how many nodes each has
        self.traced: list[Inlined] = []  # the traced graphs that are not too large
        self._path = path
        self._warnings = warnings

    def add(self, trace: Trace, tag: str) -> None:
        """Adds a trace: its traced graph, and its optimised one if it has one."""
        before = self._inlined(trace, "traced", tag)
        if before is not None:
            self.traced.append(before)
            self._draw(tag, tag_nodes(before))
        if trace.stages.get("optimized") == "":
            after = self._inlined(trace, "optimized", f"{tag}, optimised")
            if after is not None:
                self._draw(f"{tag}, optimised", tag_nodes(after))

    def _inlined(self, trace: Trace, stage: str, tag: str) -> Inlined | None:
        """Returns a stage with functions in their places; where it would be too large, its tag shows it as it is."""
        graph = trace.stage(stage)
        assert isinstance(graph, Graph)
        if not graph.nodes:
            raise WriteFailed(
                f"{trace.id} reads back as an empty graph", hint="check the disk, and record the run again"
            )
        try:
            return inline(graph)
        except TooLarge as error:
            file = self._path / layout.FUNCTIONS / trace.id / layout.STAGE_FILES[stage]
            self.graphs[tag], self.nodes[tag] = file.read_bytes(), len(graph.nodes)
            self._warn(f"in TensorBoard '{tag}' shows its functions beside it: {error.message}")
            return None

    def _draw(self, tag: str, nodes: Nodes) -> None:
        drawn = within(nodes)
        if len(drawn) < len(nodes):
            self._warn(
                f"in TensorBoard '{tag}' has its deepest scopes closed: it has {count(len(nodes))} nodes, and the page "
                f"draws {count(LIMIT)}"
            )
        for scope, number in sorted(crowded(drawn).items()):
            place = f"the box '{scope}'" if scope else "the graph"
            self._warn(f"in TensorBoard '{tag}' opens slowly or never: {count(number)} nodes stand directly in {place}")
        self.graphs[tag], self.nodes[tag] = write_graph(drawn), len(drawn)

    def _warn(self, message: str) -> None:
        self._warnings.append(Warned("large-graph", message, "trace-scenario show has all of it"))


def _check(file: Path, nodes: Mapping[str, int], models: Mapping[str, str]) -> None:
    """Reads an event file back: each tag one function graph with its nodes, or one model.

    Raises:
      WriteFailed: it is not what was written.
    """
    read = {
        tag: [len(g.pre_optimization_graph.node) for g in m.function_graphs] for tag, m in read_graph_tags(file).items()
    }
    if read != {tag: [number] for tag, number in nodes.items()} or read_model_tags(file) != models:
        raise WriteFailed(
            f"{file} does not read back as it was written", hint="check the disk, and record the run again"
        )


class _TracedGraphs(Mapping[str, Any]):
    """The traced graphs of the session by runtime name, read from its folder when they are asked for."""

    def __init__(self, path: Path, functions: list[RecordedFunction]) -> None:
        self._files = {
            function.runtime_name: path / layout.FUNCTIONS / function.folder / layout.STAGE_FILES["traced"]
            for function in functions
        }

    def __getitem__(self, name: str) -> Any:
        file = self._files[name]
        return read_graph_def(file.read_bytes(), file)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
