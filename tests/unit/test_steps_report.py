"""The steps of a window, and what is said of them in words."""

import re

import pytest

from tests.helpers import graph, run, trace
from tests.profiles import host, space
from tracer.errors import NotFound
from tracer.graph.lines import Frame, Lines
from tracer.profile.activity import read_timelines
from tracer.profile.executions import read_profile
from tracer.profile.steps import step_accounts
from tracer.profile.sums import each_step
from tracer.recorded import Raised, Window
from tracer.render.json import times as to_json
from tracer.render.text import times
from tracer.render.text.style import Style
from tracer.report.steps import steps_report
from tracer.report.summary import summary
from tracer.timing.statistics import Spread, median, percentile, spread
from tracer.timing.timing import read_timing

PROGRAM = """HloModule a_inference_inner_1__.2

ENTRY %main (x: f32[4]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  ROOT %add = f32[4]{0} add(%x, %x), metadata={op_type="Mul" op_name="deep/mul"}
}
"""
LINE = Frame("net.py", 3, "__call__")


def steps(*lengths, busy=40, raised=()):
    """Returns a thread's events: a step of each length, in which a product runs for `busy` per cent of it."""
    events, begin = [], 0
    for number, length in enumerate(lengths):
        ops = begin + 20
        events += [
            f"step{{step_num={number},_r=1{',raised=1' * (number in raised)}}} {begin}-{begin + length}",
            f"EagerLocalExecute: __inference_step_0 {begin + 1}-{begin + length - 1}",
            f"FunctionRun{{id={number + 7}}} {begin + 2}-{begin + 3}",
            f"ExecutorState::Process{{id={number + 7}}} {begin + 10}-{begin + length - 2}",
            f"net/mul:Mul {ops}-{ops + min(busy * length // 100, length - 30)}",
        ]
        begin += length + 10
    return "  ".join(["main", *events])


def timed(*hosts, window=None, jit=False, more=(), **facts):
    """Returns the timing of a run with the profiles of hosts, each of one thread."""
    contents = {f"{number}.xplane.pb": space(host(text)) for number, text in enumerate(hosts)}
    seen = {path: read_profile(content, path) for path, content in contents.items()}
    traced = trace(
        "step",
        graphs={"traced": graph("x:Placeholder  net/mul:Mul<-x")},
        lines=Lines((LINE,), ((0,),), {"": {"net/mul": 0}}),
        jit_compile=jit,
    )
    recorded = run(
        traced,
        *more,
        profiles=tuple(contents),
        window=window,
        _open_profile=seen.__getitem__,
        _open_steps=lambda path: step_accounts(seen[path], read_timelines(contents[path], path)),
        **facts,
    )
    return read_timing(recorded, by_step=each_step)


def said_of(timing):
    """Returns the sentences of the summary by their topics."""
    return {each.topic: each.message for each in summary(steps_report(timing))}


def test_the_parts_of_all_steps_add_up_to_their_wall_time():
    """Whatever a step does, its parts are its wall time, to the nanosecond."""
    report = steps_report(timed(steps(100, 120, 110)))

    assert report.wall_ns == 330 == sum(report.parts.values())
    assert report.parts["ops"] == 40 + 48 + 44
    assert report.profiled == Spread(3, 100, 110, 120, 120)


def test_the_slowest_step_tells_what_was_different():
    """A step that takes much longer than the median is named, with the parts and nodes that took longer in it."""
    report = steps_report(timed(steps(100, 100, 1000, 100)))

    assert report.slowest is not None
    assert report.slowest.number == 2
    assert ("net/mul", False, 40, 400) in [(d.what, d.is_part, d.median_ns, d.slowest_ns) for d in report.different]
    assert ("ops", True, 40, 400) in [(d.what, d.is_part, d.median_ns, d.slowest_ns) for d in report.different]


def test_steps_of_one_number_are_several():
    """Where a program gives all its steps one number, the slowest is compared with the others, and keeps the number."""
    text = re.sub(r"step_num=\d", "step_num=7", steps(100, 100, 1000, 100))
    report = steps_report(timed(text))

    assert (report.slowest.number, report.slowest.wall_ns) == (7, 1000)
    assert ("net/mul", False, 40, 400) in [(d.what, d.is_part, d.median_ns, d.slowest_ns) for d in report.different]


