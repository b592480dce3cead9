"""What became of each traced node in the optimised graph."""

import pytest

from tests.helpers import graph
from tracer.graph.fates.model import Added, Fate
from tracer.graph.grappler import folded_from, fused_main, maker, named_after
from tracer.graph.inline import inline
from tracer.graph.model import Body, Graph, Kind, Node, Nodes, Tensor
from tracer.graph.stage_map import made_from, stage_map

CONSTS = (("start", 0), ("one", 1), ("zero", 0), ("two", 1))
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


def test_the_order_of_a_sums_operands_says_nothing():
    """Grappler sorts the operands of commutative ops, and merges equal constants: each is paired with its equal."""
    before = Nodes.of(
        [
            *(Node(name, Kind("Const", {"value": Tensor("int32", (), 4, (value,))}), (), "") for name, value in CONSTS),
            Node("s", Kind("AddV2"), ("zero", "two"), ""),
            Node("t", Kind("Sub"), ("one", "start"), ""),
        ]
    )
    after = Nodes.of([*before[:2], Node("s", Kind("AddV2"), ("one", "start"), ""), before[5]])
    found = stage_map(inline(Graph(before)), inline(Graph(after)))

    assert _fates(found) == {
        "zero": ("removed", "", "duplicate of start"),
        "two": ("removed", "", "duplicate of one"),
    }


def test_two_unknown_operands_of_a_sum_are_not_paired_by_position():
    """Where neither value tells, nothing is said of what is read in whose place."""
    found = _map("x:Read  y:Read  a:Exp<-x  b:Log<-y  s:Add<-a,b", "x:Read  y:Read  p:New  q:New  s:Add<-p,q")

    assert _fates(found) == {
        "a": ("removed", "", "its readers do without it"),
        "b": ("removed", "", "its readers do without it"),
    }


def test_a_composition_of_unary_ops_has_fused_them():
    """`op_names` says which ops it runs one after the other; it has the name of the last in its own."""
    before = inline(graph("x:Read  a:Tanh<-x  i:Identity<-a  b:Exp<-i  c:Sqrt<-b  y:Neg<-c"))
    kind = Kind("_UnaryOpsComposition", {"op_names": ("Tanh", "Exp", "Sqrt")})
    composed = Node("c/unary_ops_composition", kind, ("x",), "")
    rest = graph("x:Read  y:Neg<-c/unary_ops_composition").nodes
    after = inline(Graph(Nodes.of([rest[0], composed, rest[1]])))
    fused = ("fused", "c/unary_ops_composition", "")

    assert _fates(stage_map(before, after)) == {
        **dict.fromkeys("abc", fused),
        "i": ("removed", "", "it only hands on a"),
    }
    assert made_from(before, after) == {"c/unary_ops_composition": ("c", "a", "b")}


def test_an_unread_identity_is_dead():
    """What nothing reads is told so, also an `Identity`; what only that reads is there for nothing."""
    found = _map("x:Read  a:Neg<-x  i:Identity<-a  y:Abs<-x", "x:Read  y:Abs<-x")

    assert _fates(found) == {
        "a": ("removed", "", "nothing reads what it is for"),
        "i": ("removed", "", "nothing reads it"),
    }


def test_what_a_function_returns_is_read():
    """A result's `Identity` hands on to the `_Retval` that is named after it, and what it hands on is not dead."""
    found = _map(
        "x:Placeholder  a:Neg<-x  b:Exp<-a  Identity:Identity<-b",
        "x:Placeholder  a/ArithmeticOptimizer/Made_b:Log<-x  identity_RetVal:_Retval<-a/ArithmeticOptimizer/Made_b",
    )

    assert _fates(found) == {
        "a": ("replaced", "a/ArithmeticOptimizer/Made_b", "with b"),
        "b": ("replaced", "a/ArithmeticOptimizer/Made_b", "ArithmeticOptimizer"),
        "Identity": ("removed", "", "it only hands on b"),
    }


SUM = "x:Read  y:Read  z:Read  n/a:AddV2<-x,y  n/b:AddV2<-n/a,z  r:Neg<-n/b"
REWRITTEN = (
    "x:Read  y:Read  z:Read  n/ArithmeticOptimizer/AddOpsRewrite_Leaf_1_b:AddN<-y,z  "
    "n/ArithmeticOptimizer/AddOpsRewrite_b:AddV2<-n/ArithmeticOptimizer/AddOpsRewrite_Leaf_1_b,x  "
    "r:Neg<-n/ArithmeticOptimizer/AddOpsRewrite_b"
)


def test_a_rewritten_sum_replaces_all_sums_in_it():
    """It is named after the last of them, and its own parts are added."""
    found = _map(SUM, REWRITTEN)
    whole, leaf = "n/ArithmeticOptimizer/AddOpsRewrite_b", "n/ArithmeticOptimizer/AddOpsRewrite_Leaf_1_b"

    assert _fates(found) == {"n/a": ("replaced", whole, "with n/b"), "n/b": ("replaced", whole, "ArithmeticOptimizer")}
    assert found.added == (Added(leaf, "AddN", "ArithmeticOptimizer"),)
    assert made_from(inline(graph(SUM)), inline(graph(REWRITTEN))) == {whole: ("n/b", "n/a"), leaf: ("n/b",)}


def test_what_is_neutral_is_left_out_up_to_what_it_is_made_from():
    """Where a reader reads what a node was made from, all between them did nothing."""
    found = _map("x:Read  one:Const  a:Mul<-x,one  shape:Const  b:Reshape<-a,shape  y:Neg<-b", "x:Read  y:Neg<-x")

    assert _fates(found) == {
        "one": ("removed", "", "its readers do without it"),
        "a": ("removed", "", "x is read in its place"),
        "shape": ("removed", "", "its readers do without it"),
        "b": ("removed", "", "x is read in its place"),
    }


