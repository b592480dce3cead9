"""A program as a user has it: `python -m benchmarks.program (loop|fit) --steps N`, alone or under `script`.

It times its own steps but the first ten, and prints what they took as JSON: the whole loop, with all that is done
between steps. What stands before and behind the loop is the fixed cost of recording, which the process's time has.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from benchmarks.inside import Growth

_SETTLING = 10  # steps that trace, instantiate, and are profiled in the first window


def loop(size: int) -> Callable[[], Any]:
    """Returns a step of a training loop: ten products of float32 [size, size], about 5 ms for 256, and an update."""
    weights = tf.Variable(tf.random.normal([size, size], stddev=0.01))

    @tf.function
    def train(x: tf.Tensor) -> tf.Tensor:
        for _ in range(10):
            x = tf.tanh(x @ weights)
        weights.assign_sub(1e-9 * x)
        return tf.reduce_sum(x)

    inputs = tf.random.normal([size, size])
    return lambda: train(inputs)


def timed(steps: Iterator[None]) -> tuple[float, int]:
    """Runs all steps, and returns the seconds and the bytes of growth of all but the first ten."""
    for _ in range(_SETTLING):
        next(steps)
    growth, begin = Growth(), time.perf_counter()
    for _ in steps:
        pass
    return time.perf_counter() - begin, growth.most()


def fit(count: int) -> tuple[float, int]:
    """Trains a Keras model for so many batches, of about 5 ms, and returns what `timed` does."""
    import keras
    import numpy as np

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        begin, growth = 0.0, None

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == _SETTLING:
                self.begin, self.growth = time.perf_counter(), Growth()

    layers = [keras.layers.Dense(512, activation="relu") for _ in range(4)]
    model = keras.Sequential([keras.Input([512]), *layers, keras.layers.Dense(1)])
    model.compile("adam", "mse")
    clock = Clock()
    x, y = np.ones([64 * count, 512], "float32"), np.ones([64 * count, 1], "float32")
    model.fit(x, y, batch_size=64, verbose=0, callbacks=[clock])
    assert clock.growth
    return time.perf_counter() - clock.begin, clock.growth.most()


def main() -> None:
    """Reads the command line, runs the steps once, and prints what they cost as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("loop", "fit"))
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--profiler", metavar="FOLDER", help="have TensorFlow's profiler on, from begin to end")
    given = parser.parse_args()
    if given.profiler:
        tf.profiler.experimental.start(given.profiler)
    if given.kind == "fit":
        seconds, grown = fit(given.steps)
    else:
        step = loop(given.size)

        def steps() -> Iterator[None]:
            for _ in range(given.steps):
                step()
                yield

        seconds, grown = timed(steps())
    if given.profiler:
        growth = Growth()
        tf.profiler.experimental.stop()
        grown += growth.most()
    print(json.dumps({"seconds": seconds, "bytes": grown}))


if __name__ == "__main__":
    main()
