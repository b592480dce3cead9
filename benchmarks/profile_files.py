"""The runs that reading profiles is measured on: a recorded training step, with its events again and again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tensorboard.compat.proto import graph_pb2

from benchmarks import graph_files
from tracer.profile.names import executed
from tracer.profile.xplane import messages
from tracer.store import layout
from tracer.store.find import find_run
from tracer.store.profiles import profile_files

_SCENARIO = "mobilenet_v2"
_TRAIN = layout.trace_folder(1, "train")
_HOST = b"/host:CPU"
_RANDOM = frozenset({"id", "_p", "_c"})  # stats with numbers that tie a step's events together
_PAUSE_PS = 1_000_000  # between copies
_OTHER_NODES = 100  # of a trace that did not run


def record_run(logdir: Path) -> Path:
    """Records the training step of a MobileNetV2 and returns the run's folder: about 13,000 events a step.

    Raises:
      subprocess.CalledProcessError: it could not be recorded; the reason is on stderr.
    """
    command = (str(Path(sys.executable).with_name("trace-scenario")), "run", _SCENARIO, "--no-source")
    subprocess.run([*command, "--logdir", str(logdir), "--json"], stdout=subprocess.DEVNULL, check=True)
    return find_run(_SCENARIO, logdir)


def profile_of(run: Path) -> Path:
    """Returns the file of a run's only profile."""
    return Path(profile_files(run)[0])


def make_run(recorded: Path, folder: Path, events: int) -> Path:
    """Writes a copy of a run into a folder, its profile with so many events on the host; returns it."""
    copy = _copy(recorded, folder)
    profile = profile_of(copy)
    profile.write_bytes(repeated(profile.read_bytes(), events))
    return copy


