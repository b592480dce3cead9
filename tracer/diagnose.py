"""Is this machine able to record and to show? One check each, with one line of remedy. Imports no TensorFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import importlib.metadata
import os
import platform
import re
import shlex
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

# What distributes one package under several names: two of them overwrite each other's files.
_ALIASES = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tf-nightly", "tensorflow-macos", "tensorflow-intel"),
    "tensorboard": ("tensorboard", "tb-nightly"),
}
_PROFILE_PLUGINS = ("profile", "xprof")
_REQUIRERS = ("trace-scenario", "tensorflow", "tensorboard", "tensorboard-plugin-profile", "xprof", "tf_keras", "keras")
_CAP_SYS_ADMIN = 1 << 21  # linux/capability.h


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One thing that recording or showing needs."""

    name: str
    state: str  # "ok", "warning", "error"
    message: str
    remedy: str = ""


def diagnose(logdir: Path, *, port: int = TENSORBOARD_PORT) -> tuple[Check, ...]:
    """Returns every check, in the order in which one would mend things."""
    return (
        _python(),
        _package("tensorflow", missing="not installed: nothing can be recorded"),
        _package("tensorboard", missing="not installed: runs cannot be opened with board", like_tensorflow="same"),
        _package("tensorboard-plugin-profile", missing="not installed: no Profile tab", like_tensorflow="not older"),
        _package("keras", missing="not installed: no Keras model can be recorded"),
        _legacy_keras(),
        _package("protobuf", missing="not installed: no graph can be read"),
        _setuptools(),
        _plugin(),
        _folder(logdir),
        _space(logdir),
        _gpu(),
        _port(port),
        *_runs(logdir),
    )


def _python() -> Check:
    version = tuple(map(int, platform.python_version_tuple()[:2]))
    supported = _PYTHONS[0] <= version <= _PYTHONS[1]
    remedy = "" if supported else "use Python 3.10 to 3.13"
    return Check("python", "ok" if supported else "warning", platform.python_version(), remedy)


def _package(name: str, *, missing: str, like_tensorflow: str = "") -> Check:
    """Checks that a package is there, once, in a version that suits every other package that needs it."""
    found = [alias for alias in _ALIASES.get(name, (name,)) if _installed(alias)]
    if not found:
        return Check(name, "error", missing, f"pip install {name}")
    if len(found) > 1:
        message = f"{' and '.join(found)} are both installed and overwrite each other"
        return Check(name, "error", message, f"pip uninstall {' '.join(found)}; pip install {found[0]}")
    version = _installed(found[0])
    for requirer, wanted in _unmet(name, version):
        if requirer == "trace-scenario":
            return Check(
                name, "warning", f"{version} was not tested, {wanted} was", f"pip install '{found[0]}{wanted}'"
            )
        return Check(name, "error", f"{version}, but {requirer} needs {wanted}", f"pip install '{found[0]}{wanted}'")
    tensorflow = _version("tensorflow")
    if tensorflow and like_tensorflow and not _goes_with(version, tensorflow, like_tensorflow):
        wanted = f"{'>' if like_tensorflow == 'not older' else '='}={_text(_minor(tensorflow))}"
        wanted += ".*" if like_tensorflow == "same" else ""
        return Check(name, "warning", f"{version} beside TensorFlow {tensorflow}", f"pip install '{found[0]}{wanted}'")
    return Check(name, "ok", version)


def _goes_with(version: str, tensorflow: str, how: str) -> bool:
    mine, its = _minor(version), _minor(tensorflow)
    return mine == its if how == "same" else mine >= its


def _legacy_keras() -> Check:
    version, wanted = _version("tf_keras"), os.environ.get("TF_USE_LEGACY_KERAS", "") in ("1", "true", "True")
    if version is None and not wanted:
        return Check("tf_keras", "ok", "not installed: only the legacy Keras scenario needs it")
    missing = "not installed, but TF_USE_LEGACY_KERAS asks for it"
    return _package("tf_keras", missing=missing, like_tensorflow="same")


def _unmet(name: str, version: str) -> Iterator[tuple[str, str]]:
    """Yields who needs another version of a package, and which: `("tensorflow", ">=6.31.1,<8")`."""
    try:
        from packaging.requirements import InvalidRequirement, Requirement
        from packaging.utils import canonicalize_name
    except ImportError:  # it comes with TensorFlow and with TensorBoard: without both, there is more to mend first
        return
    for requirer in _REQUIRERS:
        for line in _requirements(requirer):
            with contextlib.suppress(InvalidRequirement):
                need = Requirement(line)
                applies = need.marker is None or need.marker.evaluate({"extra": ""})
                same = canonicalize_name(need.name) == canonicalize_name(name)
                if same and applies and not need.specifier.contains(version, prereleases=True):
                    yield requirer, str(need.specifier)


def _requirements(package: str) -> list[str]:
    try:
        return importlib.metadata.requires(package) or []
    except importlib.metadata.PackageNotFoundError:
        return []


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
    """The profile plugin has to be registered exactly once: TensorBoard does not start with two of one name."""
    entries = importlib.metadata.entry_points(group="tensorboard_plugins")
    owners = sorted({entry.dist.name if entry.dist else "?" for entry in entries if entry.name in _PROFILE_PLUGINS})
    reinstall = "pip install --force-reinstall tensorboard-plugin-profile"
    if not owners:
        return Check("profile plugin", "error", "not registered: TensorBoard has no Profile tab", reinstall)
    if len(owners) > 1:
        message = f"registered by {' and '.join(owners)}: TensorBoard refuses to start"
        return Check("profile plugin", "error", message, f"pip uninstall {' '.join(owners)}; {reinstall}")
    return Check("profile plugin", "ok", f"registered with TensorBoard by {owners[0]}")


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


