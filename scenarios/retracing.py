"""One function, traced again and again: what makes a call new to TensorFlow, and what does not.

TensorFlow keeps a trace for each kind of arguments. For a tensor the kind is its dtype and shape; for a Python value it
is the value. So a number that changes costs a trace each time, and the same number as a tensor costs one for good.
"""

import tensorflow as tf

from tracer import Call, scenario


@scenario(tags=("function", "retracing"), steps=1, warmup=0)
def retracing(*, width: int = 3) -> list[Call]:
    """Calls of one tf.function, each of which changes one thing about its arguments.

    What to look at: the names of the calls say what changed; two of them cost no trace. All graphs have the factor as a
    constant, except the last, which has it as the placeholder `factor`.
    """

    @tf.function
    def scale(x: tf.Tensor, factor: int | tf.Tensor) -> tf.Tensor:
        with tf.name_scope("scale"):
            return x * tf.cast(factor, x.dtype)

    row = tf.ones([1, width])
    return [
        Call(scale, row, 2).named("first call"),
        Call(scale, 2.0 * row, 2).named("other values, no trace"),
        Call(scale, row, 3).named("other Python number"),
        Call(scale, tf.ones([2, width]), 3).named("other shape"),
        Call(scale, tf.ones([width]), 3).named("other rank"),
        Call(scale, tf.cast(row, tf.float64), 3).named("other dtype"),
        Call(scale, row, tf.constant(2)).named("tensor for the number"),
        Call(scale, row, tf.constant(3)).named("other tensor, no trace"),
    ]
