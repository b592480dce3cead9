"""A tf.Module whose method is a tf.function and works under the module's own name scope.

In the graph one box, `demo_module`, holds all that `addprint` does: `AssignAddVariableOp` adds to the variable, a
`ReadVariableOp` reads it back, `PrintV2` prints it. Outside the box stand only the argument `a`, the variable's handle
and the result. Without `with self.name_scope:` there would be no box: a method does not enter the scope by itself.
"""

import tensorflow as tf

from tracer import Call, scenario


class DemoModule(tf.Module):
    """Adds numbers to a variable and prints the sum."""

    def __init__(self, init_value: float, *, name: str | None = None) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.variable = tf.Variable(init_value, name="variable")

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="a")])
    def addprint(self, a: tf.Tensor) -> tf.Tensor:
        """Returns the variable's new value; `a` and the result are scalars."""
        with self.name_scope:
            self.variable.assign_add(a)
            tf.print("variable =", self.variable)
            return self.variable.read_value()


@scenario(tags=("module", "book"))
def demo_module(*, init_value: float = 0.0, a: float = 5.0) -> Call:
    """A tf.Module that wraps a variable and a tf.function.

    What to look at: the box `demo_module` with `AssignAddVariableOp` in it; the name is the module's.
    """
    module = DemoModule(init_value, name="demo_module")
    print("variables:", module.variables)
    print("trainable variables:", module.trainable_variables)
    print("submodules:", module.submodules)
    return Call(module.addprint, tf.constant(a))
