"""What a test says whose graph is not the one that is kept."""

from __future__ import annotations

from tracer import text
from tracer.render.text.diff import change_lines, node_counts
from tracer.render.text.style import Part, Style, Wrapped, plain
from tracer.report.golden import GoldenReport


def golden(report: GoldenReport, style: Style) -> str:
    """Returns how many nodes changed, and each change by node path."""
    before, after = report.sizes
    numbers = f"{text.plural(before, 'node')} then, {text.count(after)} now"
    parts: list[Part] = [
        Wrapped(plain(f"the graph of {report.function} is not the one in {report.golden}: {numbers}")),
        node_counts(report.nodes),
    ]
    if report.signatures[0] != report.signatures[1]:
        for mark, signature in zip("-+", report.signatures, strict=True):
            parts.append(Wrapped(plain(f"  {mark} {signature}"), indent=4))
    for change in report.rows.items:
        parts += change_lines(change, style.width)
    if report.rows.truncated:
        parts.append(f"... and {text.plural(report.rows.total - len(report.rows.items), 'change')} more")
    return style.render(parts).rstrip("\n")
