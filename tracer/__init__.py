"""Records what a tf.function became, stage by stage, and where its time goes.

    with tracer.trace("my_experiment") as run:
        model(x)

    run = tracer.record(step, x, y, steps=20)
    run.functions["step"].traces[0].graph

    with tracer.step():                 in a loop of your own
        train(x, y)

    model.fit(x, y, callbacks=[tracer.keras.TraceCallback()])

Importing this imports no TensorFlow, and little else: a name is loaded when it is first asked for.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from tracer.version import __version__

if TYPE_CHECKING:
    from tracer.api import board, diff, doctor, export, lint, prune, retraces, run, runs, script, show
    from tracer.api import list_ as list  # noqa: A004  # the verb of the command `trace-scenario list`
    from tracer.capture.marks import step
    from tracer.capture.record import record
    from tracer.capture.session import trace
    from tracer.discover.declare import Call, Scenario, scenario

_HOMES = {
    "Call": ("tracer.discover.declare", "Call"),
    "Scenario": ("tracer.discover.declare", "Scenario"),
    "board": ("tracer.api", "board"),
    "diff": ("tracer.api", "diff"),
    "doctor": ("tracer.api", "doctor"),
    "export": ("tracer.api", "export"),
    "lint": ("tracer.api", "lint"),
    "lines": ("tracer.api", "lines"),
    "list": ("tracer.api", "list_"),
    "load_ipython_extension": ("tracer.magic", "load_ipython_extension"),
    "ops": ("tracer.api", "ops"),
    "prune": ("tracer.api", "prune"),
    "record": ("tracer.capture.record", "record"),
    "retraces": ("tracer.api", "retraces"),
    "run": ("tracer.api", "run"),
    "runs": ("tracer.api", "runs"),
    "scenario": ("tracer.discover.declare", "scenario"),
    "script": ("tracer.api", "script"),
    "show": ("tracer.api", "show"),
    "stacks": ("tracer.api", "stacks"),
    "step": ("tracer.capture.marks", "step"),
    "trace": ("tracer.capture.session", "trace"),
}

__all__ = [
    "Call",
    "Scenario",
    "__version__",
    "board",
    "diff",
    "doctor",
    "export",
    "lines",
    "lint",
    "list",
    "ops",
    "prune",
    "record",
    "retraces",
    "run",
    "runs",
    "scenario",
    "script",
    "show",
    "stacks",
    "step",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name == "keras":
        return importlib.import_module("tracer.keras")
    if name not in _HOMES:
        raise AttributeError(f"module 'tracer' has no attribute '{name}'")
    from tracer.collector import paused_collector

    module, attribute = _HOMES[name]
    with paused_collector():  # what an import makes stays: a look for garbage in all of TensorFlow takes longer than it
        return getattr(importlib.import_module(module), attribute)


def __dir__() -> Any:
    return sorted({*globals(), *_HOMES, "keras"})


def _show_in_ipython() -> None:
    """In a notebook, or IPython's terminal, has runs and reports show themselves. Elsewhere it does nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        importlib.import_module("tracer.display").register(shell)


_show_in_ipython()
