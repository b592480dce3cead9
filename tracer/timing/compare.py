"""Whether something takes longer than before, as far as samples of it can tell.

Two runs of one program differ for two reasons. Steps differ within a run: how much, its samples tell. And the runs
differ as wholes, by what else the machine did, where memory came to lie, how warm the processor was. Of that, one run
on each side tells little, so there is an allowance, `NOISE`, measured on runs of unchanged programs (docs/diff.md).

The range of a ratio is what several looks at the samples span. One is the interval that belongs to the exact rank test
of Mann and Whitney on the logarithms (Hodges and Lehmann 1963), which asks nothing of the distribution. Another is the
ratio of the shortest samples: other work on the machine makes some steps longer and hardly any shorter, while a program
that became slower is so in its best step, too. Where each side was measured in two passes, a moment apart, both passes
have to say it. A verdict is what the whole range says, the allowance taken off.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

SLOWER = "slower"
FASTER = "faster"
SAME = "same"
INCONCLUSIVE = "inconclusive"

NOISE = 0.4  # how far two runs of an unchanged program may be apart, as a part of the shorter
OF_ROWS = 3  # how many times as far a single scope, line or op may be apart: on which thread it ran is chance, too
NOISE_OF_CPU = 0.15  # the same for CPU time, which other work on the machine hardly makes longer
ELSEWHERE = 1.0  # the same for runs on two machines, of which nobody knows how they compare
CONFIDENCE = 0.95  # of an interval
FALSE_ROWS = 0.05  # of the rows that are said to have changed, the part that may be wrong (Benjamini and Hochberg 1995)

_MOST = 24  # samples of a side that are compared: more tell no more, as runs differ by more than that
_LEFT = 8  # samples that are left where neighbours are put together
_ALIKE = 0.3  # autocorrelation from which on neighbouring samples count as one

Pass = tuple[Sequence[float], Sequence[float]]  # samples before and after, each in the order in which they were taken


@dataclasses.dataclass(frozen=True, slots=True)
class Interval:
    """Where a ratio, after to before, lies; 0 to infinity where the samples are too few to tell."""

    low: float
    high: float


ANYWHERE = Interval(0, math.inf)


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Two samples of one quantity, and what they tell of its change."""

    before: float  # medians, of the first pass
    after: float
    range: Interval  # of the ratio, in all looks at all passes
    noise: float  # the allowance
    verdict: str

    @property
    def ratio(self) -> float:
        """After to before, of the medians; infinite where there was nothing before."""
        return self.after / self.before if self.before else math.inf if self.after else 1.0

    def exceeds(self, growth: float) -> bool | None:
        """Returns whether it grew by more than a part of what it was; None if that cannot be told.

        It certainly did if it still does with the allowance taken off. It did not if no look says so, or if the medians
        do not and it is `same`.
        """
        if self.range.low > (1 + growth) * (1 + self.noise):
            return True
        none_says_so = self.range.high <= 1 + growth
        return False if none_says_so or (self.verdict in (SAME, FASTER) and self.ratio <= 1 + growth) else None


def compare(passes: Sequence[Pass], noise: float = NOISE, same: float | None = None) -> Comparison:
    """Returns how samples of a time before and after compare.

    Args:
      passes: of one run and of the other; at least one pass, with at least one sample on each side.
      noise: how far two runs of an unchanged program may be apart, as a part of the shorter.
      same: how far what is said to be the same may be apart; if it is None as far as `noise`, and `NOISE` at most.
    """
    found = spanned(look for each in passes for look in looks(*each))
    before, after = passes[0]
    return Comparison(statistics.median(before), statistics.median(after), found, noise, verdict(found, noise, same))


def verdict(range_: Interval, noise: float, same: float | None = None) -> str:
    """Returns what the whole range of a ratio says. Args: as `compare`."""
    if range_.low > 1 + noise:
        return SLOWER
    if range_.high < 1 / (1 + noise):
        return FASTER
    most = 1 + (min(noise, NOISE) if same is None else same)
    return SAME if range_.low >= 1 / most and range_.high <= most else INCONCLUSIVE


def looks(before: Sequence[float], after: Sequence[float]) -> tuple[Interval, ...]:
    """Returns where the ratio of two samples lies: by the rank test, and by the shortest of each."""
    shortest = max(min(after), 1) / max(min(before), 1)
    return ratio_interval(independent(before), independent(after)), Interval(shortest, shortest)


