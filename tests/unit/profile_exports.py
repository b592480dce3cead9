"""Runs with small profiles, for the tests of their exports."""

from tests.helpers import graph, run, trace
from tests.profiles import host, plane, profile
from tracer.graph.lines import Frame, Lines
from tracer.recorded import ModuleScope, Source, Window

CALL = Frame("train.py", 9, "step")
LAYER = Frame("net.py", 3, "__call__")
TAPE = Frame("train.py", 12, "step")

# One thread ran a step twice: 10 and 30 ns of the product, 5 and 5 of its gradient, 7 of what nobody knows.
CALLED = "EagerLocalExecute: __inference_step_0 0-1000  FunctionRun{id=7} 1-2  ExecutorState::Process{id=7} 10-900"
EXECUTED = (
    "  net/mul:Mul 20-30  net/mul:Mul 40-70  gradient_tape/net/mul/Mul:Mul 80-85  gradient_tape/net/mul/Mul:Mul 90-95"
    "  elsewhere:Mul 100-107"
)
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


def timed(*traces, profiles=None, **facts):
    """Returns a run of these traces, by default of `recorded_step`, with these profiles by file."""
    found = profiles or {"vm.xplane.pb": profile(host(f"worker  {CALLED}{EXECUTED}"))}
    return run(
        *(traces or (recorded_step(),)),
        profiles=tuple(found),
        window=Window(steps=2, warmup=1, wall_ns=1000),
        _open_profile=found.__getitem__,
        _open_source=lambda file: Source(file, (), ""),
        **facts,
    )


def with_memory():
    """Returns a run with a step, and memory that was taken and given back in it."""
    events = (
        f"worker  train{{step_num=3,_r=1}} 100-900  {CALLED}  net/mul:Mul 200-300"
        "  MemoryAllocation{allocation_bytes=4096,addr=1,allocator_name=cpu,bytes_allocated=4096} 220-221"
        "  MemoryDeallocation{allocation_bytes=3072,addr=1,allocator_name=cpu,bytes_allocated=1024} 290-291"
    )
    return timed(profiles={"vm.xplane.pb": profile(host(events))})


def launched():
    """Returns a run in which a node launched a kernel on a GPU, which ran after the node."""
    events = f"worker  {CALLED}  net/mul:Mul 200-300  cuLaunchKernel{{correlation_id=5}} 210-220"
    stream = "stream 1  mul_kernel{correlation_id=5} 500-600"
    return timed(profiles={"vm.xplane.pb": profile(host(events), plane("/device:GPU:0", stream))})


def two_hosts():
    """Returns a run of two hosts."""
    events = host(f"worker  {CALLED}{EXECUTED}")
    return timed(profiles={name: profile(events, hosts=(name,)) for name in ("one", "two")})
