"""What pytest prints at its end of the tests that were recorded."""

from __future__ import annotations

from shlex import quote

from tracer import text
from tracer.render.text.style import Part, Style, Wrapped, plain, table
from tracer.report.recorded_tests import RecordedTestsReport

_NUMBERS = 40  # columns of a row's numbers
_PROBLEMS = 5  # that are named
_SHORTEST = 20  # columns of a test's name, which is cut in its middle: parameters stand at its end


def recorded_tests(report: RecordedTestsReport, style: Style) -> str:
    """Returns the runs, what they recorded in all, which tests are not among them, and the graphs that were written."""
    parts: list[Part] = []
    if report.tests.items:
        shown = table("test", ">functions", ">traces", ">retraces", ">nodes")
        for one in report.tests.items:
            numbers = [text.count(number) for number in (one.functions, one.traces, one.retraces, one.nodes)]
            test = text.shortened(text.one_line(one.test.rpartition("/")[2]), max(style.width - _NUMBERS, _SHORTEST))
            shown.add_row(plain(test), *map(plain, numbers))
        parts.append(shown)
    if report.tests.truncated:
        left = report.tests.total - len(report.tests.items)
        parts.append(f"... and {text.plural(left, 'run')} more: -v shows all")
    if report.ran:
        parts.append(Wrapped(plain(_total(report))))
    for problem, tests in list(report.problems.items())[:_PROBLEMS]:
        others = f" and {text.plural(len(tests) - 1, 'test')} more" if len(tests) > 1 else ""
        parts.append(Wrapped(plain(f"not recorded: {tests[0]}{others}: {problem}", "yellow"), indent=2))
    left = len(report.problems) - _PROBLEMS
    if left > 0:
        parts.append(plain(f"... and {text.plural(left, 'reason')} more why tests were not recorded", "yellow"))
    parts += [f"graph written: {text.one_line(file)}" for file in report.written]
    if report.tests.items:
        parts.append(f"next: trace-scenario show {quote(report.tests.items[0].run)}")
    return style.render(parts)


def _total(report: RecordedTestsReport) -> str:
    if not report.tests.total:
        return f"none of {text.plural(report.ran, 'test')} traced a function"
    numbers = ", ".join(
        (
            text.plural(report.functions, "function"),
            text.plural(report.traces, "trace"),
            text.plural(report.retraces, "retrace"),
        )
    )
    tests = f"{text.count(report.tracing)} of {text.plural(report.ran, 'test')}"
    return f"{tests}: {numbers}; {text.plural(report.tests.total, 'run')} in {report.logdir}"