def spanned(intervals: Iterable[Interval]) -> Interval:
    """Returns the interval around intervals."""
    found = list(intervals)
    return Interval(min(each.low for each in found), max(each.high for each in found))


def independent(samples: Sequence[float]) -> list[float]:
    """Returns medians of neighbouring samples, so many together that they hardly depend on each other.

    Steps that follow each other are alike: a burst of other work slows several down. Rank tests need samples that know
    nothing of each other, so neighbours are put together while there are more than `_MOST`, and while they are alike
    and at least `_LEFT` are left.
    """
    found = list(samples)
    while len(found) > _MOST or (len(found) >= 2 * _LEFT and autocorrelation(found) > _ALIKE):
        found = [statistics.median(found[at : at + 2]) for at in range(0, len(found), 2)]
    return found


def autocorrelation(samples: Sequence[float]) -> float:
    """Returns how alike neighbouring samples are, by their ranks: near 1 for a trend, about 0 for independent ones."""
    order = sorted(range(len(samples)), key=samples.__getitem__)
    ranks = [0.0] * len(samples)
    for rank, index in enumerate(order):
        ranks[index] = rank - (len(samples) - 1) / 2
    spread = sum(rank * rank for rank in ranks)
    return sum(one * other for one, other in itertools.pairwise(ranks)) / spread if spread else 0.0


def ratio_interval(before: Sequence[float], after: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Returns the interval of the ratio of two samples that the exact Mann-Whitney test does not reject."""
    outside = bisect_right(_tails(len(before), len(after)), (1 - confidence) / 2)
    if outside == 0:
        return ANYWHERE
    logs = _log_ratios(before, after)
    return Interval(math.exp(logs[outside - 1]), math.exp(logs[-outside]))


def p_values(before: Sequence[float], after: Sequence[float], noise: float) -> tuple[float, float]:
    """Returns how likely such samples are, at most, if there is no change by more than `noise`.

    The first is of after being longer, the second of it being shorter. Ties count against a change.
    """
    logs = _log_ratios(before, after)
    allowed = math.log1p(noise)
    tails = _tails(len(before), len(after))
    return tails[bisect_right(logs, allowed)], tails[len(logs) - bisect_left(logs, -allowed)]


def discoveries(p_values: Sequence[float], rate: float = FALSE_ROWS) -> list[bool]:
    """Returns which of many tests to believe, so that of those believed at most a part `rate` is wrong, on average."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    believed = 0
    for place, index in enumerate(order, 1):
        if p_values[index] <= rate * place / len(order):
            believed = place
    found = [False] * len(p_values)
    for index in order[:believed]:
        found[index] = True
    return found


@functools.lru_cache(maxsize=256)
def _tails(before: int, after: int) -> tuple[float, ...]:
    """Returns the chance of at most 0, 1, 2, ... pairs in which the first is the greater, if there is no difference.

    The number of orders with u such pairs is the coefficient of q^u in the Gaussian binomial (Mann and Whitney 1947).
    """
    counts = [1] + [0] * (before * after)
    for number in range(1, after + 1):
        top = before + number  # times (1 - q^top), by (1 - q^number)
        for at in range(len(counts) - 1, top - 1, -1):
            counts[at] -= counts[at - top]
        for at in range(number, len(counts)):
            counts[at] += counts[at - number]
    total = math.comb(before + after, after)
    tails, so_far = [], 0
    for each in counts:
        so_far += each
        tails.append(so_far / total)
    return tuple(tails)


def _log_ratios(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """Returns the logarithms of after to before of all pairs, the least first; a time of 0 counts as 1 ns."""
    old, new = ([math.log(max(sample, 1)) for sample in side] for side in (before, after))
    return sorted(other - one for one in old for other in new)


class Compared:
    """What has times before and after: a step, a line, an op."""

    __slots__ = ()
    comparison: Comparison

    @property
    def before_ns(self) -> int:
        """The median before."""
        return round(self.comparison.before)

    @property
    def after_ns(self) -> int:
        """The median after."""
        return round(self.comparison.after)

    @property
    def verdict(self) -> str:
        """`slower`, `faster`, `same` or `inconclusive`."""
        return self.comparison.verdict
