"""Is this machine able to record and to show? One check each, with one line of remedy. Imports no TensorFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tracer.errors import TracerError, Unreadable
from tracer.store import layout
from tracer.store.find import list_runs
from tracer.store.load import read_header, status

TENSORBOARD_PORT = 6006  # its own default; `board` takes a free one, so a taken port is only news
_ENOUGH_BYTES = 1 << 30  # a few profiles
_SETUPTOOLS_WITHOUT_PKG_RESOURCES = 82
_LAST_TENSORBOARD_WITH_PKG_RESOURCES = (2, 20)
_PYTHONS = ((3, 10), (3, 13))
_TENSORFLOWS = ((2, 18), (2, 21))


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One thing that recording or showing needs."""

    name: str
    state: str  # "ok", "warning", "error"
    message: str
    remedy: str = ""


def diagnose(logdir: Path) -> tuple[Check, ...]:
    """Returns every check, in the order in which one would mend things."""
    return (
        _python(),
        _tensorflow(),
        *_companions(),
        _setuptools(),
        _plugin(),
        _folder(logdir),
        _space(logdir),
        _gpu(),
        _port(),
        *_old_files(logdir),
    )


def _python() -> Check:
    version = tuple(map(int, platform.python_version_tuple()[:2]))
    supported = _PYTHONS[0] <= version <= _PYTHONS[1]
    remedy = "" if supported else "use Python 3.10 to 3.13"
    return Check("python", "ok" if supported else "warning", platform.python_version(), remedy)


def _tensorflow() -> Check:
    version = _version("tensorflow")
    if version is None:
        return Check("tensorflow", "error", "not installed: nothing can be recorded", "pip install tensorflow")
    if not _TENSORFLOWS[0] <= _minor(version) <= _TENSORFLOWS[1]:
        return Check(
            "tensorflow",
            "warning",
            f"{version} is not one that was tested (2.18 to 2.21)",
            "pip install 'tensorflow<2.22'",
        )
    return Check("tensorflow", "ok", version)


def _companions() -> Iterator[Check]:
    """Packages that come out with each TensorFlow and belong to one version of it, and others that it needs."""
    tensorflow = _version("tensorflow")
    for name, needed in (("tensorboard", True), ("tf_keras", False)):
        yield _same_minor(name, tensorflow, needed=needed)
    keras = _version("keras")
    yield (
        Check("keras", "ok", keras)
        if keras and _minor(keras) >= (3, 0)
        else Check("keras", "warning", keras or "not installed", "pip install 'keras>=3'")
    )
    for name in ("tensorboard-plugin-profile", "protobuf"):
        version = _version(name)
        remedy = "" if version else f"pip install {name}"
        yield Check(name, "ok" if version else "error", version or "not installed", remedy)


def _same_minor(name: str, tensorflow: str | None, *, needed: bool) -> Check:
    version = _version(name)
    if version is None:
        if needed:
            return Check(name, "error", "not installed: runs cannot be opened with board", f"pip install {name}")
        return Check(name, "ok", "not installed: only the legacy Keras scenario needs it")
    if tensorflow and _minor(version) != _minor(tensorflow):
        wanted = ".".join(map(str, _minor(tensorflow)))
        return Check(name, "warning", f"{version} beside TensorFlow {tensorflow}", f"pip install '{name}=={wanted}.*'")
    return Check(name, "ok", version)


def _setuptools() -> Check:
    version, tensorboard = _version("setuptools"), _version("tensorboard")
    needed = tensorboard is not None and _minor(tensorboard) <= _LAST_TENSORBOARD_WITH_PKG_RESOURCES
    if needed and (version is None or _minor(version)[0] >= _SETUPTOOLS_WITHOUT_PKG_RESOURCES):
        return Check(
            "setuptools",
            "error",
            f"{version or 'not installed'}: TensorBoard {tensorboard} needs its pkg_resources, gone since 82",
            "pip install 'setuptools<82'",
        )
    return Check("setuptools", "ok", version or "not installed, and not needed")


