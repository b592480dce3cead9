"""What the inputs tell: where a node reads something else now, that stands for what it read before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence

from tracer.graph.fates.known import Known
from tracer.graph.fates.model import DUPLICATE, FOLDED, FUSED, KEPT, REMOVED, REPLACED
from tracer.graph.grappler import COMMUTATIVE
from tracer.graph.op_sets import LOOP_OPS, PASSING_ON

_HOPS = 8  # of lowering nodes between a reader and what it reads: switch, merge, enter for each loop around it
_SUMS = frozenset({"Add", "AddV2", "AddN"})  # that ArithmeticOptimizer makes one sum of
_CAST = "LayoutOptimizer"  # in the names of transposes that turn a picture's channels to the front and back


def find_by_rewritten(known: Known, number: int, group: Sequence[int]) -> None:
    """Finds what else the nodes replace that were made in the place of `number`: of a sum the sums in it."""
    last, is_sum = known.now[number], any("AddOpsRewrite" in known.paths[new] for new in group)
    parts = {number: None}
    for part in (order := [number]):  # grows while it is walked
        for producer, _ in known.edges.data[part]:
            if producer < 0 or producer in parts:
                continue
            if is_sum and known.kinds[producer].op in _SUMS and known.is_gone(producer):
                known.tell(producer, REPLACED, last, f"with {known.names[number]}")
            if known.now[producer] == last:
                parts[producer] = None
                order.append(producer)
    read = [edge for part in parts for edge in known.edges.data[part] if edge[0] not in parts]
    _compare(known, read, group, any_order=True, rewritten=-1 if is_sum else number)


def find_by_inputs(known: Known, done: Container[int]) -> None:
    """Finds what stands at the inputs of what is still there, of fused ops but those `done`, and of results."""
    parts: dict[int, dict[int, None]] = {}
    for number, fate in enumerate(tuple(known.found)):
        new, data = known.now[number], known.edges.data[number]
        if fate and fate.fate == FUSED and new not in done:
            parts.setdefault(new, {})[number] = None
        elif fate and fate.fate == KEPT and data:
            if [known.now[at] for at, _ in data] == [at for at, _ in known.new_edges.data[new]]:
                continue  # it reads what it read
            any_order = known.kinds[number].op in COMMUTATIVE
            _compare(known, data, [new], any_order=any_order, rewritten=number if fate.reason else -1)
    for new, numbers in parts.items():
        read = [edge for number in numbers for edge in known.edges.data[number] if edge[0] not in numbers]
        _compare(known, read, [new])
    for number, new in known.results.items():
        if new >= 0 and known.is_gone(number):
            _compare(known, [(number, 0)], [new])
    _tell_joined_constants(known)


def _tell_joined_constants(known: Known) -> None:
    """Says what constants are that have the name of what was none: `x * 2` in `x * 2 * 3`, which is `x * 6`."""
    for number, fate in enumerate(known.found):
        if not fate or fate.fate != FOLDED or fate.path != fate.into or number in known.constants:
            continue
        own = {known.now[at] for at, _ in known.edges.data[number] if at >= 0} - {-1}
        for reader, _ in known.edges.readers[number]:
            new = known.now[reader]
            read = {at for at, _ in known.new_edges.data[new]} if new >= 0 else set()
            if known.now[number] in read and own & read:
                reason = f"its constant and that of {known.names[reader]} are one"
                known.tell(number, FOLDED, known.now[number], reason)


def _compare(
    known: Known,
    read: Sequence[tuple[int, int]],
    readers: Sequence[int],
    *,
    any_order: bool = False,
    rewritten: int = -1,
) -> None:
    """Pairs what was read and is gone with what is read now and was not before.

    Args:
      known: what is known so far.
      read: the traced nodes that were read, and which of their outputs.
      readers: the optimised nodes that read now.
      any_order: the order of the inputs says nothing: Grappler sorts those of commutative ops.
      rewritten: the traced node that reads, if it computes something else now; what is gone then went into it.
    """
    reads = [_behind_added(known, at) for new in readers for at, _ in known.new_edges.data[new] if at >= 0]
    reads = [at for at in reads if at not in readers]
    left, gone = Counter(reads), []
    for producer in (_handed_on(known, *edge) for edge in read):
        new = known.now[producer] if producer >= 0 else -1
        if left[new] > 0:
            left[new] -= 1
        elif producer >= 0 and known.is_gone(producer):
            gone.append(producer)
    if not gone:
        return
    values = {known.value(other): new for new in reversed(reads) if (other := known.was.get(new, -1)) >= 0}
    gone = [at for at in gone if not _is_duplicate(known, at, values, left)]
    is_spent = not any(left.values())
    left = Counter(reads) if is_spent else left  # then what is gone may be made from what was read before too
    origins = {known.was[new]: new for new in reversed(reads) if new in known.was and left[new] > 0}
    gone = [at for at in gone if not _is_skipped(known, at, origins, left, rewritten)]
    now = [] if is_spent else list(left.elements())
    if len(gone) == len(now) and (len(gone) == 1 or not any_order):
        for producer, new in zip(gone, now, strict=True):
            if known.is_gone(producer):
                known.stands_for(producer, new, rewritten)


def _handed_on(known: Known, number: int, port: int) -> int:
    """Returns what a node that is gone handed on, having said so of it; the node itself if it is no such node."""
    while number >= 0 and known.is_gone(number) and known.kinds[number].op in PASSING_ON:
        data = known.edges.data[number]
        known.tell(number, REMOVED, reason=known.hands_on(number))
        number, port = data[min(port, len(data) - 1)] if data else (-1, 0)
    return number


def _is_duplicate(known: Known, number: int, values: Mapping[int, int], left: Counter[int]) -> bool:
    """Tells whether a node that is read now computes the same; then that is said, and it is accounted for.

    Args:
      known: what is known so far.
      number: the node that is gone.
      values: the nodes that are read now, by what they compute.
      left: those that are not accounted for.
    """
    new = values.get(known.value(number), -1)
    other = known.was[new] if new >= 0 else number
    if other == number or known.kinds[number].op != known.kinds[other].op:
        return False
    known.tell(number, REMOVED, reason=DUPLICATE + known.paths[new])
    left[new] -= left[new] > 0
    return True


def _is_skipped(known: Known, number: int, origins: Mapping[int, int], left: Counter[int], rewritten: int) -> bool:
    """Tells whether a node that it was made from is read now; then that is said of all between.

    Args:
      known: what is known so far.
      number: the node that is gone.
      origins: the nodes that are read now, by the traced nodes that they were.
      left: those that are not accounted for.
      rewritten: as for `_compare`.
    """
    if not known.is_gone(number):
        return False
    behind = (at for part in known.near(number) for at, _ in known.edges.data[part])
    origin = next((at for at in behind if at in origins and left[origins[at]] > 0), -1)
    if origin < 0:
        return False
    new = origins[origin]
    left[new] -= left[new] > 0
    way, fate = known.between(number, {origin}), known.found[origin]
    absorbed = origin if fate and fate.reason == "op" and way == [number] else rewritten
    for part in way:
        if absorbed >= 0:
            known.tell(part, REPLACED, known.now[absorbed], f"with {known.names[absorbed]}")
        else:
            known.tell(part, REMOVED, reason=f"{known.paths[new]} is read in its place")
    return True


def _behind_added(known: Known, number: int) -> int:
    """Returns what a value is before the added nodes that hand it into a loop or a branch, or change its layout."""
    for _ in range(_HOPS):
        path, op = known.paths[number], known.new_kinds[number].op
        handed_on = op in LOOP_OPS or (path not in known.old_index and (op == "Identity" or _CAST in path))
        read = known.new_edges.data[number]
        if not handed_on or not read or read[0][0] < 0:
            break
        number = read[0][0]
    return number
