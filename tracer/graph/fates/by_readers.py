"""What the readers tell: the fates of what only nodes read that are gone, from the readers back."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.graph.fates.known import NEAR, Known
from tracer.graph.fates.model import (
    CALL_OPENED,
    DUPLICATE,
    FOLDED,
    FUSED,
    HANDS_ON,
    KEPT,
    LOOP_OPENED,
    REMOVED,
    REPLACED,
    Fate,
)
from tracer.graph.op_sets import PASSING_ON
from tracer.graph.references import CONTROL

_FOR_NOTHING = "nothing reads what it is for"
_DEAD = frozenset({"nothing reads it", "nothing reads its result", _FOR_NOTHING})
_OPENED = (LOOP_OPENED, CALL_OPENED)  # what went into nothing


def find_by_readers(known: Known) -> None:
    """Finds the fates of what only nodes read that are gone, from the readers back."""
    _FromReaders(known).find()


class _FromReaders:
    """The fates of nodes by those of their readers."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._folded_inputs: dict[int, int] = {}
        self._twins: dict[int, int] = {}  # by value: a traced node that is still there

    def find(self) -> None:
        """Finds the fates of what only nodes read that are gone, from the readers back."""
        waiting = [number for number, fate in enumerate(self._known.found) if fate is None]
        open_readers = {
            number: sum(self._known.found[reader] is None for reader, _ in self._known.edges.readers[number])
            for number in waiting
        }
        ready = [number for number in waiting if not open_readers[number]]
        for number in ready:  # grows while it is walked
            self._follow(number)
            for producer in (*(at for at, _ in self._known.edges.data[number]), *self._known.edges.control[number]):
                if producer in open_readers:
                    open_readers[producer] -= 1
                    if not open_readers[producer]:
                        ready.append(producer)

    def _follow(self, number: int) -> None:
        """Sets the fate of a node all of whose readers' fates are known."""
        kind = self._known.kinds[number]
        fates = self._readers_fates(number)
        if not fates and number not in self._known.results:
            self._known.tell(number, REMOVED, reason=_unread(kind.op, bool(self._known.edges.readers[number])))
        elif fates and all(_is_dead(fate) for fate in fates):
            self._known.tell(number, REMOVED, reason=_FOR_NOTHING)
        elif kind.op in PASSING_ON and self._known.edges.data[number]:
            self._known.tell(number, REMOVED, reason=self._known.hands_on(number))
        elif kind.op == "Placeholder" or not self._went_with(number, fates):
            twin = self._twin(number) if any(fate.reason.startswith(DUPLICATE) for fate in fates) else ""
            if twin:
                self._known.tell(number, REMOVED, reason=DUPLICATE + twin)
            elif number in self._known.constants:
                self._set_constant(number)
            else:
                self._known.tell(number, REMOVED, reason="its readers do without it")

    def _readers_fates(self, number: int) -> list[Fate]:
        """Returns the fates of those that read a node's values, behind those that only hand them on."""
        found: list[Fate] = []
        waiting = [(number, -1)]
        for at, port in waiting:  # grows while it is walked
            for reader, position in self._known.edges.readers[at]:
                fate = self._known.found[reader]
                if position == CONTROL or fate is None or port not in (-1, self._known.edges.data[reader][position][1]):
                    continue
                hands_on = fate.fate == REMOVED and fate.reason.startswith(HANDS_ON)
                if not hands_on or reader in self._known.results or len(waiting) > NEAR:
                    found.append(fate)
                else:
                    waiting.append((reader, position if self._known.kinds[reader].op == "IdentityN" else -1))
        return found

    def _went_with(self, number: int, fates: Sequence[Fate]) -> bool:
        """Tells whether all that read a node became one with others; then it did too, and that is said."""
        ended = [fate for fate in fates if fate.fate in (FOLDED, FUSED, REPLACED) and fate.into]
        ended = [fate for fate in ended if fate.reason not in _OPENED]
        gone = [fate for fate in fates if fate.fate != KEPT]
        if not ended or len(gone) != len(fates):
            return False
        last = min(ended, key=lambda fate: (FOLDED, FUSED, REPLACED).index(fate.fate))
        if last.fate == FOLDED and number not in self._known.constants:
            self._known.tell(number, REMOVED, reason="the values of its readers are known")
        else:
            sort = FOLDED if last.fate == FOLDED else REPLACED
            self._known.tell(number, sort, self._known.now[self._known.old_index[last.path]], f"with {last.path}")
        return True

    def _twin(self, number: int) -> str:
        """Returns a node that is still there and computes the same; empty if there is none."""
        if not self._twins:
            self._twins = {self._known.value(old): old for old in reversed(list(self._known.was.values()))}
        other = self._twins.get(self._known.value(number), number)
        is_twin = other != number and self._known.kinds[other].op == self._known.kinds[number].op
        return self._known.names[other] if is_twin else ""

    def _set_constant(self, number: int) -> None:
        """Sets the fate of a value that is known while the graph is optimised, and has no name there any more."""
        for reader, _ in self._known.edges.readers[number]:
            new = self._folded_input(self._known.now[reader])
            if new >= 0:
                self._known.tell(number, FOLDED, new, f"with {self._known.paths[new]}")
                return
        self._known.tell(number, REMOVED, reason="its readers do without it")

    def _folded_input(self, reader: int) -> int:
        """Returns the first input of an optimised node that is a traced one, folded; -1 if there is none."""
        if reader >= 0 and reader not in self._folded_inputs:
            read = [new for new, _ in self._known.new_edges.data[reader] if new >= 0]
            fates = ((new, self._known.found[self._known.old_index.get(self._known.paths[new], 0)]) for new in read)
            folded = (
                new for new, fate in fates if fate and fate.fate == FOLDED and fate.path == self._known.paths[new]
            )
            self._folded_inputs[reader] = next(folded, -1)
        return self._folded_inputs.get(reader, -1)


def _unread(op: str, is_awaited: bool) -> str:
    if op == "NoOp":
        return "it only orders others"
    return "nothing reads its result" if is_awaited else "nothing reads it"


def _is_dead(fate: Fate) -> bool:
    return fate.fate == REMOVED and fate.reason in _DEAD
