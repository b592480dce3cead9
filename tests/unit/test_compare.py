"""Whether something became slower, as far as samples of it can tell."""

import itertools
import json
import random
from pathlib import Path

import pytest

from tracer.timing.compare import (
    ANYWHERE,
    FASTER,
    INCONCLUSIVE,
    NOISE,
    NOISE_OF_CPU,
    SAME,
    SLOWER,
    Interval,
    compare,
    discoveries,
    independent,
    p_values,
    ratio_interval,
)

# Wall times of the steps of 14 runs of each of a few unchanged programs, in microseconds: a pass without the profiler
# and one with it. They were recorded in turns, each in a process of its own, on two processors that did other work.
RECORDED = json.loads((Path(__file__).parents[1] / "data/steps/unchanged.json").read_text())
# Wall and CPU times of the steps of 14 runs of each of four programs, in microseconds, recorded in turns: with 10
# layers and with 12, which is about 20 % more work. Other programs wanted both processors almost all of the time.
OF_CPU = json.loads((Path(__file__).parents[1] / "data/steps/cpu.json").read_text())
UNCHANGED = [(name, *pair) for name, runs in RECORDED.items() for pair in itertools.pairwise(runs)]


def _verdict(before, after):
    return compare([(one, other) for one, other in zip(before, after, strict=True)]).verdict


def _chance(before, after, at_least):
    """Counts by hand in how many orders of all samples so many pairs have the longer one after."""
    places = list(itertools.combinations(range(before + after), after))
    wins = [sum(place - rank for rank, place in enumerate(chosen)) for chosen in places]
    return sum(win >= at_least for win in wins) / len(places)


@pytest.mark.parametrize(("before", "after"), [(4, 4), (5, 3), (2, 6)])
def test_chances_are_those_of_all_orders(before, after):
    """The exact test counts orders: the same as by hand."""
    old = [10.0] * before
    for longer in range(after + 1):
        new = [20.0] * longer + [5.0] * (after - longer)

        assert p_values(old, new, 0.0)[0] == pytest.approx(_chance(before, after, longer * before))


def test_the_interval_of_a_ratio_is_where_the_rank_test_does_not_reject():
    """Of five samples on each side, the two least and the two greatest of the 25 ratios lie outside."""
    before, after = (8, 9, 10, 11, 12), (16, 18, 20, 22, 24)
    ratios = sorted(new / old for new in after for old in before)
    found = ratio_interval(before, after)

    assert (found.low, found.high) == (pytest.approx(ratios[2]), pytest.approx(ratios[-3]))
    assert ratio_interval((1, 1, 1), (9, 9, 9)) == ANYWHERE  # three samples tell nothing at 95 %


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ((200, 202, 204, 206, 208), SLOWER),
        ((50, 51, 52, 53, 54), FASTER),
        ((101, 103, 105, 107, 109), SAME),
        ((130, 140, 150, 160, 170), INCONCLUSIVE),
        ((100, 200, 200, 200, 200), INCONCLUSIVE),  # its best step is as short as before
        ((200, 200), INCONCLUSIVE),  # two steps beside five
    ],
)
def test_the_verdict_is_what_the_whole_range_says(after, verdict):
    """Beyond what unchanged programs may be apart it is a change, within that it is none, across it nobody knows."""
    assert compare([((100, 101, 102, 103, 104), after)]).verdict == verdict


def test_both_passes_have_to_say_it():
    """What the pass without the profiler says and the one with it does not is noise."""
    steady, slow = (100, 101, 102, 103, 104), (200, 201, 202, 203, 204)

    assert compare([(steady, slow), (steady, slow)]).verdict == SLOWER
    assert compare([(steady, slow), (steady, steady)]).verdict == INCONCLUSIVE
    assert compare([(steady, slow), (steady, steady)]).range == Interval(*map(pytest.approx, (101 / 104, 202 / 100)))


@pytest.mark.parametrize(
    ("after", "growth", "expected"),
    [
        ((200,) * 5, 0.05, True),
        ((200,) * 5, 0.9, None),  # 2 is more than 1.9, and not by what unchanged programs may be apart
        ((200,) * 5, 1.0, False),
        ((103,) * 5, 0.05, False),
        ((120,) * 5, 0.05, None),  # the same, as far as can be told, and yet over the bound
        ((50,) * 5, 0.0, False),
    ],
)
def test_a_bound_is_exceeded_not_exceeded_or_nobody_knows(after, growth, expected):
    """A bound finer than the noise is exceeded for certain only by a change that the noise cannot be."""
    assert compare([((100,) * 5, after)]).exceeds(growth) is expected


