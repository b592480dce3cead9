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


def random_seed(subject: Subject) -> Iterator[Found]:
    """Finds random ops with a state: without a seed each run differs, with one it stands in the graph."""
    for index in subject.of_ops(_RANDOM):
        kind = subject.nodes.kinds[index]
        if kind.attributes.get("seed", 0) or kind.attributes.get("seed2", 0):
            yield Found(
                f"{kind.op} has its seed in the graph: its numbers depend on how often it ran, and on the operations "
                "that were traced before it",
                "nothing, if repeating the whole program is enough; else tf.random.stateless_*(seed=...), which gives "
                "the same numbers for the same seed wherever it stands",
                index,
            )
        else:
            yield Found(
                f"{kind.op} has no seed: the results differ from run to run",
                "tf.random.set_seed(1) before the function is traced, or tf.random.stateless_*(seed=...), if results "
                "are to be repeated",
                index,
            )
