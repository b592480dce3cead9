"""The pages of time, to the letter."""

from textwrap import dedent

import pytest

from tests.timed import CALL, EVENTS, recorded_step, timed
from tracer.graph.lines import Frame, Lines
from tracer.recorded import Raised
from tracer.render import json as to_json
from tracer.render.text import times
from tracer.render.text.style import Style
from tracer.report.groups import groups_report
from tracer.report.lines import lines_report
from tracer.report.ops import ops_report
from tracer.report.stacks import stacks_report
from tracer.timing.timing import read_timing

HEAD = """\
demo/20261123-021530  complete
window    2 steps after 1 warm-up call; a step takes 500 ns with the profiler
coverage  80.0 % of executions, 87.7 % of their time; 57 ns in all, threads added up
          that is below 95.0 %: see (unattributed)

"""
REST = """
(unattributed):
  7 ns  1 execution  nodes that are in no recorded graph (elsewhere)
"""


def expected(page):
    """Returns a page with the head and the end that all of them have."""
    return HEAD + dedent(page) + REST


def test_the_page_of_ops():
    """Nodes come with their share, calls, kernel and line; what found no owner is a row of its own."""
    assert times.ops(ops_report(read_timing(timed())), Style()) == expected("""\
         self      %   calls    each   bytes   op    node                        line
        ────────────────────────────────────────────────────────────────────────────────────
        40 ns   70.2       2   20 ns       -   Mul   net/mul                     net.py:3
        10 ns   17.5       2    5 ns       -   Mul   gradient_tape/net/mul/Mul   train.py:12
         7 ns   12.3       1    7 ns       -   -     (unattributed)
        """)


def test_the_page_of_lines():
    """Files are listed around the lines with time, with that of what they called and of their gradients."""
    assert times.lines(lines_report(read_timing(timed())), Style()) == expected("""\
        net.py  40 ns  70.2 %
         self      %   gradient   calls                line   source
        ──────────────────────────────────────────────────────────────────
                                                          2
        40 ns   70.2      10 ns       2   ██████████      3   return x @ w

        train.py  10 ns  17.5 %
         self      %   with calls   calls         line   source
        ────────────────────────────────────────────────────────────────────
                                                     8
                            40 ns                    9   y = net(x)
                                                    10
                                                    11
        10 ns   17.5                    2   ██▌     12   tape.gradient(y, x)

        7 ns  12.3 %  1 call  (unattributed)
        """)


def test_the_page_of_stacks():
    """Each stack stands below its time, from the outside in, with the source of each line."""
    assert times.stacks(stacks_report(read_timing(timed())), Style()) == expected("""\
        40 ns  70.2 %  2 calls
          train.py:9 in step  y = net(x)
          net.py:3 in __call__  return x @ w

        10 ns  17.5 %  2 calls
          train.py:12 in step  tape.gradient(y, x)

        7 ns  12.3 %  1 call  (unattributed)
        """)


def test_the_page_of_groups():
    """A layer has its class, and its time by phase."""
    assert times.groups(groups_report(read_timing(timed()), "layer"), Style()) == expected("""\
        layer             self      %   forward   backward   calls   nodes   bytes
        ──────────────────────────────────────────────────────────────────────────
        net  Net         50 ns   87.7     40 ns      10 ns       4       2       -
        (unattributed)    7 ns   12.3         -          -       1       -       -
        """)


def test_a_narrow_page_of_lines_has_gradients_and_what_lines_called():
    """The number of calls and half of the bar give way to them."""
    page = times.lines(lines_report(read_timing(timed())), Style(width=60)).splitlines()

    assert [line for line in page if line.startswith((" self", "40 ns", " " * 20 + "40 ns"))] == [
        " self      %   gradient           line   source",
        "40 ns   70.2      10 ns   █████      3   return x @ w",
        " self      %   with calls        line   source",
        "                    40 ns           9   y = net(x)",
    ]


def test_different_kernels_of_a_node_have_no_mean():
    """Two kernels of one node are one row, which says how many there are, and not what one takes."""
    events = EVENTS.replace("net/mul:Mul 40-70", "net/mul:_MklMul 40-70")
    page = times.ops(ops_report(read_timing(timed(events=events))), Style()).splitlines()

    assert [" ".join(line.split()) for line in page if "_MklMul" in line] == [
        "40 ns 70.2 2 - - _MklMul net/mul net.py:3"
    ]


