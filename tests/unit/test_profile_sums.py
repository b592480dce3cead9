from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import host, profile
from tracer.profile.sums import common_steps, counted_steps, each_step, sums_of

EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 12)), max_size=12)


def around(rows, row):
    """Returns the ops around an execution."""
    while (row := rows.parent[row]) >= 0:
        yield rows.op[row]


@given(EVENTS, EVENTS)
def test_a_moment_is_in_the_total_of_an_op_once(one, two):
    """What is inside of an execution of the same op, however deep, is not added to its total again."""
    lines = (
        f"{name}  " + "  ".join(f"{op}:Mul {start}-{start + length}" for op, start, length in events)
        for name, events in (("one", one), ("two", two))
    )
    found = profile(host(*lines))
    rows, sums = found.executions, sums_of([found])
    expected = dict.fromkeys(range(len(found.ops)), 0)
    for row, op in enumerate(rows.op):
        if op not in around(rows, row):
            expected[op] += rows.end_ns[row] - rows.start_ns[row]

    assert {key.op: each.total_ns for key, each in sums.items()} == {
        found.ops[op]: time for op, time in expected.items()
    }
    assert sum(each.calls for each in sums.values()) == len(one) + len(two)


def steps(*numbers, path="vm.xplane.pb", raised=()):
    """Returns a profile with steps of these numbers, and an execution in each."""
    events = []
    for place, number in enumerate(numbers):
        stats = f"step_num={number},_r=1" + (",raised=1" if place in raised else "")
        begin = 10 * place
        events.append(f"step{{{stats}}} {begin}-{begin + 9}  a:Mul {begin + 1}-{begin + 2}")
    return profile(host("main  " + "  ".join(events)), path=path)


def test_each_step_of_each_host_has_a_number():
    """The numbers go on from host to host, and do not ask what the program calls its steps."""
    profiles = [steps(5, 6), steps(), steps(5, 5, 5)]

    assert [list(each) for each in each_step(profiles)] == [[0, 1], [], [2, 3, 4]]
    assert sorted(key.step for key in sums_of(profiles, each_step)) == [0, 1, 2, 3, 4]


def test_hosts_have_the_steps_of_one_number_in_common():
    """The first step of a number on one host is the first of it on another, wherever each of them begins."""
    assert common_steps([steps(5, 6, 7), steps(6, 7, 8)]) == [[0, 1, 2], [1, 2, 3]]
    assert common_steps([steps(5, 6), steps(5, 5)]) == [[0, 1], [0, 2]]


def test_a_program_that_counts_anew_has_its_steps_in_their_order():
    """The steps of the second epoch come behind those of the first."""
    assert common_steps([steps(0, 1, 0, 1)]) == [[0, 1, 2, 3]]


def test_windows_have_no_step_in_common():
    """A window's steps come behind those of the one before, whatever their numbers; its hosts have theirs in common."""
    epochs = [steps(0, 1, path="first/vm.xplane.pb"), steps(0, 1, path="second/vm.xplane.pb")]
    hosts = [steps(0, 1, path=f"{window}/{vm}.xplane.pb") for window in ("first", "second") for vm in "ab"]

    assert common_steps(epochs) == [[0, 1], [2, 3]]
    assert common_steps(hosts) == [[0, 1], [0, 1], [2, 3], [2, 3]]


def test_a_step_that_raised_does_not_count():
    """It is the one that raised, whatever others have its number; it counts on no host."""
    profiles = [steps(0, 1, 0, 1, path="a", raised=[2]), steps(0, 1, 0, 1, path="b")]

    assert counted_steps(profiles) == [[0, 1, -1, 3]] * 2
