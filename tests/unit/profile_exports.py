"""Runs with small profiles, for the tests of their exports."""

from tests.helpers import run
from tests.profiles import host, plane, profile
from tests.timed import CALLED, EXECUTED, recorded_step
from tracer.recorded import Source, Window


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
