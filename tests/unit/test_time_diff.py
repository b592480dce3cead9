"""What two runs took, side by side: the step, its memory, and each scope, line, op and layer."""

import dataclasses
import json

import pytest
from click.testing import CliRunner

from tests.helpers import graph, run, trace
from tests.profiles import host, profile
from tracer import api
from tracer.cli import main
from tracer.errors import NotFound, UsageError
from tracer.graph.lines import Frame, Lines
from tracer.profile.model import Allocation
from tracer.profile.steps import StepAccount
from tracer.recorded import ModuleScope, Source, Warned, Window
from tracer.render import json as to_json
from tracer.render.text import Style
from tracer.render.text.diff import diff
from tracer.report.conditions import Condition, parse_condition
from tracer.report.diff import diff_report
from tracer.report.modes import Recorded, modes_report
from tracer.report.sides import Side
from tracer.report.time_rows import moved_lines
from tracer.timing.samples import read_samples, step_samples

NODES = "x:Placeholder  net/a/mul:Mul<-x  net/b/exp:Exp<-net/a/mul"
STEADY = (1000, 1001, 1002, 1003, 1004, 1005)


def _events(mul, exp, steps=6, more="", raised=()):
    """Returns steps of 1000 ns, in each of which both nodes run for so long."""
    marks = "  ".join(
        f"step{{step_num={n},_r=1{',raised=1' * (n in raised)}}} {1000 * n}-{1000 * n + 1000}" for n in range(steps)
    )
    work = "  ".join(
        f"net/a/mul:Mul {1000 * n + 100}-{1000 * n + 100 + mul}  net/b/exp:Exp {1000 * n + 500}-{1000 * n + 500 + exp}"
        for n in range(steps)
    )
    call = "EagerLocalExecute: __inference_step_0 0-100000  FunctionRun{id=7} 1-2"
    return host(f"main  {call}  {marks}", f"worker  ExecutorState::Process{{id=7}} 10-90000  {work}{more}")


def _run(mul=100, exp=50, *, nodes=NODES, source=("y = a(x)", "z = b(y)"), bare=STEADY, blocks=(), raised=(), **facts):
    frames = tuple(Frame("net.py", source.index(line) + 1, "call") for line in source if line[:1] in "yz")
    step = trace(
        "step",
        graphs={"traced": graph(nodes)},
        lines=Lines(frames, ((0,), (1,)), {"": {"net/a/mul": 0, "net/b/exp": 1, "net/c/exp": 1}}),
        modules=(ModuleScope("net/a", "net.a", "A", "module"),),
    )
    found = profile(_events(mul, exp, raised=raised))
    found = dataclasses.replace(found, allocations=tuple(blocks))
    defaults = {
        "profiles": ("vm.xplane.pb",),
        "window": Window(6, 1, 6000, STEADY, bare),
        "_open_profile": lambda _: found,
        "_open_source": lambda file: Source(file, source, ""),
    }
    return run(step, **{**defaults, **facts})


def _diff(before, after, **options):
    other = dataclasses.replace(after, path="logs/demo/2", name="demo/2")
    return diff_report(before, other, sampled=(read_samples(before), read_samples(other)), **options)


def _block(step, size, in_use, path="net/a/mul", device="mklcpu"):
    return Allocation(1000 * step + 110, size, 1, device, in_use, path, 0, 1, step, "", "node")


def _rows(report):
    return {
        (row.key.by, row.key.name, row.key.line): (row.before_ns, row.after_ns, row.verdict)
        for row in report.measured.rows
    }


def test_a_step_is_judged_by_both_passes():
    """The medians are those of the pass without the profiler; the profiled pass has to agree."""
    slow = tuple(2 * each for each in STEADY)
    one, both = _run(bare=slow), _run(bare=slow, window=Window(6, 1, 12000, slow, slow))

    time = _diff(_run(), one).measured.time
    assert (time.before_ns, time.after_ns, time.verdict) == (1002, 2005, "inconclusive")
    assert time.passes == ("without the profiler", "with the profiler")
    assert _diff(_run(), both).measured.time.verdict == "slower"
    assert _diff(both, _run()).measured.time.verdict == "faster"
    assert _diff(_run(), _run()).measured.time.verdict == "same"


def test_steps_of_a_profile_are_samples_where_the_run_wrote_none():
    """What other tools left has its steps in the profile alone."""
    foreign = _run(window=None, host={})
    time = _diff(foreign, foreign).measured.time

    assert (time.before_ns, time.passes, time.steps) == (1000, ("with the profiler",), (6, 6))
    assert time.verdict == "same"


