"""What became of each traced node in the optimised graph."""

import pytest

from tests.helpers import graph
from tracer.graph.grappler import folded_from, maker
from tracer.graph.hlo import read_hlo
from tracer.graph.hlo_map import hlo_map
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Kind, Node, Nodes
from tracer.graph.stage_map import Added, Fate, stage_map

DENSE = "x:Placeholder  w:Read  b:Read  net/MatMul:MatMul<-x,w  net/Add:AddV2<-net/MatMul,b  net/Relu:Relu<-net/Add"


def _map(before, after, **functions):
    return stage_map(inline(graph(before, **functions)), inline(graph(after)))


def _fates(found):
    return {fate.path: (fate.fate, fate.into, fate.reason) for fate in found.fates if fate.fate != "kept"}


def test_an_untouched_graph_is_kept():
    """Where nothing was optimised every node is kept, and none is added."""
    found = _map(DENSE, DENSE)

    assert found.totals == {"kept": 6, "fused": 0, "folded": 0, "replaced": 0, "removed": 0, "added": 0}
    assert found.fates[0] == Fate("x", "Placeholder", "kept", "x", "Placeholder")


def test_a_fused_op_absorbs_back_to_the_op_that_it_began_with():
    """The op keeps the last node's name; the nodes before it are fused into it, and what it reads is not."""
    found = _map(DENSE, "x:_Arg  w:Read  b:Read  net/Relu:_FusedMatMul<-x,w,b")

    assert _fates(found) == {
        "net/MatMul": ("fused", "net/Relu", ""),
        "net/Add": ("fused", "net/Relu", ""),
        "net/Relu": ("fused", "net/Relu", ""),
    }
    assert found.totals["kept"] == 3


def test_two_fused_ops_in_a_row_keep_apart():
    """A fused op absorbs its own matrix product only."""
    twice = DENSE + "  v:Read  top/MatMul:MatMul<-net/Relu,v  top/Add:AddV2<-top/MatMul,b"
    found = _map(
        twice, "x:_Arg  w:Read  b:Read  v:Read  net/Relu:_FusedMatMul<-x,w,b  top/Add:_FusedMatMul<-net/Relu,v,b"
    )

    assert {fate.path: fate.into for fate in found.fates if fate.op == "MatMul"} == {
        "net/MatMul": "net/Relu",
        "top/MatMul": "top/Add",
    }


def test_values_that_are_known_are_folded_with_what_they_are_made_from():
    """A node that is a constant now was folded, and with it the constants that it read."""
    found = _map("a:Const  b:Const  c:Add<-a,b  y:Neg<-c", "c:Const  y:Neg<-c")

    assert _fates(found) == {
        "a": ("folded", "c", "with c"),
        "b": ("folded", "c", "with c"),
        "c": ("folded", "c", "its value is known"),
    }


def test_constants_that_constant_folding_names_are_found():
    """`ConstantFolding/net/Shape-matshapes-0` is what `net/Shape` became."""
    found = _map(
        "x:Read  net/Shape:ShapeN<-x  y:Use<-net/Shape",
        "x:Read  ConstantFolding/net/Shape-matshapes-0:Const  y:Use<-ConstantFolding/net/Shape-matshapes-0",
    )

    assert _fates(found) == {"net/Shape": ("folded", "ConstantFolding/net/Shape-matshapes-0", "its value is known")}
    assert found.added == ()


def test_an_identity_only_hands_on():
    """A node that hands on what it reads is removed, with the name of that."""
    found = _map("x:Read  i:Identity<-x  y:Neg<-i", "x:Read  y:Neg<-x")

    assert _fates(found) == {"i": ("removed", "", "it only hands on x")}


def test_what_nothing_reads_is_removed_and_what_only_that_reads():
    """Dead nodes are removed with what they are made from."""
    found = _map("x:Read  a:Neg<-x  b:Exp<-a  y:Abs<-x", "x:Read  y:Abs<-x")

    assert _fates(found) == {
        "a": ("removed", "", "nothing reads what it is for"),
        "b": ("removed", "", "nothing reads it"),
    }


def test_of_two_equal_nodes_one_is_a_duplicate():
    """Where a reader reads an equal node now, the other was a duplicate."""
    found = _map("x:Read  a:Neg<-x  b:Neg<-x  y:Add<-a,b", "x:Read  a:Neg<-x  y:Add<-a,a")

    assert _fates(found) == {"b": ("removed", "", "duplicate of a")}


def test_a_node_of_other_inputs_is_no_duplicate():
    """What computes the same op of something else is not equal to it, whatever is read in its place."""
    other = _map("x:Read  y:Read  a:Neg<-x  b:Neg<-y  c:Add<-a,b", "x:Read  a:Neg<-x  c:Add<-a,a")
    equal = _map("x:Read  i:Identity<-x  a:Exp<-x  b:Exp<-i  c:Add<-a,b", "x:Read  a:Exp<-x  c:Add<-a,a")

    assert _fates(other)["b"] == ("removed", "", "a is read in its place")
    assert _fates(equal)["b"] == ("removed", "", "duplicate of a")


def test_a_rewritten_node_is_replaced():
    """A node in whose place readers read what an optimizer made is replaced by that."""
    found = _map(
        "x:Read  m:Mul<-x,x  y:Neg<-m",
        "x:Read  ArithmeticOptimizer/Square_m:Square<-x  y:Neg<-ArithmeticOptimizer/Square_m",
    )

    assert _fates(found) == {"m": ("replaced", "ArithmeticOptimizer/Square_m", "ArithmeticOptimizer")}


