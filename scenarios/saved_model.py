"""Modules saved with a serving signature, looked at as `saved_model_cli show` does, loaded again and called.

A loaded module has functions but no Python, so nothing can be traced anew: a call of `addprint` becomes a
`StatefulPartitionedCall` of the saved graph. Follow two of them down, and the box that the module had when it was
saved is still there, `demo_module` or `attribute_module`, with `AssignAddVariableOp` in it.
"""

import tempfile
from typing import Any

import tensorflow as tf
from tensorflow.python.tools import saved_model_cli  # what the command of that name runs

from scenarios.attribute_module import module_of_attributes
from scenarios.demo_module import DemoModule
from tracer import Call, scenario

SIGNATURE = "serving_default"


def saved_and_loaded(module: tf.Module) -> Any:
    """Returns `module` after a way through a SavedModel folder; prints the signature that the folder offers."""
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={SIGNATURE: module.addprint})
        print(f"{module.name}: saved_model_cli show --tag_set serve --signature_def {SIGNATURE}")
        saved_model_cli._show_inputs_outputs(folder, "serve", SIGNATURE)  # `show` itself wants parsed absl flags
        return tf.saved_model.load(folder)  # reads all of the folder, which may go now


def calls_of(loaded: Any, name: str, a: tf.Tensor) -> list[Call]:
    """Returns the two ways to call a loaded module: by its signature and by its method; `a` is a scalar."""

    @tf.function
    def call_addprint(a: tf.Tensor) -> tf.Tensor:
        return loaded.addprint(a)  # a loaded function does not keep its variables alive; this closure does

    return [
        Call(loaded.signatures[SIGNATURE], a=a).named(f"{name}, signature"),
        Call(call_addprint, a).named(f"{name}, method"),
    ]


@scenario(tags=("module", "saved_model", "book"))
def saved_model(*, init_value: float = 0.0, a: float = 5.0) -> list[Call]:
    """Both modules of the chapter, saved with a signature, loaded and called.

    What to look at: a signature takes tensors by name and returns a dictionary of them, as `saved_model_cli` lists
    them; its graph, `signature_wrapper`, is a call of `addprint`. The method keeps the Python signature.
    """
    modules = DemoModule(init_value, name="demo_module"), module_of_attributes(init_value, name="attribute_module")
    return [call for module in modules for call in calls_of(saved_and_loaded(module), module.name, tf.constant(a))]
