"""Python's `for`, `if` and `while` over tensors, which AutoGraph turns into While and If operations.

The traced graph has one of them, `newton/while`, and the rest is folded into functions: the loop's body has the branch,
`newton/while/cond`, whose else-side has the inner loop, `newton/while/cond/while`. All three carry the module's name,
so once the functions are unfolded the loops belong in its box. The types are `StatelessWhile` and `StatelessIf`, for
nothing in them has side effects.
"""

import tensorflow as tf

from tracer import Call, scenario


class Newton(tf.Module):
    """Square roots by Newton's method, one number at a time."""

    def __init__(self, tolerance: float, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.tolerance = tolerance

    @tf.Module.with_name_scope
    def __call__(self, numbers: tf.Tensor) -> tf.Tensor:
        """Returns the roots of `numbers`, both `[count]`; NaN where there is none."""
        roots = tf.TensorArray(tf.float32, size=tf.size(numbers))
        for i in tf.range(tf.size(numbers)):
            number = numbers[i]
            if number < 0.0:
                root = float("nan")
            else:
                root = 1.0 + number
                while root * root - number > self.tolerance * (1.0 + number):
                    root = 0.5 * (root + number / root)
            roots = roots.write(i, root)
        return roots.stack()


@scenario(tags=("autograph", "module"))
def control_flow(*, numbers: tuple[float, ...] = (-1.0, 2.0, 9.0), tolerance: float = 1e-5) -> Call:
    """A loop over numbers with a branch and a second loop in it, inside a module's name scope.

    What to look at: the way down from `newton/while`, and the arithmetic that AutoGraph adds before it: it wants to
    know the number of turns, so `range` comes with a small division of its own.
    """
    newton = Newton(tolerance, name="newton")

    @tf.function
    def square_roots(numbers: tf.Tensor) -> tf.Tensor:
        return newton(numbers)

    return Call(square_roots, tf.constant(numbers))
