"""A Keras Sequential model of three Dense layers: what it is made of, and what it has to do with tf.Module.

One file, two scenarios: the chapter was written when Keras layers were `tf.Module`s. In `tf_keras` they still are;
in Keras 3, which `tf.keras` has been since TensorFlow 2.16, they are not, and the printed answers say so.
In both graphs each layer is a box with a `MatMul`. `tf_keras` names them `sequential/dense_0` and so on; Keras 3 opens
every layer's scope twice, to build and to call, and TensorFlow makes the second unique: `sequential_1/dense_0_1`.
"""

from types import ModuleType
from typing import Any

import tensorflow as tf

from tracer import Call, scenario
from tracer.errors import NotFound


def sequential(keras: ModuleType, *, inputs: int, seed: int) -> Any:
    """Returns Dense layers of 4, 2 and 1 units on `[batch, inputs]`; `keras` is Keras 3 or tf_keras."""
    keras.utils.set_random_seed(seed)
    dense = [keras.layers.Dense(units, name=f"dense_{i}") for i, units in enumerate((4, 2, 1))]
    return keras.Sequential([keras.Input([inputs]), *dense], name="sequential")


def describe(keras: ModuleType, model: Any) -> None:
    """Prints what the chapter reads off the model, then freezes layer 0 and prints what stays trainable."""
    model.summary()
    print("layers:", *(layer.name for layer in model.layers))
    print("variables:", *(f"{variable.name}{variable.shape}" for variable in model.variables))
    model.layers[0].trainable = False
    frozen = len(model.variables) - len(model.trainable_variables)
    print(f"layer 0 frozen: {frozen} variables are, {len(model.trainable_variables)} stay trainable")
    for kind in (keras.layers.Layer, keras.Model, keras.Sequential):
        print(f"issubclass({kind.__name__}, tf.Module) = {issubclass(kind, tf.Module)}")
    holder = tf.Module()
    holder.model = model
    print(f"a tf.Module that holds the model finds {len(holder.variables)} of its {len(model.variables)} variables")


def prediction(model: Any, *, inputs: int, batch_size: int) -> Call:
    """Returns a call of `model` on ones of `[batch_size, inputs]`, in a tf.function so that there is a graph."""

    @tf.function
    def predict(x: tf.Tensor) -> tf.Tensor:
        return model(x)

    return Call(predict, tf.ones([batch_size, inputs]))


@scenario(tags=("keras", "book"))
def keras_sequential(*, inputs: int = 10, batch_size: int = 2, seed: int = 0) -> Call:
    """Three Dense layers in Keras: variables, a frozen layer, and no tf.Module.

    What to look at: the boxes of the layers, `sequential_1/dense_0_1` to `dense_2_1`. Keras 3 layers are no
    `tf.Module`s, have no `submodules` and no `name_scope`, but Keras opens a name scope for each layer that it calls.
    """
    import keras

    model = sequential(keras, inputs=inputs, seed=seed)
    describe(keras, model)
    return prediction(model, inputs=inputs, batch_size=batch_size)


@scenario(tags=("keras", "legacy", "book"))
def legacy_keras_sequential(*, inputs: int = 10, batch_size: int = 2, seed: int = 0) -> Call:
    """The same three Dense layers in tf_keras, where each layer is a tf.Module.

    What to look at: the boxes `sequential/dense_0` to `dense_2`, named as the layers are. `submodules` lists the
    layers, and `name_scope()` is the scope that a layer has by itself, outside the model.
    """
    try:
        import tf_keras
    except ImportError as error:
        raise NotFound("tf_keras is not installed", hint='pip install "trace-scenario[legacy-keras]"') from error

    model = sequential(tf_keras, inputs=inputs, seed=seed)
    describe(tf_keras, model)
    print("submodules:", *(module.name for module in model.submodules))
    print("name scopes:", model.name_scope(), *(layer.name_scope() for layer in model.layers))
    return prediction(model, inputs=inputs, batch_size=batch_size)
