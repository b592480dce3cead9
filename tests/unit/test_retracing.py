"""Why a function was traced again, by the keys of its traces."""

from __future__ import annotations

import pytest

from tests.helpers import run, trace
from tracer.api import check_retraces
from tracer.errors import TooManyRetraces
from tracer.recorded import Argument, Key, Part, Run, Trace
from tracer.retracing.advice import advise, input_signature
from tracer.retracing.causes import Explained, explain, retraces_over
from tracer.retracing.changes import argument_changes


def parts(*texts: str) -> tuple[Part, ...]:
    """Returns arguments: `x=float32[2]`, `config=Config#3`; those after `>` are in the one before them."""
    found = []
    for text in texts:
        path, _, kind = text.lstrip(">").partition("=")
        kind, _, number = kind.partition("#")
        found.append(Part(path, kind, len(text) - len(text.lstrip(">")), int(number or 0)))
    return tuple(found)


def traced(index: int, *texts: str, object: int = 1, cause: str = "traced again", **key: object) -> Trace:  # noqa: A002
    """Returns a trace of `step` for these arguments, by the tf.function of that number."""
    made = Key(parts(*texts), at_s=float(index), **key)  # type: ignore[arg-type]
    return trace(index=index, object=object, cause="first trace" if index == 0 else cause, key=made)


def explained(*traces: Trace) -> tuple[Explained, ...]:
    """Returns what is said of the traces of one function."""
    (function,) = run(*traces).functions.values()
    return explain(function)


def told(*traces: Trace) -> list[str]:
    """Returns of each trace why it is none, or what it is compared with and in what it differs."""
    return [
        each.reason or f"#{each.against} " + "; ".join(f"{change.kind} {change}" for change in each.changes)
        for each in explained(*traces)
    ]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("x=Literal[3]", "x=Literal[4]", "value x: Literal[3] -> Literal[4]"),
        ("x=Literal[None]", "x=Literal[4]", "none x: Literal[None] -> Literal[4]"),
        ("x=float32[2]", "x=float32[3]", "shape x: float32[2] -> float32[3]"),
        ("x=float32[2]", "x=float32[2, 1]", "rank x: float32[2] -> float32[2, 1]"),
        ("x=float32[2]", "x=float64[3]", "dtype x: float32[2] -> float64[3]"),
        ("x=float32[2]", "x=Ragged float32[2]", "type x: float32[2] -> Ragged float32[2]"),
        ("x=Literal[2]", "x=int32[]", "type x: Literal[2] -> int32[]"),
        ("x=Config#1", "x=Config#2", "object x: Config #1 -> Config #2"),
        ("x=Config#1", "x=Other#1", "object x: Config -> Other"),
        ("x=[float32[2]]", "x=[float32[3]]", "shape x: [float32[2]] -> [float32[3]]"),  # of an older run
        ("x=[float32[2]]", "x=[float32[2], float32[2]]", "structure x: [float32[2]] -> [float32[2], float32[2]]"),
        (
            "x=Variable float32[2]",
            "x=Variable float32[2], not trainable",
            "variable x: Variable float32[2] -> Variable float32[2], not trainable",
        ),
        ("x=float32[2]", "y=float32[2]", "structure y: not given -> float32[2]; structure x: float32[2] -> not given"),
        ("x=Literal[1]", "x=Literal[True]", ""),  # which are equal to TensorFlow
    ],
)
def test_a_change_has_its_sort(before: str, after: str, change: str):
    """Each sort of change is told from the types alone."""
    found = argument_changes(parts(before), parts(after))

    assert "; ".join(f"{each.kind} {each}" for each in found) == change


def test_of_a_nest_the_innermost_that_changed_is_named():
    """A leaf of a dict is named as Python gets at it; a nest with other things in it as a whole."""
    before = parts(
        "b={'x': f, 'y': [Literal[1]]}", ">b['x']=float32[2]", ">b['y']=[Literal[1]]", ">>b['y'][0]=Literal[1]"
    )
    leaf = parts(
        "b={'x': f, 'y': [Literal[1]]}", ">b['x']=float32[3]", ">b['y']=[Literal[1]]", ">>b['y'][0]=Literal[1]"
    )
    nest = parts("b={'x': f, 'y': []}", ">b['x']=float32[2]", ">b['y']=[]")

    assert list(map(str, argument_changes(before, leaf))) == ["b['x']: float32[2] -> float32[3]"]
    assert list(map(str, argument_changes(before, nest))) == ["b['y']: [Literal[1]] -> []"]


