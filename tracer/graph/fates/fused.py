"""What a fused op absorbed: from the node whose name it has back to the op that it began with."""

from __future__ import annotations

from collections.abc import Container

from tracer.graph.fates.known import Known
from tracer.graph.fates.model import FUSED
from tracer.graph.grappler import fused_main


def find_fused(known: Known) -> None:
    """Finds what a fused op absorbed: from the node whose name it has back to the op that it began with."""
    fused = [number for number, fate in enumerate(known.found) if fate and fate.fate == FUSED]
    for number in fused:
        new = known.now[number]
        main = fused_main(known.new_kinds[new])
        if not main:
            continue
        parts = known.between(number, {at for at in known.near(number) if known.kinds[at].op == main})
        # Constants of a pattern, such as Gelu's, are read by its parts only.
        inner = [
            at
            for part in parts
            for at, _ in known.edges.data[part]
            if at >= 0 and known.kinds[at].op == "Const" and known.is_gone(at) and _only_read_by(known, at, parts)
        ]
        for part in {*parts, *inner} - {number}:
            known.tell(part, FUSED, new)
        begins = next((part for part in parts if known.kinds[part].op == main), number)
        # Its own inputs are the first that the fused op reads.
        for (producer, _), (read, _) in zip(known.edges.data[begins], known.new_edges.data[new], strict=False):
            if producer >= 0 <= read and known.kinds[producer].op == "Placeholder" and known.is_gone(producer):
                known.stands_for(producer, read, -1)


def _only_read_by(known: Known, number: int, readers: Container[int]) -> bool:
    return all(reader in readers for reader, _ in known.edges.readers[number])
