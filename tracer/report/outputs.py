"""What leaves scopes, to be read: of several scopes that one row stands for, the range over them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from tracer.graph.boundary import leaving
from tracer.graph.clean import Clean
from tracer.graph.inline import Inlined
from tracer.graph.model import TensorType
from tracer.graph.repeats import Repeats
from tracer.graph.scopes import ScopeTree

_TYPES = 8  # types of outputs that a row names: of a scope with more, one wants their number
Dims = tuple[tuple[int | None, int | None], ...]  # the least and the most of each dimension; None where not known


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """The first of the tensors that leave a scope; of a row that stands for several scopes, the range over them all."""

    dtype: str  # "float32"; empty where it is not known, or differs
    dims: Dims | None  # None: not even the rank is known, or the ranks differ
    others: tuple[int, int]  # how many more tensors leave each of the scopes: the least and the most
    various: bool = False  # whether ranks differ

    def joined(self, other: Output) -> Output:
        """Returns the range over both."""
        various = self.various or other.various or len(self.dims or ()) != len(other.dims or ())
        dims = None
        if not various and self.dims is not None and other.dims is not None:
            dims = tuple(map(_joined, self.dims, other.dims))
        least, most = zip(self.others, other.others, strict=True)
        return Output(self.dtype if self.dtype == other.dtype else "", dims, (min(least), max(most)), various)


@dataclasses.dataclass(frozen=True, slots=True)
class Leaving:
    """What leaves a scope, or all those that it stands for."""

    types: tuple[TensorType, ...]
    number: int  # of tensors
    output: Output | None


def scope_outputs(graph: Inlined, tree: ScopeTree, seen: Clean | None) -> list[Leaving]:
    """Returns, for each scope, what leaves it."""
    view, owners = graph, tree.owners
    if seen is not None:
        view, owners = seen.graph, [tree.owners[index] for index in seen.stays]
    return [
        Leaving(types, number, _output(types, number)) for types, number in leaving(view, tree, owners, most=_TYPES)
    ]


def summed_outputs(repeats: Repeats, outputs: Sequence[Leaving]) -> list[Leaving]:
    """Returns what leaves each scope and those that it stands for."""
    together = list(outputs)
    for scope, (stands, leaves) in enumerate(zip(repeats.shown_as, outputs, strict=True)):
        if stands != scope:
            known = together[stands]
            types = tuple(dict.fromkeys((*known.types, *leaves.types)))[:_TYPES]
            first = known.output or leaves.output
            output = first.joined(leaves.output) if first is not None and leaves.output is not None else first
            together[stands] = Leaving(types, known.number + leaves.number, output)
    return together


def _output(types: Sequence[TensorType], number: int) -> Output | None:
    if not types:
        return None
    dtype, shape = types[0]
    return Output(dtype, None if shape is None else tuple((dim, dim) for dim in shape), (number - 1, number - 1))


def _joined(one: tuple[int | None, int | None], other: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    known = [dim for dim in (*one, *other) if dim is not None and dim >= 0]
    return (min(known), max(known)) if len(known) == len(one) + len(other) else (None, None)
