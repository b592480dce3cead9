"""Calls in a branch in a loop and in a choice of three, and the gradient of all that."""

import tensorflow as tf

from tracer import Call, scenario


@tf.function
def scaled(x, by):
    """Returns two tensors, so that which one is read matters."""
    return x * by, x + by


@tf.function
def step(x, flag):
    """Returns a gradient and a loss."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.zeros([])
        for _ in tf.range(3):
            if flag:
                product, total_of_both = scaled(x, 2.0)
                x = product + tf.reduce_sum(total_of_both)
            else:
                x = x * x
            total += tf.reduce_sum(x)
        chosen = tf.cast(total, tf.int32) % 3
        x = tf.switch_case(chosen, [lambda: scaled(x, 3.0)[1], lambda: x, lambda: x - 1.0])
        loss = tf.reduce_sum(x) + total
    return tape.gradient(loss, x), loss


@scenario
def nested_calls() -> Call:
    """A loop with a branch that calls a function, a choice that calls it too, and their gradients."""
    return Call(step, tf.ones([4]), tf.constant(True))
