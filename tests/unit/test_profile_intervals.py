from hypothesis import given
from hypothesis import strategies as st

from tracer.profile.intervals import self_times, union

INTERVALS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)).map(lambda pair: (pair[0], sum(pair))))


def times(starts, ends):
    """Returns self times and parents as lists."""
    return tuple(map(list, self_times(starts, ends)))


def test_nested_time_is_the_inner_ones():
    """Each interval keeps what those inside it leave, at every depth."""
    assert times([0, 10, 20, 60], [100, 50, 30, 70]) == ([50, 30, 10, 10], [-1, 0, 1, 0])


def test_overlapping_time_is_the_later_ones():
    """Where intervals overlap, the one that began last has the time."""
    assert times([0, 5, 8], [30, 10, 20]) == ([15, 3, 12], [-1, 0, 1])


def test_equal_intervals_are_inside_each_other():
    """Of two that begin and end together the second is inside the first."""
    assert times([5, 5], [9, 9]) == ([0, 4], [-1, 0])


def test_intervals_that_touch_stand_alone():
    """One that begins when another ends is not inside it."""
    assert times([0, 10], [10, 20]) == ([10, 10], [-1, -1])


def test_an_interval_without_length_takes_no_time():
    """An event that ends when it begins has a parent and no time."""
    assert times([0, 5], [10, 5]) == ([10, 0], [-1, 0])


def test_a_union_counts_each_moment_once():
    """Time that several are in counts once."""
    assert union([(20, 30), (0, 10), (5, 12), (6, 7)]) == 22


def test_a_union_of_nothing_is_nothing():
    """Without intervals there is no time."""
    assert union([]) == 0


@given(INTERVALS)
def test_self_times_add_up_to_the_union(intervals):
    """However intervals lie, their self times add up to their union, and none is negative."""
    rows = sorted(intervals, key=lambda row: (row[0], -row[1]))
    own, _ = self_times([start for start, _ in rows], [end for _, end in rows])

    assert sum(own) == union(intervals) == len({moment for start, end in intervals for moment in range(start, end)})
    assert all(time >= 0 for time in own)