def _plugin() -> Check:
    names = {entry.name for entry in importlib.metadata.entry_points(group="tensorboard_plugins")}
    found = any("profile" in name or "xprof" in name for name in names)
    if found:
        return Check("profile plugin", "ok", "registered with TensorBoard")
    return Check(
        "profile plugin",
        "error",
        "not registered: TensorBoard has no Profile tab",
        "pip install --force-reinstall tensorboard-plugin-profile",
    )


def _folder(logdir: Path) -> Check:
    existing = _nearest(logdir)
    if not existing.is_dir():
        return Check("log folder", "error", f"{existing} is a file", "choose another --logdir")
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".doctor-"):
            pass
    except OSError as error:
        return Check("log folder", "error", f"{existing}: {error.strerror}", "choose a --logdir that you may write to")
    return Check("log folder", "ok", f"{logdir} can be written")


def _space(logdir: Path) -> Check:
    from tracer.text import byte_size

    free = shutil.disk_usage(_nearest(logdir)).free
    if free < _ENOUGH_BYTES:
        return Check(
            "space", "warning", f"{byte_size(free)} free", "trace-scenario prune --keep 3, or another --logdir"
        )
    return Check("space", "ok", f"{byte_size(free)} free")


def _gpu() -> Check:
    """Profiling a GPU may be kept for root: NVIDIA's `NVreg_RestrictProfilingToAdminUsers`."""
    driver = Path("/proc/driver/nvidia/params")
    if not driver.is_file():
        return Check("gpu", "ok", "none: runs are recorded on the CPU")
    with contextlib.suppress(OSError):
        restricted = "RmProfilingAdminOnly: 1" in driver.read_text()
        if restricted and hasattr(os, "geteuid") and os.geteuid() != 0:
            return Check(
                "gpu",
                "warning",
                "an NVIDIA GPU whose profiling is kept for root: kernels will be missing",
                "as root: modprobe nvidia NVreg_RestrictProfilingToAdminUsers=0, or grant CAP_SYS_ADMIN",
            )
    return Check("gpu", "ok", "an NVIDIA GPU that may be profiled")


def _port() -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", TENSORBOARD_PORT))
        except OSError:
            message = f"{TENSORBOARD_PORT} is taken, by another TensorBoard perhaps"
            return Check("port", "warning", message, "none needed: trace-scenario board takes a free one")
    return Check("port", "ok", f"{TENSORBOARD_PORT} is free")


def _old_files(logdir: Path) -> Iterator[Check]:
    try:
        runs = list_runs(logdir)
    except TracerError as error:
        yield Check("runs", "error", error.message, error.hint)
        return
    found = 0
    for run in runs:
        for message, remedy in _troubles(run):
            found += 1
            yield Check("runs", "warning", f"{run.parent.name}/{run.name}: {message}", remedy)
    if not found:
        yield Check("runs", "ok", f"{len(runs)} in {logdir}, none stale or empty")


def _troubles(run: Path) -> Iterator[tuple[str, str]]:
    remove = f"rm -r {run}"
    try:
        if status(read_header(run)) == "interrupted":
            yield (
                "interrupted: what was recorded up to then can be read",
                "trace-scenario prune --keep 3 removes old runs",
            )
    except Unreadable as error:
        yield error.message, remove
    patterns = (
        layout.EVENT_PREFIX + "*",
        f"{layout.RAW_EXPORT}/{layout.EVENT_PREFIX}*",
        f"{layout.PROFILES}/*/*.xplane.pb",
    )
    for pattern in patterns:
        for file in run.glob(pattern):
            if not file.stat().st_size:
                yield (
                    f"{file.relative_to(run)} is empty",
                    f"record it again, with fewer steps if it is a profile; {remove}",
                )


def _nearest(path: Path) -> Path:
    """Returns the path, or the nearest folder above it that exists."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _minor(version: str) -> tuple[int, int]:
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    major, minor, *_ = [*numbers, 0, 0]
    return major, minor
