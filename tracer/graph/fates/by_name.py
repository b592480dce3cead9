"""What the names tell: nodes that are there under their paths, and those that optimizers named after others."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.graph.fates.known import Known
from tracer.graph.fates.model import CALL_OPENED, FOLDED, FUSED, KEPT, KNOWN_VALUE, LOOP_OPENED, REPLACED
from tracer.graph.grappler import folded_from, fused_main, named_after
from tracer.graph.model import Kind
from tracer.graph.op_sets import PASSING_ON
from tracer.graph.references import by_name, index_by_name

_ARGUMENTS = ("Placeholder", "_Arg")


def find_by_path(known: Known) -> None:
    """Finds the nodes that are there under their own paths, and those whose functions were put in their places."""
    index = index_by_name(known.paths)
    compared: dict[tuple[Kind, Kind], tuple[str, str]] = {}
    for number, (path, kind) in enumerate(zip(known.names, known.kinds, strict=True)):
        new = index.get(path, -1)
        if new >= 0:
            pair = kind, known.new_kinds[new]
            if pair not in compared:
                compared[pair] = _compared(known, *pair)
            known.tell(number, compared[pair][0], new, compared[pair][1])
        elif kind.bodies:
            known.tell(number, REPLACED, reason=_opened(kind.op))


def _compared(known: Known, kind: Kind, now: Kind) -> tuple[str, str]:
    """Returns what became of a node in one of the same path, and why or in what it differs."""
    if kind.bodies and not now.bodies:
        return REPLACED, _opened(kind.op)
    if now.op == "Const" != kind.op:
        return FOLDED, KNOWN_VALUE
    if fused_main(now) and not fused_main(kind):
        return FUSED, ""
    return KEPT, _changed(known, kind, now)


def _changed(known: Known, before: Kind, after: Kind) -> str:
    """Returns in what a kept node differs."""
    if before.op != after.op:
        return "" if (before.op, after.op) == _ARGUMENTS else "op"
    if before is after:
        return ""
    old, new = known.attributes(before), known.attributes(after)
    # Names that begin with "_" are notes that TensorFlow's passes leave for each other.
    names = [name for name in sorted(old.keys() & new.keys()) if name[:1] != "_" and old[name] != new[name]]
    return ", ".join(names)


def find_arguments(known: Known) -> None:
    """Finds the function's arguments, which the runtime names anew, by their positions."""
    own = [
        number
        for number, kind in enumerate(known.kinds)
        if kind.op == "Placeholder" and not known.before.place_of[number]
    ]
    for new, kind in enumerate(known.new_kinds):
        position = kind.attributes.get("index") if kind.op == "_Arg" else None
        if isinstance(position, int) and position < len(own) and known.found[own[position]] is None:
            known.tell(own[position], KEPT, new)


def find_compositions(known: Known) -> None:
    """Finds the nodes whose ops one node does now in a row: `op_names` has them, and the last gives its name."""
    for new, kind in enumerate(known.new_kinds):
        if kind.op != "_UnaryOpsComposition":
            continue
        number = known.old_index.get(known.paths[new].removesuffix("/unary_ops_composition"), -1)
        for op in reversed(kind.attributes.get("op_names") or ()):
            while number >= 0 and known.is_gone(number) and known.kinds[number].op in PASSING_ON:
                number = known.first(number)
            if number < 0 or not known.is_gone(number) or known.kinds[number].op != op:
                break
            known.tell(number, FUSED, new)
            number = known.first(number)


def find_rewritten(known: Known) -> dict[int, list[int]]:
    """Finds what the optimised nodes replace that have the name of a traced node in theirs.

    Returns:
      For each of these traced nodes the optimised ones that are named after it.
    """
    kinds = by_name(known.names, known.kinds)
    groups: dict[int, list[int]] = {}
    for new, path in enumerate(known.paths):
        if "ArithmeticOptimizer/" in path:
            number = known.old_index.get(named_after(path, known.new_kinds[new].op, kinds), -1)
            if number >= 0 and known.is_gone(number):
                groups.setdefault(number, []).append(new)
    for number, group in groups.items():
        inner = {producer for new in group for producer, _ in known.new_edges.data[new]}
        last = next((new for new in group if new not in inner), group[-1])
        if fused_main(known.new_kinds[last]):
            known.tell(number, FUSED, last)
        else:
            known.tell(number, REPLACED, last, "ArithmeticOptimizer")
    return groups


def find_folded(known: Known) -> None:
    """Finds what constants are named after that constant folding made."""
    returned: dict[str, list[int]] = {}
    for new, path in enumerate(known.paths):
        if known.new_kinds[new].op != "Const":
            continue
        if path.startswith("Func/") and "/output/_" in path:
            returned = returned or _gone_constants(known)
            _find_returned(known, new, returned.get(path[len("Func/") : path.rindex("output/")], ()))
        if "ConstantFolding/" not in path:
            continue
        number = known.old_index.get(folded_from(path, known.old_index), -1)
        fate = known.found[number] if number >= 0 else None
        if number >= 0 and fate is None:
            known.tell(number, FOLDED, new, KNOWN_VALUE)
        elif fate and fate.fate == KEPT and fate.op != fate.became:  # x / 4 became x * 0.25
            for producer, _ in known.edges.data[number]:
                if producer in known.constants and known.is_gone(producer):
                    known.tell(producer, FOLDED, new, f"with {fate.path}")


def _gone_constants(known: Known) -> dict[str, list[int]]:
    """Returns the constants that are not there any more, by the prefix of their function's nodes."""
    found: dict[str, list[int]] = {}
    for number, place in enumerate(known.before.place_of):
        if place and known.kinds[number].op == "Const" and known.is_gone(number):
            found.setdefault(known.before.places[place].prefix, []).append(number)
    return found


def _find_returned(known: Known, new: int, constants: Sequence[int]) -> None:
    """Finds the constant that a branch returns: the node of the lowering that handed it on was folded to it."""
    value = known.attributes(known.new_kinds[new]).get("value")
    for number in constants:
        if value == known.attributes(known.kinds[number]).get("value"):
            known.tell(number, FOLDED, new, KNOWN_VALUE)


def _opened(op: str) -> str:
    return LOOP_OPENED if "While" in op else CALL_OPENED
