"""Two siblings of one class inside a parent module, and why they end up in one box.

A `tf.Module` takes its scope's name from its class and from the scope it was made in, and does not make it unique. So
two `Linear`s made inside `Pair` are both `pair/linear`, and the box holds two products that belong to two modules.
"""

import tensorflow as tf

from tracer import Call, scenario


class Linear(tf.Module):
    """Multiplies by a square matrix."""

    def __init__(self, width: int, *, name: str | None = None) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.w = tf.Variable(tf.eye(width), name="w")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the product, `[batch, width]` as `x`."""
        return x @ self.w


class Pair(tf.Module):
    """Two linear modules in a row."""

    def __init__(self, width: int, names: tuple[str | None, str | None], *, name: str | None = None) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.first, self.second = (Linear(width, name=child) for child in names)

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns what comes out of the second one, `[batch, width]` as `x`."""
        return self.second(tf.nn.relu(self.first(x)))


@scenario(tags=("module",))
def nested_modules(*, distinct: bool = False, width: int = 4, batch_size: int = 2) -> Call:
    """Two siblings of one class in one parent: one box, unless they have names of their own.

    What to look at: `pair/linear` with `matmul` and `matmul_1`. With `-p distinct=true` the siblings are named, and the
    boxes are `pair/first` and `pair/second`, each with a `matmul`.
    """
    pair = Pair(width, ("first", "second") if distinct else (None, None), name="pair")
    print("scopes of the submodules:", *(module.name_scope.name for module in pair.submodules))

    @tf.function
    def forward(x: tf.Tensor) -> tf.Tensor:
        return pair(x)

    return Call(forward, tf.ones([batch_size, width]))
