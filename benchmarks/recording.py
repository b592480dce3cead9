"""The process that a recording is timed in: `python -m benchmarks.recording (small|mobilenet) (ours|theirs) FOLDER`.

Both build the same model and call it once. What differs is what records the call: a `with` block of ours, or the
listing that is copied from TensorBoard's documentation. `ours` also makes what the listing does not: clean tags, a
folder for each function, the optimised graphs, and a read of everything that was written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import tensorflow as tf


def small() -> Callable[[], Any]:
    """Returns a call of a module with two dense layers, [8, 16] -> [8, 4]."""

    class Small(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = tf.Variable(tf.random.normal([16, 32]))
            self.second = tf.Variable(tf.random.normal([32, 4]))

        @tf.function
        def __call__(self, x: tf.Tensor) -> tf.Tensor:
            return tf.nn.relu(x @ self.first) @ self.second

    module = Small()
    inputs = tf.ones([8, 16])
    return lambda: module(inputs)


def mobilenet() -> Callable[[], Any]:
    """Returns a call of a Keras MobileNetV2 with random weights, [1, 96, 96, 3] -> [1, 1000]."""
    model = tf.keras.applications.MobileNetV2(input_shape=(96, 96, 3), alpha=0.35, weights=None)
    inputs = tf.ones([1, 96, 96, 3])

    @tf.function
    def infer(x: tf.Tensor) -> tf.Tensor:
        return model(x, training=False)

    return lambda: infer(inputs)


def eager() -> Callable[[], Any]:
    """Returns ten ops that Python runs one by one, on a float32 [8, 8]: the profiler sees each, however cheap."""
    start = tf.ones([8, 8])

    def step() -> tf.Tensor:
        x = start
        for _ in range(5):
            x = tf.tanh(x @ start)
        return x

    return step


MODELS: dict[str, Callable[[], Callable[[], Any]]] = {"small": small, "mobilenet": mobilenet, "eager": eager}


def ours(call: Callable[[], Any], folder: str, *, profile: bool) -> None:
    """Records with `tracer.trace`."""
    import tracer

    with tracer.trace("bench", logdir=folder, profile=profile):
        call()


def theirs(call: Callable[[], Any], folder: str, *, profile: bool) -> None:
    """Records with the bare listing."""
    writer = tf.summary.create_file_writer(folder)
    if profile:
        tf.summary.trace_on(graph=True, profiler=True, profiler_outdir=folder)
    else:
        tf.summary.trace_on(graph=True)
    call()
    with writer.as_default():
        tf.summary.trace_export("bench", step=0)


def main() -> None:
    """Reads the command line, and records once."""
    parser = argparse.ArgumentParser()
    recorders = {"ours": ours, "theirs": theirs}
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("recorder", choices=recorders)
    parser.add_argument("folder")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    recorders[given.recorder](MODELS[given.model](), given.folder, profile=given.profile)


if __name__ == "__main__":
    main()
