"""What a session writes when it ends: the later stages of each trace, and the event file that TensorBoard opens."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer.capture import tf_private
from tracer.capture.functions import FunctionRecorder
from tracer.capture.keras_graph import conceptual_graphs
from tracer.capture.module_scopes import ModuleIndex, module_scopes
from tracer.capture.node_times import executed_nodes
from tracer.capture.optimized import optimized_graphs, runtime_graphs
from tracer.capture.recorded_function import NO_ROOM, RecordedFunction
from tracer.collector import paused_collector
from tracer.errors import WriteFailed, reason
from tracer.graph.inline import Inlined, TooLarge, inline
from tracer.graph.model import Function, Graph, Nodes
from tracer.recorded import Run, Trace, Warned
from tracer.store import layout
from tracer.store.events import read_graph_tags, read_model_tags, write_graph_events
from tracer.store.graph_def import write_graph
from tracer.store.load import GONE, load_run, read_graph_def
from tracer.store.step_stats import Executed, step_stats
from tracer.store.tags import LIMIT, crowded, shown_as, tag_nodes, within
from tracer.store.writer import RunWriter
from tracer.text import count, plural

_NOT_ASKED = "XLA was not asked: "
_HLO_HINT = (
    "record a tf.function of your own that calls it, with inputs of known sizes: it is compiled with what it calls"
)


def write_stages(
    writer: RunWriter, recorded: Iterable[RecordedFunction], exported: list[Any], *, hlo: bool = False, room: int = 0
) -> list[Warned]:
    """Adds the optimised graph of each function, and the HLO of the jitted ones, or of all if `hlo` asks for it.

    Returns:
      Warnings about functions that Python called, and that there is no HLO of though it was asked for.
    """
    functions = list(recorded)
    named = {function.runtime_name: function for function in functions}
    traced, known = (_Graphs(writer.path, functions, stage) for stage in ("traced", "optimized"))
    for name, graph in optimized_graphs(functions, exported, traced, known).items():
        _add_optimized(writer, named[name], graph)
    for function in functions:
        for stage in ("hlo", "optimized_hlo"):
            wanted = function.jitted or hlo
            if wanted and (function.concrete is None or (room and writer.bytes_of_traces > 2 * room)):
                function.missing[stage] = NO_ROOM
            else:
                _write_hlo(writer, function, stage, asked=hlo)
    called = [function for function in functions if function.calls and function.kind == "inference"]
    return _without_hlo(called) if hlo else []


def write_optimized(writer: RunWriter, functions: Iterable[RecordedFunction], exported: list[Any]) -> None:
    """Adds optimised graphs while the session lasts, of the functions that TensorFlow has instantiated by now."""
    by_name = {function.runtime_name: function for function in functions}
    for name, graph in runtime_graphs(by_name.values(), exported).items():
        _add_optimized(writer, by_name[name], graph)
        by_name[name].nodes = frozenset()  # nobody asks for them again


def _add_optimized(writer: RunWriter, function: RecordedFunction, graph: Any) -> None:
    if len(graph.node):
        writer.add_stage(function.folder, "optimized", graph.SerializeToString())
    else:
        function.missing["optimized"] = "TensorFlow's optimizers left no node of it"


def _without_hlo(functions: Iterable[RecordedFunction]) -> list[Warned]:
    by_reason: dict[str, dict[str, None]] = {}
    for function in functions:
        if "hlo" in function.missing:
            by_reason.setdefault(function.missing["hlo"], {})[function.name] = None
    return [
        Warned("no-hlo", f"no HLO of {', '.join(names)}: {reason}", _HLO_HINT if reason.startswith(_NOT_ASKED) else "")
        for reason, names in by_reason.items()
    ]


def once(exported: Iterable[Any]) -> Iterator[Any]:
    """Yields what was instantiated without what was instantiated again, for the profiler's window.

    A graph that is there n times was instantiated n / 2 times before that: by n / 2 functions with equal graphs.
    """
    graphs = list(exported)
    contents = [each.pre_optimization_graph.SerializeToString(deterministic=True) for each in graphs]
    left = {content: (times + 1) // 2 for content, times in Counter(contents).items()}
    for content, each in zip(contents, graphs, strict=True):
        left[content] -= 1
        if left[content] >= 0:
            yield each


def _write_hlo(writer: RunWriter, function: RecordedFunction, stage: str, *, asked: bool) -> None:
    if not function.jitted and not asked:
        function.missing[stage] = (
            "XLA does not compile it, as jit_compile is off: record with --hlo to see what it would"
        )
    else:
        try:
            writer.add_stage(function.folder, stage, tf_private.hlo(function.concrete, stage).encode())
        except WriteFailed:
            raise
        except tf_private.NotCompiled as error:
            function.missing[stage] = f"{_NOT_ASKED}{error}"
        except Exception as error:  # noqa: BLE001  # XLA refuses in many ways: unknown shapes, unsupported ops
            function.missing[stage] = f"XLA gave none: {reason(error)}"


def write_tags(writer: RunWriter, recorder: FunctionRecorder, warnings: list[Warned], *, room: int = 0) -> int:
    """Writes TensorBoard's tags, reads everything that the session wrote back, and returns how many functions.

    Each trace has a tag, another for its optimised graph, and each Keras model whose layers a trace ran has one. Its
    `trace.json` is told which of its scopes are which module.

    Args:
      writer: of the run.
      recorder: what it recorded.
      warnings: the run's, to which those about the tags are added.
      room: how many bytes of graphs the tags may hold; 0 is no limit.

    Raises:
      WriteFailed: a file is missing, empty, or not what was written.
    """
    path = writer.path
    warnings += recorder.warnings
    run = load_run(path)
    _check_traces(run, recorder.recorded.values())
    names = tag_names(run)
    with paused_collector():
        tags = _Tags(path, warnings, executed_nodes(run, warnings))
        whole = [trace for trace in run.traces if not trace.stages["traced"]]
        for trace in _those_of_each_first(whole, names):
            if room and sum(map(len, tags.graphs.values())) > room:
                tags.left_out(len(whole) - len(tags.functions))
                break
            tags.add(trace, names[trace.id])
    if not tags.graphs:
        return 0
    _write_modules(writer, recorder, tags)
    traced = list(tags.traced.values())
    models = {f"keras {name}": json for name, json in conceptual_graphs(recorder.models, traced).items()}
    file = write_graph_events(path, tags.graphs, models, tags.stats, host=socket.gethostname())
    _check(file, tags.nodes, models, tags.stats.keys())
    return len(run.functions)


def _those_of_each_first(traces: Sequence[Trace], names: Mapping[str, str]) -> list[Trace]:
    """Returns traces by their tags, but behind those that come first of their functions the others."""
    return sorted(traces, key=lambda trace: (names[trace.id].endswith(")"), int(names[trace.id].split()[0])))


def _write_modules(writer: RunWriter, recorder: FunctionRecorder, tags: _Tags) -> None:
    recorded = {function.folder: function for function in recorder.recorded.values()}
    names = _qualnames(recorded.values())
    modules = ModuleIndex(recorder.living.modules)
    for trace, graph in tags.traced.items():
        if trace not in recorded:
            continue  # Ctrl-C came when it was on disk, and before anybody knew of it
        methods = {**names, "": recorded[trace].qualname}
        scopes = module_scopes(graph, tags.functions[trace], modules, recorded[trace].variables, methods)
        if scopes:
            facts = [{"scope": s.scope, "name": s.name, "class": s.class_name, "kind": s.kind} for s in scopes]
            writer.complete_trace(trace, modules=facts)


def _qualnames(functions: Iterable[RecordedFunction]) -> dict[str, str]:
    """Returns what Python calls functions, by runtime name, and by name where that is one: a tape makes others."""
    names = {function.runtime_name: function.qualname for function in functions}
    by_name: dict[str, set[str]] = {}
    for function in functions:
        by_name.setdefault(function.name, set()).update([function.qualname] if function.qualname else [])
    return {**{name: found.pop() for name, found in by_name.items() if len(found) == 1}, **names}


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

    def __init__(self, path: Path, warnings: list[Warned], executed: Mapping[str, Sequence[Executed]]) -> None:
        self.graphs: dict[str, bytes] = {}  # a GraphDef for each tag
        self.stats: dict[str, bytes] = {}  # the StepStats of those of which it is known what nodes took
        self.nodes: dict[str, int] = {}  # how many nodes each has
        self.traced: dict[str, Inlined] = {}  # by trace, the traced graphs that are not too large
        self.functions: dict[str, Mapping[str, Function]] = {}  # by trace, those that it runs
        self._path = path
        self._warnings = warnings
        self._executed = executed

    def add(self, trace: Trace, tag: str) -> None:
        """Adds a trace: its traced graph, and its optimised one if it has one."""
        before = self._inlined(trace, "traced", tag)
        if before is not None:
            self.traced[trace.id] = before
            self.functions[trace.id] = trace.graph.functions
            self._draw(tag, before, tag_nodes(before), trace)
        if trace.stages.get("optimized") == "":
            after = self._inlined(trace, "optimized", f"{tag}, optimized")
            if after is not None:
                self._draw(f"{tag}, optimized", after, tag_nodes(after, before), trace)

    def left_out(self, number: int) -> None:
        """Says that there is no room for the tags of so many traces."""
        self._warn(f"TensorBoard does not have {plural(number, 'trace')}: their graphs would take the folder's room")

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

    def _draw(self, tag: str, inlined: Inlined, nodes: Nodes, trace: Trace) -> None:
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
        names = dict(zip(inlined.nodes.names, shown_as(nodes.names, drawn), strict=True))
        stats = step_stats(drawn, self._executed.get(trace.id, ()), names)
        if stats:
            self.stats[tag] = stats

    def _warn(self, message: str) -> None:
        self._warnings.append(Warned("large-graph", message, "trace-scenario show has all of it"))


def _check_traces(run: Run, recorded: Iterable[RecordedFunction]) -> None:
    """Checks that each trace that was written is there, with its graph.

    Raises:
      WriteFailed: one is gone.
    """
    read = {trace.id: trace.stages["traced"] for trace in run.traces}
    for function in recorded:
        if read.get(function.folder, GONE) == GONE:
            raise WriteFailed(
                f"{Path(run.path) / layout.FUNCTIONS / function.folder} was written, and is gone",
                hint="check the disk, and record the run again",
            )


def _check(file: Path, nodes: Mapping[str, int], models: Mapping[str, str], timed: Collection[str]) -> None:
    """Reads an event file back: each tag one function graph with its nodes, or one model.

    Args:
      file: the event file.
      nodes: how many nodes each tag has.
      models: the JSON of the other tags.
      timed: the tags with times of nodes, each of which is to be of a node of the tag.

    Raises:
      WriteFailed: it is not what was written.
    """
    tags = read_graph_tags(file)
    read = {tag: [len(g.pre_optimization_graph.node) for g in found.function_graphs] for tag, found in tags.items()}
    whole = read == {tag: [number] for tag, number in nodes.items()} and read_model_tags(file) == models
    if not whole or {tag for tag, found in tags.items() if _has_times(found)} != set(timed):
        raise WriteFailed(
            f"{file} does not read back as it was written", hint="check the disk, and record the run again"
        )


def _has_times(metadata: Any) -> bool:
    """Tells whether a tag has times of nodes, all of them of nodes of its graph."""
    timed = {node.node_name for device in metadata.step_stats.dev_stats for node in device.node_stats}
    graphs = [graph.pre_optimization_graph for graph in metadata.function_graphs]
    return bool(timed) and timed <= {node.name for graph in graphs for node in graph.node}


class _Graphs(Mapping[str, Any]):
    """The graphs of a stage by runtime name, as far as they are on disk, read when they are asked for."""

    def __init__(self, path: Path, functions: list[RecordedFunction], stage: str) -> None:
        files = {
            function.runtime_name: path / layout.FUNCTIONS / function.folder / layout.STAGE_FILES[stage]
            for function in functions
        }
        self._files = {name: file for name, file in files.items() if file.exists()}

    def __getitem__(self, name: str) -> Any:
        file = self._files[name]
        return read_graph_def(file.read_bytes(), file)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