def test_a_retrace_is_compared_with_the_closest_trace_before_it():
    """Of the traces before it the one that differs least is named, and of several such the latest."""
    assert told(
        traced(0, "x=float32[2]", "n=Literal[1]"),
        traced(1, "x=float64[2]", "n=Literal[2]"),
        traced(2, "x=float32[2]", "n=Literal[3]"),
        traced(3, "x=float64[2]", "n=Literal[3]"),
    ) == [
        "first",
        "#1 dtype x: float32[2] -> float64[2]; value n: Literal[1] -> Literal[2]",
        "#1 value n: Literal[1] -> Literal[3]",
        "#2 value n: Literal[2] -> Literal[3]",
    ]


def test_what_is_no_retrace_has_a_reason():
    """The run after variables were made, relaxed sizes, and another object's function are in order."""
    making = trace(index=0, object=1, cause="creates variables", key=Key(parts("x=float32[2]"), at_s=0.0))
    relaxing = {"reduce_retracing": True}

    assert told(making, traced(1, "x=float32[2]")) == ["first", "variables"]
    assert told(traced(0, "x=float32[2]", **relaxing), traced(1, "x=float32[?]", **relaxing)) == ["first", "relaxed"]
    assert told(
        traced(0, "x=float32[2]", closure=parts("self=Net#1")),
        traced(1, "x=float32[2]", object=2, cause="first trace", closure=parts("self=Net#2")),
    ) == ["first", "another"]


def test_relaxing_is_of_sizes_only():
    """A Python value that changes is a retrace, whatever reduce_retracing does for the sizes."""
    first = traced(0, "x=float32[2]", "n=Literal[1]", reduce_retracing=True)

    assert told(first, traced(1, "x=float32[?]", "n=Literal[2]", reduce_retracing=True))[1] == (
        "#1 shape x: float32[2] -> float32[?]; value n: Literal[1] -> Literal[2]"
    )


def test_a_function_in_the_place_of_one_that_is_gone_is_a_retrace():
    """Its cause is the new tf.function, and what it has from around it that is another; of a method the object."""
    first = traced(0, "x=float32[2]", closure=parts("k=1"))
    again = traced(1, "x=float32[2]", object=2, cause="first trace", replaces=1, closure=parts("k=2"))
    method = traced(0, "x=float32[2]", closure=parts("self=Net#1"))
    anew = traced(1, "x=float32[2]", object=2, cause="first trace", replaces=1, closure=parts("self=Net#2"))

    assert told(first, again) == ["first", "#1 function tf.function: #1 -> #2; closure k: 1 -> 2"]
    assert told(method, anew) == ["first", "#1 object self: Net #1 -> Net #2"]


def test_a_function_made_inside_of_another_is_traced_with_it():
    """What is made anew in each trace of its caller costs what the caller's retraces cost."""
    first = traced(0, "x=float32[2]", context={"inside": "outer 1"})
    again = traced(1, "x=float32[2]", object=2, cause="first trace", replaces=1, context={"inside": "outer 2"})

    assert told(first, again) == ["first", "caller"]


def test_a_context_is_a_cause():
    """Where the call stands is told in words; the scope and the strategy are no part of TensorFlow's key."""
    first = traced(0, "x=float32[2]", context={"scope": "VARIABLE_CREATION"})
    again = traced(1, "x=float32[2]", context={"device": "/device:CPU:1", "strategy": "MirroredStrategy"})

    assert told(first, again)[1] == "#1 context device: none -> /device:CPU:1"


def test_a_run_without_keys_is_told_by_its_arguments():
    """An older run has the arguments as they are written; of objects only that there are some."""
    old = [
        trace(index=index, object=1, cause=cause, arguments=(Argument("x", kind),))
        for index, (cause, kind) in enumerate(
            [("first trace", "float32[2]"), ("traced again", "float32[3]"), ("traced before the session", "int32[]")]
        )
    ]
    thing = Argument("x", "Weakref[<weakref; to 'A'>]")
    objects = [trace(index=index, object=1, cause="traced again", arguments=(thing,)) for index in range(2)]

    assert told(*old) == ["first", "#1 shape x: float32[2] -> float32[3]", "existing"]
    assert told(*objects)[1] == f"#1 object x: {thing.type} -> {thing.type}"


