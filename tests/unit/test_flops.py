import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import graph
from tracer.graph.flops import DIFFERS_FROM_TENSORFLOW, FORMULAS, NO_ARITHMETIC, graph_flops, node_flops
from tracer.graph.formulas import is_free
from tracer.graph.inline import inline
from tracer.graph.model import Kind, TensorType
from tracer.graph.ops import is_known


def kind(op, *outputs, **attributes):
    """A kind with outputs of these shapes, in float32."""
    return Kind(op, {"T": "float32", "_output_shapes": tuple(outputs), **attributes})


def floats(*shapes):
    """The types of inputs of these shapes."""
    return [TensorType("float32", shape) for shape in shapes]


# op and attributes, outputs, inputs, operations counted by hand
CASES = {
    "a product of [2, 3] and [3, 5]": (kind("MatMul", (2, 5)), [(2, 3), (3, 5)], 2 * 2 * 5 * 3),
    "a transposed product": (kind("MatMul", (2, 5), transpose_a=True), [(3, 2), (3, 5)], 60),
    "a batch of products": (kind("BatchMatMulV2", (4, 2, 5)), [(4, 2, 3), (3, 5)], 240),
    "a batch with the first transposed": (kind("BatchMatMulV2", (4, 2, 5), adj_x=True), [(4, 3, 2), (4, 3, 5)], 240),
    "a fused layer": (kind("_FusedMatMul", (2, 5), fused_ops=("BiasAdd", "Relu")), [(2, 3), (3, 5), (5,)], 60 + 20),
    "attention scores": (kind("Einsum", (2, 7, 3, 3), equation="abcd,aecd->acbe"), [(2, 3, 7, 5), (2, 3, 7, 5)], 1260),
    "an outer product": (kind("Einsum", (2, 3), equation="a,b->ab"), [(2,), (3,)], 6),
    "a transposition by einsum": (kind("Einsum", (3, 2), equation="ab->ba"), [(2, 3)], 0),
    "a sum by einsum": (kind("Einsum", (2,), equation="ab->a"), [(2, 3)], 6 - 2),
    "an einsum with dots": (kind("Einsum", (4, 2, 5), equation="...ij,jk->...ik"), [(4, 2, 3), (3, 5)], 240),
    "dots that broadcast": (kind("Einsum", (4, 2, 5), equation="...ij,...jk->...ik"), [(1, 2, 3), (4, 3, 5)], 240),
    "a convolution": (kind("Conv2D", (1, 4, 4, 8)), [(1, 6, 6, 3), (3, 3, 3, 8)], 2 * 128 * 27),
    "a convolution in two groups": (kind("Conv2D", (1, 4, 4, 8)), [(1, 6, 6, 6), (3, 3, 3, 8)], 2 * 128 * 27),
    "a convolution with strides": (
        kind("Conv2D", (1, 2, 2, 8), strides=(1, 2, 2, 1)),
        [(1, 6, 6, 3), (3, 3, 3, 8)],
        1728,
    ),
    "a volume": (kind("Conv3D", (1, 2, 2, 2, 4)), [(1, 3, 3, 3, 2), (2, 2, 2, 2, 4)], 2 * 32 * 16),
    "a depthwise convolution": (kind("DepthwiseConv2dNative", (1, 4, 4, 6)), [(1, 6, 6, 3), (3, 3, 3, 2)], 2 * 96 * 9),
    "its gradient to the input": (
        kind("Conv2DBackpropInput", (1, 6, 6, 3)),
        [(4,), (3, 3, 3, 8), (1, 4, 4, 8)],
        2 * 128 * 27,
    ),
    "its gradient to the filter": (
        kind("Conv2DBackpropFilter", (3, 3, 3, 8)),
        [(1, 6, 6, 3), (4,), (1, 4, 4, 8)],
        2 * 128 * 27,
    ),
    "a depthwise gradient to the filter": (
        kind("DepthwiseConv2dNativeBackpropFilter", (3, 3, 3, 2)),
        [(1, 6, 6, 3), (4,), (1, 4, 4, 6)],
        2 * 96 * 9,
    ),
    "a bias": (kind("BiasAdd", (2, 5)), [(2, 5), (5,)], 10),
    "a broadcast sum": (kind("AddV2", (2, 3)), [(2, 1), (3,)], 6),
    "a root": (kind("Rsqrt", (7,)), [(7,)], 7),
    "a squared difference": (kind("SquaredDifference", (7,)), [(7,), (7,)], 14),
    "the gradient of tanh": (kind("TanhGrad", (7,)), [(7,), (7,)], 21),
    "a sum over 12 to 3": (kind("Sum", (3,)), [(3, 4), (1,)], 9),
    "a mean over 12 to 3": (kind("Mean", (3,)), [(3, 4), (1,)], 12),
    "the largest of none": (kind("Max", (3,)), [(3, 0), (1,)], 0),
    "the gradient of a bias": (kind("BiasAddGrad", (5,)), [(2, 5)], 5),
    "four added": (kind("AddN", (2, 3), N=4), [(2, 3)] * 4, 18),
    "a softmax": (kind("Softmax", (2, 10)), [(2, 10)], 100),
    "a sparse loss": (kind("SparseSoftmaxCrossEntropyWithLogits", (2,), (2, 10)), [(2, 10), (2,)], 120),
    "half the sum of squares": (kind("L2Loss", ()), [(5, 2)], 20),
    "a pooling of 2 by 2": (kind("MaxPool", (1, 2, 2, 3), ksize=(1, 2, 2, 1)), [(1, 4, 4, 3)], 48),
    "its gradient": (kind("MaxPoolGrad", (1, 4, 4, 3), ksize=(1, 2, 2, 1)), [(1, 4, 4, 3), (1, 2, 2, 3)], 60),
    "the gradient of a mean pooling": (kind("AvgPoolGrad", (1, 4, 4, 3), ksize=(1, 2, 2, 1)), [(4,), (1, 2, 2, 3)], 96),
    "normalization in training": (kind("FusedBatchNormV3", (2, 4, 4, 3), (3,), is_training=True), [], 4 * 96 + 21),
    "normalization for inference": (kind("FusedBatchNormV3", (2, 4, 4, 3), (3,), is_training=False), [], 192),
    "a variable that is added to": (kind("AssignAddVariableOp"), [(), (3, 4)], 12),
    "a step of Adam": (kind("ResourceApplyAdam"), [()] * 9 + [(3, 4)], 144),
    "a sparse product": (kind("SparseTensorDenseMatMul", (4, 5)), [(6, 2), (6,), (2,), (3, 5)], 60),
}


