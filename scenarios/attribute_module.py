"""A plain tf.Module that becomes one with a variable and a function by being given them as attributes.

The graph is that of `demo_module`, in a box named `attribute_module`: for TensorFlow a module is whatever hangs on it,
and it finds variables, submodules and functions by walking the attributes. No subclass is needed, also for saving.
"""

import tensorflow as tf

from tracer import Call, scenario


def module_of_attributes(init_value: float, *, name: str) -> tf.Module:
    """Returns a tf.Module with a `variable` and with an `addprint` that adds a scalar to it."""
    module = tf.Module(name=name)
    with module.name_scope:
        module.variable = tf.Variable(init_value, name="variable")

    @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="a")])
    def addprint(a: tf.Tensor) -> tf.Tensor:
        with module.name_scope:
            module.variable.assign_add(a)
            tf.print("variable =", module.variable)
            return module.variable.read_value()

    module.addprint = addprint
    return module


@scenario(tags=("module", "book"))
def attribute_module(*, init_value: float = 0.0, a: float = 5.0) -> Call:
    """A plain tf.Module that is given a variable and a tf.function as attributes.

    What to look at: the box `attribute_module` is there because `addprint` enters the module's name scope itself;
    being its attribute would not do.
    """
    module = module_of_attributes(init_value, name="attribute_module")
    print("variables:", module.variables)
    print("trainable variables:", module.trainable_variables)
    print("submodules:", module.submodules)
    return Call(module.addprint, tf.constant(a))
