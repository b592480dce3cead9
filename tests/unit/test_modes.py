"""A target in several modes: what is asked for, what is compared, and how it is shown."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import graph, run, run_python, trace
from tests.profiles import host, profile, space
from tracer import api
from tracer.capture.mode_process import check_modes
from tracer.capture.returned import Apart, apart, save
from tracer.errors import UsageError
from tracer.profile.activity import read_timelines
from tracer.profile.model import Allocation
from tracer.profile.steps import step_accounts
from tracer.recorded import Window
from tracer.render.json import modes as to_json
from tracer.render.text import Style
from tracer.render.text.modes import modes as page
from tracer.report.modes import Difference, Recorded, modes_report, refusal

REFUSED = (
    "InvalidArgumentError: Detected unsupported operations when trying to compile graph __inference_p_13"
    "[_XlaMustCompile=true,config_proto=13,executor_type=11] on XLA_CPU_JIT: StringFormat (No registered "
    "'StringFormat' OpKernel for XLA_CPU_JIT devices compatible with node {{node StringFormat}}){{node StringFormat}}"
)
TWO_STEPS = (
    "main  step{step_num=0,_r=1} 0-100  EagerLocalExecute: __inference_step_0 1-99  FunctionRun{id=7} 2-3"
    "  ExecutorState::Process{id=7} 5-98  a:Mul 10-20  b:Mul 30-40"
    "  step{step_num=1,_r=1} 110-210  EagerLocalExecute: __inference_step_0 111-209  FunctionRun{id=8} 112-113"
    "  ExecutorState::Process{id=8} 115-208  a:Mul 120-130  b:Mul 140-150"
)

PAGE = """\
demo in 3 modes

mode       step   ratio   first call       peak   kernels   difference
──────────────────────────────────────────────────────────────────────
eager   8.00 us              5.00 us   2.00 KiB         2
graph   2.00 us   0.25x      5.00 us   2.00 KiB         2   1.5e-06
xla      failed

xla: XLA does not compile StringFormat: trace-scenario show demo/xla

step: the median without the profiler. first call: without what the recording
  took.
ratio, difference: against eager; the largest difference of two returned
  numbers.
kernels: executed in a step.
peak: bytes in use in a step, of the blocks that TensorFlow reports: on a CPU
  from 256 KiB.
"""


def recorded(mode, *, step_ns=1000, nodes="a:Mul", name="", jit=False, calls=1, difference=None, **facts):
    """Returns what became of a mode in which two products ran in a step and one block of memory was in use."""
    name = name or f"demo/{mode}"
    seen = profile(host(TWO_STEPS))
    block = Allocation(20, 1024, 1, "mklcpu", 2048, "a", 0, 1, 0, "", "node")
    seen = dataclasses.replace(seen, allocations=(block,))
    made = run(
        trace("step", graphs={"traced": graph(nodes)}, jit_compile=jit, calls=calls),
        name=name,
        path=f"logs/{name}",
        window=Window(2, 3, 200, (100, 100), (step_ns - 10, step_ns, step_ns + 10)),
        profiles=("vm.xplane.pb",),
        _open_profile=lambda _: seen,
        _open_steps=lambda path: step_accounts(seen, read_timelines(space(host(TWO_STEPS)), path)),
    )
    return Recorded(mode, made, first_call_ns=5000, tracing_ns=4000, rss_bytes=4096, difference=difference, **facts)


def failed(mode, error, **facts):
    """Returns what became of a mode in which the program raised."""
    return Recorded(mode, run(name=f"demo/{mode}", status="failed", **facts), error=error)


def report(*modes):
    """Returns the report on these modes."""
    return modes_report("demo", "demo", modes)


def kept(folder, name, **results):
    """Writes what calls returned, and returns the file."""
    found = {call: {place: np.asarray(value) for place, value in result.items()} for call, result in results.items()}
    save(found, folder / name)
    return folder / name


def test_modes_come_in_the_order_in_which_they_are_asked_for():
    """A text names them with commas, as the command line does."""
    assert check_modes("xla, eager") == ("xla", "eager")
    assert check_modes(["graph"]) == ("graph",)


@pytest.mark.parametrize(
    ("asked", "options", "message", "hint"),
    [
        ("eager,grpah", {}, "no mode named 'grpah'", "did you mean 'graph'?"),
        ("tpu", {}, "no mode named 'tpu'", "the modes are eager, graph, xla"),
        ("eager,", {}, "no mode named ''", "the modes are eager, graph, xla"),
        ("xla,xla", {}, "the mode 'xla' comes twice", "name each once: --modes eager,graph,xla"),
        ("graph", {"eager": True}, "--eager is not for several modes", "eager is one of them: --modes eager,graph"),
        ("graph", {"profile": False}, "--modes needs the profile: kernels are counted in it", "leave out --no-profile"),
    ],
)
def test_what_cannot_be_asked_for_is_told_before_anything_is_recorded(asked, options, message, hint):
    """Unknown modes, modes that come twice, and options that do not go with them are usage errors."""
    with pytest.raises(UsageError) as error:
        api.run("demo_module", modes=asked, **options)

    assert (error.value.message, error.value.hint) == (message, hint)


def test_asking_for_modes_does_not_import_tensorflow_here():
    """Each mode has a process of its own, so the one that asks stays light."""
    code = "import sys, tracer.capture.mode_process, tracer.report.modes; print('tensorflow' in sys.modules)"

    assert run_python(code) == "False\n"


def test_a_mode_is_measured_by_its_run():
    """The step is the median without the profiler; kernels are those of a step; the peak is TensorFlow's."""
    [row] = report(recorded("graph", step_ns=1000)).modes

    assert (row.status, row.step_ns, row.kernels, row.peak_bytes) == ("complete", 1000, 2, 2048)
    assert (row.first_call_ns, row.tracing_ns, row.rss_bytes, row.difference) == (5000, 4000, 4096, None)