def _gpu(root: Path = Path("/")) -> Check:
    """Profiling a GPU may be kept for root: NVIDIA's `NVreg_RestrictProfilingToAdminUsers`."""
    devices = sorted((root / "dev").glob("nvidia[0-9]*"))
    driver = root / "proc/driver/nvidia/params"
    if not devices and not driver.is_file() and not shutil.which("nvidia-smi"):
        return Check("gpu", "ok", "none: runs are recorded on the CPU")
    if not devices:
        message = "an NVIDIA driver, but no device in /dev: runs are recorded on the CPU"
        return Check("gpu", "warning", message, "nvidia-smi says why; in a container, start it with --gpus all")
    barred = [device.name for device in devices if not os.access(device, os.R_OK | os.W_OK)]
    if barred:
        message = f"/dev/{barred[0]} may not be opened: runs are recorded on the CPU"
        return Check("gpu", "warning", message, "have yourself added to its group: ls -l /dev/nvidia*")
    if _profiling_is_restricted(driver) and not _is_admin(root):
        return Check(
            "gpu",
            "warning",
            "an NVIDIA GPU whose profiling is kept for root: kernels will be missing",
            "as root: modprobe nvidia NVreg_RestrictProfilingToAdminUsers=0, or grant CAP_SYS_ADMIN",
        )
    return Check("gpu", "ok", "an NVIDIA GPU that may be profiled")


def _profiling_is_restricted(driver: Path) -> bool:
    with contextlib.suppress(OSError):  # the driver shows the option as RmProfilingAdminOnly
        return re.search(r"(ProfilingAdminOnly|RestrictProfilingToAdminUsers): *1\b", driver.read_text()) is not None
    return False


def _is_admin(root: Path) -> bool:
    """Tells whether the process has CAP_SYS_ADMIN; root in a container mostly has not."""
    with contextlib.suppress(OSError):
        capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)", (root / "proc/self/status").read_text(), re.MULTILINE)
        return capabilities is not None and bool(int(capabilities[1], 16) & _CAP_SYS_ADMIN)
    return False


def _port(port: int) -> Check:
    with socket.socket() as probe:
        if os.name == "posix":  # elsewhere it would let us take a port from its owner
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            message = f"{port} is taken, by another TensorBoard perhaps" if taken else f"{port}: {error}"
            return Check("port", "warning", message, "none needed: trace-scenario board takes a free one")
    return Check("port", "ok", f"{port} is free")


def _runs(logdir: Path) -> Iterator[Check]:
    """One check for each kind of trouble, with the names of the first runs that have it."""
    try:
        runs = list_runs(logdir)
    except TracerError as error:
        yield Check("runs", "error", error.message, error.hint)
        return
    troubles: dict[str, list[tuple[Path, str]]] = {}
    for run in runs:
        for kind, what in _troubles(run):
            troubles.setdefault(kind, []).append((run, what))
    for kind, remedy in _REMEDIES.items():
        found = troubles.get(kind, [])
        if found:
            shown = "; ".join(f"{run.parent.name}/{run.name}{what}" for run, what in found[:_SHOWN])
            more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            yield Check("runs", "warning", f"{kind}: {shown}{more}", remedy.format(path=shlex.quote(str(found[0][0]))))
    if not troubles:
        yield Check("runs", "ok", f"{len(runs)} in {logdir}, none stale or empty")


_SHOWN = 3  # runs named for each kind of trouble
_REMEDIES = {
    "cut off": "trace-scenario show {path} has what was recorded up to then; trace-scenario prune removes old runs",
    "empty files": "record again, with fewer --steps if it is a profile; the rest of the run can be read",
    "unreadable": "pip install --upgrade trace-scenario if it is newer, else rm -r {path}",
}


def _troubles(run: Path) -> Iterator[tuple[str, str]]:
    try:
        facts = read_header(run)
    except Unreadable as error:
        yield "unreadable", f" ({error.message})"
        return
    if status(facts) == "recording":
        return  # its files are still being written
    if facts.get("status") == "recording":
        yield "cut off", ""
    patterns = (
        layout.EVENT_PREFIX + "*",
        f"{layout.RAW_EXPORT}/{layout.EVENT_PREFIX}*",
        f"{layout.PROFILES}/*/*.xplane.pb",
    )
    for file in (file for pattern in patterns for file in sorted(run.glob(pattern))):
        with contextlib.suppress(OSError):
            if not file.stat().st_size:
                yield "empty files", f"/{file.relative_to(run).as_posix()}"


def _nearest(path: Path) -> Path:
    """Returns the path, or the nearest folder above it that exists."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _version(package: str) -> str | None:
    return next((version for name in _ALIASES.get(package, (package,)) if (version := _installed(name))), None)


def _installed(distribution: str) -> str:
    """Returns a distribution's version; nothing if it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _minor(version: str) -> tuple[int, int]:
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    major, minor, *_ = [*numbers, 0, 0]
    return major, minor


def _text(minor: tuple[int, int]) -> str:
    return ".".join(map(str, minor))
