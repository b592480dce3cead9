"""The bytes of an `*.xplane.pb` to a profile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracer.collector import paused_collector
from tracer.errors import Unreadable
from tracer.profile.building import Building
from tracer.profile.device import read_device
from tracer.profile.host import HostPlane
from tracer.profile.model import Profile
from tracer.profile.xplane import read_planes

_HOST = (
    "/host:CPU",
    "/host:CUPTI",
    "/host:ROCTRACER",
)  # threads, and the calls on them that launch kernels; read in this order
_DEVICE = "/device:"


def read_profile(content: bytes, path: object) -> Profile:
    """Returns what a serialized XSpace says of executions, steps and memory.

    Args:
      content: the bytes.
      path: where they come from; its file name is the host where the bytes do not say it.

    Raises:
      Unreadable: the bytes are empty, cut off, damaged, or no profile.
    """
    building = Building()
    launches: dict[int, tuple[int, int]] = {}
    with readable(path), paused_collector():
        host, planes = read_planes(content, path)
        for plane in sorted((plane for plane in planes if plane.name in _HOST), key=lambda plane: plane.name):
            reader = HostPlane(plane, building, launches)
            for line in plane.lines:
                reader.read(line)
        building.finish_host()
        for plane in planes:
            if plane.name.startswith(_DEVICE):
                read_device(plane, building, launches)
        file = str(path).replace("\\", "/").rpartition("/")[2]
        return building.profile(str(path), host or file.removesuffix(".xplane.pb"))


@contextmanager
def readable(path: object) -> Iterator[None]:
    """Reads in the block; times that do not fit into 64 bits are damage.

    Raises:
      Unreadable: there were such.
    """
    try:
        yield
    except OverflowError:
        hint = "the file is damaged, or no profile (*.xplane.pb); record again"
        raise Unreadable(f"{path} has events at times that no clock shows", hint=hint) from None