def test_modes_are_compared_with_the_first_that_came_to_its_end():
    """A mode that failed is nothing to compare with."""
    found = report(failed("eager", "ValueError: no"), recorded("graph"), recorded("xla"))

    assert found.compared_with == "graph"
    assert (found.is_partial, found.is_empty) == (True, False)
    assert report(failed("eager", "no"), Recorded("xla", None, "no")).is_empty


def test_a_refusal_of_xla_names_the_op():
    """The rest of XLA's message is about its own insides."""
    assert refusal(REFUSED) == "XLA does not compile StringFormat"
    assert refusal("ValueError: no") == "ValueError: no"


def test_random_results_are_not_compared():
    """Modes draw other numbers from the same seed, so their difference says nothing."""
    far = Difference(0.5, 0.4, 8, "call 1 of step")
    row = report(recorded("eager"), recorded("graph", nodes="a:RandomUniform", difference=far)).modes[1]

    assert row.difference == Difference(None, None, 8, reason="not comparable: random (RandomUniform)")


@pytest.mark.parametrize("op", ["RandomDataset", "StatelessRandomUniformV2", "Mul"])
def test_results_without_random_ops_in_them_are_compared(op):
    """What differs where nothing is random is a difference."""
    far = Difference(0.5, 0.4, 8)

    assert report(recorded("graph", nodes=f"a:{op}"), recorded("xla", difference=far)).modes[1].difference == far


def test_random_ops_that_made_no_difference_do_not_hide_the_rounding():
    """A random op may be one whose numbers do not matter, or that draws the same ones."""
    near = Difference(1e-6, 1e-7, 8)

    assert (
        report(recorded("graph", nodes="a:RandomUniform"), recorded("xla", difference=near)).modes[1].difference == near
    )


def test_a_row_says_where_its_run_is_not_in_its_mode():
    """Graphs that ran in the eager mode, no function at all, XLA that was on or off against the mode."""
    found = report(
        recorded("eager", calls=1),
        recorded("graph", jit=True),
        recorded("xla", jit=False),
        recorded("graph", calls=0),
        recorded("xla", jit=True),
    )

    assert [row.notes for row in found.modes] == [
        ("'step' ran as a graph: TensorFlow has no Python of it",),
        ("with XLA: 'step'",),
        ("XLA compiled nothing: 'step' ran as in the graph mode",),
        ("the target calls no tf.function, so it ran eagerly, op by op",),
        (),
    ]


