"""Keras' own training loop: `model.fit` makes the functions that no line of yours defines.

Look for `one_step_on_data`, which is the training step: `regression_1` forward, `compile_loss`, `gradient_tape` back,
`adam` the update. It is called, as a `StatefulPartitionedCall` after `IteratorGetNext`, by `multi_step_on_iterator`,
which is what `fit` runs for each batch. The functions named `Dataset_...` turn the arrays into shuffled batches.
"""

import keras

from tracer import Call, scenario


@scenario(tags=("keras", "training"), steps=1, warmup=0)
def keras_fit(*, samples: int = 256, batch_size: int = 32, width: int = 16, epochs: int = 2, seed: int = 0) -> Call:
    """A model trained with `model.fit`.

    What to look at: `one_step_on_data` is traced twice before the first step. Adam has no variables until it sees
    gradients, so the first trace only makes them (`initialize_variables` sets them), and the second one runs.
    """
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input([width]),
            keras.layers.Dense(width, activation="relu", name="hidden"),
            keras.layers.Dense(1, name="output"),
        ],
        name="regression",
    )
    model.compile(optimizer=keras.optimizers.Adam(), loss="mse")
    x = keras.random.normal([samples, width], seed=seed)
    y = keras.ops.sum(x, axis=1, keepdims=True)
    return Call(model.fit, x, y, batch_size=batch_size, epochs=epochs, verbose=2).named("model.fit")