def test_the_slowest_step_of_several_hosts_is_that_of_one():
    """What another host did in its step of that number is no part of it; one on which nothing ran has no steps."""
    report = steps_report(timed(steps(100, 100), "main", steps(100, 100, 1000, 100)))

    assert (report.slowest.number, report.steps.total) == (2, 6)
    assert ("net/mul", False, 40, 400) in [(d.what, d.is_part, d.median_ns, d.slowest_ns) for d in report.different]


def test_steps_that_are_alike_have_no_slowest():
    """Where no step stands out none is told of."""
    assert steps_report(timed(steps(100, 101, 102))).slowest is None


def test_the_pass_without_the_profiler_has_its_own_spread():
    """The true time of a step is that without the profiler."""
    window = Window(steps=2, warmup=1, wall_ns=210, step_ns=(100, 100), bare_step_ns=(50, 70))
    report = steps_report(timed(steps(100, 100), window=window))

    assert report.bare == Spread(2, 50, 60, 70, 70)


def test_a_step_that_raised_is_no_sample():
    """It is listed, and is in no median; the page says which it was, and how it ended."""
    window = Window(steps=3, warmup=1, wall_ns=330, step_ns=(100, 110, 120))
    facts = {"window": window, "raised": Raised("window", 3), "error": "ValueError: no good"}
    report = steps_report(timed(steps(100, 110, 120, 40, raised=[3]), **facts))
    page = times.steps(report, Style()).splitlines()

    assert ([step.number for step in report.raised], report.steps.total) == ([3], 4)
    assert report.profiled == Spread(3, 100, 110, 120, 120)
    assert page[1:3] == [
        "window    3 steps after 1 warm-up call; a step takes 110 ns with the profiler",
        "raised    step 3 of the window: ValueError: no good; times of nodes have what ran up to then",
    ]
    assert [line.split("  ")[0] for line in page if "raised  " in line][1:] == ["3 raised"]


def test_steps_that_raised_and_were_caught_make_no_block():
    """A program goes on after a bad batch: its window is one of steps, in which the slowest is one that ended."""
    window = Window(steps=3, warmup=1, wall_ns=330, step_ns=(100, 110, 150), function="step")
    report = steps_report(timed(steps(100, 900, 110, 150, 800, raised=[1, 4]), window=window))
    page = times.steps(report, Style()).splitlines()

    assert page[1] == "window    3 steps after 1 warm-up call; a step takes 110 ns with the profiler"
    assert [line.split("  ")[0] for line in page if "raised  " in line] == ["1 raised", "4 raised"]
    assert (report.profiled, report.slowest.number) == (Spread(3, 100, 110, 150, 150), 3)
    assert {each.what: each.median_ns for each in report.different}["net/mul"] == 44
    found = to_json.steps(report)
    assert (found["raised"], [each["raised"] for each in found["steps"]["items"]]) == (
        1,
        [False, True, False, False, True],
    )


def test_a_window_of_one_step_that_raised_has_no_times_of_steps():
    """What it took says nothing of a step."""
    report = steps_report(timed(steps(100, raised=[0]), window=Window(0, 1, 0), raised=Raised("window", 0)))

    assert (report.profiled, report.slowest, report.steps.total) == (None, None, 1)
    assert "window    no step came to its end" in times.steps(report, Style())


def test_a_profile_without_marked_steps_has_the_times_that_the_run_wrote_down():
    """The whole profile is one account, and no step: what a step took is what the run says, if it says so."""
    text = steps(100, 100).replace("step_num", "other")
    window = Window(steps=2, warmup=1, wall_ns=210, step_ns=(100, 104))

    assert steps_report(timed(text, window=window)).profiled == Spread(2, 100, 102, 104, 104)
    assert steps_report(timed(text)).profiled is None
    assert "step" not in said_of(timed(text))


def test_nothing_ran():
    """A profile in which nothing ran is an error with advice."""
    with pytest.raises(NotFound, match="nothing ran while the profiler was on"):
        steps_report(timed("main"))


def test_a_summary_says_in_how_many_steps_something_was_traced():
    """A retrace in one step of three is not in each, whatever its share of the whole window."""
    traced_twice = "step{step_num=0,_r=1} 0-100  tf.function-graph_building 10-60  step{step_num=1,_r=1} 100-200"
    once = said_of(timed(f"main  {traced_twice}  step{{step_num=2,_r=1}} 200-300"))
    each = said_of(timed(f"main  {traced_twice}  tf.function-graph_building 110-160"))

    assert once["tracing"] == "Of the wall time tracing 17 %, in 1 of 3 steps: trace-scenario retraces."
    assert each["tracing"] == "Each step traces or compiles anew: tracing 50 % of its time."


