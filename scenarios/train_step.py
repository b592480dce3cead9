"""One step of training: forward pass, gradients and optimizer, written with nothing but TensorFlow.

Four boxes tell the step's story: `mlp` is the forward pass, `loss` what it is measured by, `gradient_tape` the way
back, and `momentum` the update. The tape mirrors the forward pass: `gradient_tape/mlp/linear_1` has the two products
that belong to the one in `mlp/linear_1`, one for the weights and one for the layer below.
"""

import itertools
from collections.abc import Sequence

import tensorflow as tf

from tracer import Call, scenario


class Linear(tf.Module):
    """An affine map."""

    def __init__(self, inputs: int, outputs: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.w = tf.Variable(tf.random.normal([inputs, outputs], stddev=inputs**-0.5), name="w")
            self.b = tf.Variable(tf.zeros([outputs]), name="b")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, outputs]` for `x`, `[batch, inputs]`."""
        return x @ self.w + self.b


class Mlp(tf.Module):
    """Linear layers with a ReLU after each but the last."""

    def __init__(self, widths: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.layers = [
                Linear(inputs, outputs, name=f"linear_{i}")
                for i, (inputs, outputs) in enumerate(itertools.pairwise(widths))
            ]

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, widths[-1]]` for `x`, `[batch, widths[0]]`."""
        *hidden, last = self.layers
        for layer in hidden:
            x = tf.nn.relu(layer(x))
        return last(x)


def scope_of(variable: tf.Variable) -> str:
    """Returns a variable's name without the number of its output: `mlp/linear_0/w` of `mlp/linear_0/w:0`."""
    return variable.name.partition(":")[0]


class Momentum(tf.Module):
    """Gradient descent with momentum; one velocity a variable."""

    def __init__(self, variables: Sequence[tf.Variable], *, rate: float, decay: float = 0.9) -> None:
        super().__init__(name="momentum")
        self.targets = variables
        self.rate, self.decay = rate, decay
        with self.name_scope:
            self.velocities = [
                tf.Variable(tf.zeros_like(variable), trainable=False, name=scope_of(variable)) for variable in variables
            ]

    @tf.Module.with_name_scope
    def apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """Moves each variable down its gradient."""
        for variable, velocity, gradient in zip(self.targets, self.velocities, gradients, strict=True):
            with tf.name_scope(scope_of(variable)):
                variable.assign_sub(self.rate * velocity.assign(self.decay * velocity + gradient))


@scenario(tags=("module", "training"))
def train_step(*, width: int = 64, batch_size: int = 32, rate: float = 0.05, seed: int = 0) -> Call:
    """A GradientTape and an optimizer around a small tf.Module.

    What to look at: `gradient_tape/mlp/linear_0` has one `MatMul` where the other layers have two, as nobody asks for
    the gradient of the input. Each variable has its own box in `momentum`, named like the variable.
    """
    tf.random.set_seed(seed)
    mlp = Mlp([width, width, width, 1], name="mlp")
    optimizer = Momentum(mlp.trainable_variables, rate=rate)

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            prediction = mlp(x)
            with tf.name_scope("loss"):
                loss = tf.reduce_mean(tf.square(prediction - y))
        optimizer.apply(tape.gradient(loss, mlp.trainable_variables))
        return loss

    x = tf.random.normal([batch_size, width])
    return Call(step, x, tf.reduce_sum(x, axis=1, keepdims=True))
