"""What other tools left: executions whose nodes stand in no graph at hand, by the names under which they ran."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tracer.profile.attribute import NodeTime, kernels_of
from tracer.profile.lookup import Lookup, Recorded
from tracer.profile.model import Op, Profile
from tracer.profile.sums import ByStep, Key, Sum, sums_of

_Place = tuple[str, str, int]  # path, device, step


def by_name(
    profiles: Sequence[Profile], recorded: Sequence[Recorded], *, by_step: ByStep | None = None
) -> list[NodeTime]:
    """Returns the time of what has no owner at each node path, in no trace: what is unattributed otherwise.

    Args:
      profiles: of any number of hosts.
      recorded: the graphs that there are.
      by_step: as of `attribute`.
    """
    lookup = Lookup(recorded)
    found: dict[_Place, list[tuple[Key, Sum]]] = {}
    for key, each in sums_of(profiles, by_step).items():
        if isinstance(lookup.owners(key.op, key.run), str):
            found.setdefault((_path(key), key.device, key.step), []).append((key, each))
    return [_time(place, rows) for place, rows in found.items()]


def most_first(nodes: Iterable[NodeTime]) -> tuple[NodeTime, ...]:
    """Returns rows in the order of an attribution's: the most self time first."""
    return tuple(sorted(nodes, key=lambda node: (-node.self_ns, node)))


def _path(key: Key) -> str:
    """Returns where something ran; an instruction of XLA's below its program, as others have the same number."""
    op: Op = key.op
    return f"{op.module}/{op.name}" if op.module else key.run.prefix + op.path or op.name or op.type


def _time(place: _Place, rows: Sequence[tuple[Key, Sum]]) -> NodeTime:
    path, device, step = place
    total = Sum()
    kernels: dict[tuple[str, str], Sum] = {}
    for key, each in rows:
        if key.op.type or key.op.module:
            kernels.setdefault((key.op.type or key.op.name, key.op.module), Sum()).add(each.calls, each.self_ns, 0)
        total.add(each.calls, each.self_ns, each.total_ns)
        total.add_memory(each.bytes, each.peak_bytes, each.held_bytes)
    return NodeTime(
        trace="",
        path=path,
        device=device,
        step=step,
        calls=total.calls,
        self_ns=total.self_ns,
        total_ns=total.total_ns,
        bytes=total.bytes,
        kernels=kernels_of(kernels),
        shared=False,
        peak_bytes=total.peak_bytes,
        held_bytes=total.held_bytes,
        in_input=any(key.run.input for key, _ in rows),
    )