def make_wide_run(recorded: Path, folder: Path, nodes: int) -> Path:
    """Writes a run of one graph of about so many nodes, of which each that is executed is so once; returns it.

    The graph is copies of the training step, each in a scope of its own.
    """
    copy = _copy(recorded, folder)
    trace = copy / layout.FUNCTIONS / _TRAIN
    step = (trace / layout.STAGE_FILES["traced"]).read_bytes()
    scopes = [f"step_{number}/" for number in range(-(-nodes // len(graph_pb2.GraphDef.FromString(step).node)))]
    for stage in layout.GRAPH_STAGES:
        path = trace / layout.STAGE_FILES[stage]
        path.write_bytes(in_scopes(path.read_bytes(), scopes))
    facts = json.loads((trace / layout.TRACE_FILE).read_text(encoding="utf-8"))
    own = facts["lines"]["nodes"][""]
    facts["lines"]["nodes"][""] = {scope + name: stack for scope in scopes for name, stack in own.items()}
    facts["modules"] = [{**each, "scope": scope + each["scope"]} for scope in scopes for each in facts["modules"]]
    (trace / layout.TRACE_FILE).write_text(json.dumps(facts), encoding="utf-8")
    profile = profile_of(copy)
    profile.write_bytes(once(profile.read_bytes(), scopes))
    return copy


def make_run_of_many(recorded: Path, folder: Path, traces: int) -> Path:
    """Writes a run with so many traces more, of which none is in the profile; returns it."""
    copy = _copy(recorded, folder)
    graph = graph_files.make_file(folder, graph_files.CHAIN, _OTHER_NODES, b"").read_bytes()
    for number in range(traces):
        name = f"other_{number}"
        other = copy / layout.FUNCTIONS / layout.trace_folder(10 + number, name)
        other.mkdir()
        facts = {"format": layout.FORMAT, "name": name, "runtime_name": f"__inference_{name}_{number + 1_000_000}"}
        (other / layout.TRACE_FILE).write_text(json.dumps(facts), encoding="utf-8")
        for stage in layout.GRAPH_STAGES:
            (other / layout.STAGE_FILES[stage]).write_bytes(graph)
    return copy


def repeated(content: bytes, events: int) -> bytes:
    """Returns a profile whose host has so many events: its own, then copies of them, each later than the one before.

    The numbers of runs and of steps are each copy's own. Of the last copy there is only the beginning, with all that
    begins with its last event.
    """
    host = _Host(content)
    moments = sorted(line.timestamp_ns * 1000 + event.offset_ps for line in host.lines for event in line.events)
    period = moments[-1] - moments[0] + _PAUSE_PS
    steps = 1 + max((stat.int64_value for stat in host.stats("step_num")), default=0)
    last, left = divmod(events - 1, len(moments))
    for line in host.lines:
        originals = list(line.events)
        del line.events[:]
        base = line.timestamp_ns * 1000
        for number in range(last + 1):
            for event in originals:
                if number < last or base + event.offset_ps <= moments[left]:
                    added = line.events.add()
                    added.CopyFrom(event)
                    added.offset_ps += number * period
                    host.renumber(added, number, steps)
    return host.content()


def once(content: bytes, scopes: Sequence[str]) -> bytes:
    """Returns a profile in which each node that was executed is so once in each scope, one scope after the other."""
    host = _Host(content)
    nodes = {key: name for key, name in host.names.items() if executed(name)}
    apart = 1 + max(host.names)
    left = set(nodes)
    for line in host.lines:
        first = []
        for event in line.events:
            if event.metadata_id in left:
                left.discard(event.metadata_id)
                first.append(event)
        del line.events[:]
        period = max((event.offset_ps + event.duration_ps for event in first), default=0)
        for number in range(len(scopes)):
            for event in first:
                added = line.events.add()
                added.CopyFrom(event)
                added.metadata_id += number * apart
                added.offset_ps += number * period
    del host.plane.event_metadata[:]
    for number, scope in enumerate(scopes):
        for key, name in nodes.items():
            entry = host.plane.event_metadata.add(key=key + number * apart)
            entry.value.id, entry.value.name = entry.key, (scope + name).encode()
    return host.content()


def in_scopes(content: bytes, scopes: Sequence[str]) -> bytes:
    """Returns a graph with its nodes once in each scope; its functions are there once."""
    source = graph_pb2.GraphDef.FromString(content)
    whole = graph_pb2.GraphDef(library=source.library)
    for scope in scopes:
        for node in source.node:
            added = whole.node.add()
            added.CopyFrom(node)
            added.name = scope + node.name
            added.input[:] = [f"^{scope}{text[1:]}" if text.startswith("^") else scope + text for text in node.input]
    return whole.SerializeToString()


class _Host:
    """A profile whose host's lines can be changed."""

    def __init__(self, content: bytes) -> None:
        self._space = messages()["Space"].FromString(content)
        planes = [messages()["Plane"].FromString(plane) for plane in self._space.planes]
        self._index = next(index for index, plane in enumerate(planes) if plane.name == _HOST)
        self.plane: Any = planes[self._index]
        self.lines = [messages()["Line"].FromString(line) for line in self.plane.lines]
        self.names: Mapping[int, str] = {entry.key: entry.value.name.decode() for entry in self.plane.event_metadata}
        stats = {entry.key: entry.value.name.decode() for entry in self.plane.stat_metadata}
        self._random = {key for key, name in stats.items() if name in _RANDOM}
        self._ids = {name: key for key, name in stats.items()}

    def stats(self, name: str) -> list[Any]:
        """Returns the stats of that name, of all events."""
        wanted = self._ids.get(name)
        return [
            stat for line in self.lines for event in line.events for stat in event.stats if stat.metadata_id == wanted
        ]

    def renumber(self, event: Any, number: int, steps: int) -> None:
        """Makes the numbers of an event those of a copy, where `steps` steps are in each."""
        for stat in event.stats:
            if stat.metadata_id in self._random:
                field = stat.WhichOneof("value")
                setattr(stat, field, getattr(stat, field) ^ number << 32)
            elif stat.metadata_id == self._ids.get("step_num"):
                stat.int64_value += number * steps

    def content(self) -> bytes:
        """Returns the profile."""
        self.plane.lines[:] = [line.SerializeToString() for line in self.lines]
        self._space.planes[self._index] = self.plane.SerializeToString()
        return self._space.SerializeToString()


def _copy(run: Path, folder: Path) -> Path:
    """Copies a run into a folder of scenarios, without what reading its profile takes no part in."""
    copy = folder / run.parent.name / run.name
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns(layout.RAW_EXPORT, f"{layout.EVENT_PREFIX}*"))
    return copy
