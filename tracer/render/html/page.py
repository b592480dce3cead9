"""A run as a piece of HTML for a notebook's cell, or as one page that works offline: no script, and nothing to load."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from tracer import text
from tracer.recorded import Warned
from tracer.render.html import tables
from tracer.render.html.escape import escaped
from tracer.render.html.picture import drawing
from tracer.render.sentences import coverage_doubts, coverage_text, error_text, run_facts, window_text
from tracer.render.text.style import source_line
from tracer.report.overview import Overview
from tracer.report.picture import TIME, Picture
from tracer.report.timed import UNATTRIBUTED
from tracer.rules.finding import SEVERITIES, Finding

_TOLD = 8  # findings, warnings
_LIGHTS = {"complete": "#2f9e44", "recording": "#1c7ed6", "failed": "#e03131", "interrupted": "#e8590c"}
# The class is named twice to stand before the styles that notebooks have for tables. Colours are the page's own, but
# for those that can be read on black and on white. MathJax is kept away: a `$` in a name is no formula.
_STYLE = """\
<style>
.trace-scenario.trace-scenario{font:13px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;\
max-width:75em;overflow-wrap:anywhere}
.trace-scenario.trace-scenario p,.trace-scenario.trace-scenario ul{margin:.3em 0}
.trace-scenario.trace-scenario ul{padding-left:1.4em}
.trace-scenario.trace-scenario .title{font-size:1.15em}
.trace-scenario.trace-scenario .status{color:#fff;border-radius:.6em;padding:.1em .6em;font-size:.8em;margin-left:.3em}
.trace-scenario.trace-scenario .faint{opacity:.7}
.trace-scenario.trace-scenario .wide{overflow-x:auto;margin:.5em 0}
.trace-scenario.trace-scenario .warning{border-left:3px solid #f08c00;padding-left:.6em}
.trace-scenario.trace-scenario .error{border-left:3px solid #e03131;padding-left:.6em}
.trace-scenario.trace-scenario table{border-collapse:collapse;margin:0;font-size:12px;table-layout:auto}
.trace-scenario.trace-scenario tr:nth-child(n){background:none}
.trace-scenario.trace-scenario th,.trace-scenario.trace-scenario td{text-align:left;vertical-align:baseline;\
padding:.1em 1em .1em 0;border:0;white-space:nowrap;max-width:none}
.trace-scenario.trace-scenario th{font-weight:600;border-bottom:1px solid rgba(128,128,128,.5)}
.trace-scenario.trace-scenario .number{text-align:right;font-variant-numeric:tabular-nums}
.trace-scenario.trace-scenario code{font-size:12px;background:none;color:inherit;padding:0;white-space:pre}
.trace-scenario.trace-scenario .path{overflow-wrap:anywhere;white-space:normal}
.trace-scenario.trace-scenario .bar{background:#f76707;opacity:.7;height:.7em;min-width:1px}
.trace-scenario.trace-scenario .picture{margin:.6em 0}
.trace-scenario.trace-scenario svg{display:block}
.trace-scenario.trace-scenario summary{cursor:pointer;font-weight:600}
</style>
"""
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
</head>
<body>
{body}</body>
</html>
"""


def page(report: Overview) -> str:
    """Returns a run as a whole page, in one file."""
    return _PAGE.format(title=escaped(report.run.name), body=fragment(report))


def fragment(report: Overview) -> str:
    """Returns a run as the piece of HTML that a notebook shows below a cell."""
    body = "\n".join(filter(None, _parts(report)))
    return f'{_STYLE}<div class="trace-scenario mathjax_ignore tex2jax_ignore">\n{body}\n</div>\n'


def _parts(report: Overview) -> Iterator[str]:
    yield from _header(report)
    show = report.show
    if report.summary:
        sentences = "".join(f"<li>{escaped(statement.message, 1000)}</li>" for statement in report.summary)
        yield f"<ul>{sentences}</ul>"
    if show and show.functions.items:
        yield tables.functions(show)
    if show and report.picture:
        yield _picture(report.picture, show.shown_name, show.stage)
    if report.lines and report.lines.lines.items:
        yield tables.lines(report.lines)
    if show and show.tree.items:
        yield _folded("scopes", tables.scopes(show))
    if report.ops and report.ops.ops.items:
        yield _folded("ops", tables.ops(report.ops))
    yield _findings(show.findings if show else ())
    yield _warnings((*report.run.warnings, *(show.damaged if show else ()), *filter(None, [report.problem])))
    if report.run.is_ours:
        command = f"trace-scenario show {shlex.quote(report.run.path)}"
        yield f'<p class="faint"><code class="path">{escaped(command)}</code></p>'


def _header(report: Overview) -> Iterator[str]:
    run = report.run
    colour = _LIGHTS.get(run.status, "#868e96")
    status = escaped(run.status if run.is_ours else run.scenario)
    yield (
        f'<p><b class="title">{escaped(run.name)}</b> '
        f'<span class="status" style="background:{colour}">{status}</span></p>'
    )
    timing = report.show.timing if report.show else None
    facts = [*run_facts(run, window=timing is None), *(f"{key}={value}" for key, value in run.parameters.items())]
    yield f'<p class="faint">{" · ".join(map(escaped, facts))}</p>' if facts else ""
    if run.error:
        yield f'<p class="error">{escaped(error_text(run))}</p>'
    if timing:
        told = f"window: {window_text(timing)}. Coverage: {coverage_text(timing, timing.self_ns)}."
        yield f'<p class="faint">{escaped(told, 1000)}</p>'
        yield from (f'<p class="warning">{escaped(doubt)}</p>' for doubt in coverage_doubts(timing, UNATTRIBUTED))


def _picture(drawn: Picture, name: str, stage: str) -> str:
    what = f"scopes of {name}" + ("" if stage == "traced" else f", {stage}")
    how = "width: time in a scope; colour: the part that is its own" if drawn.measure == TIME else "width: nodes"
    left = f"; {text.plural(drawn.left_out, 'scope')} too small or too deep to draw" if drawn.left_out else ""
    caption = f'<b>{escaped(what)}</b> <span class="faint">{escaped(how + left)}</span>'
    return f'<div class="picture">{caption}\n{drawing(drawn, name)}\n</div>'


def _findings(findings: tuple[Finding, ...]) -> str:
    if not findings:
        return ""
    counts = Counter(finding.severity for finding in findings)
    told = ", ".join(text.plural(counts[severity], severity) for severity in SEVERITIES if counts[severity])
    items = [
        f"<li><b>{finding.severity}</b> {escaped(finding.message)} "
        f'<span class="faint">{escaped(source_line(finding.line))}</span><br>do: {escaped(finding.advice)}</li>'
        for finding in findings[:_TOLD]
    ]
    left = len(findings) - _TOLD
    more = f'<p class="faint">... and {text.plural(left, "finding")} more</p>' if left > 0 else ""
    return _folded(f"findings: {told}", f"<ul>{''.join(items)}</ul>{more}")


def _warnings(warned: tuple[Warned, ...]) -> str:
    lines = []
    for each in warned[:_TOLD]:
        hint = f'<br><span class="faint">{escaped(each.hint)}</span>' if each.hint else ""
        lines.append(f'<p class="warning">{escaped(each.message)}{hint}</p>')
    left = len(warned) - _TOLD
    return "\n".join(lines) + (f'<p class="faint">... and {text.plural(left, "warning")} more</p>' if left > 0 else "")


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{escaped(title)}</summary>\n{body}\n</details>"
