"""Python inside a graph: two operations that call back into the interpreter.

`python/clipped` is a `PyFuncStateless`, which hands NumPy arrays to a function; `python/cubed` is an `EagerPyFunc`,
which hands it eager tensors and can be differentiated. TensorFlow sees neither function: no graph below the node, no
shape behind it, nothing to optimise, and no SavedModel that would run elsewhere.
"""

import numpy as np
import tensorflow as tf

from tracer import Call, scenario


def clipped(x: np.ndarray) -> np.ndarray:
    """Returns `x` between -1 and 1, by NumPy; any shape."""
    return np.clip(x, -1.0, 1.0)


def cubed(x: tf.Tensor) -> tf.Tensor:
    """Returns `x` cubed, by eager TensorFlow; any shape."""
    return x**3


@scenario(tags=("function",))
def py_function(*, size: int = 8) -> Call:
    """tf.numpy_function and tf.py_function between two ordinary operations.

    What to look at: `EnsureShape` gives back the shape that Python lost. Behind `cubed` it is lost again, and nobody
    gives it back, so `Sum` needs a `Rank` and a `Range` to find out at run time which axes there are.
    """

    @tf.function
    def call_python(x: tf.Tensor) -> tf.Tensor:
        with tf.name_scope("python"):
            small = tf.numpy_function(clipped, [2.0 * x], tf.float32, stateful=False, name="clipped")
            small = tf.ensure_shape(small, x.shape)
            return tf.reduce_sum(tf.py_function(cubed, [small], tf.float32, name="cubed"))

    return Call(call_python, tf.linspace(0.0, 1.0, size))
