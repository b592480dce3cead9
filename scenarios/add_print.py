"""A tf.function over a variable, with an input signature that holds its callers to one dtype.

Whatever its callers pass, the function has one trace. In its graph `AssignAddVariableOp` adds the placeholder `a` to
the variable; one `ReadVariableOp` reads it for `StringFormat` and `PrintV2`, another for the result. No tensor flows
from the assignment to the two reads, and yet it must come first: look for the control edges that say so.
"""

import tensorflow as tf

from tracer import Call, scenario


@scenario(tags=("function", "book"), steps=1, warmup=0)
def add_print(*, init_value: float = 0.0, a: float = 5.0) -> list[Call]:
    """A tf.function that adds to a variable and refuses an int tensor.

    What to look at: the last call's error. The signature asks for float32, and TensorFlow converts a Python number to
    that, an int as well; what it does not do is cast a tensor that has a dtype of its own. So `addprint(5)` works, and
    `addprint(tf.constant(5))`, an int32 tensor, is a TypeError. Neither call traces the function again.
    """
    variable = tf.Variable(init_value, name="variable")

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="a")])
    def addprint(a: tf.Tensor) -> tf.Tensor:
        variable.assign_add(a)
        tf.print("variable =", variable)
        return variable.read_value()

    return [
        Call(addprint, tf.constant(a)).named("addprint(float32 tensor)"),
        Call(addprint, round(a)).named("addprint(Python int)"),
        Call(addprint, tf.constant(round(a))).raising(TypeError).named("addprint(int32 tensor)"),
    ]
