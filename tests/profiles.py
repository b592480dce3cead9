"""Profiles, typed in a few lines.

    host("worker  ExecutorState::Process{id=7} 0-100  net/a:Mul 10-40")

is a thread named `worker` with two events; behind a name stand its stats, then start and end in nanoseconds.
"""

import re

from tracer.profile.executions import read_profile
from tracer.profile.xplane import write_space

_EVENT = re.compile(r"(?P<name>.*?)(?:\{(?P<stats>.*)\})? (?P<start>-?[\d.]+)-(?P<end>-?[\d.]+)")


def space(*planes, hosts=()):
    """Returns planes as the bytes of an `*.xplane.pb`."""
    return write_space(planes, hosts)


def profile(*planes, path="vm.xplane.pb", hosts=()):
    """Returns what is read of planes."""
    return read_profile(space(*planes, hosts=hosts), path)


def host(*lines, at=0, ids=()):
    """Returns the plane of a host with a thread for each text; `at` is the time stamp of each, or one for each."""
    return plane("/host:CPU", *lines, at=at, ids=ids)


def plane(name, *lines, at=0, ids=()):
    """Returns a plane of that name; `ids` are the numbers of its lines."""
    names, stats = _Table(), _Table()
    stamps = at if isinstance(at, tuple) else (at,) * len(lines)
    numbers = ids or range(1, len(lines) + 1)
    return {
        "name": name.encode(),
        "lines": [_line(*each, names, stats) for each in zip(lines, stamps, numbers, strict=True)],
        "event_metadata": names.entries(),
        "stat_metadata": stats.entries(),
    }


class _Table(dict):
    def number(self, name):
        return self.setdefault(name, len(self) + 1)

    def entries(self):
        return [{"key": number, "value": {"id": number, "name": name.encode()}} for name, number in self.items()]


def _line(text, stamp, number, names, stats):
    name, *events = re.split(r"\s{2,}", text.strip())
    return {
        "id": number,
        "name": name.encode(),
        "timestamp_ns": stamp,
        "events": [_event(_EVENT.fullmatch(event), names, stats) for event in events],
    }


def _event(match, names, stats):
    start, end = round(float(match["start"]) * 1000), round(float(match["end"]) * 1000)
    pairs = [pair.split("=", 1) for pair in match["stats"].split(",")] if match["stats"] else []
    return {
        "metadata_id": names.number(match["name"]),
        "offset_ps": start,
        "duration_ps": end - start,
        "stats": [{"metadata_id": stats.number(key), **_value(value, stats)} for key, value in pairs],
    }


def _value(text, stats):
    """Whole numbers are numbers; `=text` is a reference, as TensorFlow writes texts that come again."""
    if re.fullmatch(r"-?\d+", text):
        return {"int64_value": int(text)}
    return {"ref_value": stats.number(text[1:])} if text.startswith("=") else {"str_value": text.encode()}
