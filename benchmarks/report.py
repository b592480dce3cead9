"""The outcomes as text: a table for the terminal, and the page `docs/benchmarks.md`."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from benchmarks.measure import Outcome

_COLUMNS = ("case", "ours", "against", "theirs", "ratio", "of single rounds", "budget", "kept")
_VERDICTS = {True: "yes", False: "NO", None: ""}

_PAGE = """# Benchmarks

What `trace-scenario` costs, beside what it is measured against. Made by `{command}`, {when}; do not edit.

Each line compares two programs. Each runs in a fresh process, {rounds} times, in turns with the other; a time is the
median wall time of the whole process, from start to exit. *ratio* is ours by theirs, of the medians; *of single
rounds* is the lowest and the highest ratio that one round alone gave, and says how far to trust it. Nothing fails if a
budget is missed: a busy machine is no error.

{table}

- `runs` lists {runs:,} runs that were made for the purpose; `runs --top 0` prints them all.
- `record` builds a model, records one call of it, and ends; the import of TensorFlow is in it. *small* is two dense
  layers; *mobilenet* is Keras' MobileNetV2, 96 x 96, alpha 0.35, inference. The listing is `create_file_writer`,
  `trace_on`, the call, `trace_export` (`benchmarks/recording.py`).

## Where

{facts}

The load was {load} at the start and the end. Above 1 or so, which is this benchmark itself, others used the processors
too, and times vary by tens of percent; the ratios, whose two programs ran next to each other, vary less.
"""


def table(outcomes: Sequence[Outcome]) -> str:
    """Returns the outcomes as a Markdown table that can also be read as it is."""
    rows = [_COLUMNS, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def page(outcomes: Sequence[Outcome], *, rounds: int, facts: Mapping[str, str], **blanks: str | int) -> str:
    """Returns the page of the documentation."""
    listing = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    return _PAGE.format(table=table(outcomes), rounds=rounds, facts=listing, **blanks)


def _row(outcome: Outcome) -> tuple[str, ...]:
    comparison = outcome.comparison
    low, high = outcome.spread
    limits = []
    if comparison.most_seconds is not None:
        limits.append(f"{comparison.most_seconds:.2f} s")
    if comparison.most_ratio is not None:
        limits.append(f"{comparison.most_ratio:.2f}x")
    return (
        comparison.name,
        f"{statistics.median(outcome.ours_s):.3f} s",
        comparison.theirs.name.removeprefix(f"{comparison.name}: "),
        f"{statistics.median(outcome.theirs_s):.3f} s",
        f"{outcome.ratio:.2f}x",
        f"{low:.2f}x to {high:.2f}x",
        ", ".join(limits),
        _VERDICTS[outcome.within],
    )