def test_a_narrow_page_leaves_out_what_says_least():
    """Below 100 columns there is no room for the time of a call; of ops and nodes the ends are kept, and the line."""
    assert times.ops(ops_report(read_timing(timed())), Style(width=60)) == dedent("""\
        demo/20261123-021530  complete
        window    2 steps after 1 warm-up call; a step takes 500 ns
                  with the profiler
        coverage  80.0 % of executions, 87.7 % of their time; 57 ns
                  in all, threads added up
                  that is below 95.0 %: see (unattributed)

         self     %  calls  op   node                    line
        ────────────────────────────────────────────────────────────
        40 ns  70.2      2  Mul  net/mul                 net.py:3
        10 ns  17.5      2  Mul  …ient_tape/net/mul/Mul  train.py:12
         7 ns  12.3      1  -    (unattributed)

        (unattributed):
          7 ns  1 execution  nodes that are in no recorded graph (elsewhere)
        """)


def test_a_long_name_of_a_file_keeps_its_end_and_leaves_the_node_its_room():
    """Of nodes and lines the longer give way first, and the number of a line is never cut off."""
    layer = Frame("a_test_of_the_training_step_with_dropout.py", 3, "__call__")
    step = recorded_step(lines=Lines((CALL, layer), ((0, 1),), {"": {"net/mul": 0, "gradient_tape/net/mul/Mul": 0}}))
    page = times.ops(ops_report(read_timing(timed(step))), Style(width=70)).splitlines()

    assert page[-8:-3] == [
        " self     %  calls  op   node                   line",
        "─" * 70,
        "40 ns  70.2      2  Mul  net/mul                a_test_of_t…opout.py:3",
        "10 ns  17.5      2  Mul  …ent_tape/net/mul/Mul  a_test_of_t…opout.py:3",
        " 7 ns  12.3      1  -    (unattributed)",
    ]


EVERY_SORT = ("self", "total", "calls", "bytes", "peak", "held")


@pytest.mark.parametrize(("sort", "head"), [(sort, {"held": "at peak"}.get(sort, sort)) for sort in EVERY_SORT])
@pytest.mark.parametrize("width", [60, 200])
def test_the_column_that_rows_are_sorted_by_is_there(sort, head, width):
    """However narrow the page is, it shows the numbers that its order comes from."""
    timing, style = read_timing(timed()), Style(width=width)
    total = "with calls" if sort == "total" else head
    pages = (
        (times.ops(ops_report(timing, sort=sort), style), head),
        (times.groups(groups_report(timing, "layer", sort=sort), style), head),
        (times.lines(lines_report(timing, sort=sort), style), total),
    )

    for page, column in pages:
        heads = next(line for line in page.splitlines() if " % " in line and "self" in line)
        assert f" {column} " in f" {heads} "


def test_in_a_narrow_page_of_groups_phases_give_way_to_another_order():
    """Names, phases and the column of an order have no room together."""
    page = times.groups(groups_report(read_timing(timed()), "layer", sort="peak"), Style(width=80)).splitlines()

    assert page[6:9] == [
        "layer             self      %   calls   nodes   bytes   peak",
        "─" * 60,
        "net              50 ns   87.7       4       2       -      -",
    ]


def test_stacks_say_what_they_are_sorted_by():
    """Time and calls are at each stack in any case; another number is there where it makes the order."""
    timing = read_timing(timed())
    heads = [times.stacks(stacks_report(timing, sort=sort), Style()).splitlines()[5] for sort in EVERY_SORT]

    assert heads == [
        "40 ns  70.2 %  2 calls",
        "40 ns  70.2 %  2 calls  total 40 ns",
        "40 ns  70.2 %  2 calls",
        "40 ns  70.2 %  2 calls  bytes -",
        "40 ns  70.2 %  2 calls  peak -",
        "40 ns  70.2 %  2 calls  at peak -",
    ]


def test_lines_in_the_order_of_what_they_called_have_that_number_each():
    """A line that calls nothing has its own time there, as it is sorted by that."""
    page = times.lines(lines_report(read_timing(timed()), sort="total"), Style(width=60)).splitlines()

    assert [line for line in page if line.endswith(("x @ w", "net(x)", "y, x)"))] == [
        "40 ns  70.2       40 ns     10 ns  █████     3  return x @ w",
        "                    40 ns           9   y = net(x)",
        "10 ns   17.5        10 ns   █▎     12   tape.gradient(y, x)",
    ]


def test_the_objects_name_the_step_that_raised():
    """As those of `run` and `show` do, by its pass and its number there."""
    timing = read_timing(timed(raised=Raised("window", 1)))

    for page in (to_json.ops(ops_report(timing)), to_json.lines(lines_report(timing))):
        assert page["raised"] == {"pass": "window", "step": 1}
    assert to_json.groups(groups_report(read_timing(timed()), "op"))["raised"] is None