def test_on_another_machine_only_a_huge_change_is_one():
    """Where hosts differ, or are not known, a step may take twice as long for reasons that are not the program's."""
    twice, thrice = (Window(6, 1, 1, *[tuple(factor * each for each in STEADY)] * 2) for factor in (1.9, 3))
    elsewhere = {"host": {"name": "there"}}

    time = _diff(_run(), _run(window=twice, **elsewhere)).measured.time
    assert time.verdict == "inconclusive"
    assert time.reason == "not the same machine, as far as is known: up to 100 % apart says nothing of the program"
    assert _diff(_run(), _run(**elsewhere)).measured.time.verdict == "same"
    assert _diff(_run(), _run(window=thrice, **elsewhere)).measured.time.verdict == "slower"


def test_runs_without_steps_have_no_time():
    """The time is null, and a condition on it cannot be told."""
    bare = run(trace("step", graphs={"traced": graph(NODES)}))
    report = diff_report(bare, dataclasses.replace(bare, path="b"), conditions=[parse_condition("time>5%")])

    assert to_json.diff(report)["time"] is None
    assert (report.outcomes[0].state, report.undecided, report.regressed) == ("unclear", True, False)


def test_scopes_lines_ops_and_layers_have_rows():
    """Each has its self time in a step before and after; what doubled by a lot is slower, the rest is not."""
    rows = _rows(_diff(_run(mul=50), _run(mul=250)))

    assert rows["scope", "", 0] == (100, 300, "slower")
    assert rows["scope", "net/a", 0] == (50, 250, "slower")
    assert rows["scope", "net/b", 0] == (50, 50, "same")
    assert rows["line", "net.py", 1] == (50, 250, "slower")
    assert rows["op", "Mul", 0] == (50, 250, "slower")
    assert rows["op", "Exp", 0] == (50, 50, "same")
    assert rows["layer", "net.a", 0] == (50, 250, "slower")


def test_a_row_that_hardly_counts_is_not_slower():
    """A node that takes ten times as long, and that by less than a tenth of the step, is no finding."""
    rows = _rows(_diff(_run(mul=5, exp=600), _run(mul=50, exp=600)))

    assert rows["op", "Mul", 0] == (5, 50, "inconclusive")


def test_renamed_scopes_and_moved_lines_keep_their_rows():
    """A scope with another name, and a line with others above it now, is compared with what it was."""
    moved = _run(nodes=NODES.replace("net/b", "net/c"), source=("import x", "y = a(x)", "z = b(y)"))
    profile_ = profile(_events(100, 50))
    renamed = dataclasses.replace(
        profile_, ops=tuple(op._replace(path=op.path.replace("net/b", "net/c")) for op in profile_.ops)
    )
    moved = dataclasses.replace(moved, _open_profile=lambda _: renamed)
    rows = _rows(_diff(_run(), moved))

    assert rows["scope", "net/c", 0] == (50, 50, "same")
    assert ("scope", "net/b", 0) not in rows
    assert rows["line", "net.py", 3] == (50, 50, "same")
    assert ("line", "net.py", 1) not in rows


def test_one_function_has_only_its_rows():
    """Where the sides name a function, the nodes of others are left out."""
    report = _diff(_run(), _run(), sides=(Side("a", "step"), Side("b", "step")))
    none = [row for row in report.measured.rows if row.key.by == "scope" and row.key.function != "step"]

    assert report.measured.rows
    assert none == []


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ((100,) * 6, (100,) * 6, "same"),
        ((100,) * 6, (300,) * 6, "larger"),
        ((300,) * 6, (100,) * 6, "smaller"),
        ((100,) * 6, (160,) * 6, "inconclusive"),
        ((100, 110) * 3, (105,) * 6, "same"),
    ],
)
def test_peaks_are_the_same_up_to_one_block(before, after, verdict):
    """TensorFlow writes a result into the memory of an input, or not: one block of 100 bytes more is chance."""
    runs = [_run(blocks=[_block(step, 100, size) for step, size in enumerate(sizes)]) for sizes in (before, after)]
    peak = _diff(*runs).measured.peak_bytes

    assert (peak.before, peak.after, peak.verdict) == (
        sorted(before)[3] if len({*before}) == 1 else 105,
        after[0],
        verdict,
    )


