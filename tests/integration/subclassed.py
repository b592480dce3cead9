"""Records a Keras model with a `call` of its own; prints the run's folder."""

import sys

import keras
import tensorflow as tf

import tracer


class Block(keras.layers.Layer):
    """Two layers around which its input goes, too."""

    def __init__(self, width: int) -> None:
        super().__init__(name="block")
        self.up = keras.layers.Dense(2 * width, name="up")
        self.down = keras.layers.Dense(width, name="down")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns its input and what became of it, added: `[batch, width]`."""
        return x + self.down(self.up(x))


class Towers(keras.Model):
    """A block, two towers with default names, and a layer behind both; one layer never runs."""

    def __init__(self) -> None:
        super().__init__(name="towers")
        self.block = Block(4)
        self.left = keras.layers.Dense(3, name="dense")
        self.right = keras.layers.Dense(3, name="dense_1")  # `dense_1` is also what a second call of `dense` is called
        self.idle = keras.layers.Dense(3, name="idle")
        self.last = keras.layers.Dense(2, name="last")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, 2]`."""
        x = self.block(x)
        return self.last(self.left(x) * self.right(x))


model = Towers()


@tf.function
def step(x: tf.Tensor) -> list[tf.Tensor]:
    """Returns the gradients: their nodes are no layers'."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(x))
    return tape.gradient(loss, model.last.trainable_variables)


step(tf.ones([5, 4]))  # makes the variables
with tracer.trace("subclassed", profile=False, logdir=sys.argv[1]) as run:
    tf.function(step.python_function)(tf.ones([5, 4]))
print(run.path)
