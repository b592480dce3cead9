"""Runs, functions and traces as values."""

import pytest

from tests.helpers import graph, run, trace
from tracer.errors import NotFound
from tracer.graph.lines import Frame
from tracer.recorded import Argument, Warned, Window, group_functions


def names(*traces) -> list[str]:
    """Returns the names of the functions of some traces."""
    return list(group_functions(list(traces)))


def test_traces_of_one_function_are_grouped():
    """A retrace belongs to the function whose first trace was recorded before it."""
    functions = group_functions([trace("step", 0), trace("other", 1), trace("step", 2)])

    assert {name: [item.id for item in function.traces] for name, function in functions.items()} == {
        "step": ["000-step", "002-step"],
        "other": ["001-other"],
    }


def test_called_functions_come_first_and_tensorflows_own_last():
    """What the program called stands before what was traced inside it, and TensorFlow's helpers behind both."""
    assert names(
        trace("helper", 0, origin="tensorflow", calls=3),
        trace("inner", 1, calls=0),
        trace("unknown", 2, calls=None),
        trace("step", 3, calls=1),
    ) == ["step", "inner", "unknown", "helper"]


def test_a_function_with_one_called_trace_counts_as_called():
    """One trace that ran lifts its function, also if the first trace did not."""
    assert names(trace("inner", 0, calls=0), trace("step", 1, calls=0), trace("step", 2, calls=2)) == ["step", "inner"]


def test_equal_names_are_told_apart_by_their_classes():
    """Two functions of one short name both show their class; a third of another name keeps its own."""
    assert names(
        trace("call", 0, qualname="Encoder.call"),
        trace("call", 1, qualname="Decoder.call"),
        trace("step", 2, qualname="Trainer.step"),
    ) == ["Encoder.call", "Decoder.call", "step"]


def test_equal_classes_are_told_apart_by_a_number():
    """Two functions of one name and no better one, from different lines, get numbers from the second on."""
    first, second = Frame("a.py", 1, "f"), Frame("a.py", 9, "f")

    assert names(trace("f", 0, definition=first), trace("f", 1, definition=second)) == ["f", "f (2)"]


def test_dunder_names_show_their_class():
    """`__call__` says too little, even where it is the only one."""
    assert names(trace("__call__", 0, qualname="Net.__call__"), trace("__call__", 1)) == ["Net.__call__", "__call__"]


def test_one_code_line_is_one_function_whatever_made_it():
    """Traces of the same definition are grouped also if some of them were never called."""
    assert names(trace("f", 0, calls=1), trace("f", 1, calls=0)) == ["f"]


def test_an_unknown_function_names_what_is_close():
    """A misspelt function is an error with a hint, and still a KeyError for `in` and `get`."""
    functions = group_functions([trace("addprint")])

    with pytest.raises(KeyError) as caught:
        functions["addprin"]
    assert (caught.value.message, caught.value.hint) == ("no function named 'addprin'", "did you mean 'addprint'?")
    assert str(caught.value) == "no function named 'addprin'"
    assert ("addprin" in functions, functions.get("addprin")) == (False, None)


def test_an_unknown_function_lists_all_where_none_is_close():
    """Without a close name the hint lists the functions, or says that there are none."""
    for traces, hint in (([trace("a"), trace("b", 1)], "the run has: a, b"), ([], "the run has: none")):
        with pytest.raises(NotFound) as caught:
            group_functions(traces)["zzzz"]
        assert caught.value.hint == hint


def test_a_signature_is_one_line():
    """Arguments and result read as Python writes them."""
    arguments = (Argument("x", "float32[2, ?]"), Argument("training", "Literal[True]"))

    assert (
        trace("f", arguments=arguments, returns="float32[]").signature
        == "(x: float32[2, ?], training: Literal[True]) -> float32[]"
    )


def test_the_graph_is_the_traced_stage():
    """A trace's graph is its stage `traced`."""
    traced, optimized = graph("x:Add"), graph("y:Mul")

    assert trace("f", graphs={"traced": traced, "optimized": optimized}).graph == traced


@pytest.mark.parametrize(
    ("stage", "message", "hint"),
    [
        ("optimised", "no stage named 'optimised'", "did you mean 'optimized' or 'optimized_hlo'?"),
        ("x", "no stage named 'x'", "source, autograph, traced, optimized, hlo, optimized_hlo"),
        ("hlo", "'000-f' has no stage 'hlo'", "it is not jitted"),
        ("source", "'000-f' has no stage 'source'", "it was not recorded"),
    ],
)
def test_a_stage_that_is_not_there_says_why(stage: str, message: str, hint: str):
    """An unknown stage and one that was not recorded are errors, with the reason as the hint."""
    with pytest.raises(NotFound) as caught:
        trace("f", stages={"traced": "", "hlo": "it is not jitted"}).stage(stage)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_function_has_the_stages_of_any_trace_in_order():
    """A stage that one of the traces has counts, in the order of the stages."""
    function = group_functions(
        [trace("f", 0, graphs={"optimized": graph("x:Add")}), trace("f", 1, graphs={"traced": graph("x:Add")})]
    )["f"]

    assert function.stages == ("traced", "optimized")


def test_calls_are_summed_where_they_are_known():
    """A trace whose calls nobody counted adds none."""
    assert group_functions([trace("f", 0, calls=2), trace("f", 1, calls=None), trace("f", 2, calls=3)])["f"].calls == 5


def test_a_run_lists_its_traces_as_recorded():
    """The traces of a run come in the order of recording, not in that of its functions."""
    recorded = run(trace("inner", 0, calls=0), trace("step", 1), trace("inner", 2, calls=0))

    assert [item.id for item in recorded.traces] == ["000-inner", "001-step", "002-inner"]


def test_the_thousandth_trace_comes_last():
    """Traces sort by their number, also where it has a fourth digit."""
    recorded = run(trace("f", 1_000), trace("f", 999), trace("f", 2))

    assert [item.id for item in recorded.traces] == ["002-f", "999-f", "1000-f"]
    assert [item.id for item in recorded.functions["f"].traces] == ["002-f", "999-f", "1000-f"]


CALLS = ({"name": "step", "status": "returned", "error": ""},)


@pytest.mark.parametrize(
    ("facts", "repeats"),
    [
        ({"window": Window(20, 3, 9, bare_step_ns=(1,) * 20, fresh=True), "calls": CALLS}, 3 + 20 + 1 + 20),
        ({"unprofiled_ns": (1,) * 20, "warmup": 3, "calls": CALLS}, 3 + 20),
        ({"calls": CALLS}, 1),  # it raised before a step came to its end
        ({"unprofiled_ns": (1,) * 200}, 1),  # the steps of a program
        ({"window": Window(10, 1, 9, bare_step_ns=(1,) * 200, function="step")}, 1),
    ],
)
def test_only_calls_that_were_given_are_repeated(facts, repeats):
    """What was given to be called runs in each pass; a program or a block runs once, whatever its steps."""
    assert run(**facts).repeats == repeats


def test_what_is_damaged_is_one_sort_of_warning():
    """Of a run's warnings those are picked out that say that something is left out."""
    damaged = Warned("damaged", "trace.json is cut off")

    assert run(warnings=(Warned("no-profile", "none"), damaged)).damaged == (damaged,)
