"""The page of what is likely to be wrong."""

from __future__ import annotations

from collections.abc import Sequence

from tracer import text
from tracer.render.text.layout import Line, Piece
from tracer.render.text.style import Part, Style, Wrapped, plain, source_line, warnings
from tracer.report.lint import LintReport
from tracer.rules.finding import Finding

_SEVERITY_LOOKS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def lint(report: LintReport, style: Style) -> str:
    """Returns the page that `lint` prints: each finding with its place and what to do, and how many there are."""
    parts: list[Part] = []
    for finding in report.findings.items:
        parts += [*finding_lines(finding, style), ""]
    if report.findings.truncated:
        left = report.findings.total - len(report.findings.items)
        parts += [f"... and {text.plural(left, 'finding')} more: --top 0 shows all", ""]
    return style.render([*parts, Wrapped(_total(report)), *warnings(report.unread)])


def finding_lines(finding: Finding, style: Style) -> list[Part]:
    """Returns a finding: what and where, what it is, and what to do."""
    head = (
        Piece(finding.severity, _SEVERITY_LOOKS[finding.severity]),
        Piece(f"  {finding.rule}", "bold"),
        Piece("  " + "  ".join(_place(finding)), "dim"),
    )
    sentences = (plain(finding.message), plain(f"do: {finding.advice}", "dim"))
    return [Wrapped(head, indent=2), *style.sentences(sentences)]


def _place(finding: Finding) -> Sequence[str]:
    """Returns the line, the function and the scope, as far as there are such, and how often."""
    place = [source_line(finding.line)] if finding.line else []
    place.append(text.one_line(finding.function))
    if finding.where:
        place.append(f"in {text.one_line(finding.where)}")
    if finding.count > 1:
        place.append(text.plural(finding.count, "node" if finding.node else "trace"))
    return place


def _total(report: LintReport) -> Line:
    about = f"{report.run.name}{' ' + report.function if report.function else ''}"
    if not report.findings.total:
        return plain(f"no findings in {about}")
    numbers = ", ".join(text.plural(number, severity) for severity, number in report.severities if number)
    return plain(f"{numbers} in {about}; docs/lint.md explains each rule")