@pytest.mark.parametrize("case", CASES)
def test_operations_are_those_counted_by_hand(case):
    """Each formula gives the number that follows from its definition."""
    of, inputs, expected = CASES[case]

    assert node_flops(of, floats(*inputs)) == expected


def test_a_batch_of_unknown_size_is_unknown():
    """An unknown size makes the count unknown, be it of the output or of an input that the formula reads."""
    assert node_flops(kind("MatMul", (None, 5)), floats((None, 3), (3, 5))) is None
    assert node_flops(kind("MatMul", (2, 5)), floats((2, None), (3, 5))) is None
    assert node_flops(kind("Relu", None)) is None


def test_what_fuses_an_unknown_op_has_no_formula():
    """A part that is not known is not left out of the sum."""
    fused = graph_flops(graph("a:_FusedMatMul=float32[2,5]").nodes)
    of = kind("_FusedMatMul", (2, 5), fused_ops=("BiasAdd", "Surprise"))

    assert fused.without_formula == Counter()
    assert node_flops(of, floats((2, 3), (3, 5), (5,))) is None


def test_zero_unknown_and_without_a_formula_stay_apart():
    """Ops that move data are 0; the others that are not counted are named."""
    nodes = graph(
        "x:Placeholder=float32[2,3]  r:Reshape=float32[3,2]<-x  m:Relu=float32[?,3]<-x"
        "  o:MyOwnOp=float32[2]<-x  p:MyOwnOp<-x"
    ).nodes

    flops = graph_flops(nodes)

    assert flops.per_node == [0, 0, None, None, None]
    assert flops.without_formula == Counter({"MyOwnOp": 2})
    assert flops.unknown_shape == Counter({"Relu": 1})
    assert not flops.is_complete


