"""Fits of one Keras version with the callback, in one process, as starting TensorFlow takes seconds.

Run as `python -m tests.integration.keras_fits keras|tf_keras FOLDER`; prints one JSON object with what came out.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
import logging
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tracer
from tracer.keras import TraceCallback

keras: Any = importlib.import_module(sys.argv[1])
LOGS = Path(sys.argv[2]) / "logs"
X = np.random.default_rng(0).random((320, 16), dtype=np.float32)
Y = X.sum(axis=1, keepdims=True)
said: list[str] = []


class Said(logging.Handler):
    """Keeps what the callback logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line."""
        said.append(record.getMessage())


class Net(keras.Model):
    """A model with a `call` of its own."""

    def __init__(self) -> None:
        super().__init__(name="net")
        self.first = keras.layers.Dense(8, name="first")
        self.last = keras.layers.Dense(1, name="last")

    def call(self, x: Any) -> Any:
        """Returns `[batch, 1]`."""
        return self.last(self.first(x))


class Stops(keras.callbacks.Callback):
    """Ends the fit with its eighth batch."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """A batch has ended."""
        self.model.stop_training = batch >= 7


class Nested(keras.callbacks.Callback):
    """Predicts when an epoch ends, with the callback that records the fit."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """An epoch has ended."""
        self.model.predict(X[:64], verbose=0, callbacks=[self.inner])


def model(**options: Any) -> Any:
    """Returns a Sequential model, always with the same weights."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(8, name="hidden"), keras.layers.Dropout(0.5), keras.layers.Dense(1, name="out")]
    return compiled(keras.Sequential(layers, name="mlp"), **options)


def compiled(made: Any, **options: Any) -> Any:
    """Returns a model that can be fitted."""
    made.compile("adam", "mse", **options)
    return made


def functional() -> Any:
    """Returns a functional model."""
    inputs = keras.Input((16,))
    return compiled(keras.Model(inputs, keras.layers.Dense(1, name="out")(inputs), name="functional"))


def callback(**options: Any) -> TraceCallback:
    """Returns a callback that records into the log folder."""
    return TraceCallback(logdir=LOGS, **options)


def fit(made: Any, *others: Any, epochs: int = 3, x: Any = X, y: Any = Y, of: Any = None, **options: Any) -> str:
    """Fits a model with a callback of its own, and returns the run's folder."""
    recording = of or callback()
    made.fit(x, y, epochs=epochs, batch_size=16, verbose=0, callbacks=[recording, *others], **options)
    return recording.run.path if recording.run else ""


def same_with_and_without() -> bool:
    """Tells whether history and weights are the same with the callback and without."""
    results = []
    for callbacks in ([], [callback()]):
        made = model()
        history = made.fit(X, Y, epochs=3, batch_size=16, verbose=0, callbacks=callbacks, validation_split=0.2)
        results.append((history.history, [weight.tolist() for weight in made.get_weights()]))
    return results[0] == results[1]


def left(*others: Any, x: Any = X, y: Any = Y) -> tuple[str, str]:
    """Fits until something is raised, and returns the run and what was raised."""
    recording = callback()
    raised = ""
    try:
        model().fit(x, y, epochs=3, batch_size=16 if y is Y else None, verbose=0, callbacks=[recording, *others])
    except (ZeroDivisionError, KeyboardInterrupt, tf.errors.OpError) as error:
        raised = type(error).__name__
    assert recording.run
    return recording.run.path, raised


def divides(epoch: int, logs: Any = None) -> None:
    """Raises."""
    1 / 0  # noqa: B018


def ends_with(what: Callable[[], None]) -> tf.data.Dataset:
    """Returns a dataset that does something at its tenth batch: while TensorFlow runs, where most things go wrong."""

    def batches() -> Iterator[Any]:
        for number in range(20):
            if number == 10:
                what()
            yield X[:16], Y[:16]

    specs = (tf.TensorSpec((16, 16), tf.float32), tf.TensorSpec((16, 1), tf.float32))
    return tf.data.Dataset.from_generator(batches, output_signature=specs)


