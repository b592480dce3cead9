"""What became of each node of a traced graph in XLA's HLO: by the `op_name` that instructions carry."""

from __future__ import annotations

from collections import Counter

from tracer.graph.fates.model import ADDED, LOWERED, REMOVED, Added, Fate, StageMap
from tracer.graph.inline import Inlined
from tracer.graph.names import node_path
from tracer.graph.tally import tally_scopes

_ARGUMENTS = frozenset({"Placeholder", "_Arg", "ReadVariableOp"})
_BOUNDARY = frozenset({"parameter", "tuple", "get-tuple-element"})


def hlo_map(before: Inlined, after: Inlined) -> StageMap:
    """Returns what became of each traced node in an HLO module, inlined.

    A node is lowered into the instructions that name it: into the last, and before it the others. An instruction that
    names no node of the graph was added by XLA, or is a parameter or a result of the program.
    """
    parts: dict[str, list[int]] = {path: [] for path in before.nodes.names}
    added = []
    for number, (path, kind) in enumerate(zip(after.nodes.names, after.nodes.kinds, strict=True)):
        origin = node_path(str(kind.attributes.get("op_name") or ""))
        if origin in parts:
            parts[origin].append(number)
        else:
            added.append(Added(path, kind.op, "function boundary" if kind.op in _BOUNDARY else "XLA"))
    fates = []
    for path, kind in zip(before.nodes.names, before.nodes.kinds, strict=True):
        found = parts.pop(path, [])  # of two nodes of one name the first has them
        if found:
            names = [after.nodes.names[number] for number in found]
            became = after.nodes.kinds[found[-1]].op
            fates.append(Fate(path, kind.op, LOWERED, names[-1], became, also=tuple(names[:-1])))
        else:
            reason = "a parameter of the program" if kind.op in _ARGUMENTS else ""
            fates.append(Fate(path, kind.op, REMOVED, "", "", reason))
    rows = [(fate.path, fate.fate) for fate in fates] + [(node.path, ADDED) for node in added]
    totals = Counter(sort for _, sort in rows)
    return StageMap(
        tuple(fates), tuple(added), {sort: totals[sort] for sort in (LOWERED, REMOVED, ADDED)}, tally_scopes(rows)
    )