def test_neighbours_that_are_alike_count_as_one_sample():
    """A trend over 20 steps is fewer samples than 20 steps that know nothing of each other."""
    generator = random.Random(1)

    assert len(independent(list(range(20)))) == 10
    assert len(independent([generator.random() for _ in range(20)])) == 20
    assert len(independent([generator.random() for _ in range(1000)])) <= 24


def test_of_many_rows_only_those_are_believed_that_stand_out():
    """The textbook's example: of 15 tests four are believed at a rate of 0.05, where nine are below 0.05."""
    tests = (0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528)

    assert discoveries((*tests, 0.759, 1.0)) == [True] * 4 + [False] * 11
    assert discoveries([]) == []


def test_an_unchanged_program_is_the_same_or_nobody_knows():
    """Of runs that followed each other, at most 5 of 100 pairs are said to be slower or faster; there are over 150."""
    wrong = [name for name, before, after in UNCHANGED if _verdict(before, after) in (SLOWER, FASTER)]

    assert len(UNCHANGED) > 150
    assert len(wrong) <= 0.05 * len(UNCHANGED), wrong


@pytest.mark.parametrize("seed", range(5))
def test_the_steps_of_one_process_never_make_a_change(seed):
    """Two halves of one run, dealt out at random in blocks of steps, are hardly ever apart: at most 2 of 100."""
    generator = random.Random(seed)
    runs = [passes for runs in RECORDED.values() for passes in runs if len(passes[0]) >= 20]
    verdicts = []
    for passes in runs:
        halves = [_halves(steps, generator) for steps in passes]
        verdicts.append(_verdict(*zip(*halves, strict=True)))

    assert sum(verdict in (SLOWER, FASTER) for verdict in verdicts) <= 0.02 * len(runs)


def _halves(steps, generator):
    blocks = [steps[at : at + 2] for at in range(0, len(steps), 2)]
    generator.shuffle(blocks)
    return list(itertools.chain(*blocks[::2])), list(itertools.chain(*blocks[1::2]))


def _verdicts(which, noise, one, others):
    """Returns how each run of each program compares with each other one: `which` is 0 for wall, 1 for CPU time."""
    found = []
    for name in ("conv", "eager", "matmul", "mlp"):
        before, after = OF_CPU[f"{name}, {one}"], OF_CPU[f"{name}, {others}"]
        pairs = itertools.permutations(before, 2) if one == others else itertools.product(before, after)
        found += [compare([(first[which], second[which])], noise).verdict for first, second in pairs]
    return found


def test_cpu_time_of_an_unchanged_program_is_hardly_ever_a_change():
    """Of all pairs of runs at most 5 of 100 are called slower or faster, though the allowance is far smaller."""
    verdicts = _verdicts(1, NOISE_OF_CPU, "10 layers", "10 layers")

    assert verdicts.count(SLOWER) + verdicts.count(FASTER) <= 0.05 * len(verdicts)


def test_cpu_time_finds_a_fifth_more_work_where_wall_time_does_not():
    """On a machine with other work a third of the pairs at least say so; by their wall times hardly any."""
    cpu = _verdicts(1, NOISE_OF_CPU, "10 layers", "12 layers")
    wall = _verdicts(0, NOISE, "10 layers", "12 layers")

    assert cpu.count(SLOWER) >= len(cpu) / 3
    assert cpu.count(FASTER) <= 0.01 * len(cpu)
    assert wall.count(SLOWER) < 0.1 * len(wall)


def test_a_program_that_takes_three_times_as_long_is_slower():
    """Of runs that followed each other, the second made three times as long, two of three at least are found."""
    verdicts = [_verdict(before, [[3 * step for step in steps] for steps in after]) for _, before, after in UNCHANGED]

    assert verdicts.count(SLOWER) >= 2 / 3 * len(verdicts)
    assert FASTER not in verdicts


def test_a_wider_network_is_found():
    """`train_step` with width=256 instead of 64 takes nearly twice as long: at least half of the pairs say so."""
    pairs = zip(RECORDED["train_step, 20 steps"], RECORDED["train_step, width=256, 20 steps"], strict=True)
    verdicts = [_verdict(before, after) for before, after in pairs]

    assert verdicts.count(SLOWER) >= 0.5 * len(verdicts)
    assert set(verdicts) <= {SLOWER, INCONCLUSIVE}
