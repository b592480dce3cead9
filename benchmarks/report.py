"""The outcomes as text: tables for the terminal, and the sections of the page `docs/benchmarks.md`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from benchmarks.measure import Comparison, Outcome

_COLUMNS = ("case", "ours", "against", "theirs", "ratio", "of single rounds", "budget", "kept")
_GRAPH_COLUMNS = ("case", "graph", "ours", "a node", *_COLUMNS[2:6], "memory", "theirs", "ratio", *_COLUMNS[6:])
_VERDICTS = {True: "yes", False: "NO", None: ""}

_HEAD = """# Benchmarks

What `trace-scenario` costs, beside what it is measured against. Made by the commands below; do not edit.

Each line compares two programs. Each runs in a fresh process, in turns with the other; a time is the median of all
rounds. *ratio* is ours by theirs, of the medians; *of single rounds* is the lowest and the highest ratio that one round
alone gave, and says how far to trust it. Nothing fails if a budget is missed: a busy machine is no error.

Where the load is above 1 or so, which is this benchmark itself, others used the processors too, and times vary by tens
of percent; the ratios, whose two programs ran next to each other, vary less.
"""

_NOTES = {
    "recording": """A time is that of the whole process, from start to exit.

- `runs` lists {runs:,} runs that were made for the purpose; `runs --top 0` prints them all.
- `record` builds a model, records one call of it, and ends; the import of TensorFlow is in it. *small* is two dense
  layers; *mobilenet* is Keras' MobileNetV2, 96 x 96, alpha 0.35, inference. The listing is `create_file_writer`,
  `trace_on`, the call, `trace_export` (`benchmarks/recording.py`).
""",
    "graphs": """A graph of so many nodes is copies of the training step that the scenario `mobilenet_v2` records, each
in a scope of its own. The odd shapes have about {odd:,} nodes each.

- Times and memory are measured inside of the process, after the imports and a graph of ten nodes
  (`benchmarks/graphs.py`); *memory* is by how much the process grew at most. *a node* is our time by the nodes, with
  those of each call of a function: where it stays the same down a case, the cost grows in proportion to the graph.
- *tree and stats*: reading the bytes, following calls, the scope tree, and nodes, output bytes and FLOPs of each scope.
  *rows of show*: all that `show` needs but the text: repeated blocks found, the clean view, variables, ops by scope.
  protobuf's parse makes its own messages of the same bytes, and nothing else; a function's body it reads once.
- *rows of a tag*, *export json*: against what TensorBoard's server does when its page asks for the graph of a tag:
  parse, leave out large attributes, write as text. The page then parses the text and makes the tree itself, which is
  not counted.
- *export model-explorer*: our whole `export` against Model Explorer's own adapter for GraphDef files, both from a file
  to JSON.{left_out}
- Commands with `FILE` are whole processes from cold, against one that imports the messages and parses the file.
""",
}


def section(part: str, outcomes: Sequence[Outcome], *, facts: Mapping[str, str], **blanks: str | int) -> str:
    """Returns a part of the page, `recording` or `graphs`: what was measured, how, and where."""
    listing = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    notes = _NOTES[part].format(**blanks).rstrip()
    made = "Made by `{command}`, {when}; rounds: {rounds}; load at the start and the end: {load}.".format(**blanks)
    return f"## {part.capitalize()}\n\n{made}\n\n{tables(outcomes)}\n\n{notes}\n\nWhere:\n\n{listing}\n"


def page(before: str, sections: Mapping[str, str]) -> str:
    """Returns the page with these sections, and with the others as they stand on the page `before`."""
    old = {text.split()[0].lower(): f"## {text}" for text in re.split(r"^## ", before, flags=re.MULTILINE)[1:]}
    kept = {**{part: text for part, text in old.items() if part in _NOTES}, **sections}
    return "\n".join([_HEAD, *(kept[part].rstrip() + "\n" for part in _NOTES if part in kept)])


def tables(outcomes: Sequence[Outcome]) -> str:
    """Returns the outcomes as Markdown tables that can also be read as they are: those on graphs have more columns."""
    plain = [outcome for outcome in outcomes if not outcome.comparison.graph]
    graphs = [outcome for outcome in outcomes if outcome.comparison.graph]
    cases = list(dict.fromkeys(outcome.comparison.name for outcome in graphs))
    graphs.sort(key=lambda outcome: cases.index(outcome.comparison.name))  # each case from small graphs to large
    found = [_table(_COLUMNS, plain, _row), _table(_GRAPH_COLUMNS, graphs, _graph_row)]
    return "\n\n".join(text for text in found if text)


def _table(columns: tuple[str, ...], outcomes: Sequence[Outcome], row: Callable[[Outcome], tuple[str, ...]]) -> str:
    if not outcomes:
        return ""
    rows = [columns, *map(row, outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |" for cells in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _row(outcome: Outcome) -> tuple[str, ...]:
    comparison = outcome.comparison
    return (
        comparison.name,
        *_times(outcome, comparison.theirs.name.removeprefix(f"{comparison.name}: ")),
        _budget(comparison),
        _VERDICTS[outcome.within],
    )


def _graph_row(outcome: Outcome) -> tuple[str, ...]:
    comparison = outcome.comparison
    nodes = outcome.ours[0].nodes
    ours, *others = _times(outcome, comparison.theirs.name.partition(":")[0])
    ratio = outcome.memory_ratio
    return (
        comparison.name,
        comparison.graph,
        ours,
        f"{outcome.ours_s / nodes * 1e9:,.0f} ns" if nodes else "",
        *others,
        _megabytes(outcome.ours_bytes),
        _megabytes(outcome.theirs_bytes),
        "" if ratio is None else f"{ratio:.2f}x",
        _budget(comparison),
        _VERDICTS[outcome.within],
    )


def _times(outcome: Outcome, against: str) -> tuple[str, ...]:
    low, high = outcome.spread
    ratio = f"{outcome.ratio:.2f}x"
    return (_seconds(outcome.ours_s), against, _seconds(outcome.theirs_s), ratio, f"{low:.2f}x to {high:.2f}x")


def _budget(comparison: Comparison) -> str:
    limits = []
    if comparison.most_seconds is not None:
        limits.append(f"{comparison.most_seconds:.2f} s")
    if comparison.most_ratio is not None:
        limits.append(f"{comparison.most_ratio:.2f}x")
    if comparison.most_memory_ratio is not None:
        limits.append(f"{comparison.most_memory_ratio:.2f}x memory")
    return ", ".join(limits)


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f} s" if seconds >= 0.1 else f"{seconds * 1e3:.1f} ms"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size else ""