@pytest.mark.parametrize(
    ("typed", "state"), [("peak_bytes>10%", "met"), ("peak_bytes>1KiB", "not met"), ("peak_bytes>150", "unclear")]
)
def test_a_bound_on_memory_allows_for_one_block(typed, state):
    """200 bytes more are so for certain, but for one block of 100: no bound between 100 and 200 can be judged."""
    runs = [_run(blocks=[_block(step, 100, size) for step in range(6)]) for size in (100, 300)]

    assert _diff(*runs, conditions=[parse_condition(typed)]).outcomes[0].state == state


def test_cpu_time_has_a_verdict_of_its_own():
    """It is of the pass without the profiler, with a smaller allowance, and can be a condition."""
    one = _run(window=Window(6, 1, 6000, STEADY, STEADY, bare_cpu_ns=STEADY))
    more = tuple(each * 13 // 10 for each in STEADY)
    report = _diff(
        one,
        _run(window=Window(6, 1, 6000, STEADY, STEADY, bare_cpu_ns=more)),
        conditions=[parse_condition("cpu_ns>5%"), parse_condition("cpu_ns>1ms")],
    )

    assert (report.measured.cpu_ns.verdict, report.measured.cpu_ns.noise) == ("slower", 0.15)
    assert report.measured.time.verdict == "same"
    assert [(each.state, each.reason) for each in report.outcomes] == [
        ("met", "CPU time is slower"),
        ("not met", "CPU time is slower"),
    ]
    assert _diff(one, _run()).measured.cpu_ns is None
    assert _diff(one, _run(), conditions=[parse_condition("cpu_ns>5%")]).outcomes[0].state == "unclear"


def test_a_step_that_raised_is_in_no_batch():
    """What it took, and what its nodes took, are no samples; neither is its marker where nobody wrote times down."""
    run = _run(window=Window(5, 1, 5000), raised=[2])
    sampled = read_samples(run)

    assert sampled.batches == (1,) * 5
    assert sampled.self_ns() == [150.0] * 5
    assert list(step_samples(run, sampled.timing.profiles)["with the profiler"]) == [1000] * 5


def test_a_step_that_raised_is_no_sample_of_memory():
    """What it allocated up to there is no step's, be it more or less; nor is the peak in it, nor its kernels."""
    blocks = [_block(step, 10, 100) for step in range(6)]
    whole, cut = _run(blocks=blocks), _run(blocks=[*blocks[:5], _block(5, 1, 900)], raised=[5])
    measured = _diff(whole, cut).measured

    assert (measured.bytes.after_range, measured.peak_bytes.after_range) == ((10, 10), (100, 100))
    accounts = tuple(StepAccount("step", n, 0, 0, 1, {}, calls, 0, calls == 1) for n, calls in enumerate((4, 1)))
    [mode] = modes_report("n", "n", [Recorded("graph", dataclasses.replace(cut, _open_steps=lambda _: accounts))]).modes
    assert (mode.peak_bytes, mode.kernels) == (100, 4)


def test_peaks_of_devices_add_up_and_a_run_without_blocks_has_none():
    """Each device has its own peak; that no block was reported is not a peak of 0."""
    blocks = [_block(0, 10, 40), _block(0, 10, 70, device="GPU_0_bfc"), _block(0, -10, 60, device="GPU_0_bfc")]
    measured = _diff(_run(blocks=blocks), _run(blocks=blocks)).measured

    assert (measured.peak_bytes.before, measured.bytes.before_range) == (110, (0, 20))
    assert _diff(_run(), _run(blocks=blocks)).measured.peak_bytes is None


@pytest.mark.parametrize(
    ("typed", "condition"),
    [
        ("time>5%", ("time", None, 0.05, True)),
        ("time > 2 ms", ("time", None, 2e6, False)),
        ("peak_bytes>1.5MiB", ("peak_bytes", None, 1.5 * 2**20, False)),
        ("nodes>0", ("nodes", None, 0.0, False)),
        ("self_ns[mlp/linear_0/]>10%", ("self_ns", "mlp/linear_0", 0.1, True)),
        ("calls[a[0]]>3", ("calls", "a[0]", 3.0, False)),
        ("self_ns>5", ("self_ns", None, 5.0, False)),
    ],
)
def test_a_condition_is_a_name_a_scope_and_a_number(typed, condition):
    """Units and blanks are understood, and scopes with brackets in their names."""
    assert parse_condition(typed) == Condition(typed, *condition)


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("tme>5%", "no quantity named 'tme' in 'tme>5%'", "did you mean 'time'?"),
        ("time>5MiB", "'MiB' is no unit of 'time'", "units: %, ns, us, ms, s"),
        ("time>5", "'time>5' does not say of what", "write time>5%, or time>5ms"),
        ("time>0.5", "'time>0.5' does not say of what", "write time>0.5%, or time>0.5ms"),
        ("time[net]>5%", "'time' is not known of a scope", "of a scope there are: self_ns, calls, nodes"),
        ("time<5%", "'time<5%' is no condition", None),
        ("", "'' is no condition", None),
        ("time>-5%", "'time>-5%' is no condition", None),
    ],
)
def test_a_condition_that_cannot_be_says_why(typed, message, hint):
    """What is wrong is named, with what could be meant."""
    with pytest.raises(UsageError) as caught:
        parse_condition(typed)

    assert caught.value.message == message
    assert hint is None or caught.value.hint == hint
    assert hint or "peak_bytes>64MiB" in caught.value.hint


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        (("nodes>0",), 5),
        (("nodes>1",), 0),
        (("nodes>50%",), 0),
        (("nodes[net/a]>0",), 0),
        (("self_ns>5%",), 5),
        (("self_ns>1ms",), 0),
        (("self_ns[net/a]>10%",), 5),
        (("self_ns[net/b]>10%",), 0),
        (("calls>0",), 0),
        (("time>5%",), 0),
        (("peak_bytes>10%",), 6),
        (("bytes>10%",), 0),
        (("peak_bytes>10%", "nodes>0"), 5),
    ],
)
def test_conditions_decide_on_the_exit_code(monkeypatch, conditions, code):
    """5 where a condition is met for certain, else 6 where one cannot be told, else 0."""
    wider = _run(mul=400, nodes=f"{NODES}  y:Neg<-net/b/exp")
    found = _diff(_run(mul=50), wider, conditions=[parse_condition(each) for each in conditions])
    monkeypatch.setattr(api, "diff", lambda *_, **__: found)
    options = [option for condition in conditions for option in ("--fail-on", condition)]

    assert CliRunner().invoke(main, ["diff", "a", "b", *options]).exit_code == code


