"""What a test says whose run breaks the limits that it set."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from tracer import text
from tracer.render.text.lint import finding_lines
from tracer.render.text.style import Part, Style, Wrapped, plain, source_line
from tracer.report.limits import GraphSize, LimitsReport, Retrace


def limits(report: LimitsReport, style: Style) -> str:
    """Returns which limits are broken, each with what broke it, and how to see more of the run."""
    parts: list[Part] = [*_retraces(report), *_sizes(report)]
    if report.findings:
        rules = ", ".join(dict.fromkeys(finding.rule for finding in report.findings))
        head = f"{text.plural(len(report.findings), 'finding')} of lint, and no_findings forbids {rules}:"
        parts.append(Wrapped(plain(head)))
        for finding in report.findings:
            parts += finding_lines(finding, style)
    parts.append(f"to see the run: trace-scenario show {quote(report.run.path)}")
    return style.render(parts).rstrip("\n")


def _retraces(report: LimitsReport) -> Iterator[Part]:
    if report.retraces:
        yield plain(
            f"{text.plural(len(report.retraces), 'retrace')}, and max_retraces is {report.limits.max_retraces}:"
        )
    for retrace in report.retraces:
        yield Wrapped(plain(f"  {_retrace(retrace)}"), indent=4)


def _retrace(retrace: Retrace) -> str:
    site = f"  by {source_line(retrace.call_site)}" if retrace.call_site else ""
    changes = ", ".join(f"{name}: {before or '-'} → {after or '-'}" for name, before, after in retrace.changes)
    why = changes or "for the same arguments: it is another tf.function object, made anew"
    return f"{retrace.function}, trace {retrace.number}{site}  {why}"


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
