"""The page and the object that say why functions were traced again."""

from __future__ import annotations

import dataclasses
import json
from textwrap import dedent

import pytest
from click.testing import CliRunner

from tests.helpers import run, trace
from tracer import api
from tracer.cli import main
from tracer.graph.lines import Frame
from tracer.recorded import Key, Part, Trace, Warned, Window
from tracer.render import json as to_json
from tracer.render.text.retraces import retraces as to_text
from tracer.render.text.style import Style
from tracer.report.listing import listing
from tracer.report.retraces import retraces_report


def step(index: int, kind: str, *, at_s: float = 0.0, seconds: float = 0.5, **facts: object) -> Trace:
    """Returns a trace of `step` for one argument of that type."""
    key = Key((Part("n", kind),), at_s=at_s)
    cause = "traced again" if index else "first trace"
    site = Frame("src/train.py", 9, "main")
    return trace(index=index, object=1, cause=cause, call_site=site, seconds=seconds, key=key, **facts)


RUN = run(*(step(index, f"Literal[{index}]", at_s=float(index)) for index in range(7)), trace("loss", 10, object=2))


def test_text_has_one_block_for_an_argument_and_its_values():
    """Values of one argument at one line are a chain; what is no retrace is told; all of it within the width."""
    assert to_text(retraces_report(RUN), Style(width=60)) == dedent("""\
        step  7 traces, 6 retraces in 7 calls, 3.00 s lost
          user.py:1
          n: Literal[0] -> Literal[1] -> Literal[2] -> Literal[3] ->
              Literal[4] and 2 more
            #2 to #7, 6 retraces, train.py:9, at 1.00 s, took 3.00 s
            do: pass it as a tensor, whose value costs no trace:
              n=tf.constant(1)
          no retraces: #1 first call

        6 retraces in demo/20261123-021530 took 3.00 s
        """)


def test_a_change_that_comes_again_is_written_once():
    """The line below has how often it was: twenty objects that each see 2 and then 3 are one change."""
    report = retraces_report(RUN)
    [row] = [each for each in report.functions.items if each.name == "step"]
    again = dataclasses.replace(row, causes=row.causes[:1] * 3)
    page = to_text(dataclasses.replace(report, functions=listing([again])), Style(width=80))

    assert "\n  n: Literal[0] -> Literal[1]\n    #2 to #2, 3 retraces, " in page


def test_text_of_a_clean_run_is_one_line():
    """A run without retraces says so, and how many traces there are."""
    clean = run(step(0, "float32[2]"), trace("loss", 1, object=2))

    assert to_text(retraces_report(clean), Style(width=80)) == (
        "no retraces in demo/20261123-021530: 2 traces of 2 functions\n"
    )


def test_text_of_a_clean_run_tells_of_relaxed_traces():
    """Traces that reduce_retracing made are no retraces, and are said."""
    keys = [Key((Part("x", kind),), at_s=0.0, reduce_retracing=True) for kind in ("float32[2]", "float32[?]")]
    relaxed = run(*(trace(index=index, object=1, cause="traced again", key=key) for index, key in enumerate(keys)))

    assert to_text(retraces_report(relaxed), Style(width=100)) == (
        "no retraces in demo/20261123-021530: 2 traces of 1 function, 1 of them relaxed by reduce_retracing\n"
    )


def test_text_does_not_call_clean_what_nobody_saw():
    """Of functions that were traced before, as in what other tools left, retraces are not known."""
    before = run(trace(cause="traced before the session"), trace("loss", 1, cause=""))

    assert to_text(retraces_report(before), Style(width=80)) == (
        "no function was seen as it was traced in demo/20261123-021530: 2 traces of 2\nfunctions\n"
    )


