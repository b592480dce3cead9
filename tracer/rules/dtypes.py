"""Rules about types."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.graph.model import Kind, Tensor
from tracer.graph.op_sets import PASSING_ON
from tracer.rules.finding import Found
from tracer.rules.subject import BACKWARD, Subject

_WIDE = frozenset(("float64", "complex128"))
_NARROW = frozenset(("float32", "float16", "bfloat16"))
_TYPES = ("T", "dtype", "DstT", "SrcT", "Tout")  # attributes that name the type of what flows through a node
_PASSING = PASSING_ON | {"Reshape", "Cast"}  # whatever their type, they compute nothing in it
_DIVISION = "truediv"  # the scope of a division in Python; TensorFlow casts whole numbers in it


def float64(subject: Subject) -> Iterator[Found]:
    """Finds where float64 begins unasked in a graph that otherwise computes in less: one finding for each cause.

    A cause is a division of whole numbers, or an array of NumPy's, with the cast that makes the other side fit it. An
    argument, a variable or a cast of its own says that float64 is meant.
    """
    kinds = set(subject.nodes.kinds)
    wide = {kind for kind in kinds if _gives(kind, _WIDE)}
    if wide and not _asked_for(subject) and _narrow(subject, kinds):
        yield from _Widening(subject, wide).causes()


_ADVICE = (
    "say the type where the number comes from: tf.constant(0.1, tf.float32), np.float32, x.astype('float32'), "
    "tf.cast(n, tf.float32) / m; float64 takes twice the memory, and on most GPUs far more time"
)


class _Widening:
    """The nodes of one graph that give float64, and what each came from."""

    def __init__(self, subject: Subject, wide: set[Kind]) -> None:
        self._subject = subject
        self._kinds = subject.nodes.kinds
        self._wide = wide
        self._reached: set[int] = set()  # what follows from the causes that were told
        self._divisions: set[str] = set()

    def causes(self) -> Iterator[Found]:
        """Returns the causes in the order of the graph, each with the number of nodes that follow from it."""
        for index in self._subject.of_kinds(self._wide):
            name = self._subject.nodes.names[index]
            if self._inputs(index):
                continue
            if self._kinds[index].op == "Cast" and _is_division(name):
                yield from self._division(index, name.rpartition("/")[0])
            elif self._is_array(index):
                yield from self._array(index)

    def _division(self, index: int, scope: str) -> Iterator[Found]:
        if scope in self._divisions:  # its other side
            return
        self._divisions.add(scope)
        source = str(self._kinds[index].attributes.get("SrcT", ""))
        said = f"TensorFlow divides {source} by {source} in float64"
        yield Found(
            f"float64 begins here, with what follows from it: {said}", _ADVICE, index, count=self._follow(index)
        )

    def _array(self, index: int) -> Iterator[Found]:
        """Returns the array as a cause, unless what it is computed with was float64 before."""
        readers = [at for at in self._computing(index) if not BACKWARD.search(self._subject.nodes.names[at])]
        others = {self._source(other) for reader in readers for other in self._inputs(reader)} - {index}
        if not readers or not self._reached.isdisjoint(readers):
            return
        if not all(self._is_array(other) or self._fits(other) for other in others):
            return
        said = "a constant, as NumPy makes them, is float64"
        first = min(index, *others) if others else index
        yield Found(
            f"float64 begins here, with what follows from it: {said}", _ADVICE, first, count=self._follow(index)
        )

    def _fits(self, index: int) -> bool:
        """Tells whether a node is a cast that is only there because it meets arrays."""
        if self._kinds[index].op != "Cast" or self._inputs(index):
            return False
        readers = [at for at in self._computing(index) if not BACKWARD.search(self._subject.nodes.names[at])]
        return all(any(self._is_array(self._source(given)) for given in self._inputs(reader)) for reader in readers)

    def _is_array(self, index: int) -> bool:
        value = self._kinds[index].attributes.get("value")
        return self._kinds[index].op == "Const" and isinstance(value, Tensor) and bool(value.shape)

    def _source(self, index: int) -> int:
        """Returns where a float64 that is only handed on comes from."""
        seen = set[int]()
        while self._kinds[index].op in _PASSING and self._inputs(index) and index not in seen:
            seen.add(index)
            index = self._inputs(index)[0]
        return index

    def _inputs(self, index: int) -> list[int]:
        """Returns the float64 that a node reads."""
        return [at for at in self._subject.producers[index] if self._kinds[at] in self._wide]

    def _computing(self, index: int) -> list[int]:
        """Returns what works on a value in float64: not what only casts it on, hands it on or returns it."""
        found, waiting, seen = list[int](), [index], {index}
        while waiting:
            for reader in self._subject.consumers[waiting.pop()]:
                kind = self._kinds[reader]
                if reader in seen:
                    continue
                seen.add(reader)
                if kind.op in _PASSING and kind in self._wide:
                    waiting.append(reader)
                elif kind.op not in _PASSING and any(kind.attributes.get(name) in _WIDE for name in _TYPES):
                    found.append(reader)
        return found

    def _follow(self, index: int) -> int:
        """Returns how many nodes compute in float64 because one does."""
        waiting, seen = [index], {index}
        while waiting:
            fresh = [at for at in self._subject.consumers[waiting.pop()] if self._kinds[at] in self._wide]
            waiting += [at for at in fresh if at not in seen]
            seen.update(fresh)
        self._reached |= seen
        return sum(self._kinds[at].op not in _PASSING and self._kinds[at].op != "Const" for at in seen)


def _is_division(name: str) -> bool:
    return name.rpartition("/")[0].rpartition("/")[2].startswith(_DIVISION)


def _gives(kind: Kind, dtypes: frozenset[str]) -> bool:
    return any(output.dtype in dtypes for output in kind.outputs)


def _asked_for(subject: Subject) -> bool:
    given = [argument.type for argument in subject.trace.arguments]
    given += [captured.type.dtype for captured in subject.captures.values()]
    placeholders = (subject.nodes.kinds[index] for index in subject.by_op.get("Placeholder", ()))
    return any(dtype in text for text in given for dtype in _WIDE) or any(_gives(kind, _WIDE) for kind in placeholders)


def _narrow(subject: Subject, kinds: set[Kind]) -> bool:
    """Tells a graph that computes in float32 or less, or that divides integers: there TensorFlow chose float64."""
    return any(_gives(kind, _NARROW) for kind in kinds if kind.op != "Const") or any(
        _is_division(subject.nodes.names[index]) for index in subject.by_op.get("Cast", ())
    )
