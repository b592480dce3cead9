"""The outcomes as text: tables for the terminal, and the sections of the page `docs/benchmarks.md`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from benchmarks.measure import Comparison, Outcome

_COLUMNS = ("case", "ours", "against", "theirs", "ratio", "of single rounds", "budget", "kept")
_MEMORY_COLUMNS = (*_COLUMNS[2:6], "memory", "theirs", "ratio", *_COLUMNS[6:])
_GRAPH_COLUMNS = ("case", "graph", "ours", "a node", *_MEMORY_COLUMNS)
_PROFILE_COLUMNS = ("case", "profile", "ours", "events a second", *_MEMORY_COLUMNS)
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
    "profiles": """A profile of so many events is that of the scenario `mobilenet_v2`, its steps again and again, each
copy with numbers of its own. About a third of such events are executions of nodes.

- *events to nodes*: from the bytes of the file to what each node took, the graphs of the run read before
  (`benchmarks/profiles.py`). *all but tables*: all that the commands need: the run, its graphs, its profile, and each
  node's line, layer and phase. *memory* is by how much the process grew at most. There is no budget for 10,000 events:
  so few have more to do with the names of the graph's nodes than with events.
- *XProf's op stats* is its table `framework_op_stats` of the same file, made anew each time, as its page gets it; it
  knows no graph, line or layer, and uses all processors, where ours is on one. *ProfileData* is XProf's reader for
  Python: name, start and duration of each event, and nothing made of them.
- Commands are whole processes from cold, against one that asks XProf for that table. The graph of {wide:,} nodes is
  copies of the step, of which each node that is executed is so once; the run of {many:,} traces is that of a program
  that traced so often, of which two are in the profile.
- *a profiled step* is the median of {steps} steps with the profiler on, in a process of its own, against a loop between
  `tf.profiler.experimental.start` and `stop` that marks its steps (`benchmarks/steps.py`). *a whole recording* is that
  process from start to exit, with the import of TensorFlow: ours runs each step twice, and writes and reads the graphs.
- *a long recording* is of {tiny:,} tiny steps: *small* calls the two dense layers, whose kernels TensorFlow soon stops
  to trace; *eager* runs ten ops from Python, which it traces each time. *memory* is by how much each process grew at
  most. Ours stops the profiler before it takes too much.
""",
    "programs": """The program is `benchmarks/program.py`, alone and under `trace-scenario script`: *loop* a training
loop of its own, *fit* Keras', both of about 5 ms a step.

- *steps* is what a program's steps but the first ten take, with all that it does between them, measured inside of it.
- *a process* is a program of 20 steps from start to exit: the import of TensorFlow, and what recording costs whatever
  the program's length: the folder, the stages, TensorBoard's tags, and the reading back.
- *a long program* is of tiny steps: *memory* is by how much the process grew at most, against TensorFlow's profiler on
  from begin to end, which is what a program has that profiles itself, and against the program alone.
""",
}


def section(part: str, outcomes: Sequence[Outcome], *, facts: Mapping[str, str], **blanks: str | int) -> str:
    """Returns a part of the page, one of those in the notes: what was measured, how, and where."""
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
    """Returns the outcomes as Markdown tables that can also be read as they are, each sort of case with its columns."""
    plain = [outcome for outcome in outcomes if not outcome.comparison.graph and not outcome.comparison.profile]
    graphs = _by_case(outcome for outcome in outcomes if outcome.comparison.graph)
    profiles = _by_case(outcome for outcome in outcomes if outcome.comparison.profile)
    found = [
        _table(_COLUMNS, plain, _row),
        _table(_GRAPH_COLUMNS, graphs, _graph_row),
        _table(_PROFILE_COLUMNS, profiles, _profile_row),
    ]
    return "\n\n".join(text for text in found if text)


def _by_case(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Returns outcomes case by case, so that each goes from small to large."""
    rows = list(outcomes)
    cases = list(dict.fromkeys(outcome.comparison.name for outcome in rows))
    return sorted(rows, key=lambda outcome: cases.index(outcome.comparison.name))


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
    each = f"{1e9 / outcome.rate:,.0f} ns" if outcome.rate else ""
    return _memory_row(outcome, outcome.comparison.graph, each)


def _profile_row(outcome: Outcome) -> tuple[str, ...]:
    return _memory_row(outcome, outcome.comparison.profile, f"{outcome.rate:,.0f}" if outcome.rate else "")


def _memory_row(outcome: Outcome, subject: str, speed: str) -> tuple[str, ...]:
    comparison = outcome.comparison
    ours, *others = _times(outcome, comparison.theirs.name.partition(":")[0])
    ratio = outcome.memory_ratio
    return (
        comparison.name,
        subject,
        ours,
        speed,
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
    if comparison.most_bytes is not None:
        limits.append(f"{_megabytes(comparison.most_bytes)} memory")
    if comparison.least_rate is not None:
        limits.append(f"{comparison.least_rate:,.0f} a second")
    return ", ".join(limits)


def _seconds(seconds: float) -> str:
    if seconds >= 0.1:
        return f"{seconds:.3f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB" if size else ""
