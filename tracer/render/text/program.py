"""What `script` says when its program has ended."""

from __future__ import annotations

from tracer import text
from tracer.render.text.show import header
from tracer.render.text.style import Part, Style, plain, warnings
from tracer.render.text.times import summary
from tracer.report.program import ProgramReport


def program(report: ProgramReport, style: Style) -> str:
    """Returns the page: what was recorded, and what it says in words."""
    facts = [
        text.plural(report.functions, "function"),
        text.plural(report.traces, "trace"),
        f"{text.plural(report.calls, 'call')} from Python",
        f"{text.seconds(report.tracing_s)} of tracing",
    ]
    parts: list[Part] = ["", *header(report.run, style.width)]
    if report.traces:
        parts.append(plain("  ".join(facts), "dim"))
    parts += summary(report.summary)
    parts += warnings(report.run.warnings)
    return style.render(parts).rstrip("\n") + "\n"