def test_the_page_has_a_row_for_each_mode():
    """What failed has its status in the table and its reason below it."""
    found = report(
        recorded("eager", step_ns=8000, calls=0),
        recorded("graph", step_ns=2000, difference=Difference(1.5e-6, 3e-7, 8)),
        failed("xla", REFUSED),
    )

    assert page(found, Style(width=80)) == PAGE


def test_the_object_has_what_was_measured():
    """`--json` has a row for each mode, whole numbers of nanoseconds and bytes, and null for what is not known."""
    found = to_json(
        report(recorded("eager", step_ns=8000, calls=0), recorded("graph", step_ns=2000), Recorded("xla", None, "no"))
    )

    assert found["modes"]["items"][1] == {
        "mode": "graph",
        "run": "logs/demo/graph",
        "status": "complete",
        "step_ns": 2000,
        "ratio": 0.25,
        "first_call_ns": 5000,
        "tracing_ns": 4000,
        "peak_bytes": 2048,
        "rss_bytes": 4096,
        "kernels": 2,
        "difference": None,
        "error": "",
        "notes": [],
    }
    assert [found["modes"]["items"][2][key] for key in ("run", "status", "step_ns", "error")] == [
        None,
        "not possible",
        None,
        "no",
    ]


def test_every_key_of_the_object_is_in_the_page_on_json():
    """Who reads the section on `run` has read of each key of a mode."""
    found = to_json(report(recorded("eager"), recorded("graph", difference=Difference(0.5, 0.4, 8, "call 1 of step"))))
    keys = {*found, *found["modes"]["items"][1], *found["modes"]["items"][1]["difference"]}
    documented = Path(__file__).parents[2].joinpath("docs/json.md").read_text(encoding="utf-8")
    section = documented.partition("With `--modes`")[2].partition("\n## ")[0]

    assert {key for key in keys if f"`{key}`" not in section and f"`{key}[]`" not in section} == set()


def test_the_difference_is_the_largest_over_all_tensors(tmp_path):
    """Relative to the largest number of its tensor, so that a rounding error of a zero is not endless."""
    first = kept(tmp_path, "a.npz", step={"[0]": [1.0, 100.0], "[1]": [0.5]}, loss={"": 2.0})
    other = kept(tmp_path, "b.npz", step={"[0]": [1.0, 101.0], "[1]": [0.25]}, loss={"": 2.0})

    assert apart(first, other) == Apart(1.0, 0.5, 4, "step[0]")
    assert apart(first, first) == Apart(0.0, 0.0, 4)


def test_nan_equals_nan_and_infinity_itself(tmp_path):
    """A square root of -1 is the same in all modes; NaN for a number is told as such."""
    first = kept(tmp_path, "a.npz", f={"": [np.nan, np.inf, 1.0]})
    other = kept(tmp_path, "b.npz", f={"": [np.nan, np.inf, 2.0]})
    without = kept(tmp_path, "c.npz", f={"": [1.0, np.inf, 1.0]})

    assert apart(first, other) == Apart(1.0, 1.0, 3, "f")
    assert apart(first, without).reason == "NaN or infinity on one side, a number on the other"


@pytest.mark.parametrize(
    ("first", "other", "reason"),
    [
        ({}, {}, "no tensor is returned"),
        ({"[0]": 1.0}, {"[1]": 1.0}, "another structure is returned"),
        ({"": [1.0]}, {"": [1.0, 2.0]}, "another type is returned: float64[2], not float64[1]"),
        ({"": [1.0]}, {"": [1]}, "another type is returned: int64[1], not float64[1]"),
        ({"": "61"}, {"": "62"}, "another text is returned"),
    ],
)
def test_what_is_no_number_is_the_same_or_not(tmp_path, first, other, reason):
    """Structures, types and texts have no difference in numbers."""
    found = apart(kept(tmp_path, "a.npz", f=first), kept(tmp_path, "b.npz", f=other))

    assert (found.absolute, found.reason) == (None, reason)


def test_whole_numbers_and_all_zero_tensors_have_a_difference(tmp_path):
    """An index that is another one is told by how much; there is no part of zero."""
    first, other = kept(tmp_path, "a.npz", f={"": [0, 0]}), kept(tmp_path, "b.npz", f={"": [0, 3]})

    assert apart(first, other) == Apart(3.0, None, 2, "f")
