"""What became of each node of a traced graph in the optimised one.

Most nodes are found by their node path. For the others the edges tell: where a node that is still there reads something
else now, at the same input, that stands for what it read before.
"""

from __future__ import annotations

from tracer.graph.fates.by_inputs import find_by_inputs, find_by_rewritten
from tracer.graph.fates.by_name import find_arguments, find_by_path, find_compositions, find_folded, find_rewritten
from tracer.graph.fates.by_readers import find_by_readers
from tracer.graph.fates.fused import find_fused
from tracer.graph.fates.known import Known
from tracer.graph.fates.model import ADDED, FATES, FUSED, Added, Fate, StageMap, counted
from tracer.graph.grappler import maker, named_after
from tracer.graph.inline import Inlined
from tracer.graph.names import node_path
from tracer.graph.references import by_name


def stage_map(before: Inlined, after: Inlined) -> StageMap:
    """Returns what became of each node of the traced graph in the optimised graph of the same trace.

    Every node before has one fate, and every node after is either what a fate leads into or added.
    """
    fates = _fates(before, after)
    reached = {fate.into for fate in fates if fate.into}
    paths = map(node_path, after.nodes.names)
    added = tuple(
        Added(path, kind.op, maker(path, kind.op))
        for path, kind in zip(paths, after.nodes.kinds, strict=True)
        if path not in reached
    )
    return counted(fates, added, (*FATES, ADDED))


def made_from(traced: Inlined, optimized: Inlined) -> dict[str, tuple[str, ...]]:
    """Returns which traced nodes each optimised node stands for, by path, where that is not just the node of its name.

    It has the optimised nodes that are none of the traced graph, as far as it is known what they were made from, and
    those that others were fused or folded into. The first is the node itself if it is a traced one, else the node that
    it is named after; the others follow in the order of the traced graph.
    """
    fates = _fates(traced, optimized)
    is_traced = by_name(traced.nodes.names, traced.nodes.kinds)
    found: dict[str, list[str]] = {}
    for fate in fates:
        if fate.into and (fate.into != fate.path or fate.fate == FUSED):
            found.setdefault(fate.into, []).append(fate.path)
    for path, kind in zip(map(node_path, optimized.nodes.names), optimized.nodes.kinds, strict=True):
        if path in is_traced:
            if path in found:
                found[path] = [path, *found[path]]
            continue
        named = named_after(path, kind.op, is_traced)
        if named:
            found[path] = [named, *found.get(path, ())]
    return {path: tuple(dict.fromkeys(origins)) for path, origins in found.items()}


def _fates(before: Inlined, after: Inlined) -> tuple[Fate, ...]:
    """Returns the fate of each traced node."""
    known = Known(before, after)
    find_by_path(known)
    find_arguments(known)
    find_compositions(known)
    groups = find_rewritten(known)
    find_fused(known)
    find_folded(known)
    for number, group in groups.items():
        find_by_rewritten(known, number, group)
    find_by_inputs(known, {known.now[number] for number in groups})
    find_by_readers(known)
    return known.fates()
