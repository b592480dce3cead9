"""Rules about random numbers."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.rules.finding import Found
from tracer.rules.subject import Subject

# The ops with a state of their own, and `seed` and `seed2` as attributes; stateless ones take the seed as an input.
_RANDOM = (
    *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal", "ParameterizedTruncatedNormal"),
    *("RandomShuffle", "RandomGamma", "RandomPoisson", "RandomPoissonV2", "Multinomial", "RandomCrop"),
    *("LogUniformCandidateSampler", "UniformCandidateSampler", "LearnedUnigramCandidateSampler"),
)


_STATELESS = "tf.random.stateless_*(seed=...)"
_KEPT = "nothing, if repeating the whole program is enough"
_KEPT_OR_STATELESS = f"{_KEPT}; else {_STATELESS}, which gives the same numbers for the same seed wherever it stands"
_REPEAT = f"tf.random.set_seed(1) before the function is traced, or {_STATELESS}, if results are to be repeated"
_REPEAT_KERAS = (
    "keras.utils.set_random_seed(1) before the model is built, or seed=... where the layer is made, if results are to "
    "be repeated; a layer of yours has a keras.random.SeedGenerator, for keras.random.*(seed=self.seed_generator)"
)
_REPEAT_GRAPH = (
    "tf.compat.v1.set_random_seed(1) before the graph is built, or seed=... of the operation, if results are to be "
    "repeated"
)
_REPEAT_UNKNOWN = (
    "a seed in the code that made the graph, if results are to be repeated: tf.random.set_seed(1), "
    "keras.utils.set_random_seed(1), or tf.compat.v1.set_random_seed(1) in code for TensorFlow 1"
)
# What only code for TensorFlow 1 makes; `wrapped_function` is what tf.compat.v1.wrap_function makes of such code.
_GRAPH_OPS = frozenset(("VariableV2", "Variable", "Assign", "RefSwitch", "RefEnter"))
_WRAPPED = "wrapped_function"


def random_seed(subject: Subject) -> Iterator[Found]:
    """Finds random ops with a state: without a seed each run differs, with one it stands in the graph."""
    repeat = _how_to_repeat(subject)
    for index in subject.of_ops(_RANDOM):
        kind = subject.nodes.kinds[index]
        if kind.attributes.get("seed", 0) or kind.attributes.get("seed2", 0):
            yield Found(
                f"{kind.op} has its seed in the graph: its numbers depend on how often it ran, and on the operations "
                "that were traced before it",
                _KEPT_OR_STATELESS if repeat == _REPEAT else _KEPT,
                index,
            )
        else:
            yield Found(f"{kind.op} has no seed: the results differ from run to run", repeat, index)


def _how_to_repeat(subject: Subject) -> str:
    """Returns what to do in the kind of code that the graph was made by."""
    if subject.trace.definition is None and not subject.trace.lines.frames:
        return _REPEAT_UNKNOWN
    if subject.trace.origin in ("keras", "tf_keras"):
        return _REPEAT_KERAS
    if subject.trace.name == _WRAPPED or not _GRAPH_OPS.isdisjoint(subject.by_op):
        return _REPEAT_GRAPH
    return _REPEAT
