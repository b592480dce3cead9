"""The table of FLOP formulas: how many floating point operations one run of an op takes, from shapes and attributes.

Conventions, the same for every op:

- A multiplication and an addition are two operations: a multiply-add counts 2.
- A function of one element (exp, tanh, rsqrt, erf, a comparison, a choice) counts 1, however a kernel computes it.
  What TensorFlow defines by several such counts each: `TanhGrad` is dy * (1 - y * y), so 3.
- Operations on integers and on complex numbers count like those on floats: it is the op that is counted.
- Padding and zeros count as if they were data.

These are the conventions of TensorFlow's own registry: tensorflow/python/profiler/internal/flops_registry.py
("registry" below), and the `RegisterStatistics(..., "flops")` in tensorflow/python/ops/nn_ops.py ("nn_ops"). Where both
know an op they agree, but for `DIFFERS_FROM_TENSORFLOW`.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence

from tracer.graph.model import Kind, Shape, TensorType
from tracer.graph.sizes import elements

Types = Sequence[TensorType]
Count = Callable[[Kind, Types], int]


class UnknownShape(Exception):
    """A formula needs a shape that the graph does not tell."""


class NoFormula(Exception):
    """Nothing says how many operations a node takes."""


@dataclasses.dataclass(frozen=True, slots=True)
class Formula:
    """How the operations of a node are counted."""

    count: Count  # of the kind and the types of the data inputs; raises UnknownShape or NoFormula
    source: str  # the definition, and where it is from
    reads_inputs: bool = False  # if not, the types of the inputs may be left out


def _size(types: Types, index: int) -> int:
    """Returns the elements of one tensor of several."""
    number = elements(types[index].shape) if index < len(types) else None
    if number is None:
        raise UnknownShape
    return number


def _sizes(types: Types, index: int) -> tuple[int, ...]:
    """Returns the shape of one tensor of several."""
    shape: Shape = types[index].shape if index < len(types) else None
    if shape is None:
        raise UnknownShape
    known = tuple(size for size in shape if size is not None)
    if len(known) < len(shape):
        raise UnknownShape
    return known


def _size_at(types: Types, index: int, axis: int) -> int:
    sizes = _sizes(types, index)
    if not -len(sizes) <= axis < len(sizes):
        raise UnknownShape
    return sizes[axis]


def _numbers(kind: Kind, attribute: str) -> tuple[int, ...]:
    """Returns an attribute that is a list of numbers; without it, nothing is known of the shape."""
    value = kind.attributes.get(attribute)
    if not isinstance(value, tuple) or not all(isinstance(number, int) for number in value):
        raise UnknownShape
    return value


def _per_output(operations: int = 1, output: int = 0) -> Count:
    return lambda kind, _: operations * _size(kind.outputs, output)


def _per_input(index: int, operations: int = 1) -> Count:
    return lambda _, inputs: operations * _size(inputs, index)


def _matmul(kind: Kind, inputs: Types) -> int:
    transposed = kind.attributes.get("transpose_a") or kind.attributes.get("adj_x")
    return 2 * _size(kind.outputs, 0) * _size_at(inputs, 0, -2 if transposed else -1)


def _convolution(*, depthwise: bool = False) -> Count:
    return lambda kind, inputs: 2 * _size(kind.outputs, 0) * _taps(inputs, 1, depthwise)


def _convolution_to_input(*, depthwise: bool = False) -> Count:
    return lambda _, inputs: 2 * _size(inputs, 2) * _taps(inputs, 1, depthwise)


def _convolution_to_filter(*, depthwise: bool = False) -> Count:
    return lambda kind, inputs: 2 * _size(inputs, 2) * _taps(kind.outputs, 0, depthwise)


def _taps(types: Types, index: int, depthwise: bool) -> int:
    """Returns how many elements of the filter go into one output: `[..., in, out]`, or `[..., channels, multiplier]`.

    The filter of a grouped convolution has the channels of one group only, so groups need no rule of their own.
    """
    sizes = _sizes(types, index)
    if len(sizes) < 2:
        raise UnknownShape
    return math.prod(sizes[:-2] if depthwise else sizes[:-1])


def _dilation(kind: Kind, inputs: Types) -> int:
    return 2 * _size(kind.outputs, 0) * math.prod(_sizes(inputs, 1)[:2])


def _einsum(kind: Kind, inputs: Types) -> int:
    left, arrow, result = str(kind.attributes.get("equation", "")).replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow or len(terms) != len(inputs):
        raise UnknownShape
    sizes: dict[str, int] = {}
    for index, term in enumerate(terms):
        labels, shape = _labels(term, len(_sizes(inputs, index))), _sizes(inputs, index)
        if len(labels) != len(shape):
            raise UnknownShape
        for label, size in zip(labels, shape, strict=True):
            sizes[label] = max(size, sizes.get(label, 0) if size <= 1 else size)  # a size of 1 broadcasts in "..."
    everything = math.prod(sizes.values())
    kept = math.prod(size for label, size in sizes.items() if label in result or label.startswith("..."))
    if len(terms) == 1:
        return everything - kept  # a sum, a transposition or a diagonal: nothing is multiplied
    summed = any(label not in result and not label.startswith("...") for label in sizes)
    return (2 if summed else 1) * everything


def _labels(term: str, rank: int) -> list[str]:
    """Returns the label of each axis; those of `...` are counted from the right, as they broadcast."""
    before, dots, behind = term.partition("...")
    hidden = max(rank - len(before) - len(behind), 0) if dots else 0
    return [*before, *(f"...{number}" for number in range(hidden, 0, -1)), *behind]


def _reduction(kind: Kind, inputs: Types) -> int:
    return max(_size(inputs, 0) - _size(kind.outputs, 0), 0)


def _add_n(kind: Kind, _: Types) -> int:
    number = kind.attributes.get("N")
    if not isinstance(number, int):
        raise UnknownShape
    return max(number - 1, 0) * _size(kind.outputs, 0)


def _pool(kind: Kind, _: Types) -> int:
    return _size(kind.outputs, 0) * math.prod(_numbers(kind, "ksize"))


def _average_pool_gradient(kind: Kind, inputs: Types) -> int:
    return 2 * _size(inputs, 1) * math.prod(_numbers(kind, "ksize"))


def _max_pool_gradient(kind: Kind, inputs: Types) -> int:
    return _size(inputs, 1) * (math.prod(_numbers(kind, "ksize")) + 1)


def _batch_norm(kind: Kind, _: Types) -> int:
    if kind.attributes.get("is_training", True):
        return 4 * _size(kind.outputs, 0) + 7 * _size(kind.outputs, 1)
    return 2 * _size(kind.outputs, 0)


def _batch_norm_ex(kind: Kind, inputs: Types) -> int:
    activation = bool(kind.attributes.get("activation_mode", "Identity") != "Identity")
    side_input = bool(kind.attributes.get("num_side_inputs"))
    return _batch_norm(kind, inputs) + (activation + side_input) * _size(kind.outputs, 0)


def _batch_norm_gradient(kind: Kind, _: Types) -> int:
    return 11 * _size(kind.outputs, 0) + 6 * _size(kind.outputs, 1)


def _momentum(kind: Kind, inputs: Types) -> int:
    return (7 if kind.attributes.get("use_nesterov") else 4) * _size(inputs, 3)


def _sparse_times_dense(kind: Kind, inputs: Types) -> int:
    return 2 * _size(inputs, 1) * _size_at(kind.outputs, 0, -1)


def _composition(kind: Kind, _: Types) -> int:
    names = kind.attributes.get("op_names")
    if not isinstance(names, tuple):
        raise NoFormula
    return len(names) * _size(kind.outputs, 0)


def _fused(first: Count) -> Count:
    def count(kind: Kind, inputs: Types) -> int:
        fused = kind.attributes.get("fused_ops", ())
        if not isinstance(fused, tuple) or not all(op in _FUSED for op in fused):
            raise NoFormula
        return first(kind, inputs) + sum(_FUSED[op] for op in fused) * _size(kind.outputs, 0)

    return count


# What Grappler's remapper puts behind a product or a convolution (tensorflow/core/grappler/optimizers/remapper.cc),
# with the operations for each output. A batch normalization is one for inference here.
_FUSED = {
    **dict.fromkeys(("BiasAdd", "Add", "Mul", "Relu", "Relu6", "Elu", "LeakyRelu", "Tanh", "Sigmoid"), 1),
    **dict.fromkeys(("GeluApproximate", "GeluExact", "_FusedHardSwish", "_MklFusedMish", "_MklSwish"), 1),
    "FusedBatchNorm": 2,
}


def _formulas(ops: str, formula: Formula) -> dict[str, Formula]:
    return dict.fromkeys(ops.split(), formula)


def _resource_update(ops: str, gradient: int, operations: int, definition: str) -> dict[str, Formula]:
    source = f"for each element {operations}: {definition} (gen_training_ops, {ops.partition(' ')[0]})"
    return _formulas(ops, Formula(_per_input(gradient, operations), source, reads_inputs=True))


FORMULAS: Mapping[str, Formula] = {
    # Products and convolutions
    **_formulas(
        "MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 SparseMatMul",
        Formula(_matmul, "2 m n k, for each of a batch (registry, MatMul)", reads_inputs=True),
    ),
    **_formulas(
        "_FusedMatMul _MklFusedBatchMatMulV2",
        Formula(_fused(_matmul), "the product, and each of `fused_ops` for each output", reads_inputs=True),
    ),
    "Einsum": Formula(
        _einsum,
        "2 for each combination of the indices, 1 if none is summed; of one tensor the additions (Einsum)",
        reads_inputs=True,
    ),
    "SparseTensorDenseMatMul": Formula(
        _sparse_times_dense, "2 for each element that is there and each column", reads_inputs=True
    ),
    **_formulas(
        "Conv Conv2D Conv3D",
        Formula(
            _convolution(), "2 for each output and element of the filter behind it (nn_ops, Conv2D)", reads_inputs=True
        ),
    ),
    "DepthwiseConv2dNative": Formula(
        _convolution(depthwise=True), "2 height width for each output (nn_ops)", reads_inputs=True
    ),
    **_formulas(
        "_FusedConv2D _FusedConv3D",
        Formula(_fused(_convolution()), "the convolution, and each of `fused_ops` for each output", reads_inputs=True),
    ),
    "_FusedDepthwiseConv2dNative": Formula(
        _fused(_convolution(depthwise=True)), "the convolution, and each of `fused_ops`", reads_inputs=True
    ),
    **_formulas(
        "Conv2DBackpropInput Conv2DBackpropInputV2 Conv3DBackpropInput Conv3DBackpropInputV2",
        Formula(_convolution_to_input(), "as the forward convolution: each product once more", reads_inputs=True),
    ),
    **_formulas(
        "Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv3DBackpropFilter Conv3DBackpropFilterV2",
        Formula(_convolution_to_filter(), "as the forward convolution: each product once more", reads_inputs=True),
    ),
    "DepthwiseConv2dNativeBackpropInput": Formula(
        _convolution_to_input(depthwise=True), "as the forward convolution", reads_inputs=True
    ),
    "DepthwiseConv2dNativeBackpropFilter": Formula(
        _convolution_to_filter(depthwise=True), "as the forward convolution", reads_inputs=True
    ),
    "Dilation2D": Formula(_dilation, "2 height width for each output (nn_ops)", reads_inputs=True),
    # One operation for each element of the result
    **_formulas(
        "Abs Acos Acosh Angle Asin Asinh Atan Atanh BesselI0 BesselI0e BesselI1 BesselI1e Ceil ComplexAbs Conj Cos"
        " Cosh Digamma Elu Erf Erfc Erfinv Exp Expm1 Floor Inv Invert IsFinite IsInf IsNan LeakyRelu Lgamma Log"
        " Log1p LogicalNot Ndtri Neg Reciprocal Relu Relu6 Rint Round Rsqrt Selu Sigmoid Sign Sin Sinh Softplus"
        " Softsign Sqrt Square Tan Tanh _MklFusedMish _MklSwish",
        Formula(_per_output(), "1 for each element: a function of one number (registry, Square)"),
    ),
    **_formulas(
        "Add AddV2 ApproximateEqual Atan2 BitwiseAnd BitwiseOr BitwiseXor Div DivNoNan Equal FloorDiv FloorMod"
        " Greater GreaterEqual Igamma Igammac LeftShift Less LessEqual LogicalAnd LogicalOr Maximum Minimum Mod Mul"
        " MulNoNan NextAfter NotEqual Polygamma Pow RealDiv RightShift Sub TruncateDiv TruncateMod Xdivy Zeta",
        Formula(_per_output(), "1 for each output: a function of two numbers (registry, AddV2)"),
    ),
    **_formulas(
        "Betainc Select SelectV2", Formula(_per_output(), "1 for each output: a choice, a function of three numbers")
    ),
    **_formulas("BiasAdd BiasAddV1", Formula(_per_output(), "1 for each output (nn_ops)")),
    **_formulas("AssignAdd AssignSub", Formula(_per_output(), "1 for each element (registry)")),
    **_formulas("Cumsum Cumprod", Formula(_per_output(), "1 for each element")),
    # Several
    "SquaredDifference": Formula(_per_output(2), "(x - y) * (x - y): 2 (registry)"),
    **_formulas("Xlogy Xlog1py", Formula(_per_output(2), "x * log(y): 2")),
    "ClipByValue": Formula(_per_output(2), "min(max(x, low), high): 2"),
    "LinSpace": Formula(_per_output(2), "start + i * step: 2"),
    "ResizeBilinear": Formula(_per_output(9), "three times a + (b - a) * t: 9"),
    "_UnaryOpsComposition": Formula(_composition, "each of `op_names` for each element"),
    **_formulas("AddN AccumulateNV2", Formula(_add_n, "N - 1 for each output (registry)")),
    "L2Loss": Formula(_per_input(0, 2), "sum(x * x) / 2: n, n - 1 and 1 operations", reads_inputs=True),
    "Softmax": Formula(_per_output(5), "max, -, exp, +, /: 5 (registry)"),
    "LogSoftmax": Formula(_per_output(5), "max, -, exp, +, -: 5; the logarithm of each sum is left out, as in Softmax"),
    "SparseSoftmaxCrossEntropyWithLogits": Formula(
        _per_output(6, 1), "for each logit 6: max, -, exp, + for the loss, and /, - for the gradient, its second output"
    ),
    "SoftmaxCrossEntropyWithLogits": Formula(
        _per_output(9, 1), "for each logit 9: as the sparse one, and -, *, + with the labels"
    ),
    # Reductions
    **_formulas(
        "All Any ArgMax ArgMin Max Min Prod Sum",
        Formula(_reduction, "elements - results: n elements take n - 1 operations (registry, Sum)", reads_inputs=True),
    ),
    "BiasAddGrad": Formula(_reduction, "a sum: elements - results (registry)", reads_inputs=True),
    "Mean": Formula(_per_input(0), "a sum, and one division for each result: elements (registry)", reads_inputs=True),
    "EuclideanNorm": Formula(
        _per_input(0, 2), "squares, a sum, and one root for each result: 2 elements", reads_inputs=True
    ),
    **_formulas(
        "SegmentMax SegmentMin SegmentProd SegmentSum UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd"
        " UnsortedSegmentSum ResizeNearestNeighborGrad",
        Formula(_per_input(0), "1 for each element that is gathered up", reads_inputs=True),
    ),
    # Pooling
    **_formulas(
        "AvgPool AvgPool3D MaxPool MaxPool3D MaxPoolWithArgmax", Formula(_pool, "outputs * window (registry, AvgPool)")
    ),
    **_formulas(
        "AvgPoolGrad AvgPool3DGrad",
        Formula(_average_pool_gradient, "2 window for each gradient: scaled, then added (registry)", reads_inputs=True),
    ),
    **_formulas(
        "MaxPoolGrad MaxPool3DGrad",
        Formula(_max_pool_gradient, "window + 1 for each output of the pooling (registry)", reads_inputs=True),
    ),
    # Batch normalization; 7 and 6 are the operations for each channel, a root among them
    **_formulas(
        "FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3",
        Formula(_batch_norm, "training: 4 for each output, 7 for each channel; else 2 (op_level_cost_estimator.cc)"),
    ),
    "_FusedBatchNormEx": Formula(_batch_norm_ex, "the normalization; 1 for each output for activation and side input"),
    **_formulas(
        "FusedBatchNormGrad FusedBatchNormGradV2 FusedBatchNormGradV3",
        Formula(_batch_norm_gradient, "11 for each element, 6 for each channel (op_level_cost_estimator.cc)"),
    ),
    # Gradients of functions of one number (tensorflow/core/kernels/cwise_ops.h, relu_op_functor.h)
    **_formulas("ReluGrad Relu6Grad", Formula(_per_output(), "dy or 0: 1")),
    **_formulas(
        "LeakyReluGrad EluGrad SeluGrad", Formula(_per_output(2), "dy, or dy times what depends on the sign: 2")
    ),
    **_formulas("TanhGrad SigmoidGrad", Formula(_per_output(3), "dy * (1 - y * y), dy * y * (1 - y): 3")),
    **_formulas("InvGrad ReciprocalGrad", Formula(_per_output(3), "-dy * y * y: 3")),
    "SqrtGrad": Formula(_per_output(2), "dy * 0.5 / y: 2"),
    "RsqrtGrad": Formula(_per_output(4), "dy * -0.5 * y * y * y: 4 (registry)"),
    "SoftplusGrad": Formula(_per_output(2), "dy * sigmoid(x): 2"),
    "SoftsignGrad": Formula(_per_output(4), "dy / (1 + abs(x)) ** 2: 4"),
    # Variables
    **_formulas(
        "AssignAddVariableOp AssignSubVariableOp", Formula(_per_input(1), "1 for each element", reads_inputs=True)
    ),
    **_formulas(
        "ResourceScatterAdd ResourceScatterSub ResourceScatterMul ResourceScatterDiv ResourceScatterMax"
        " ResourceScatterMin ScatterAdd ScatterSub ScatterMul ScatterDiv ScatterMax ScatterMin ResourceScatterNdAdd"
        " ResourceScatterNdSub ScatterNdAdd ScatterNdSub TensorScatterAdd TensorScatterSub TensorScatterMax"
        " TensorScatterMin",
        Formula(_per_input(2), "1 for each element of the update", reads_inputs=True),
    ),
    "ScatterNd": Formula(
        _per_input(1), "1 for each element of the update: where indices repeat, they add", reads_inputs=True
    ),
    **_resource_update("ResourceApplyGradientDescent", 2, 2, "w -= a * g"),
    **_formulas(
        "ResourceApplyMomentum ResourceApplyKerasMomentum",
        Formula(_momentum, "for each element 4: v = v * b + g, w -= v * a; with Nesterov's 7", reads_inputs=True),
    ),
    **_resource_update("ResourceApplyAdagrad", 3, 6, "v += g * g, w -= a * g / sqrt(v)"),
    **_resource_update("ResourceApplyAdagradV2", 4, 7, "v += g * g, w -= a * g / (sqrt(v) + e)"),
    **_resource_update(
        "ResourceApplyRMSProp", 7, 11, "s = r * s + (1 - r) * g * g, v = b * v + a * g / sqrt(s + e), w -= v"
    ),
    **_resource_update(
        "ResourceApplyAdam", 9, 12, "m = b * m + (1 - b) * g, v = c * v + (1 - c) * g * g, w -= a * m / (sqrt(v) + e)"
    ),
}

# Ops that both know and count differently, and why. tests/integration/test_flops.py holds it to be complete.
DIFFERS_FROM_TENSORFLOW: Mapping[str, str] = {
    "Rsqrt": "TensorFlow counts a root and a division, and for Sqrt nothing; here a function of one number is 1",
    "L2Loss": "TensorFlow counts what its kernel once took, 3 n - 1; here it is the definition",
    "Conv2DBackpropInput": "TensorFlow divides the input by the strides, which is not exact where borders are cut off",
    "Conv2DBackpropFilter": "TensorFlow divides the input by the strides, which is not exact where borders are cut off",
}

_ONLY_MOVES = {
    "copies, cuts, joins or lays out elements that are there": (
        "BatchToSpace BatchToSpaceND Bitcast BroadcastTo Cast Complex Concat ConcatV2 ConjugateTranspose Copy"
        " CopyHost DeepCopy DepthToSpace Diag DiagPart DynamicPartition DynamicStitch EnsureShape ExpandDims"
        " ExtractImagePatches Gather GatherNd GatherV2 Identity IdentityN Imag MatrixBandPart MatrixDiag"
        " MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2"
        " MatrixSetDiagV3 MirrorPad Pack Pad PadV2 ParallelConcat ParallelDynamicStitch PlaceholderWithDefault"
        " PreventGradient RandomShuffle Real RefIdentity Reshape ResizeNearestNeighbor Reverse ReverseSequence"
        " ReverseV2 Roll Slice Snapshot SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient"
        " StridedSlice StridedSliceGrad TensorScatterUpdate TensorStridedSliceUpdate Tile Transpose Unpack"
    ),
    "makes values that do not depend on any, or takes them from outside": (
        "Const Empty FakeParam Fill GuaranteeConst HostConst ImmutableConst OneHot OnesLike Placeholder"
        " PlaceholderV2 Range ZerosLike _Arg _DeviceArg _EagerConst"
    ),
    "tells or works out shapes": (
        "BroadcastArgs BroadcastGradientArgs ConcatOffset InvertPermutation Rank Shape ShapeN Size"
        " TensorListElementShape VariableShape"
    ),
    "reads or writes memory that stays": (
        "Assign AssignVariableOp DestroyResourceOp DestroyTemporaryVariable DisableCopyOnRead"
        " IsVariableInitialized ReadVariableOp ResourceGather ResourceGatherNd ResourceScatterNdUpdate"
        " ResourceScatterUpdate ResourceStridedSliceAssign ScatterNdUpdate ScatterUpdate TemporaryVariable"
        " VarHandleOp VarIsInitializedOp Variable VariableV2 _ReadVariablesOp _VarHandlesOp"
    ),
    "keeps tensors in lists": (
        "EmptyTensorList Stack StackCloseV2 StackPopV2 StackPushV2 StackV2 TensorArrayCloseV3 TensorArrayConcatV3"
        " TensorArrayGatherV3 TensorArrayGradV3 TensorArrayReadV3 TensorArrayScatterV3 TensorArraySizeV3"
        " TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatLists"
        " TensorListConcatV2 TensorListFromTensor TensorListGather TensorListGetItem TensorListLength"
        " TensorListPopBack TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize"
        " TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit"
        " TensorListStack"
    ),
    "runs functions, whose nodes are counted where they stand, or is one end of them": (
        "BatchFunction Case If MapDefun PartitionedCall RemoteCall StatefulPartitionedCall StatelessCase"
        " StatelessIf StatelessWhile SymbolicGradient TPUPartitionedCall While XlaLaunch _DeviceRetval _If _Retval"
        " _While"
    ),
    "directs control flow": (
        "ControlTrigger Enter Exit LoopCond Merge NextIteration NoOp RefEnter RefExit RefMerge RefNextIteration"
        " RefSwitch Switch _SwitchN _XlaMerge Abort"
    ),
    "sends between devices, or asks about them": "DeviceIndex _HostCast _HostRecv _HostSend _Recv _Send",
    "checks, prints, or writes summaries": (
        "Assert CheckNumerics CheckNumericsV2 Print PrintV2 StringFormat WriteAudioSummary WriteGraphSummary"
        " WriteHistogramSummary WriteImageSummary WriteRawProtoSummary WriteScalarSummary WriteSummary"
    ),
    "hands on the elements of datasets": (
        "AnonymousIterator AnonymousIteratorV2 AnonymousIteratorV3 DeleteIterator Iterator IteratorGetNext"
        " IteratorGetNextAsOptional IteratorGetNextSync IteratorToStringHandle IteratorV2 MakeIterator"
        " OneShotIterator OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone DatasetCardinality"
        " DatasetToSingleElement"
    ),
    "works on text and files": (
        "AsString DecodeBase64 EncodeBase64 MergeV2Checkpoints ReadFile RegexFullMatch RegexReplace Restore"
        " RestoreV2 Save SaveV2 ShardedFilename StaticRegexFullMatch StaticRegexReplace StringJoin StringLength"
        " StringLower StringSplit StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast"
        " StringToHashBucketStrong StringUpper Substr WriteFile"
    ),
}

# Ops that compute nothing, each with the reason. A conversion (`Cast`) is none either: no number comes of two others.
NO_ARITHMETIC: Mapping[str, str] = {op: reason for reason, ops in _ONLY_MOVES.items() for op in ops.split()}

_DATASET = re.compile(r"[A-Z]\w*Dataset(V\d+)?")  # "MapDataset": each element is made when the iterator asks for it


def is_free(op: str) -> bool:
    """Tells ops that do no arithmetic of their own."""
    return op in NO_ARITHMETIC or _DATASET.fullmatch(op) is not None
