from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import host, profile
from tracer.profile.sums import add_sums

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
    rows, sums = found.executions, {}
    add_sums(found, sums)
    expected = dict.fromkeys(range(len(found.ops)), 0)
    for row, op in enumerate(rows.op):
        if op not in around(rows, row):
            expected[op] += rows.end_ns[row] - rows.start_ns[row]

    assert {key.op: each.total_ns for key, each in sums.items()} == {
        found.ops[op]: time for op, time in expected.items()
    }
    assert sum(each.calls for each in sums.values()) == len(one) + len(two)
