"""Where a run was recorded: versions, machine, devices."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import socket
import sys
from typing import Any

from tracer.version import __version__

_PACKAGES = ("keras", "tf_keras", "tensorboard", "tensorboard-plugin-profile", "numpy")


def facts() -> dict[str, Any]:
    """Returns versions, host, devices and the command line, for `run.json`."""
    import tensorflow as tf

    versions = {"trace-scenario": __version__, "python": platform.python_version(), "tensorflow": tf.__version__}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "command": sys.argv,
        "versions": versions,
        "host": {
            "name": socket.gethostname(),
            "system": platform.platform(),
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "devices": [device.name for device in tf.config.list_logical_devices()],
        },
    }