def test_a_tape_makes_no_retraces():
    """The forward and the backward function of a gradient are not counted, and keep their numbers."""
    forward = trace(index=1, kind="forward", cause="gradient")

    assert [each.number for each in explained(traced(0, "x=float32[2]"), forward, traced(2, "x=float32[3]"))] == [1, 3]


@pytest.mark.parametrize(
    ("types", "signature"),
    [
        ([("x=float32[2, 8]",), ("x=float32[3, 8]",)], "[tf.TensorSpec([None, 8], tf.float32)]"),
        ([("x=float32[2]",), ("x=float32[2, 2]",)], "[tf.TensorSpec(None, tf.float32)]"),
        ([("x=float32[2]",), ("x=float64[3]",)], "[tf.TensorSpec([3], tf.float64)]"),  # of those of its own dtype
        (
            [("x=float32[]", "t=(int32[2])", ">t[0]=int32[2]"), ("x=float32[]", "t=(int32[3])", ">t[0]=int32[3]")],
            "[tf.TensorSpec([], tf.float32), (tf.TensorSpec([None], tf.int32),)]",
        ),
        ([("x=float32[2]", "n=Literal[1]"), ("x=float32[3]", "n=Literal[1]")], None),
        ([("x=Ragged float32[2, ?]",), ("x=Ragged float32[3, ?]",)], None),
        ([(), ()], None),
    ],
)
def test_an_input_signature_takes_every_call_that_was_seen(types: list[tuple[str, ...]], signature: str | None):
    """Sizes that vary are None; there is none where an argument is no tensor."""
    every = explained(*(traced(index, *texts) for index, texts in enumerate(types)))

    assert input_signature(every[-1].trace, every) == signature


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("x=Literal[1]", "x=Literal[2]", "x=tf.constant(2)"),
        ("x=Literal['a']", "x=Literal['b']", "x=tf.constant('b')"),
        ("x=float32[2]", "x=int32[2]", "x=tf.cast(x, tf.float32)"),
        ("x=float32[]", "x=Literal[2]", "x=tf.constant(2, tf.float32)"),
        ("x=Literal[None]", "x=float32[2, 3]", "x=tf.zeros([2, 3], tf.float32)"),
        ("x=Literal[range(0, 2)]", "x=Literal[range(0, 3)]", ""),
    ],
)
def test_advice_is_code_where_it_can_be(before: str, after: str, code: str):
    """The code has the argument's name and the value or the type that was seen."""
    every = explained(traced(0, before), traced(1, after))

    assert advise(every[1].changes[0], every[1], every).code == code


def test_where_there_is_a_signature_it_is_to_be_widened():
    """A function with an input_signature is not told to get one."""
    every = explained(traced(0, "x=float32[2]", signature=True), traced(1, "x=float32[3]", signature=True))

    assert advise(every[1].changes[0], every[1], every).text == (
        "write None in the input_signature for the axes that vary"
    )


def retraced(times: int, name: str = "step", begin: int = 0, **facts: object) -> list[Trace]:
    """Returns a function that was traced once and then again so many times."""
    return [
        trace(
            name, begin + index, object=begin + 1, cause="traced again", key=Key(parts(f"n=Literal[{index}]")), **facts
        )
        for index in range(times + 1)
    ]


def test_the_budget_is_of_any_one_function_of_the_users():
    """The function with the most retraces is named; those of Keras are not the user's to mend."""
    both = run(*retraced(1), *retraced(3, "loss", 10), *retraced(5, "fit", 20, origin="keras"))

    assert [(excess.function, excess.retraces) for excess in retraces_over(both, 0)] == [("loss", 3), ("step", 1)]
    assert retraces_over(both, 3) == ()
    assert _message(both, 2) == "'loss' was traced again 3 times (n: Literal[0] -> Literal[1]), 2 allowed"
    assert _message(both, 0).endswith(", 0 allowed, and so was 1 other function")


def _message(recorded: Run, most: int) -> str:
    with pytest.raises(TooManyRetraces) as error:
        check_retraces(recorded, most)
    assert error.value.exit_code == 5
    return error.value.message
