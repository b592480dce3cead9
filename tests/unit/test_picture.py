"""The boxes of a scope tree: where they stand, how wide they are, and which are left out."""

import pytest

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.profile.attribute import NodeTime
from tracer.report.picture import BOXES, LEVELS, picture
from tracer.report.scopes import scope_rows


def drawn(nodes, **times):
    """Returns the picture of a graph; `a__x=3` are 3 ns of the node `a/x`."""
    found = [_time(path.replace("__", "/"), own) for path, own in times.items()] if times else None
    rows = scope_rows(inline(graph(nodes)), times=found, raw=True).all
    return picture([rows.row(at) for at in range(len(rows.depths))], len(rows.depths))


def _time(path, own):
    return NodeTime("000-f", path, "cpu", -1, 1, own, own, 0, (), shared=False)


def boxes(found):
    """Returns each box as `label@level begin+width own`, in percent."""
    return [
        f"{box.row.label}@{box.level} {100 * box.begin:g}+{100 * box.share:g} {100 * box.own:g}" for box in found.boxes
    ]


def test_boxes_are_as_wide_as_their_time():
    """Children stand beside each other below their parent, from its left; the rest of its width is its own."""
    found = drawn("a/x:Neg a/b/y:Neg a/c/z:Neg d/w:Neg v:Neg", a__x=20, a__b__y=10, a__c__z=10, d__w=40, v=20)

    assert (found.measure, found.whole, found.left_out) == ("time", 100, 0)
    assert boxes(found) == ["(all)@0 0+100 20", "a@1 0+40 20", "b@2 0+10 10", "c@2 10+10 10", "d@1 40+40 40"]


def test_without_times_boxes_are_as_wide_as_their_nodes():
    """So is a graph of which nothing was executed."""
    nodes = "a/x:Neg a/b/y:Neg c/z:Neg w:Neg"

    assert boxes(drawn(nodes)) == ["(all)@0 0+100 25", "a@1 0+50 25", "b@2 0+25 25", "c@1 50+25 25"]
    assert drawn(nodes).measure == drawn(nodes, w=0).measure == "nodes"


def test_narrow_boxes_are_left_out_and_counted():
    """A scope with less than a part in 500 of the time leaves its room empty."""
    found = drawn("a/x:Neg b/y:Neg c/z:Neg", a__x=499, b__y=1, c__z=500)

    assert boxes(found) == ["(all)@0 0+100 0", "a@1 0+49.9 49.9", "c@1 50+50 50"]
    assert found.left_out == 1


def test_a_picture_has_so_many_boxes_and_levels_at_most():
    """Of 10,000 scopes, and of a nest 100 deep, the widest are drawn, each below its parent."""
    wide = drawn(" ".join(f"s{number % 300}/t{number}/x:Neg" for number in range(10_000)))
    deep = drawn("/".join(["a"] * 100) + "/x:Neg")

    assert (len(wide.boxes), wide.left_out) == (BOXES, 10_301 - BOXES)
    assert (len(deep.boxes), deep.left_out) == (LEVELS, 101 - LEVELS)
    paths = {box.row.path for box in wide.boxes}
    assert all(path.rpartition("/")[0] in paths for path in paths)


def test_boxes_of_one_level_do_not_overlap():
    """Each begins where one before it has ended, or later, and inside its parent."""
    nodes = " ".join(f"{one}/{two}/{three}/x:Neg" for one in "abcdefg" for two in "hijk" for three in "lm")
    found = drawn(nodes, a__h__l__x=5, a__h__m__x=7, b__k__l__x=11, g__j__m__x=3)
    ends = {}
    for box in found.boxes:
        assert box.begin >= ends.get(box.level, 0) - 1e-9
        assert box.begin + box.share <= ends.get(box.level - 1, 1) + 1e-9
        ends[box.level] = box.begin + box.share


@pytest.mark.parametrize("nodes", ["", "  "])
def test_a_graph_with_nothing_in_it_has_no_picture(nodes):
    """There is nothing to draw."""
    assert drawn(nodes) is None
