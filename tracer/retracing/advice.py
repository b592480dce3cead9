"""What to do about a retrace: the code that spares it, made from the calls that were seen."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Sequence

from tracer.recorded import Part, Trace
from tracer.retracing.causes import Explained
from tracer.retracing.changes import ABSENT, Change, tensor

_OF_DATASETS = "Dataset_"  # how tf.data calls the functions that it traces: "Dataset_map_normalized"
_RELAXED = "@tf.function(reduce_retracing=True)"
_FLAGS = ("Literal[True]", "Literal[False]")


@dataclasses.dataclass(frozen=True, slots=True)
class Advice:
    """What spares a retrace."""

    text: str  # a sentence, with the code in it
    code: str = ""  # the code alone, where there is some: "flag=tf.constant(4)"


def advise(change: Change, retrace: Explained, every: Sequence[Explained]) -> Advice:
    """Returns what to do about one change.

    Args:
      change: one of those of the retrace.
      retrace: the retrace.
      every: all explained traces of the function, from which an `input_signature` is made.
    """
    if retrace.trace.origin in ("keras", "tf_keras"):
        return _of_keras(change)
    return _ADVICE[change.kind](change, retrace.trace, every)


def _of_keras(change: Change) -> Advice:
    if change.kind in ("shape", "rank"):
        code = "dataset.batch(size, drop_remainder=True)"
        return Advice(f"give Keras batches of one size: {code}, or a batch_size that divides the data", code)
    return Advice("give Keras arrays of one dtype and structure in each call")


def _value(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    value = change.after[len("Literal[") : -1]
    name = change.argument
    if change.after in _FLAGS or change.before in _FLAGS:
        code = f"{name}=tf.constant({value})"
        return Advice(f"True and False cost one trace each, and no more; as a tensor they share one: {code}", code)
    if isinstance(_read(value), (int, float, complex)):
        code = f"{name}=tf.constant({value})"
        return Advice(f"pass it as a tensor, whose value costs no trace: {code}", code)
    if isinstance(_read(value), (str, bytes)):
        code = f"{name}=tf.constant({value})"
        return Advice(f"if it is data, pass it as a tensor: {code}; if it chooses code, each value is one trace", code)
    return Advice(
        f"each new value of '{name}' is a trace: keep it out of the arguments, or pass its numbers as a tensor"
    )


def _none(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    given = change.after if change.before == "Literal[None]" else change.before
    found = tensor(given)
    if found is not None and not found.sort and found.dims is not None and None not in found.dims:
        code = f"{change.argument}=tf.zeros({list(found.dims)}, tf.{found.dtype})"
        return Advice(f"with None and without are one trace each, and no more; one for both: {code} for None", code)
    return Advice("with None and without are one trace each, and no more; pass the same kind of value in each call")


def _size(_change: Change, trace: Trace, every: Sequence[Explained]) -> Advice:
    if trace.key.signature:
        return Advice("write None in the input_signature for the axes that vary")
    specs = input_signature(trace, every)
    if specs is None:
        return Advice(f"let TensorFlow make one trace for every size: {_RELAXED}", _RELAXED)
    code = f"@tf.function(input_signature={specs})"
    return Advice(f"make one trace for every size: {code}; or {_RELAXED}", code)


def _dtype(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    found = tensor(change.before)
    code = f"{change.argument}=tf.cast({change.argument}, tf.{found.dtype if found else 'float32'})"
    return Advice(f"bring it to one dtype before the call: {code}", code)


def _type(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    literal = next((text for text in (change.after, change.before) if text.startswith("Literal[")), "")
    found = tensor(change.before if literal == change.after else change.after)
    if literal and found is not None:
        code = f"{change.argument}=tf.constant({literal[8:-1]}, tf.{found.dtype})"
        return Advice(f"pass a tensor in each call: {code}", code)
    return Advice(f"pass the same kind of value in each call: {change.before}")


def _structure(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    if ABSENT in (change.before, change.after):
        return Advice(f"pass '{change.argument}' in each call, or never")
    if change.after.startswith("{"):
        return Advice("give the dict the same keys in each call; what is missing may be an empty tensor")
    heads = {change.before[:1], change.after[:1]}
    if heads == {"[", "("}:
        code = f"{change.argument}=tuple({change.argument})"
        return Advice(f"a list and a tuple are two types: {code} in each call", code)
    leaves = re.findall(r"Literal\[([^\]]*)\]", change.after)
    if (
        leaves
        and change.after == f"{change.after[0]}{', '.join(f'Literal[{leaf}]' for leaf in leaves)}{change.after[-1]}"
    ):
        return _as_one_tensor(change)
    return Advice(
        "give it the same length in each call: pad it, or tf.stack it into one tensor with an axis of any size"
    )


def _as_one_tensor(change: Change) -> Advice:
    code = f"{change.argument}=tf.constant({change.argument})"
    return Advice(f"pass one tensor, {code}, and let its length vary: {_RELAXED}", code)


def _variable(_change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    return Advice(
        "which arguments are the same variable is part of the type: pass different ones, or keep them in self"
    )


def _object(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    name, kind = change.argument, change.after.partition(" #")[0]
    if name == "self":
        return Advice(f"make the {kind} once, outside of the loop: each object has a tf.function of its own")
    if kind.startswith("TensorShape"):
        code = f"{name}=tuple({name})"
        return Advice(f"each TensorShape is a new object; a tuple goes by its numbers: {code}", code)
    if kind == "lambda" or kind.startswith("function "):
        return Advice(f"define '{name}' once, outside of the loop: each function is an object of its own")
    if change.before.partition(" #")[0] != kind and "." in kind:
        return Advice(f"each member is one trace, and no more; if it is data, pass its value: {name}.value as a tensor")
    return Advice(
        "make the object once, outside of the loop, or keep it in self and pass its tensors: an object's identity is "
        "its type"
    )


def _function(_change: Change, trace: Trace, _every: Sequence[Explained]) -> Advice:
    name = trace.definition.function if trace.definition else trace.name
    what = "lambda" if name == "<lambda>" else f"'{name}'"
    if trace.name.startswith(_OF_DATASETS):
        return Advice(f"make the dataset once, outside of the loop: each one has {what} traced for itself")
    simple = name.isidentifier() and trace.qualname == name
    return Advice(
        f"make the tf.function of {what} once, outside of the loop or of the function that makes it: a new one knows "
        "no old traces",
        f"{name} = tf.function({name})" if simple else "",
    )


def _closure(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    name = change.argument
    if isinstance(_read(change.after), (bool, int, float, complex)):
        code = f"{name}=tf.constant({change.after})"
        return Advice(f"pass '{name}' as an argument, as a tensor: {code}", code)
    return Advice(f"pass '{name}' as an argument, or make it once: the function has it from around it")


def _context(change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    if change.argument == "device":
        return Advice("under this strategy each device has a trace of its own: as many traces as devices are in order")
    if change.argument == "cross-replica context":
        return Advice("call it inside of strategy.run each time, or outside of it each time")
    if change.argument.startswith("the graph"):
        return Advice("call it from eager code, or from one graph only: each tf.Graph has its own traces")
    return Advice("make each call in the same context")


def _unknown(_change: Change, _trace: Trace, _every: Sequence[Explained]) -> Advice:
    return Advice("nothing that is recorded tells the two apart: compare their graphs")


_ADVICE: dict[str, Callable[[Change, Trace, Sequence[Explained]], Advice]] = {
    "value": _value,
    "none": _none,
    "shape": _size,
    "rank": _size,
    "dtype": _dtype,
    "type": _type,
    "structure": _structure,
    "variable": _variable,
    "object": _object,
    "function": _function,
    "closure": _closure,
    "context": _context,
    "unknown": _unknown,
}


def input_signature(trace: Trace, every: Sequence[Explained]) -> str | None:
    """Returns an `input_signature` that takes every call of the trace's kind; None if there can be none.

    All arguments have to be tensors, of the same structure and dtypes in each trace; sizes that vary are None.
    """
    shapes: dict[str, list[str]] = {part.path: [] for part in trace.key.parts}
    for one in every:
        types = {part.path: part.type for part in one.trace.key.parts}
        if set(types) == set(shapes) and all(_alike(types[part.path], part.type) for part in trace.key.parts):
            for path, kind in types.items():
                shapes[path].append(kind)
    parts = list(trace.key.parts)
    specs: list[str] = []
    while parts:
        spec = _spec(parts, shapes)
        if spec is None:
            return None
        specs.append(spec)
    return f"[{', '.join(specs)}]" if specs else None


def _alike(one: str, other: str) -> bool:
    """Tells whether two types are one in all but sizes."""
    first, second = tensor(one), tensor(other)
    if first is None or second is None:
        return one[:1] == other[:1] and one[:1] in "[({"
    return (first.sort, first.dtype, first.more) == (second.sort, second.dtype, second.more)


def _spec(parts: list[Part], shapes: dict[str, list[str]]) -> str | None:
    """Takes an argument, with what is in it, off the parts, and returns its spec as code."""
    part = parts.pop(0)
    inside: list[Part] = []
    while parts and parts[0].depth > part.depth:
        inside.append(parts.pop(0))
    found = tensor(part.type)
    if not inside and found is not None and not found.sort and not found.more:
        return f"tf.TensorSpec({_dims(shapes[part.path])}, tf.{found.dtype})"
    if not inside or part.type[0] not in "[({":
        return None
    specs = []
    while inside:
        label = _label(part, inside[0])
        spec = _spec(inside, shapes)
        if spec is None:
            return None
        specs.append(f"{label}{spec}")
    comma = "," if part.type[0] == "(" and len(specs) == 1 else ""
    return f"{part.type[0]}{', '.join(specs)}{comma}{part.type[-1]}"


def _label(nest: Part, inner: Part) -> str:
    return f"{inner.path[len(nest.path) + 1 : -1]}: " if nest.type.startswith("{") else ""


def _dims(texts: Sequence[str]) -> str:
    """Returns the shape that stands for all of them."""
    found = [kind.dims for kind in map(tensor, texts) if kind is not None]
    if any(dims is None for dims in found) or len({len(dims or ()) for dims in found}) > 1:
        return "None"
    together = zip(*(dims or () for dims in found), strict=True)
    sizes = [axis[0] if len(set(axis)) == 1 else None for axis in together]
    return f"[{', '.join(map(str, sizes))}]"


def _read(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
