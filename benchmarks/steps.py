"""The process that profiled steps are made in: `python -m benchmarks.steps (small|mobilenet) (ours|theirs) FOLDER`.

Both build the same model and run the same steps, some to warm up and the others with the profiler on, each marked. What
differs is who does it: `tracer.record`, or a loop between `tf.profiler.experimental.start` and `stop`. `ours` also
makes what the loop does not: a pass of the same steps without the profiler, a step for which functions are instantiated
again, the graphs, and a read of everything that was written.

It prints the median time of a profiled step; with `--memory` the time of all, and by how much the process grew at most.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from benchmarks.inside import Growth
from benchmarks.recording import MODELS

Steps = Callable[[Callable[[], Any], str, int, int], list[int]]


def ours(call: Callable[[], Any], folder: str, warmup: int, steps: int) -> list[int]:
    """Records with `tracer.record`; returns the times of the profiled steps, in nanoseconds."""
    import tracer

    window = tracer.record(call, name="bench", logdir=folder, warmup=warmup, steps=steps).window
    assert window
    return list(window.step_ns)


def theirs(call: Callable[[], Any], folder: str, warmup: int, steps: int) -> list[int]:
    """Profiles with TensorFlow's profiler alone; returns the times of the profiled steps, in nanoseconds."""
    times = []
    for _ in range(warmup):
        call()
    tf.profiler.experimental.start(folder)
    for number in range(steps):
        begin = time.perf_counter_ns()
        with tf.profiler.experimental.Trace("step", step_num=number, _r=1):
            call()
        times.append(time.perf_counter_ns() - begin)
    tf.profiler.experimental.stop()
    return times


def main() -> None:
    """Reads the command line, runs the steps once, and prints what they cost as JSON."""
    recorders: dict[str, Steps] = {"ours": ours, "theirs": theirs}
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("recorder", choices=recorders)
    parser.add_argument("folder")
    parser.add_argument("--warmup", type=int, default=0)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    call = MODELS[given.model]()
    if given.memory:
        call()  # what the model itself takes at its first call is neither's
    growth = Growth()
    begin = time.perf_counter()
    times = recorders[given.recorder](call, given.folder, given.warmup, given.steps)
    whole = time.perf_counter() - begin
    if given.memory:
        print(json.dumps({"seconds": whole, "bytes": growth.most()}))
    else:
        print(json.dumps({"seconds": statistics.median(times) / 1e9}))


if __name__ == "__main__":
    main()