def test_totals_count_the_functions_that_are_left_out():
    """What a clean run says is of all its functions, however few of them are listed."""
    key = Key((Part("x", "float32[?]"),), at_s=0.0, reduce_retracing=True)
    first = Key((Part("x", "float32[2]"),), at_s=0.0, reduce_retracing=True)
    relaxed = [
        trace("last", 40 + at, object=40, cause="traced again", key=each) for at, each in enumerate((first, key))
    ]
    before = [trace(f"old_{at}", at, object=at + 1, cause="traced before the session") for at in range(20)]

    assert to_text(retraces_report(run(*before, *relaxed), top=20), Style()) == (
        "no retraces in demo/20261123-021530: 22 traces of 21 functions, 1 of them relaxed by reduce_retracing\n"
    )


def test_calls_are_those_of_the_program():
    """A recording that makes its calls three times in all counts each of them once."""
    window = Window(steps=1, warmup=0, wall_ns=9, bare_step_ns=(9,), fresh=True)
    traces = [step(index, f"Literal[{index}]", calls=3 * (index + 1)) for index in range(2)]
    report = retraces_report(run(*traces, window=window, calls=({"name": "main"},)))

    assert to_text(report, Style()).splitlines()[0] == "step  2 traces, 1 retrace in 3 calls, 500 ms lost  user.py:1"


CUT_OFF = Warned("damaged", "trace.json is no valid JSON", "'step' is shown with what its other files tell")


def test_text_says_which_traces_are_damaged():
    """Of a trace whose file is damaged nobody knows why it was made: that there are no retraces is not all."""
    report = retraces_report(run(step(0, "float32[2]"), trace("step", 1, cause=""), warnings=(CUT_OFF,)))

    assert to_text(report, Style(width=80)) == dedent("""\
        no retraces in demo/20261123-021530: 2 traces of 1 function

        warning: trace.json is no valid JSON
        hint: 'step' is shown with what its other files tell
        """)


@pytest.mark.parametrize(("warnings", "code"), [((CUT_OFF,), 7), ((Warned("no-profile", "none"),), 0)])
def test_the_command_tells_of_a_damaged_trace_by_its_exit_code(monkeypatch, warnings, code):
    """`retraces` ends with 7 where a trace is damaged."""
    monkeypatch.setattr(api, "retraces", lambda *_, **__: retraces_report(run(step(0, "x"), warnings=warnings)))

    assert CliRunner().invoke(main, ["retraces"]).exit_code == code


def test_time_lost_inside_of_other_retraces_is_counted_once():
    """A function that is traced inside of another is in the time of that one."""
    inner = [
        trace(
            "inner",
            10 + index,
            object=2,
            cause="traced again",
            seconds=0.25,
            key=Key((Part("n", f"Literal[{index}]"),), at),
        )
        for index, at in enumerate((0.1, 1.1))
    ]
    report = retraces_report(run(step(0, "Literal[0]"), step(1, "Literal[1]", at_s=1.0), *inner))

    assert [row.seconds for row in report.functions.items] == [0.5, 0.25]
    assert (report.retraces, report.seconds) == (2, 0.5)


def test_json_has_the_keys_of_the_contract():
    """Each cause has its argument, what it was and became, its line, and the advice with its code."""
    printed = json.loads(to_json.dumps(to_json.retraces(retraces_report(RUN, top=1))))
    functions = printed["functions"]
    (row,) = functions.pop("items")

    assert functions == {"returned": 1, "total": 2, "truncated": True}
    assert (row["name"], row["traces"], row["retraces"], row["seconds"]) == ("step", 7, 6, 3.0)
    assert row["causes"][1] == {
        "kind": "value",
        "argument": "n",
        "before": "Literal[1]",
        "after": "Literal[2]",
        "trace": 3,
        "against": 2,
        "call_site": {"file": "src/train.py", "line": 9},
        "at_s": 2.0,
        "seconds": 0.5,
        "advice": "pass it as a tensor, whose value costs no trace: n=tf.constant(2)",
        "code": "n=tf.constant(2)",
    }
    assert [(each["trace"], each["reason"]) for each in row["legitimate"]] == [(1, "first")]
