"""Rules about values that the graph keeps from the moment it was traced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer import text
from tracer.graph.model import Tensor
from tracer.rules.finding import Found
from tracer.rules.subject import Subject

# Bytes. A graph is one message of at most 2 GiB, and each trace and each SavedModel has the constant again; a table
# of a thousand floats is harmless, a layer's weights are not.
LARGE = 1 << 20


def large_constant(subject: Subject) -> Iterator[Found]:
    """Finds constants of at least 1 MiB, once for each function that holds them, however often it is called."""
    seen = set()
    for index in subject.by_op.get("Const", ()):
        kind = subject.nodes.kinds[index]
        value = kind.attributes.get("value")
        if not isinstance(value, Tensor) or value.nbytes < LARGE or id(kind) in seen:
            continue
        seen.add(id(kind))
        yield Found(
            f"a constant of {text.byte_size(value.nbytes)}, {value.dtype}{text.shape(value.shape)}, is part of "
            "the graph",
            "pass it as an argument, or keep it in a tf.Variable(..., trainable=False): the graph then holds a "
            "reference, and traces share it",
            index,
        )


def captured_tensor(subject: Subject) -> Iterator[Found]:
    """Finds tensors that a line of the function takes from outside without being given them.

    Not what comes along with something else: tables and iterators, what a loaded function was saved with, what a
    layer of Keras keeps. Nor what a function that only other functions call takes from them: it gets that in each call.
    """
    if subject.trace.origin != "user" or subject.trace.calls == 0:
        return
    for index, captured in subject.captures.items():
        if captured.kind != "tensor" or captured.type.dtype in ("resource", "variant", ""):
            continue
        reader = _written_reader(subject, subject.consumers[index])
        if reader is None:
            continue
        yield Found(
            f"a tensor from outside, {captured.type.dtype}{text.shape(captured.type.shape)}, is captured by closure: "
            "the value that it had when the function was traced is used for ever",
            "pass it as an argument if it may change; make it a tf.Variable, or an attribute of the module, if it is "
            "to be saved with it",
            reader,
        )


def _written_reader(subject: Subject, readers: Sequence[int]) -> int | None:
    """Returns the first reader that a line stands for which says what is read; None if there is none."""
    if any(subject.nodes.kinds[at].op.startswith("LookupTable") for at in readers):
        return None  # the default of a table, which belongs to it
    return next((at for at in readers if subject.has_line(at) and not subject.is_library(at)), None)
