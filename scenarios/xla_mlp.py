"""An MLP that XLA compiles as a whole: the graph is TensorFlow's, what runs is not.

The traced graph is the usual one, `mlp` with a `matmul` and an `add` for each layer. XLA turns it into HLO, where each
instruction still says which node it came from (`op_name="mlp/linear_0/matmul"`), and fuses what it can: compare the
stages `hlo` and `optimized_hlo`.
"""

import tensorflow as tf

from scenarios.train_step import Mlp
from tracer import Call, scenario


@scenario(tags=("module", "xla"))
def xla_mlp(*, width: int = 64, layers: int = 3, batch_size: int = 32, seed: int = 0) -> Call:
    """A small tf.Module MLP in a tf.function with `jit_compile=True`.

    What to look at: in `optimized_hlo` on a CPU a hidden layer is a `dot` and one fusion for bias and ReLU. The bias is
    from `mlp/linear_0`, the ReLU from `mlp`, and the fusion bears only the ReLU's name.
    """
    tf.random.set_seed(seed)
    mlp = Mlp([width] * (layers + 1), name="mlp")

    @tf.function(jit_compile=True)
    def forward(x: tf.Tensor) -> tf.Tensor:
        return mlp(x)

    return Call(forward, tf.random.normal([batch_size, width]))
