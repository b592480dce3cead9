"""A run whose time is known: a step that ran twice, typed."""

from tests.helpers import graph, run, trace
from tests.profiles import host, profile
from tracer.graph.lines import Frame, Lines
from tracer.recorded import ModuleScope, Source, Window

CALL = Frame("train.py", 9, "step")
LAYER = Frame("net.py", 3, "__call__")
TAPE = Frame("train.py", 12, "step")
SOURCES = {
    "train.py": ("",) * 8 + ("    y = net(x)", "", "", "    tape.gradient(y, x)"),
    "net.py": ("", "", "    return x @ w"),
}

# One thread ran a step twice: 10 and 30 ns of the product, 5 and 5 of its gradient, 7 of what nobody knows.
CALLED = "EagerLocalExecute: __inference_step_0 0-1000  FunctionRun{id=7} 1-2  ExecutorState::Process{id=7} 10-900"
EXECUTED = (
    "  net/mul:Mul 20-30  net/mul:Mul 40-70  gradient_tape/net/mul/Mul:Mul 80-85  gradient_tape/net/mul/Mul:Mul 90-95"
    "  elsewhere:Mul 100-107"
)
EVENTS = f"worker  {CALLED}{EXECUTED}"
NODES = "x:Placeholder=float32[2]  net/mul:Mul=float32[2]<-x  gradient_tape/net/mul/Mul:Mul=float32[2]<-net/mul"


def recorded_step(**facts):
    """Returns the trace that the events are of."""
    lines = Lines((CALL, LAYER, TAPE), ((0, 1), (2,)), {"": {"net/mul": 0, "gradient_tape/net/mul/Mul": 1}})
    defaults = {
        "graphs": {"traced": graph(NODES)},
        "lines": lines,
        "modules": (ModuleScope("net", "net", "Net", "module"),),
    }
    return trace("step", **{**defaults, **facts})


def timed(*traces, events=EVENTS, **facts):
    """Returns a run of these traces whose profile has these events."""
    return run(
        *(traces or (recorded_step(),)),
        profiles=("vm.xplane.pb",),
        window=Window(steps=2, warmup=1, wall_ns=1000),
        _open_profile=lambda _: profile(host(events)),
        _open_source=lambda file: Source(file, SOURCES.get(file, ()), ""),
        **facts,
    )