def test_a_summary_of_one_step_does_not_speak_of_each():
    """A block is one account: that something was traced in it says nothing of other steps."""
    told = "Of the wall time tracing 50 %: there are first calls in the window, or retraces (trace-scenario retraces)."

    assert said_of(timed("main  tf.function-graph_building 0-50  other 50-100"))["tracing"] == told
    assert said_of(timed("main  step{step_num=0,_r=1} 0-100  tf.function-graph_building 10-60"))["tracing"] == told


def test_a_summary_says_what_dominates():
    """The sentences name the step's time, its parts, the line and the node with the most time."""
    window = Window(steps=2, warmup=1, wall_ns=2010, step_ns=(1000, 1000), bare_step_ns=(500, 500))
    said = {
        each.topic: each.message for each in summary(steps_report(timed(steps(1000, 1000, busy=80), window=window)))
    }

    assert said["step"].startswith(
        "A step takes 500 ns without the profiler (median of 2), 1.00 us with the profiler on (median of 2), "
        "there: ops 80 %"
    )
    assert said["dominates"] == "Of the time in ops: line net.py:3 100 %; net/mul 100 %."
    assert said["jit"].startswith("jit_compile=True has few kernels to merge: 1 kernel a call of 800 ns on average")
    assert "input" not in said
    assert "coverage" not in said


def test_many_small_kernels_are_worth_a_compiler():
    """Where most of the wall time is between many kernels, XLA has something to gain, unless it made them."""
    kernels = "  ".join(f"net/mul:Mul {begin}-{begin + 2}" for begin in range(30, 930, 45))
    text = steps(1000, busy=1) + "  " + kernels

    assert (
        "is worth a try: 21 kernels a call" in {s.topic: s.message for s in summary(steps_report(timed(text)))}["jit"]
    )
    assert "jit" not in {s.topic for s in summary(steps_report(timed(text, jit=True)))}


def test_instructions_of_an_inner_program_are_no_kernels_for_a_compiler():
    """What XLA made inside of a function that it does not compile as a whole is compiled already."""
    instructions = "  ".join(
        f"add{{hlo_op=add,hlo_module=a_inference_inner_1__.2}} {begin}-{begin + 2}" for begin in range(30, 930, 45)
    )
    inner = trace("inner", 1, graphs={"traced": graph("deep/mul:Mul"), "optimized_hlo": PROGRAM})
    found = timed(f"{steps(1000, busy=1)}  {instructions}", more=(inner,))

    assert [(node.time.path, node.time.calls) for node in found.nodes] == [("deep/mul", 20), ("net/mul", 1)]
    assert said_of(found)["jit"].startswith("jit_compile=True has few kernels to merge: 1 kernel a call of ")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("", "the wall time waits for input: prefetch, parallelise or cache it."),
        ("Prefetch::Map[0]::Range", "though its dataset prefetches already: parallelise or cache it."),
        (
            "Prefetch::ParallelMapV2::MemoryCacheImpl",
            "though its dataset prefetches, works in parallel and caches already: make its functions cheaper.",
        ),
    ],
)
def test_advice_on_input_knows_what_the_dataset_does(parts, message):
    """What tf.data names among the parts of the dataset is not advised again."""
    iterator = f"  Iterator::Root::{parts} 30-40" if parts else ""
    text = f"{steps(1000, busy=1)}  IteratorGetNext:IteratorGetNext 100-700{iterator}"

    assert message in said_of(timed(text))["input"]


def test_what_found_no_owner_is_said():
    """Below 95 % of coverage the summary says so, and why."""
    text = steps(100, busy=30) + "  elsewhere:Mul 60-90"
    said = said_of(timed(text))

    assert said["coverage"] == "Only 50.0 % was seen and found an owner (nodes that are in no recorded graph)."


def test_percentiles_are_values_that_were_measured():
    """The 90th percentile of ten is the ninth; the median of an even number is between two."""
    assert percentile(list(range(10, 0, -1)), 0.9) == 9
    assert percentile([5], 0.9) == 5
    assert median([4, 1, 3, 2]) == 2
    assert spread([]) is None
