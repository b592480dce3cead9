"""In what two traces of a function differ, as far as TensorFlow tells them apart by it."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from tracer.recorded import Key, Part

Kind = Literal[
    "value",  # of a Python value
    "none",  # None, or not
    "shape",  # the sizes of a tensor's axes
    "rank",  # their number
    "dtype",
    "type",  # a tensor, a Python value, a ragged tensor, a dataset of other elements
    "structure",  # of a nest, or which arguments are given
    "variable",  # which of several arguments are one variable, or whether it is trainable
    "object",  # another Python object
    "function",  # another tf.function object
    "closure",  # what the function has from around it
    "context",  # where the call is made
    "unknown",  # nothing that was recorded
]
# How much of a change each is, to find the trace that a new one is closest to: a value less than a structure.
_WEIGHTS: Mapping[str, int] = {"value": 2, "shape": 2, "object": 2, "none": 3, "dtype": 3, "rank": 3, "variable": 3}
LIGHTEST, _HEAVY = 2, 5
# What TensorFlow keys a trace by beside its arguments, and what it is where nothing is said.
CONTEXTS: Mapping[str, tuple[str, str]] = {
    "graph": ("the graph around the call", "eager"),
    "device": ("device", "none"),
    "colocation": ("colocated with", "nothing"),
    "cross_replica": ("cross-replica context", "no"),
    "variable_policy": ("variable policy of saving", "none"),
    "xla": ("XLA context", "none"),
}
ABSENT = "not given"
_TENSOR = re.compile(r"(?P<sort>(?:[A-Z]\w* )?)(?P<dtype>[a-z]\w*)\[(?P<dims>\.\.\.|[\d?, ]*)\](?P<more>.*)")
_SIZES = re.compile(r"\[(?:\.\.\.|[\d?, ]*)\]")


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One thing in which a trace differs from an earlier one."""

    kind: Kind
    argument: str  # "flag", "batch['x']"; what it is about, where that is no argument: "device"
    before: str
    after: str

    @property
    def weight(self) -> int:
        """How much of a change it is."""
        old, new = tensor(self.before), tensor(self.after)
        also = self.kind == "dtype" and old is not None and new is not None and old.dims != new.dims
        return _WEIGHTS.get(self.kind, _HEAVY) + also

    @property
    def about(self) -> str:
        """What it is about, for a reader."""
        return self.argument or "unknown"

    @property
    def difference(self) -> str:
        """What it was and is; two traces that nothing tells apart have nothing to show."""
        if self.kind == "unknown" and self.before == self.after:
            return "the same arguments"
        return f"{self.before} -> {self.after}"

    def __str__(self) -> str:
        return f"{self.about}: {self.difference}"


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's type as it is written: `Variable float32[2, ?]`."""

    sort: str  # "", "Variable", "Ragged", "Sparse"
    dtype: str
    dims: tuple[int | None, ...] | None  # None where not even their number is known
    more: str  # ", not trainable"

    @property
    def rank(self) -> int | None:
        """How many axes it has."""
        return None if self.dims is None else len(self.dims)


def tensor(text: str) -> Tensor | None:
    """Reads a tensor's type; None of what is none."""
    match = _TENSOR.fullmatch(text)
    if match is None:
        return None
    dims = match["dims"]
    sizes = None if dims == "..." else tuple(None if dim == "?" else int(dim) for dim in dims.split(", ") if dim)
    return Tensor(match["sort"].strip(), match["dtype"], sizes, match["more"])


def changes(before: Key, after: Key) -> tuple[Change, ...]:
    """Returns what is different about the arguments of two traces, and about where they were called."""
    return (*argument_changes(before.parts, after.parts), *_context_changes(before.context, after.context))


def closure_changes(before: Key, after: Key) -> Iterator[Change]:
    """Returns what is different about two Python functions of one definition."""
    known = {part.path: part for part in before.closure}
    for part in after.closure:
        old = known.get(part.path)
        if old is not None and (old.type, old.object) != (part.type, part.object):
            kind: Kind = "object" if part.path == "self" else "closure"
            yield Change(kind, part.path, written(old, part), written(part, old))