def test_what_a_changed_op_takes_in_went_into_it():
    """`exp(x) - 1` becomes `Expm1` under the name of the difference."""
    found = _map("x:Read  e:Exp<-x  one:Const  d:Sub<-e,one", "x:Read  d:Expm1<-x")

    assert _fates(found) == {
        "e": ("replaced", "d", "with d"),
        "one": ("removed", "", "its readers do without it"),
    }


def test_constants_that_become_one_have_a_name_that_was_no_constants():
    """`x * 2 * 3` becomes `x * 6`: the 6 is named as `x * 2` was, whose value is not known."""
    found = _map("x:Read  two:Const  a:Mul<-x,two  three:Const  b:Mul<-a,three", "x:Read  a:Const  b:Mul<-a,x")

    assert _fates(found) == {
        "two": ("folded", "a", "with a"),
        "a": ("folded", "a", "its constant and that of b are one"),
        "three": ("folded", "a", "with a"),
    }


def test_random_numbers_are_no_duplicates():
    """Two nodes that give something else each time are not the same, whatever they read."""
    found = _map(
        "s:Const  a:RandomUniform<-s  b:RandomUniform<-s  n:Neg<-a  m:Neg<-b  y:Sub<-n,m",
        "s:Const  a:RandomUniform<-s  n:Neg<-a  y:Sub<-n,n",
    )

    assert _fates(found)["m"] == ("removed", "", "n is read in its place")


def test_both_ways_of_a_pattern_are_fused():
    """A fused op has absorbed what lies on any way from its end to its beginning."""
    found = _map(
        "x:Read  w:Read  m:MatMul<-x,w  half:Const  h:Mul<-half,m  e:Erfc<-m  g:Mul<-h,e  y:Neg<-g",
        "x:Read  w:Read  g:_FusedMatMul<-x,w  y:Neg<-g",
    )

    assert _fates(found) == dict.fromkeys(("m", "half", "h", "e", "g"), ("fused", "g", ""))


@pytest.mark.parametrize(
    ("op", "main"), [("_FusedMatMul", "MatMul"), ("_FusedBatchNormEx", "FusedBatchNormV3"), ("_MklSwish", "Sigmoid")]
)
def test_a_fused_op_began_with(op, main):
    """Most say it in their names."""
    assert fused_main(Kind(op)) == main


def test_arguments_of_a_function_that_was_cut_out_of_its_caller_are_found():
    """What it reads from outside stands for its arguments, where the same nodes read them."""
    found = _map(
        "x:Placeholder  w:Placeholder  r:ReadVariableOp<-w  m:MatMul<-x,r  Identity:Identity<-m",
        "caller/a_1:Placeholder  caller/unknown:Placeholder  r:ReadVariableOp<-caller/unknown  m:MatMul<-caller/a_1,r",
    )

    assert {fate.path: (fate.fate, fate.into) for fate in found.fates if fate.op == "Placeholder"} == {
        "x": ("kept", "caller/a_1"),
        "w": ("kept", "caller/unknown"),
    }


def test_a_layouts_transposes_are_seen_through():
    """Between a reader and what it reads may stand a transpose that LayoutOptimizer put there."""
    transpose = "a-0-TransposeNHWCToNCHW-LayoutOptimizer"
    found = _map(
        "x:Read  a:Conv2D<-x  i:Identity<-a  y:Relu<-i",
        f"x:Read  a:Conv2D<-x  {transpose}:Transpose<-a  y:Relu<-{transpose}",
    )

    assert _fates(found) == {"i": ("removed", "", "it only hands on a")}
    assert found.added == (Added(transpose, "Transpose", "LayoutOptimizer"),)


@pytest.mark.parametrize(
    ("path", "op", "origin"),
    [
        ("n/ArithmeticOptimizer/AddOpsRewrite_b", "AddV2", "n/b"),
        ("ArithmeticOptimizer/ArithmeticOptimizer/SimplifyAggregation_Mul_AddOpsRewrite_c", "Mul", "c"),
        ("n/b-0-TransposeNHWCToNCHW-LayoutOptimizer", "Transpose", "n/b"),
        ("ConstantFolding/n/b_recip", "Const", "n/b"),
        ("w/enter/_3", "Enter", "w"),
        ("Func/w/body/input/_53", "Identity", "w"),
        ("ConstantFoldingCtrl/w/body/c/switch_pred/_2_0", "Identity", "w"),
        ("n/other", "Mul", ""),
        ("ArithmeticOptimizer/AddOpsRewrite_gone", "AddV2", ""),
    ],
)
def test_a_new_node_is_named_after_a_traced_one(path, op, origin):
    """The names that optimizers and the lowering give lead back."""
    nodes = {"n/b": Kind("AddV2"), "c": Kind("AddV2"), "w": Kind("While", bodies=(Body("body", "f"),))}

    assert named_after(path, op, nodes) == origin


def test_an_op_that_absorbed_others_is_first_of_those_that_it_is_made_from():
    """A fused op has its own name; the others follow as they were traced. What is as it was is left out."""
    before, after = graph(DENSE), graph("x:_Arg  w:Read  b:Read  net/Relu:_FusedMatMul<-x,w,b")

    assert made_from(inline(before), inline(after)) == {"net/Relu": ("net/Relu", "net/MatMul", "net/Add")}
