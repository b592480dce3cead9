"""A device's streams: kernels, and for which node each ran.

A kernel's correlation id is that of the call that launched it; that call was made on a thread of the host, inside the
execution of the node that the kernel is for. Where the profile does not have the call, the kernel may say the node
itself (`tf_op`), or the instruction of an XLA program (`hlo_op`, `hlo_module`).

Written from XLA's format (xla/tsl/profiler/utils/xplane_schema.cc, xla/backends/profiler/gpu/cupti_collector.cc) and
tried on profiles made from it.
"""

from __future__ import annotations

from typing import Any

from tracer.graph.names import node_path
from tracer.profile import names
from tracer.profile.building import NEGATIVE, NO_LAUNCH, NO_NAME, Building, Found
from tracer.profile.model import KERNEL, Op, Thread
from tracer.profile.xplane import Plane, text

# Lines that profilers add to a device's plane to say again what its streams say.
_DERIVED = frozenset(
    {
        *("Steps", "XLA Modules", "XLA Ops", "Async XLA Ops", "XLA TraceMe", "TensorFlow Ops", "TensorFlow Name Scope"),
        *("Framework Ops", "Framework Name Scope", "Source code", "Source", "Launch Stats", "HLO Ops", "HLO Modules"),
    }
)


def read_device(plane: Plane, building: Building, launches: dict[int, tuple[int, int]]) -> None:
    """Adds the kernels of a device's plane.

    Args:
      plane: of the device; the host's planes have been read before.
      building: where to.
      launches: line and moment of each call that launched a kernel, by correlation id.
    """
    for line in plane.lines:
        name = text(line.name)
        if name not in _DERIVED:
            building.events += len(line.events)
            _read_stream(plane, line, Thread(name, plane.name), building, launches)


def _read_stream(
    plane: Plane, line: Any, thread: Thread, building: Building, launches: dict[int, tuple[int, int]]
) -> None:
    base, found = line.timestamp_ns, Found()
    steps = []
    rows = sorted((event.offset_ps, -event.duration_ps, number) for number, event in enumerate(line.events))
    for offset, minus, number in rows:
        event = line.events[number]
        name = plane.event_names.get(event.metadata_id)
        if name is None:
            building.lost[NO_NAME] += 1
            continue
        building.lost[NEGATIVE] += minus > 0
        start = base + offset // 1000
        stats = plane.stats(event)
        launch = launches.get(stats.get("correlation_id", 0))
        row = building.row_at(*launch) if launch else -1
        op = _op(name, stats, building.ops[building.rows.op[row]] if row >= 0 else None)
        building.lost[NO_LAUNCH] += row < 0 and not op.path and not op.module
        found.add(
            building.op(op),
            start,
            max(start, base + (offset - minus) // 1000),
            building.rows.run[row] if row >= 0 else 0,
        )
        steps.append(building.rows.step[row] if row >= 0 else -1)
    first = building.add_thread(line.id, thread, found)
    for row, step in enumerate(steps, first):
        building.rows.step[row] = step


def _op(kernel: str, stats: dict[str, Any], launcher: Op | None) -> Op:
    """Returns what a kernel is an execution of."""
    if stats.get("hlo_op"):
        return Op(str(stats["hlo_op"]), "", kernel, KERNEL, str(stats.get("hlo_module", "")))
    if launcher:
        return Op(launcher.name, launcher.path, kernel, KERNEL, launcher.module)
    node, _ = names.executed(str(stats.get("tf_op", ""))) or ("", "")
    return Op(node, node_path(node), kernel, KERNEL)
