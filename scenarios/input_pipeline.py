"""A tf.data pipeline, consumed once by a Python loop and once inside the graph.

From Python the pipeline is no graph: what is traced is the function that `map` applies, `Dataset_map_normalized`, and
the `step`, called once a batch. In `graph_loop` everything is one graph: `pipeline` holds `RangeDataset`,
`ParallelMapDatasetV2`, `BatchDatasetV2`, `PrefetchDataset`.
"""

import tensorflow as tf

from tracer import Call, scenario


def normalized(number: tf.Tensor) -> tf.Tensor:
    """Returns a number of the pipeline, int64, as a float32 between 0 and 1."""
    with tf.name_scope("normalized"):
        return tf.sigmoid(tf.cast(number, tf.float32))


def batches(samples: int, batch_size: int) -> tf.data.Dataset:
    """Returns a dataset of `samples` numbers in batches, `[batch_size]` each."""
    dataset = tf.data.Dataset.range(samples)
    dataset = dataset.map(normalized, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


@scenario(tags=("data",), steps=1, warmup=0)
def input_pipeline(*, samples: int = 64, batch_size: int = 16) -> list[Call]:
    """map, batch and prefetch, feeding a step from Python and from a tf.function.

    What to look at: there is no While in `graph_loop`. AutoGraph turns a `for` over a dataset into two more datasets:
    `ScanDataset` runs the body, which calls `step`, and `ReduceDataset` keeps the last state.
    """

    @tf.function
    def step(total: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        with tf.name_scope("step"):
            return total + tf.reduce_sum(batch)

    def python_loop() -> tf.Tensor:
        total = tf.constant(0.0)
        for batch in batches(samples, batch_size):
            total = step(total, batch)
        return total

    @tf.function
    def graph_loop() -> tf.Tensor:
        with tf.name_scope("pipeline"):
            total = tf.constant(0.0)
            for batch in batches(samples, batch_size):
                total = step(total, batch)
            return total

    return [Call(python_loop), Call(graph_loop)]