def test_inputs_are_found_along_the_edges():
    """A formula sees the output that an input names, and no control edges."""
    flops = graph_flops(
        graph(
            "x:Split=float32[4,3]  y:Const=float32[3,5]  i:NoOp  m:MatMul=float32[4,5]<-x,y,^i  s:Sum=float32[]<-m:0,y"
        ).nodes
    )

    assert flops.per_node[3:] == [2 * 4 * 5 * 3, 19]
    assert flops.total == 139


def test_the_second_output_is_another_one():
    """`b:1` reads the second output of b, and an output that is not there is unknown."""
    batch = Kind("SparseSoftmaxCrossEntropyWithLogits", {"T": "float32", "_output_shapes": ((2,), (2, 10))})
    nodes = graph("l:X  s:Sum=float32[]<-l:1  t:Sum=float32[]<-l:2  u:Sum=float32[]<-nobody").nodes
    nodes.kinds[0] = batch

    assert graph_flops(nodes).per_node == [120, 19, None, None]


def test_the_body_of_a_loop_counts_once():
    """How often it runs is not in the graph, so its nodes count for one run, and the loop itself for nothing."""
    loop = graph(
        "x:Placeholder=float32[4]  w:While@cond.c@body.b=float32[4]<-x",
        c="(x)  l:Less=bool[]<-x  ->l:z:0",
        b="(x)  e:Exp=float32[4]<-x  ->e:y:0",
    )

    flops = graph_flops(inline(loop).nodes)

    assert flops.total == 1 + 4
    assert flops.is_complete


def test_a_call_that_is_not_followed_has_no_formula():
    """What a missing function does is not known, so its call is not 0."""
    inlined = inline(graph("c:PartitionedCall@.nobody=float32[2]"))

    flops = graph_flops(inlined.nodes, not_followed=inlined.not_followed)

    assert flops.per_node == [None]
    assert flops.without_formula == Counter({"PartitionedCall": 1})


def test_every_op_of_the_tables_exists():
    """No name in the tables is misspelt: TensorFlow's registry knows them all, and none stands in both."""
    assert [op for op in (*FORMULAS, *NO_ARITHMETIC, *DIFFERS_FROM_TENSORFLOW) if not is_known(op)] == []
    assert FORMULAS.keys() & NO_ARITHMETIC.keys() == set()
    assert DIFFERS_FROM_TENSORFLOW.keys() <= FORMULAS.keys()


def test_datasets_are_free_by_their_names():
    """The ops that make datasets run functions of their own, and nothing else."""
    assert [is_free(op) for op in ("MapDataset", "ParallelMapDatasetV2", "MyOwnOp")] == [True, True, False]


@given(
    st.sampled_from(sorted(FORMULAS)),
    st.lists(st.lists(st.integers(0, 5) | st.none(), max_size=5).map(tuple) | st.none(), max_size=4),
    st.lists(st.lists(st.integers(0, 5) | st.none(), max_size=5).map(tuple) | st.none(), max_size=3),
    st.sampled_from(["", "->", "ab,bc->ac", "...a,a...->...", "ab->", "é,é->"]),
)
def test_shapes_that_do_not_fit_are_unknown_and_no_error(op, inputs, outputs, equation):
    """Whatever a damaged graph says, the answer is a count that is not negative, or none."""
    flops = node_flops(kind(op, *outputs, equation=equation, ksize=(1, 2), N=2), floats(*inputs))

    assert flops is None or flops >= 0


def test_a_hundred_thousand_nodes_take_no_time():
    """The cost grows with the nodes, whatever they read: one constant with 100,000 readers, here."""
    nodes = graph("x:Const=float32[9]  s:Sum=float32[]<-x").nodes
    many = type(nodes)(
        [nodes.names[0], *(f"s{index}" for index in range(100_000))],
        [nodes.kinds[0], *[nodes.kinds[1]] * 100_000],
        ([(), *[("x",)] * 100_000], [""] * 100_001),
    )

    start = time.perf_counter()
    total = graph_flops(many).total

    assert total == 800_000
    assert time.perf_counter() - start < 5
