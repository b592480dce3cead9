"""Small programs, each of which has TensorFlow trace a function again for one cause, or has not; and what spares it."""

from __future__ import annotations

import dataclasses
from textwrap import dedent


@dataclasses.dataclass(frozen=True)
class Case:
    """A program and what `retraces` has to say of it: the first cause, and how many retraces there are."""

    name: str
    program: str
    function: str
    retraces: int
    cause: tuple[str, str, str, str] | None = None  # kind, argument, before, after
    advice: str = ""  # a part of it
    fix: tuple[str, str] | None = None  # what to replace in the program, and by what: code of the advice is in that
    reasons: tuple[str, ...] = ("first",)  # of the traces that are no retraces

    @property
    def fixed(self) -> str:
        """The program with the advice taken."""
        assert self.fix is not None
        assert self.fix[0] in self.program
        return self.program.replace(*self.fix)


def case(name: str, program: str, *expected: object, **more: object) -> Case:
    """Returns a case; its program is written with the indentation of the table."""
    return Case(name, dedent(program).lstrip(), *expected, **more)  # type: ignore[arg-type]


DECORATOR = "@tf.function"
RELAX = "@tf.function(reduce_retracing=True)"

CASES = (
    case(
        "int",
        """
        @tf.function
        def scale(x, factor):
            return x * tf.cast(factor, tf.float32)

        for factor in range(3, 6):
            scale(tf.ones(2), factor)
        """,
        "scale",
        2,
        ("value", "factor", "Literal[3]", "Literal[4]"),
        "factor=tf.constant(4)",
        ("tf.ones(2), factor", "tf.ones(2), factor=tf.constant(factor)"),
    ),
    case(
        "float",
        """
        @tf.function
        def decay(x, rate=0.5):
            return x * rate

        decay(tf.ones(2))
        decay(tf.ones(2), rate=0.25)
        decay(tf.ones(2), rate=0.5)
        """,
        "decay",
        1,
        ("value", "rate", "Literal[0.5]", "Literal[0.25]"),
        "rate=tf.constant(0.25)",
        None,
    ),
    case(
        "string",
        """
        @tf.function
        def label(x, name):
            return tf.strings.join([name, tf.strings.as_string(x)])

        for name in ("a", "b"):
            label(tf.constant(1), name)
        """,
        "label",
        1,
        ("value", "name", "Literal['a']", "Literal['b']"),
        "name=tf.constant('b')",
        ("tf.constant(1), name", "tf.constant(1), name=tf.constant(name)"),
    ),
    case(
        "bool",
        """
        @tf.function
        def step(x, training):
            if training:
                x = x * 2.0
            return x

        for training in (True, False, True):
            step(tf.ones(2), training)
        """,
        "step",
        1,
        ("value", "training", "Literal[True]", "Literal[False]"),
        "training=tf.constant(False)",
        ("tf.ones(2), training", "tf.ones(2), training=tf.constant(training)"),
    ),
    case(
        "one_is_true",
        """
        @tf.function
        def step(x, flag):
            return x

        for flag in (1, True, 1.0):
            step(tf.ones(2), flag)
        """,
        "step",
        0,
    ),
    case(
        "nan_is_nan",
        """
        @tf.function
        def step(x, fill):
            return x

        for fill in (float("nan"), float("nan"), 0.0):
            step(tf.ones(2), fill)
        """,
        "step",
        1,
        ("value", "fill", "Literal[nan]", "Literal[0.0]"),
        "fill=tf.constant(0.0)",
    ),
    case(
        "keyword_or_not",
        """
        @tf.function
        def step(x, scale=1.0, **more):
            return x * scale + sum(more.values())

        step(tf.ones(2), 1.0, a=tf.ones(2), b=tf.ones(2))
        step(x=tf.ones(2), b=tf.ones(2), a=tf.ones(2))
        """,
        "step",
        0,
    ),
    case(
        "more_keywords",
        """
        @tf.function
        def step(x, **more):
            return x + sum(more.values())

        step(tf.ones(2), a=tf.ones(2))
        step(tf.ones(2), a=tf.ones(2), b=tf.ones(2))
        """,
        "step",
        1,
        ("structure", "b", "not given", "float32[2]"),
        "pass 'b' in each call, or never",
        ("a=tf.ones(2))", "a=tf.ones(2), b=tf.zeros(2))"),
    ),
    case(
        "none",
        """
        @tf.function
        def step(x, mask=None):
            return x if mask is None else x * mask

        step(tf.ones(2))
        step(tf.ones(2), mask=tf.ones(2))
        """,
        "step",
        1,
        ("none", "mask", "Literal[None]", "float32[2]"),
        "mask=tf.zeros([2], tf.float32) for None",
        ("step(tf.ones(2))", "step(tf.ones(2), mask=tf.zeros([2], tf.float32))"),
    ),
    case(
        "shape",
        """
        @tf.function
        def square(x, w):
            return tf.matmul(x, w)

        for rows in (4, 5, 7):
            square(tf.ones([rows, 8]), tf.ones([8, 2]))
        """,
        "square",
        2,
        ("shape", "x", "float32[4, 8]", "float32[5, 8]"),
        "@tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32), tf.TensorSpec([8, 2], tf.float32)])",
        (
            DECORATOR,
            "@tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32), tf.TensorSpec([8, 2], tf.float32)])",
        ),
    ),
    case(
        "shape_beside_a_number",
        """
        @tf.function
        def square(x, power):
            return x**power

        for rows in (1, 2, 3, 4):
            square(tf.ones(rows), 2)
        """,
        "square",
        3,
        ("shape", "x", "float32[1]", "float32[2]"),
        RELAX,
        (DECORATOR, RELAX),
    ),
    case(
        "relaxed",
        """
        @tf.function(reduce_retracing=True)
        def square(x):
            return x * x

        for rows in (2, 3, 4, 5):
            square(tf.ones(rows))
        """,
        "square",
        0,
        reasons=("first", "relaxed"),
    ),
    case(
        "signature_of_any_size",
        """
        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
        def square(x):
            return x * x

        for rows in (2, 3, 4):
            square(tf.ones([rows, 2]))
        """,
        "square",
        0,
    ),
    case(
        "rank",
        """
        @tf.function
        def total(x):
            return tf.reduce_sum(x)

        total(tf.ones(2))
        total(tf.ones([2, 2]))
        total(tf.ones([2, 2, 2]))
        """,
        "total",
        2,
        ("rank", "x", "float32[2]", "float32[2, 2]"),
        "@tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])",
        (DECORATOR, "@tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])"),
    ),
    case(
        "dtype",
        """
        @tf.function
        def total(x):
            return tf.reduce_sum(x)

        for x in (tf.ones(2), tf.ones(2, tf.float64)):
            total(x)
        """,
        "total",
        1,
        ("dtype", "x", "float32[2]", "float64[2]"),
        "x=tf.cast(x, tf.float32)",
        ("total(x)\n", "total(x=tf.cast(x, tf.float32))\n"),
    ),
    case(
        "numpy_of_one_dtype",
        """
        @tf.function
        def total(x):
            return tf.reduce_sum(x)

        for x in (tf.ones(2), np.ones(2, np.float32), np.zeros(2, np.float32)):
            total(x)
        """,
        "total",
        0,
    ),
    case(
        "numpy_of_its_own_dtype",
        """
        @tf.function
        def total(x):
            return tf.reduce_sum(x)

        for x in (tf.ones(2), np.ones(2)):
            total(x)
        """,
        "total",
        1,
        ("dtype", "x", "float32[2]", "float64[2]"),
        "x=tf.cast(x, tf.float32)",
        ("total(x)\n", "total(x=tf.cast(x, tf.float32))\n"),
    ),
    case(
        "number_for_a_tensor",
        """
        @tf.function
        def double(x):
            return 2.0 * x

        for x in (tf.constant(1.0), 3.0):
            double(x)
        """,
        "double",
        1,
        ("type", "x", "float32[]", "Literal[3.0]"),
        "x=tf.constant(3.0, tf.float32)",
        ("    double(x)", "    double(x=tf.constant(x, tf.float32))"),
    ),
    case(
        "list_that_grows",
        """
        @tf.function
        def total(items):
            return tf.reduce_sum(tf.cast(items, tf.float32))

        items = []
        for item in range(3):
            items.append(item)
            total(items)
        """,
        "total",
        2,
        ("structure", "items", "[Literal[0]]", "[Literal[0], Literal[1]]"),
        "items=tf.constant(items), and let its length vary: @tf.function(reduce_retracing=True)",
        (
            "@tf.function\ndef total(items):\n    return tf.reduce_sum(tf.cast(items, tf.float32))\n\nitems = []\n"
            "for item in range(3):\n    items.append(item)\n    total(items)",
            "@tf.function(reduce_retracing=True)\ndef total(items):\n    return tf.reduce_sum(items)\n\nitems = []\n"
            "for item in range(3):\n    items.append(item)\n    total(items=tf.constant(items))",
        ),
    ),
    case(
        "list_or_tuple",
        """
        @tf.function
        def total(shape):
            return tf.zeros(shape)

        for shape in ([2, 3], (2, 3)):
            total(shape)
        """,
        "total",
        1,
        ("structure", "shape", "[Literal[2], Literal[3]]", "(Literal[2], Literal[3])"),
        "shape=tuple(shape)",
        ("total(shape)\n", "total(shape=tuple(shape))\n"),
    ),
    case(
        "dict_with_another_key",
        """
        @tf.function
        def total(batch):
            return sum(batch.values())

        total({"a": tf.ones(2), "b": tf.ones(2)})
        total({"b": tf.ones(2), "a": tf.ones(2)})
        total({"a": tf.ones(2)})
        """,
        "total",
        1,
        ("structure", "batch", "{'a': float32[2], 'b': float32[2]}", "{'a': float32[2]}"),
        "the same keys in each call",
        ('{"a": tf.ones(2)}', '{"a": tf.ones(2), "b": tf.zeros(2)}'),
    ),
    case(
        "shape_in_a_dict",
        """
        @tf.function
        def total(batch):
            return tf.reduce_sum(batch["x"]) + tf.reduce_sum(batch["y"][0])

        for rows in (2, 3, 4):
            total({"x": tf.ones([rows, 4]), "y": (tf.ones(rows),)})
        """,
        "total",
        2,
        ("shape", "batch['x']", "float32[2, 4]", "float32[3, 4]"),
        "[{'x': tf.TensorSpec([None, 4], tf.float32), 'y': (tf.TensorSpec([None], tf.float32),)}]",
        (
            DECORATOR,
            "@tf.function(input_signature=[{'x': tf.TensorSpec([None, 4], tf.float32), "
            "'y': (tf.TensorSpec([None], tf.float32),)}])",
        ),
    ),
    case(
        "named_tuple",
        """
        Batch = collections.namedtuple("Batch", "x step")

        @tf.function
        def total(batch):
            return batch.x

        for step in range(2):
            total(Batch(tf.ones(2), step))
        """,
        "total",
        1,
        ("value", "batch.step", "Literal[0]", "Literal[1]"),
        "batch.step=tf.constant(1)",
        ("tf.ones(2), step", "tf.ones(2), tf.constant(step)"),
    ),
    case(
        "object",
        """
        class Config:
            rate = 0.5

        @tf.function
        def step(x, config):
            return x * config.rate

        for _ in range(3):
            step(tf.ones(2), Config())
        """,
        "step",
        2,
        ("object", "config", "Config #1", "Config #2"),
        "make the object once",
        (
            "for _ in range(3):\n    step(tf.ones(2), Config())",
            "config = Config()\nfor _ in range(3):\n    step(tf.ones(2), config)",
        ),
    ),
    case(
        "dataclass",
        """
        @dataclasses.dataclass(frozen=True)
        class Config:
            rate: float

        @tf.function
        def step(x, config):
            return x * config.rate

        for _ in range(2):
            step(tf.ones(2), Config(0.5))
        """,
        "step",
        1,
        ("object", "config", "Config #1", "Config #2"),
        "make the object once",
    ),
    case(
        "enum",
        """
        class Mode(enum.Enum):
            TRAIN = 1
            TEST = 2

        @tf.function
        def step(x, mode):
            return x

        for mode in (Mode.TRAIN, Mode.TEST, Mode.TRAIN):
            step(tf.ones(2), mode)
        """,
        "step",
        1,
        ("object", "mode", "Mode.TRAIN", "Mode.TEST"),
        "each member is one trace, and no more",
    ),
    case(
        "lambda",
        """
        @tf.function
        def apply(x, fn):
            return fn(x)

        for _ in range(2):
            apply(tf.ones(2), lambda x: x + 1.0)
        """,
        "apply",
        1,
        ("object", "fn", "lambda #1", "lambda #2"),
        "define 'fn' once, outside of the loop",
        (
            "for _ in range(2):\n    apply(tf.ones(2), lambda x: x + 1.0)",
            "fn = lambda x: x + 1.0\nfor _ in range(2):\n    apply(tf.ones(2), fn)",
        ),
    ),
    case(
        "tensor_shape",
        """
        @tf.function
        def zeros(shape):
            return tf.zeros(shape)

        for _ in range(2):
            shape = tf.ones([2, 3]).shape
            zeros(shape)
        """,
        "zeros",
        1,
        ("object", "shape", "TensorShape [2, 3] #1", "TensorShape [2, 3] #2"),
        "shape=tuple(shape)",
        ("zeros(shape)\n", "zeros(shape=tuple(shape))\n"),
    ),
    case(
        "ragged_for_dense",
        """
        @tf.function
        def total(x):
            return tf.reduce_sum(x)

        total(tf.ones([2, 3]))
        total(tf.ragged.constant([[1.0], [2.0, 3.0]]))
        """,
        "total",
        1,
        ("type", "x", "float32[2, 3]", "Ragged float32[2, ?]"),
        "pass the same kind of value in each call",
    ),
    case(
        "ragged_rows",
        """
        @tf.function
        def total(x):
            return tf.reduce_sum(x)

        for rows in (1, 2):
            total(tf.ragged.constant([[1.0]] * rows))
        """,
        "total",
        1,
        ("shape", "x", "Ragged float32[1, ?]", "Ragged float32[2, ?]"),
        RELAX,
        (DECORATOR, RELAX),
    ),
    case(
        "sparse",
        """
        @tf.function
        def total(x):
            return tf.sparse.reduce_sum(x)

        for rows in (2, 2, 3):
            total(tf.sparse.from_dense(tf.ones([rows, 2])))
        """,
        "total",
        1,
        ("shape", "x", "Sparse float32[2, 2]", "Sparse float32[3, 2]"),
        RELAX,
        (DECORATOR, RELAX),
    ),
    case(
        "datasets_of_equal_elements",
        """
        @tf.function
        def total(dataset):
            return dataset.reduce(tf.constant(0, tf.int64), lambda total, x: total + x)

        for number in (3, 4):
            total(tf.data.Dataset.range(number))
        """,
        "total",
        0,
    ),
    case(
        "dataset_of_batches",
        """
        @tf.function
        def first(dataset):
            return next(iter(dataset))

        for dataset in (tf.data.Dataset.range(4), tf.data.Dataset.range(4).batch(2)):
            first(dataset)
        """,
        "first",
        1,
        ("type", "dataset", "Dataset[int64[]]", "Dataset[int64[?]]"),
        "pass the same kind of value in each call: Dataset[int64[]]",
    ),
    case(
        "iterators_of_equal_elements",
        """
        @tf.function
        def first(iterator):
            return next(iterator)

        for number in (3, 4):
            first(iter(tf.data.Dataset.range(number)))
        """,
        "first",
        0,
    ),
    case(
        "variables_of_one_type",
        """
        @tf.function
        def double(v):
            v.assign(2.0 * v)

        for _ in range(3):
            double(tf.Variable([1.0, 2.0]))
        """,
        "double",
        0,
    ),
    case(
        "variable_twice",
        """
        @tf.function
        def add(a, b):
            return a + b

        v, w = tf.Variable(1.0), tf.Variable(2.0)
        add(v, w)
        add(v, v)
        """,
        "add",
        1,
        ("variable", "b", "Variable float32[]", "Variable float32[], the same as a"),
        "which arguments are the same variable is part of the type",
    ),
    case(
        "methods_of_new_objects",
        """
        class Net(tf.Module):
            def __init__(self):
                self.w = tf.Variable(2.0)

            @tf.function
            def step(self, x):
                return self.w * x

        for _ in range(3):
            net = Net()
            net.step(tf.ones(2))
        """,
        "step",
        2,
        ("object", "self", "Net #1", "Net #2"),
        "make the Net once, outside of the loop",
        ("for _ in range(3):\n    net = Net()\n", "net = Net()\nfor _ in range(3):\n"),
    ),
    case(
        "methods_of_living_objects",
        """
        class Layer(tf.Module):
            def __init__(self, width):
                self.w = tf.Variable(tf.ones([2, width]))

            @tf.function
            def __call__(self, x):
                return tf.matmul(x, self.w)

        layers = [Layer(width) for width in (2, 2, 2)]
        for layer in layers:
            layer(tf.ones([1, 2]))
        """,
        "Layer.__call__",
        0,
        reasons=("first", "another", "another"),
    ),
    case(
        "tf_function_in_a_loop",
        """
        def square(x):
            return x * x

        for _ in range(3):
            tf.function(square)(tf.ones(2))
        """,
        "square",
        2,
        ("function", "tf.function", "#1", "#2"),
        "make the tf.function of 'square' once, outside of the loop",
        (
            "for _ in range(3):\n    tf.function(square)(",
            "square = tf.function(square)\nfor _ in range(3):\n    square(",
        ),
    ),
    case(
        "dataset_in_a_loop",
        """
        def half(x):
            return x // 2

        for _ in range(3):
            for _ in tf.data.Dataset.range(4).map(half):
                pass
        """,
        "Dataset_map_half",
        2,
        ("function", "tf.function", "#1", "#2"),
        "make the dataset once, outside of the loop: each one has 'half' traced for itself",
        (
            "for _ in range(3):\n    for _ in tf.data.Dataset.range(4).map(half):",
            "dataset = tf.data.Dataset.range(4).map(half)\nfor _ in range(3):\n    for _ in dataset:",
        ),
    ),
    case(
        "tf_function_in_a_list",
        """
        def square(x):
            return x * x

        squares = [tf.function(square) for _ in range(2)]
        for each in squares:
            each(tf.ones(2))
        """,
        "square",
        1,
        ("function", "tf.function", "#1", "#2"),
        "make the tf.function of 'square' once, outside of the loop",
    ),
    case(
        "lambda_in_a_loop",
        """
        def main():
            for factor in (2.0, 3.0):
                tf.function(lambda x: x * factor)(tf.ones(2))

        main()
        """,
        "<lambda>",
        1,
        ("function", "tf.function", "#1", "#2"),
        "make the tf.function of lambda once, outside of the loop",
        (
            "    for factor in (2.0, 3.0):\n        tf.function(lambda x: x * factor)(tf.ones(2))",
            "    scale = tf.function(lambda x, factor: x * factor)\n    for factor in (2.0, 3.0):\n"
            "        scale(tf.ones(2), factor=tf.constant(factor))",
        ),
    ),
    case(
        "functions_of_two_models",
        """
        def make_step(factor):
            @tf.function
            def step(x):
                return x * factor
            return step

        first, second = make_step(2.0), make_step(3.0)
        for _ in range(2):
            first(tf.ones(2))
            second(tf.ones(2))
        """,
        "step",
        0,
        reasons=("first", "another"),
    ),
    case(
        "captured_variable",
        """
        def train(v):
            @tf.function
            def step(x):
                return x * v
            return step(tf.ones(2))

        for _ in range(2):
            train(tf.Variable(1.0))
        """,
        "step",
        1,
        ("function", "tf.function", "#1", "#2"),
        "make the tf.function of 'step' once",
    ),
    case(
        "partial_in_a_loop",
        """
        def scale(factor, x):
            return factor * x

        for factor in (2.0, 3.0):
            tf.function(functools.partial(scale, factor))(tf.ones(2))
        """,
        "function",
        1,
        ("function", "tf.function", "#1", "#2"),
        "make the tf.function of 'scale' once, outside of the loop",
        (
            "for factor in (2.0, 3.0):\n    tf.function(functools.partial(scale, factor))(tf.ones(2))",
            "scale = tf.function(scale)\nfor factor in (2.0, 3.0):\n    scale(tf.constant(factor), tf.ones(2))",
        ),
    ),
    case(
        "variables_made_in_the_first_call",
        """
        class Net(tf.Module):
            w = None

            @tf.function
            def step(self, x):
                if self.w is None:
                    self.w = tf.Variable(tf.ones(2))
                return self.w * x

        net = Net()
        net.step(tf.ones(2))
        net.step(tf.ones(2))
        """,
        "step",
        0,
        reasons=("first", "variables"),
    ),
    case(
        "devices_tapes_and_callers",
        """
        @tf.function
        def inner(x):
            return 2.0 * x

        @tf.function
        def one(x):
            return inner(x)

        @tf.function
        def two(x):
            return inner(x) + 1.0

        x = tf.Variable(1.0)
        inner(tf.constant(1.0))
        for device in ("CPU:0", "CPU:1"):
            with tf.device(device):
                inner(tf.constant(1.0))
        with tf.GradientTape() as tape:
            y = inner(tf.identity(x))
        tape.gradient(y, x)
        one(tf.constant(1.0))
        two(tf.constant(1.0))
        """,
        "inner",
        0,
    ),
    case(
        "graph_of_tensorflow_1",
        """
        @tf.function
        def double(x):
            return 2.0 * x

        double(tf.constant(1.0))
        with tf.Graph().as_default():
            double(tf.constant(1.0))
        """,
        "double",
        1,
        ("context", "the graph around the call", "eager", "graph 1"),
        "call it from eager code, or from one graph only",
    ),
    case(
        "device_chosen_by_a_function",
        """
        @tf.function
        def inner(x):
            return 2.0 * x

        def first_cpu(op):
            return "/device:CPU:0"

        @tf.function
        def outer(x):
            with tf.compat.v1.device(first_cpu):
                return inner(x)

        inner(tf.constant(1.0))
        outer(tf.constant(1.0))
        """,
        "inner",
        0,
    ),
    case(
        "replicas",
        """
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

        @tf.function
        def inner(x):
            return 2.0 * x

        def replica(x):
            return inner(x)

        @tf.function
        def step(x):
            return strategy.run(replica, args=(x,))

        step(tf.constant(1.0))
        """,
        "inner",
        1,
        (
            "context",
            "device",
            "/job:localhost/replica:0/task:0/device:CPU:0",
            "/job:localhost/replica:0/task:0/device:CPU:1",
        ),
        "as many traces as devices are in order",
    ),
    case(
        "in_strategy_and_out",
        """
        strategy = tf.distribute.MirroredStrategy(["CPU:0"])

        @tf.function
        def double(x):
            return 2.0 * x

        double(tf.constant(1.0))
        with strategy.scope():
            double(tf.constant(1.0))
        """,
        "double",
        1,
        ("context", "cross-replica context", "no", "yes"),
        "inside of strategy.run each time, or outside of it each time",
    ),
    case(
        "inner_function_made_in_each_trace",
        """
        @tf.function
        def outer(x):
            @tf.function
            def inner(y):
                return 2.0 * y
            return inner(tf.reduce_sum(x))

        for rows in (1, 2):
            outer(tf.ones(rows))
        """,
        "inner",
        0,
        reasons=("first", "caller"),
    ),
    case(
        "last_batch_of_keras",
        """
        import keras

        model = keras.Sequential([keras.layers.Input([4]), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        for rows in (8, 3):
            model.train_on_batch(np.ones([rows, 4]), np.ones([rows, 1]))
        """,
        "one_step_on_data",
        0,
        reasons=("first", "relaxed"),
    ),
    case(
        "sample_weight_of_keras",
        """
        import keras

        model = keras.Sequential([keras.layers.Input([4]), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.train_on_batch(np.ones([8, 4]), np.ones([8, 1]))
        model.train_on_batch(np.ones([8, 4]), np.ones([8, 1]), sample_weight=np.ones(8))
        """,
        "one_step_on_data",
        1,
        ("none", "data[2]", "Literal[None]", "float64[8]"),
        "arrays of one dtype and structure in each call",
    ),
    case(
        "fit_with_a_last_partial_batch",
        """
        import keras

        model = keras.Sequential([keras.layers.Input([4]), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.ones([10, 4]), np.ones([10, 1]), batch_size=4, verbose=0)
        """,
        "one_step_on_data",
        0,
    ),
)