@pytest.mark.parametrize("steps", [24, 48, 100])
def test_memory_is_of_one_step_however_many_there_are(steps):
    """A run of many steps is compared by batches of them, and what a step allocates stays what one allocates."""
    blocks = tuple(_block(step, 1024, 4096) for step in range(steps))
    seen = dataclasses.replace(profile(_events(100, 50, steps=steps)), allocations=blocks)
    many = _run(_open_profile=lambda _: seen)
    measured = _diff(_run(blocks=blocks[:6]), many).measured

    assert (measured.bytes.before, measured.bytes.after, measured.bytes.after_range) == (1024, 1024, (1024, 1024))
    assert (measured.bytes.verdict, measured.peak_bytes.after) == ("same", 4096)
    [layer] = [row for row in measured.rows if row.key.by == "layer"]
    assert (layer.after_ns, layer.calls, layer.bytes) == (100, (1, 1), (1024, 1024))


def test_batches_follow_each_other_and_leave_the_profile_as_it_was_read():
    """At most 24 batches, whose steps are counted; the steps keep their numbers."""
    run_ = _run(_open_profile=lambda _: profile(_events(100, 50, steps=50)))
    sampled = read_samples(run_)

    assert (len(sampled.batches), sampled.steps, sampled.batches[:3]) == (24, 50, (3, 2, 2))
    assert sampled.self_ns() == [150.0] * 24
    assert sampled.calls() == [2.0] * 24
    assert [step.number for step in sampled.timing.profiles[0].steps] == [*range(50)]


def test_hosts_share_their_steps():
    """A step takes what it takes on all hosts together; a block of one host's is allocated in a step of both."""
    seen = {
        "a": profile(_events(100, 50)),
        "b": dataclasses.replace(
            profile(_events(100, 50), path="b"), allocations=tuple(_block(n, 10, 10) for n in range(6))
        ),
    }
    both = _run(profiles=("a", "b"), _open_profile=seen.__getitem__)
    measured = _diff(both, both).measured

    assert (read_samples(both).batches, read_samples(both).self_ns()) == ((1,) * 6, [300.0] * 6)
    assert (measured.bytes.before, measured.bytes.before_range, measured.calls) == (10, (10, 10), (4, 4))


