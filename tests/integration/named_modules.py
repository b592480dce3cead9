"""Records modules and layers in each other, called twice, and shared; prints the run's folder."""

import sys

import keras
import tensorflow as tf

import tracer


class Linear(tf.Module):
    """A map that opens its scope."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.w = tf.Variable(tf.ones([4, 4]), name="w")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, 4]`."""
        return x @ self.w


class Net(tf.Module):
    """A module that opens no scope, and holds a module, Keras layers, and two modules of one name."""

    def __init__(self) -> None:
        super().__init__(name="net")
        self.first, self.second = Linear("pair"), Linear("pair")
        self.alone = Linear("alone")
        self.head = keras.layers.Dense(4, name="head")
        self.cells = [keras.layers.RNN(keras.layers.GRUCell(4, name="cell"), name="loop")]

    @tf.function
    def step(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, 4]`."""
        x = self.head(self.head(self.alone(self.second(self.first(x)))))
        return self.cells[0](x[:, None]) + 1.0


class Holder(keras.layers.Layer):
    """A layer with a module in it."""

    def __init__(self) -> None:
        super().__init__(name="holder")
        self.inner = Linear("inner")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, 4]`."""
        return self.inner(x) * 2.0


tower = keras.Sequential([keras.Input([4]), keras.layers.Dense(4, name="a"), keras.layers.ReLU(name="b")], name="tower")
left, right = keras.Input([4]), keras.Input([4])
siamese = keras.Model([left, right], keras.layers.Subtract(name="less")([tower(left), tower(right)]), name="siamese")
net, holder, optimizer = Net(), Holder(), keras.optimizers.Adam(name="adam")
optimizer.build(siamese.trainable_variables)
net.head(tf.ones([2, 4]))
net.cells[0](tf.ones([2, 1, 4]))


@tf.function
def train(x: tf.Tensor) -> tf.Tensor:
    """Returns the loss."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(siamese([x, holder(net.step(x))]))
    optimizer.apply(tape.gradient(loss, siamese.trainable_variables), siamese.trainable_variables)
    return loss


with tracer.trace("named_modules", profile=False, logdir=sys.argv[1]) as run:
    train(tf.ones([2, 4]))
print(run.path)