def test_swapped_operands_are_seen_through():
    """Where an optimizer also changed the order of the inputs, what is still read is set aside first."""
    found = _map("x:Read  c:Const  d:Const  y:Add<-c,x  z:Add<-d,x", "x:Read  d:Const  y:Add<-x,d  z:Add<-x,d")

    assert _fates(found) == {"c": ("removed", "", "duplicate of d")}


def test_a_changed_op_or_attribute_of_a_kept_node_is_named():
    """A node that is still there says in what it differs; notes of TensorFlow's passes are no difference."""
    before = Nodes.of(
        [Node("a", Kind("RealDiv"), (), ""), Node("b", Kind("Sum", {"keep_dims": True, "_x": 1}), (), "")]
    )
    after = Nodes.of([Node("a", Kind("Mul"), (), ""), Node("b", Kind("Sum", {"keep_dims": False, "_x": 2}), (), "")])
    found = stage_map(inline(Graph(before)), inline(Graph(after)))

    assert [(fate.fate, fate.became, fate.reason) for fate in found.fates] == [
        ("kept", "Mul", "op"),
        ("kept", "Sum", "keep_dims"),
    ]


def test_arguments_that_the_runtime_names_anew_are_found_by_position():
    """`Net/w` becomes the argument `net_w`: the position says so."""
    before = Nodes.of([Node("x", Kind("Placeholder"), (), ""), Node("Net/w", Kind("Placeholder"), (), "")])
    after = Nodes.of([Node("net_w", Kind("_Arg", {"index": 1}), (), ""), Node("x", Kind("_Arg", {"index": 0}), (), "")])
    found = stage_map(inline(Graph(before)), inline(Graph(after)))

    assert [(fate.fate, fate.into) for fate in found.fates] == [("kept", "x"), ("kept", "net_w")]


def test_a_lowered_loop_keeps_the_nodes_of_its_body():
    """A loop is replaced by its nodes, whose names have the lowering's numbers; what joins them is added."""
    found = _map(
        "x:Read  w:While@body.f<-x  y:Neg<-w",
        "x:Read  w/enter/_1:Enter<-x  w/merge/_2:Merge<-w/enter/_1  w/switch/_3:Switch<-w/merge/_2  "
        "w/body/_4/n:Exp<-w/switch/_3  w/exit/_5:Exit<-w/switch/_3  y:Neg<-w/exit/_5",
        f="(a)  n:Exp<-a  ->n:y:0",
    )

    assert _fates(found) == {"w": ("replaced", "", "lowered to the nodes of a loop")}
    assert {node.by for node in found.added} == {"lowering"}
    assert [fate.into for fate in found.fates if fate.op == "Exp"] == ["w/body/n"]


def test_every_scope_counts_its_fates():
    """The totals of each scope add up to those of the graph."""
    found = _map(DENSE, "x:_Arg  w:Read  b:Read  net/Relu:_FusedMatMul<-x,w,b  r:_Retval<-net/Relu")

    assert [(scope.path, dict(scope.counts)) for scope in found.scopes] == [
        ("", {"kept": 3, "added": 1, "fused": 3}),
        ("net", {"fused": 3}),
    ]
    assert found.added == (Added("r", "_Retval", "function boundary"),)


@pytest.mark.parametrize(
    ("path", "op", "by"),
    [
        ("a/ArithmeticOptimizer/AddOpsRewrite_Add", "AddV2", "ArithmeticOptimizer"),
        ("ConstantFolding/a_recip", "Const", "ConstantFolding"),
        ("a-0-TransposeNHWCToNCHW-LayoutOptimizer", "Transpose", "LayoutOptimizer"),
        ("while/enter/_3", "Enter", "lowering"),
        ("Func/while/body/input/_53", "Identity", "lowering"),
        ("x", "_Arg", "function boundary"),
        ("my/own", "Add", ""),
    ],
)
def test_the_maker_of_a_node_is_read_from_its_name(path, op, by):
    """Optimizers sign what they make; where nothing is signed nobody is named."""
    assert maker(path, op) == by


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("ConstantFolding/a/Shape-matshapes-0", "a/Shape"),
        ("ConstantFolding/a/truediv_1_recip", "a/truediv_1"),
        ("ConstantFolding/other-folded", ""),
        ("a/Shape", ""),
    ],
)
def test_the_origin_of_a_folded_constant_is_the_longest_name_that_fits(path, origin):
    """`truediv_1_recip` is of `truediv_1` and not of `truediv`."""
    assert folded_from(path, {"a/Shape": 0, "a/truediv": 1, "a/truediv_1": 2}) == origin


HLO = """\
HloModule jit

ENTRY %main (arg.1: f32[2]) -> f32[2] {
  %arg.1 = f32[2]{0} parameter(0), metadata={op_name="XLA_Args"}
  %zero = f32[] constant(0), metadata={op_type="Relu" op_name="net/Relu"}
  %zeros = f32[2]{0} broadcast(%zero), dimensions={}, metadata={op_type="Relu" op_name="net/Relu"}
  ROOT %max = f32[2]{0} maximum(%arg.1, %zeros), metadata={op_type="Relu" op_name="net/Relu"}
}
"""


def test_a_node_is_lowered_into_the_instructions_that_name_it():
    """XLA's instructions say which node they come from: the last is what it became, the others have parts of it."""
    found = hlo_map(inline(graph("x:Placeholder  net/Relu:Relu<-x  i:Identity<-net/Relu")), inline(read_hlo(HLO)))

    assert found.fates == (
        Fate("x", "Placeholder", "removed", "", "", "a parameter of the program"),
        Fate("net/Relu", "Relu", "lowered", "max", "maximum", also=("zero", "zeros")),
        Fate("i", "Identity", "removed", "", ""),
    )
    assert found.added == (Added("arg.1", "parameter", "function boundary"),)
    assert found.totals == {"lowered": 1, "removed": 2, "added": 1}
