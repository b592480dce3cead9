"""What reading a graph is compared with, and the budgets."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import graph_files
from benchmarks.measure import Comparison, Program

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 10_000)
_ODD = (graph_files.VARIED, graph_files.DEEP, graph_files.CHAIN, graph_files.READERS, graph_files.CALLS)
_WHOLE = 100_000  # nodes: of the odd shapes, and of the largest graph that other tools are asked to prepare
_PARSE_RATIO = 3.0  # of protobuf's bare parse, which builds nothing but its own messages
_SHOW_SECONDS = 3.0  # for the largest graphs that people meet: an unrolled model of a few hundred layers
_HAS_MODEL_EXPLORER = importlib.util.find_spec("ai_edge_model_explorer_adapter") is not None

TREE = "tree and stats"
ROWS = "rows of show"
PROTOBUF = "protobuf's parse"


def make_comparisons(folder: Path, sizes: Sequence[int]) -> list[list[Comparison]]:
    """Writes the graphs into a folder, and returns what is measured on each; groups run in turns among themselves."""
    step = graph_files.record_step(folder / "logs")
    small = graph_files.make_file(folder, graph_files.SMALL, 10, step)
    graph_files.make_tag(small)
    groups = []
    for size in sizes:
        file = graph_files.make_file(folder, graph_files.STEP, size, step)
        title = f"{size:,} nodes"
        groups.append(_reading(file, small, title, budget=True))
        if size <= _WHOLE:
            groups.append(_other_tools(file, small, title))
    largest = odd_size(sizes)
    for shape in _ODD:
        file = graph_files.make_file(folder, shape, largest, step)
        groups.append(_reading(file, small, shape, budget=False))
    groups.append(_commands(graph_files.make_file(folder, graph_files.STEP, largest, step), f"{largest:,} nodes"))
    return groups


def odd_size(sizes: Sequence[int]) -> int:
    """Returns how many nodes the odd shapes have."""
    return min(_WHOLE, max(sizes))


def left_out() -> str:
    """Returns a line on what cannot be compared here; empty if everything can."""
    if _HAS_MODEL_EXPLORER:
        return ""
    return "Model Explorer is left out: `pip install ai-edge-model-explorer` adds it."


def _reading(file: Path, small: Path, title: str, *, budget: bool) -> list[Comparison]:
    theirs = _inside("protobuf", file, small, PROTOBUF, title)
    limit = _PARSE_RATIO if budget else None
    tree, rows = _inside("tree", file, small, TREE, title), _inside("rows", file, small, ROWS, title)
    return [
        Comparison(TREE, tree, theirs, most_ratio=limit, most_memory_ratio=limit, graph=title),
        Comparison(ROWS, rows, theirs, graph=title),
    ]


def _other_tools(file: Path, small: Path, title: str) -> list[Comparison]:
    tag = graph_files.make_tag(file)
    server = _inside("tensorboard", tag, small.with_suffix(".tag"), "TensorBoard's server", title)
    rows = _inside("rows", tag, small.with_suffix(".tag"), "rows of a tag", title)
    text = _inside("export-json", file, small, "export json, raw", title)
    found = [Comparison(ours.name.partition(":")[0], ours, server, graph=title) for ours in (rows, text)]
    if _HAS_MODEL_EXPLORER:
        ours = _inside("export-model-explorer", file, small, "export model-explorer, raw", title)
        theirs = _inside("model-explorer", file, small, "Model Explorer's adapter", title)
        found.append(Comparison("export model-explorer, raw", ours, theirs, graph=title))
    return found


def _commands(file: Path, title: str) -> list[Comparison]:
    """Returns whole commands, from cold, beside a process that does nothing but parse the file."""
    parse = (
        "import sys; from tensorboard.compat.proto.graph_pb2 import GraphDef; "
        "GraphDef.FromString(open(sys.argv[1], 'rb').read())"
    )
    theirs = Program(f"a process that parses it: {title}", (sys.executable, "-c", parse, str(file)))
    own = str(Path(sys.executable).with_name("trace-scenario"))
    commands = {
        "show FILE": ("show", str(file)),
        "lint FILE": ("lint", str(file)),
        "export FILE --format json": ("export", str(file), "--format", "json"),
        "diff FILE FILE": ("diff", str(file), str(file)),
    }
    return [
        Comparison(
            name,
            Program(f"{name}: {title}", (own, *arguments)),
            theirs,
            _SHOW_SECONDS if arguments[0] == "show" else None,
            graph=title,
        )
        for name, arguments in commands.items()
    ]


def _inside(case: str, file: Path, small: Path, name: str, title: str) -> Program:
    command = (sys.executable, "-m", "benchmarks.graphs", case, str(file), str(small))
    return Program(f"{name}: {title}", command, prints_cost=True)