def test_lines_of_a_long_file_find_theirs():
    """In a file that says the same again and again every line has its own, behind the lines that came and went."""
    before = [line for n in range(2000) for line in (f"x{n} = {n}", "", "    return x", "else:")]
    after = ["import x", *before[:800], *before[804:4000], "y", *before[4000:]]
    files = {"1": tuple(before), "2": tuple(after)}
    old, new = (run(name=name, _open_source=lambda file, name=name: Source(file, files[name], "")) for name in "12")
    moved = moved_lines(old, new, ["net.py"])
    lines = [1, 800, 805, 4000, 4001, 8000]

    assert [moved(("net.py", line)) for line in lines] == [("net.py", line) for line in (2, 801, 802, 3997, 3999, 7998)]


def test_a_condition_on_a_scope_that_nobody_has_is_not_found():
    """A typing error in a scope's name is no condition that is never met."""
    with pytest.raises(NotFound) as caught:
        _diff(_run(), _run(), conditions=[parse_condition("nodes[net/aa]>0")])

    assert caught.value.hint == "did you mean 'net/a' or 'net/b' or 'net'?"


def test_a_damaged_profile_is_a_warning_and_the_graphs_are_compared():
    """The exit code is 7, as for a damaged graph, and what could be read is equal."""
    warned = Warned("damaged", "vm.xplane.pb is cut off", "record it again")
    report = diff_report(_run(), dataclasses.replace(_run(), path="b"), damaged=[warned])

    assert (report.equal, report.is_partial) == (True, True)
    assert to_json.diff(report)["warnings"]["items"] == [dataclasses.asdict(warned)]


def test_the_page_says_what_became_slower():
    """The step, its memory, and a table of each kind of row; at 80 columns without calls and bytes."""
    slow = Window(6, 1, 1, *[tuple(3 * each for each in STEADY)] * 2)
    blocks = [_block(step, 1024, 4096) for step in range(6)]
    report = _diff(_run(mul=50, blocks=blocks), _run(mul=250, window=slow, blocks=blocks))

    assert diff(report, Style(width=80)) == (
        "demo/20261123-021530 → demo/2\n"
        "equal: the graphs differ in nothing but numbers in names\n"
        "1.00 us → 3.01 us a step: slower  (+199 % to +201 %; 6 steps without the\n"
        "  profiler)\n"
        "4.00 KiB → 4.00 KiB in use at the peak of a step: same\n"
        "1.00 KiB → 1.00 KiB allocated in a step: same\n"
        "\n"
        "function   before   after   added   removed   changed   same\n"
        "────────────────────────────────────────────────────────────\n"
        "step            3       3       0         0         0      3\n"
        "\n"
        "scope    before    after   change   verdict\n"
        "───────────────────────────────────────────\n"
        "step()   100 ns   300 ns   +200 %   slower\n"
        "net      100 ns   300 ns   +200 %   slower\n"
        "net/a     50 ns   250 ns   +400 %   slower\n"
        "... and 1 scope more: --json has them\n"
        "\n"
        "line       before    after   change   verdict\n"
        "─────────────────────────────────────────────\n"
        "net.py:1    50 ns   250 ns   +400 %   slower\n"
        "... and 1 line more: --json has them\n"
        "\n"
        "op    before    after   change   verdict\n"
        "────────────────────────────────────────\n"
        "Mul    50 ns   250 ns   +400 %   slower\n"
        "... and 1 op more: --json has them\n"
        "\n"
        "layer   before    after   change   verdict\n"
        "──────────────────────────────────────────\n"
        "net.a    50 ns   250 ns   +400 %   slower\n"
    )


def test_the_object_that_json_prints():
    """Time, memory and rows are there under their contracted keys."""
    slow = Window(6, 1, 1, *[tuple(3 * each for each in STEADY)] * 2)
    report = _diff(_run(mul=50), _run(mul=250, window=slow), top=1, conditions=[parse_condition("time>5%")])
    shown = json.loads(json.dumps(to_json.diff(report)))

    assert shown["time"].items() >= {"before_ns": 1002, "after_ns": 3008, "verdict": "slower", "reason": ""}.items()
    assert shown["peak_bytes"] is None
    assert shown["times"]["total"] == 9
    row = shown["times"]["items"][0]
    assert {key: row[key] for key in ("by", "name", "function", "before_ns", "after_ns", "verdict")} == {
        "by": "layer",
        "name": "net.a",
        "function": "",
        "before_ns": 50,
        "after_ns": 250,
        "verdict": "slower",
    }
    assert shown["conditions"]["items"] == [{"condition": "time>5%", "state": "met", "reason": "time is slower"}]
