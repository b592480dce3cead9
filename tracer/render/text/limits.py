"""What a test says whose run breaks the limits that it set."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from tracer import text
from tracer.render.text.lint import finding_lines
from tracer.render.text.retraces import cause_lines
from tracer.render.text.style import Part, Style, Wrapped, plain
from tracer.report.limits import GraphSize, LimitsReport


def limits(report: LimitsReport, style: Style) -> str:
    """Returns which limits are broken, each with what broke it, and how to see more of the run."""
    parts: list[Part] = [*_retraces(report, style), *_sizes(report)]
    if report.findings:
        rules = ", ".join(dict.fromkeys(finding.rule for finding in report.findings))
        head = f"{text.plural(len(report.findings), 'finding')} of lint, and no_findings forbids {rules}:"
        parts.append(Wrapped(plain(head)))
        for finding in report.findings:
            parts += finding_lines(finding, style)
    parts.append(f"to see the run: trace-scenario show {quote(report.run.path)}")
    return style.render(parts).rstrip("\n")


def _retraces(report: LimitsReport, style: Style) -> Iterator[Part]:
    for row in report.retraced:
        again = f"{row.name} was traced again {text.plural(row.retraces, 'time')}"
        yield Wrapped(plain(f"{again}, and max_retraces is {report.limits.max_retraces}:"), indent=2)
        yield from cause_lines(row, style)


def _sizes(report: LimitsReport) -> Iterator[Part]:
    for size in report.sizes:
        yield Wrapped(
            plain(
                f"the graph of {size.function} has {text.plural(size.nodes, 'node')}, "
                f"and max_nodes is {report.limits.max_nodes}: {_where(size)}"
            ),
            indent=2,
        )


def _where(size: GraphSize) -> str:
    return ", ".join(
        f"{text.count(nodes)} {f'in {scope}' if scope else 'outside of scopes'}" for scope, nodes in size.scopes
    )
