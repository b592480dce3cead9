"""No tf.function at all: operations that run one by one, as Python meets them, and leave no graph.

What to look at is what is missing: no function was traced, so there are no scopes and no graph to draw, and the
recorder says that the call was pure eager. The profile still has the operations. The cure is one line, `@tf.function`.
"""

import tensorflow as tf

from tracer import Call, scenario


@scenario(tags=("eager",))
def eager_only(*, size: int = 32, iterations: int = 10, seed: int = 0) -> Call:
    """Power iteration in eager TensorFlow: nothing is traced.

    What to look at: that there is no graph, and what the recorder says about it.
    """

    def largest_eigenvalue(matrix: tf.Tensor) -> tf.Tensor:
        vector = tf.ones([size, 1])
        for _ in range(iterations):
            vector = matrix @ vector
            vector /= tf.norm(vector)
        return tf.norm(matrix @ vector)

    root = tf.random.stateless_normal([size, size], seed=[seed, seed])
    return Call(largest_eigenvalue, root @ tf.transpose(root))