def several() -> list[str]:
    """Gives one callback to four calls, and returns their runs."""
    made, recording = model(), callback()
    runs = [fit(made, of=recording), fit(made, of=recording)]
    for run, data in ((made.evaluate, (X, Y)), (made.predict, (X,))):
        run(*data, batch_size=16, verbose=0, callbacks=[recording])
        assert recording.run
        runs.append(recording.run.path)
    return runs


def with_tensorboard() -> list[Any]:
    """Fits with Keras' own callback beside ours, and returns the run and how many profiles that one wrote."""
    folder = LOGS.parent / "tensorboard"
    run = fit(model(), keras.callbacks.TensorBoard(folder, profile_batch=(8, 12)), of=callback(every=10))
    return [run, len(list(folder.rglob("*.xplane.pb")))]


def inside_of_another() -> list[Any]:
    """Fits in a session, and returns the run, if there is one, and how the session ended."""
    recording = callback()
    with tracer.trace("outer", logdir=LOGS) as outer:
        run = fit(model(), of=recording)
    return [run, outer.status]


def unwritable() -> str:
    """Fits with a log folder that is a file, and returns the run, if there is one."""
    (LOGS.parent / "file").write_text("")
    return fit(model(), of=TraceCallback(logdir=LOGS.parent / "file"))


def copies() -> list[bool]:
    """Tells of a pickled and a deep copy whether they are as new, and record."""
    recording = callback(name="of_a_copy", steps=5)
    fit(model(), of=recording)
    made = [pickle.loads(pickle.dumps(recording)), copy.deepcopy(recording)]
    return [each.run is None and fit(model(), of=each).startswith(str(LOGS / "of_a_copy")) for each in made]


def mirrored() -> str:
    """Fits on two devices."""
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        made = model()
    return fit(made)


def unknown_length() -> str:
    """Fits on a dataset of which nobody knows how long it is."""
    data = tf.data.Dataset.from_tensor_slices((X[:128], Y[:128])).batch(16).filter(lambda x, y: True)
    recording = callback(steps=20)
    model().fit(data, epochs=2, verbose=0, callbacks=[recording])
    assert recording.run
    return recording.run.path


def after_one_that_was_left() -> list[str]:
    """Opens a session after a fit that was left, fits again, and returns how the first ended, and the run."""
    recording, made = callback(), model()
    with contextlib.suppress(ZeroDivisionError):
        fit(made, keras.callbacks.LambdaCallback(on_epoch_end=divides), of=recording)
    with tracer.trace("next", logdir=LOGS) as following:  # none of ours is open any more
        tf.function(lambda: tf.ones(3))()
    return [following.status, fit(made, of=recording)]


def main() -> None:
    """Makes all fits, and prints what came out."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    logging.getLogger("tracer.keras").addHandler(Said())
    logging.getLogger("tracer.keras").propagate = False
    recording = callback()
    found: dict[str, Any] = {
        "same": same_with_and_without(),
        "sequential": fit(model(), validation_split=0.2),
        "functional": fit(functional()),
        "subclassed": fit(compiled(Net())),
        "executions": fit(model(steps_per_execution=4), epochs=6),
        "eager": fit(model(run_eagerly=True)),
        "stopped": fit(model(), Stops()),
        "nested": fit(model(), Nested(recording), of=recording),
        "mirrored": mirrored(),
        "unknown_length": unknown_length(),
        "several": several(),
        "copies": copies(),
        "tensorboard": with_tensorboard(),
        "divided": left(keras.callbacks.LambdaCallback(on_epoch_end=divides)),
        "failed": left(x=ends_with(lambda: divides(0)), y=None),
        "interrupted": left(x=ends_with(lambda: os.kill(os.getpid(), signal.SIGINT)), y=None),
        "after": after_one_that_was_left(),
        "said_so_far": list(said),
        "inside": inside_of_another(),
        "unwritable": unwritable(),
        "said": said,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
