"""MobileNetV2 from Keras with random weights: a real network, at inference and in training.

The graph of `infer` is one box, `mobilenet_v2_1`, with a box for each Keras layer: `block_1_expand_1`,
`block_1_depthwise_1` and so on. That of `train` has the same box, larger, and beside it `loss`, `gradient_tape`, which
mirrors the network, `backward`, where gradients that meet are added up, and `sgd`.
"""

import keras
import tensorflow as tf

from tracer import Call, scenario


@scenario(tags=("keras", "training", "large"), steps=3)
def mobilenet_v2(
    *, image_size: int = 96, batch_size: int = 2, alpha: float = 0.35, classes: int = 10, seed: int = 0
) -> list[Call]:
    """MobileNetV2's inference and one training step of it, as two functions.

    What to look at: `block_1_expand_BN_1` in both. At inference batch norm only scales by its moving averages; in
    training it takes the batch's own `moments` and assigns new averages.
    """
    keras.utils.set_random_seed(seed)
    model = keras.applications.MobileNetV2(
        (image_size, image_size, 3), alpha=alpha, weights=None, classes=classes, name="mobilenet_v2"
    )
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9, name="sgd")
    optimizer.build(model.trainable_variables)

    @tf.function
    def infer(images: tf.Tensor) -> tf.Tensor:
        return model(images, training=False)

    @tf.function
    def train(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            probabilities = model(images, training=True)
            with tf.name_scope("loss"):
                loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(labels, probabilities))
        with tf.name_scope("backward"):
            gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    images = tf.random.normal([batch_size, image_size, image_size, 3])
    labels = tf.range(batch_size) % classes
    return [Call(infer, images), Call(train, images, labels)]
