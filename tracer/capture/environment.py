"""Where a run was recorded: versions, machine, devices."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from tracer.version import __version__

_PACKAGES = ("keras", "tf_keras", "tensorboard", "tensorboard-plugin-profile", "numpy")


# What TensorFlow says at every start, on every machine, of itself.
_START_UP_NOISE = (
    "WARNING: All log messages before absl::InitializeLog()",
    "oneDNN custom operations are on",
    "cudart_stub.cc",
    "Could not find cuda drivers",
    "This TensorFlow binary is optimized to use available CPU instructions",
    "To enable the following instructions",
    "computation_placer.cc",
    "Unable to register cu",
    "failed call to cuInit",
)


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Keeps back what TensorFlow says at every start while the block imports it; anything else is passed on behind it.

    It is also asked to log errors only, unless the user has asked for something.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "tensorflow" in sys.modules:
        yield
        return
    sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
            if "tensorflow" in sys.modules:
                sys.modules["tensorflow"].config.list_physical_devices()  # which looks for a GPU, aloud
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").splitlines(keepends=True)
            sys.stderr.write("".join(line for line in lines if not any(noise in line for noise in _START_UP_NOISE)))


def facts() -> dict[str, Any]:
    """Returns the command line, versions and the host, for `run.json`."""
    return {"command": sys.argv, "versions": versions(), "host": host()}


def versions() -> dict[str, str]:
    """Returns the versions of Python, TensorFlow and what belongs to it; imports none of them."""
    found = {"trace-scenario": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    if "tensorflow" in sys.modules:
        found["tensorflow"] = sys.modules["tensorflow"].__version__
    return found


def host() -> dict[str, Any]:
    """Returns the machine; with its devices if TensorFlow is imported, which looks for them then if nobody did."""
    found: dict[str, Any] = {
        "name": socket.gethostname(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
    }
    if "tensorflow" in sys.modules:
        found["devices"] = [device.name for device in sys.modules["tensorflow"].config.list_physical_devices()]
    return found