def argument_changes(before: Sequence[Part], after: Sequence[Part]) -> Iterator[Change]:
    """Returns what is different about arguments: each leaf that is another, each nest that has other things in it."""
    old, new = _tree(before), _tree(after)
    yield from _of_nest("", old, new)


@dataclasses.dataclass(frozen=True, slots=True)
class _Node:
    part: Part
    inside: list[str]  # paths


def _tree(parts: Sequence[Part]) -> dict[str, _Node]:
    """Returns parts by path, each with what is in it; at `""` are the arguments."""
    tree = {"": _Node(Part("", "", -1), [])}
    open_parts = [""]
    for part in parts:
        del open_parts[part.depth + 1 :]
        tree[open_parts[-1]].inside.append(part.path)
        tree[part.path] = _Node(part, [])
        open_parts.append(part.path)
    return tree


def _of_nest(path: str, old: Mapping[str, _Node], new: Mapping[str, _Node]) -> Iterator[Change]:
    for inner in dict.fromkeys((*new[path].inside, *old[path].inside)):
        if inner not in old or inner not in new:  # an argument: of other nests that is a change of the nest
            side = new if inner in new else old
            text = side[inner].part.type
            yield Change("structure", inner, *((ABSENT, text) if side is new else (text, ABSENT)))
        else:
            yield from _of_part(inner, old, new)


def _of_part(path: str, old: Mapping[str, _Node], new: Mapping[str, _Node]) -> Iterator[Change]:
    before, after = old[path], new[path]
    if not before.inside and not after.inside:
        kind = _leaf_kind(before.part, after.part)
        if kind:
            yield Change(kind, path, written(before.part, after.part), written(after.part, before.part))
    elif set(before.inside) != set(after.inside) or _head(before.part) != _head(after.part):
        yield Change(_nest_kind(before, after), path, before.part.type, after.part.type)
    else:
        yield from _of_nest(path, old, new)


def _nest_kind(before: _Node, after: _Node) -> Kind:
    return "none" if "Literal[None]" in (before.part.type, after.part.type) else "structure"


def _head(part: Part) -> str:
    """Returns what tells a list from a tuple, and a `Point` from a `Pair`."""
    return re.split(r"(?<=[\[({])", part.type, maxsplit=1)[0]


def written(part: Part, other: Part) -> str:
    """Returns a part's type, with the number of the object where that is what tells it from the other."""
    return f"{part.type} #{part.object}" if part.object and part.type == other.type else part.type


def _leaf_kind(before: Part, after: Part) -> Kind | None:
    """Returns what sort of change there is; None if there is none."""
    if (before.type, before.object) == (after.type, after.object):
        return None
    if is_object(before) or is_object(after):
        return "none" if "Literal[None]" in (before.type, after.type) else "object"
    if before.type[0] in "[({" or after.type[0] in "[({":  # of an older run, which has nests as a whole
        return "shape" if _SIZES.sub("[]", before.type) == _SIZES.sub("[]", after.type) else "structure"
    if before.type.startswith("Literal[") and after.type.startswith("Literal["):
        return _value_kind(before.type, after.type)
    if "Literal[None]" in (before.type, after.type):
        return "none"
    old, new = tensor(before.type), tensor(after.type)
    if old is None or new is None or old.sort != new.sort:
        return "type"
    if old.dtype != new.dtype:
        return "dtype"
    if old.more != new.more:
        return "variable" if old.sort == "Variable" else "type"
    return "shape" if old.rank == new.rank else "rank"


def is_object(part: Part) -> bool:
    """Tells a Python object, which is told from others by its identity."""
    return bool(part.object) or part.type.startswith("Weakref[")  # as an older run has it


def _value_kind(before: str, after: str) -> Kind | None:
    """Tells whether two Python values are the same to TensorFlow: 1, 1.0 and True are."""
    if "Literal[None]" in (before, after):
        return "none"
    try:
        same = ast.literal_eval(before[8:-1]) == ast.literal_eval(after[8:-1])
    except (ValueError, SyntaxError):  # it is no value that Python reads back
        same = False
    return None if same else "value"


def _context_changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name, (words, usual) in CONTEXTS.items():
        if before.get(name) != after.get(name):
            yield Change("context", words, before.get(name, usual), after.get(name, usual))
