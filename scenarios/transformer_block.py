"""A transformer block in plain TensorFlow: multi-head attention, layer norm and MLP, each in its own box.

The picture has the shape of the paper's figure: `block` holds `norm_0`, `attention`, `norm_1` and `mlp`, and two loose
`add`s, which are the residual connections. In `attention` three einsums, `query`, `key` and `value`, meet in `scores`,
and `mix` and `output` follow.
"""

import tensorflow as tf

from tracer import Call, scenario


class Projection(tf.Module):
    """A linear map given as an einsum of the input and its weights, such as `bte,ehd->bthd`."""

    def __init__(self, equation: str, shape: tuple[int, ...], *, fan_in: int, name: str) -> None:
        super().__init__(name=name)
        self.equation = equation
        with self.name_scope:
            self.w = tf.Variable(tf.random.normal(shape, stddev=fan_in**-0.5), name="w")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the right-hand side of the equation."""
        return tf.einsum(self.equation, x, self.w)


class LayerNorm(tf.Module):
    """Brings the last axis to mean 0 and variance 1, then scales and shifts it."""

    def __init__(self, width: int, *, name: str) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.scale = tf.Variable(tf.ones([width]), name="scale")
            self.offset = tf.Variable(tf.zeros([width]), name="offset")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `x` normalised, `[batch, time, width]` both."""
        mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, self.offset, self.scale, 1e-6)


class Attention(tf.Module):
    """Multi-head self-attention."""

    def __init__(self, width: int, heads: int, *, name: str) -> None:
        super().__init__(name=name)
        size = width // heads
        with self.name_scope:
            self.query, self.key, self.value = (
                Projection("bte,ehd->bthd", (width, heads, size), fan_in=width, name=part)
                for part in ("query", "key", "value")
            )
            self.output = Projection("bthd,hde->bte", (heads, size, width), fan_in=width, name="output")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns each time as a mix of all times, `[batch, time, width]` both."""
        query, key, value = self.query(x), self.key(x), self.value(x)
        with tf.name_scope("scores"):  # [batch, heads, time, time]
            scores = tf.einsum("bqhd,bkhd->bhqk", query, key) * query.shape[-1] ** -0.5
            weights = tf.nn.softmax(scores)
        with tf.name_scope("mix"):
            mixed = tf.einsum("bhqk,bkhd->bqhd", weights, value)
        return self.output(mixed)


class Mlp(tf.Module):
    """Widens the last axis fourfold and comes back."""

    def __init__(self, width: int, *, name: str) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.up = Projection("bte,ef->btf", (width, 4 * width), fan_in=width, name="up")
            self.down = Projection("btf,fe->bte", (4 * width, width), fan_in=4 * width, name="down")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns each time mapped by itself, `[batch, time, width]` both."""
        return self.down(tf.nn.gelu(self.up(x)))


class Block(tf.Module):
    """Attention and an MLP, each with a norm before it and added to its input."""

    def __init__(self, width: int, heads: int, *, name: str) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.norm_0, self.norm_1 = LayerNorm(width, name="norm_0"), LayerNorm(width, name="norm_1")
            self.attention = Attention(width, heads, name="attention")
            self.mlp = Mlp(width, name="mlp")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the block's output, `[batch, time, width]` as `x`."""
        x += self.attention(self.norm_0(x))
        return x + self.mlp(self.norm_1(x))


@scenario(tags=("module",))
def transformer_block(*, width: int = 64, heads: int = 4, time: int = 16, batch_size: int = 2, seed: int = 0) -> Call:
    """One pre-norm transformer block with attention written in einsum.

    What to look at: each projection is a single `Einsum` that splits or joins the heads as it multiplies, so there is
    no reshape and no transpose. The one activation, `mlp/Gelu`, is more operations than the rest of the MLP.
    """
    tf.random.set_seed(seed)
    block = Block(width, heads, name="block")

    @tf.function
    def forward(x: tf.Tensor) -> tf.Tensor:
        return block(x)

    return Call(forward, tf.random.normal([batch_size, time, width]))
