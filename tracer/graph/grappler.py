"""What TensorFlow's optimizers and its lowering leave in a graph, read from ops and names."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping

from tracer.graph.model import Kind
from tracer.graph.names import CALLER
from tracer.graph.op_sets import FRAME_OPS, LOOP_OPS

# Ops whose inputs Grappler sorts by name (tensorflow/core/grappler/op_types.cc, IsCommutative; AddN is a sum too).
COMMUTATIVE = frozenset(
    {"Add", "AddV2", "AddN", "Mul", "Maximum", "Minimum", "SquaredDifference", "Equal", "NotEqual"}
    | {"LogicalAnd", "LogicalOr", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "AccumulateNV2"}
)
SHAPE_OPS = frozenset({"Shape", "ShapeN", "Size", "Rank", "TensorListElementShape"})  # known where the shape is
# How the names of ops begin that give something else each time they run, so that two of them are never one.
_IMPURE = (
    "ReadVariable",
    "Print",
    "Assert",
    "PyFunc",
    "EagerPyFunc",
    "Timestamp",
    "Random",
    "Truncated",
    "Multinomial",
)

# Parts of names that optimizers give to the nodes that they make (tensorflow/core/grappler/optimizers/*.cc); the first
# that fits counts.
_OPTIMIZERS = (
    ("ConstantFolding", "ConstantFolding"),
    ("ArithmeticOptimizer", "ArithmeticOptimizer"),
    ("LayoutOptimizer", "LayoutOptimizer"),
    ("DependencyOptimizer", "DependencyOptimizer"),
    ("LoopOptimizer", "LoopOptimizer"),
    ("AutoMixedPrecision", "AutoMixedPrecision"),
    ("AutoParallel", "AutoParallel"),
    ("ScopedAllocatorOptimizer", "ScopedAllocatorOptimizer"),
    ("scoped_allocator", "ScopedAllocatorOptimizer"),
    ("MemoryOptimizer", "MemoryOptimizer"),
    ("Recomputed", "MemoryOptimizer"),
    ("swap_in_", "MemoryOptimizer"),
    ("swap_out_", "MemoryOptimizer"),
    ("PinToHostOptimizer", "PinToHostOptimizer"),
    ("split_addn", "Remapper"),
)
_MARKS = tuple(mark for mark, _ in _OPTIMIZERS)

# What the lowering of calls, branches and loops puts beside their nodes (tensorflow/core/common_runtime/lower_*.cc and
# inline_function_utils.cc) has a number as the last part of its path, `cond/pivot_t/_70`, or one of these names.
_LOWERED = re.compile(r"/_\d+(?:_\d+)?$")
_LOWERING_LAST = ("LoopExecuted", "branch_executed", "input_control_node", "output_control_node", "output_0")

# What ArithmeticOptimizer and ConstantFolding make of an op under its name, with the same result.
REWRITES = {
    "RealDiv": ("Mul", "Reciprocal"),
    "Div": ("Mul", "Reciprocal"),
    "Pow": ("Square", "Sqrt", "Rsqrt", "Reciprocal", "Mul"),
    "Pack": ("ExpandDims",),
    "Log": ("Log1p",),
    "Sub": ("Expm1", "SquaredDifference"),
}
# Nodes that have the result of the node that they are named after: the last of those that were made for it.
_SAME_RESULT = re.compile(
    r"(?:AddOpsRewrite_(?!Leaf_|Internal_)|ReplaceMulWithSquare_|FoldTransposeIntoMatMul_|SimplifyAggregation_Mul_)"
)
_COMPOSITION = "/unary_ops_composition"  # behind the name of the last of the ops that one node does in a row

_FUSED_PREFIXES = ("_MklNative", "_Mkl", "_")
# The ops that fused ops began with whose names do not say it.
_FUSED_MAINS = {"FusedBatchNormEx": "FusedBatchNormV3", "Swish": "Sigmoid", "FusedMish": "Softplus"}


def maker(path: str, op: str) -> str:
    """Returns who added a node: an optimizer, "lowering", "function boundary"; empty if nothing tells.

    Args:
      path: its node path in the optimised graph.
      op: its op.
    """
    if op in LOOP_OPS:
        return "lowering"
    if op in FRAME_OPS or (op == "Placeholder" and path.startswith(CALLER)):
        return "function boundary"
    if op in ("_Send", "_Recv", "_HostSend", "_HostRecv"):
        return "partitioning"
    named = optimizer(path)
    if named:
        return named
    last = path.split("/")[-2:]
    return "lowering" if _LOWERED.search(path) or any(part in _LOWERING_LAST for part in last) else ""


def optimizer(path: str) -> str:
    """Returns the optimizer that a node's name names; empty if it names none."""
    return next((name for mark, name in _OPTIMIZERS if mark in path), "")


def folded_from(path: str, is_node: Container[str]) -> str:
    """Returns the node that a constant made by constant folding is named after; empty if it is none.

    `ConstantFolding/net/ShapeN-matshapes-0` comes from `net/ShapeN`, `ConstantFolding/net/truediv_recip` from
    `net/truediv`: it is the longest name of a node that the rest begins with.
    """
    prefix, _, name = path.partition("ConstantFolding/")
    if not name:
        return ""
    name = prefix + name
    ends = [at for at, char in enumerate(name) if char in "-_"]
    return next((name[:end] for end in (len(name), *reversed(ends)) if name[:end] in is_node), "")


def is_impure(op: str) -> bool:
    """Tells whether an op gives something else each time it runs."""
    return op.startswith(_IMPURE) or op.endswith("RandomUniform")


def named_after(path: str, op: str, nodes: Mapping[str, Kind]) -> str:
    """Returns the traced node that an optimised node is named after; empty if none is.

    `x/ArithmeticOptimizer/AddOpsRewrite_Add` is named after `x/Add`, `x/Conv-0-TransposeNHWCToNCHW-LayoutOptimizer`
    after `x/Conv`, and what the lowering of the loop `x/while` makes, `x/while/enter/_3`, after the loop.

    Args:
      path: its node path in the optimised graph.
      op: its op.
      nodes: the traced nodes, by path.
    """
    if path.endswith(_COMPOSITION):
        name = path.removesuffix(_COMPOSITION)
        return name if name in nodes else ""
    by = maker(path, op)
    if by == "lowering" or path.startswith("ConstantFoldingCtrl/"):  # the second is the first, optimised
        path = path.removeprefix("ConstantFoldingCtrl/").removeprefix("Func/")
        while path:
            path = path.rpartition("/")[0]
            if path in nodes and nodes[path].bodies:
                return path
        return ""
    if by == "ConstantFolding":
        return folded_from(path, nodes)
    if not by or by == "function boundary":
        return ""
    if f"{by}/" in path:
        scope, _, rest = path.replace(f"{by}/", "").rpartition("/")
        scope += "/" if scope else ""
        marks = [at + 1 for at, char in enumerate(rest) if char == "_"]
        return next((scope + rest[at:] for at in marks if scope + rest[at:] in nodes), "")
    ends = [at for at, char in enumerate(path) if char == "-"]
    return next((path[:at] for at in reversed(ends) if path[:at] in nodes), "")


def result_of(path: str, nodes: Mapping[str, Kind]) -> str:
    """Returns the traced node in whose place an optimizer put a node, with the same result; empty if it is not known.

    Args:
      path: the new node's.
      nodes: the traced nodes, by path.
    """
    rewritten = "ArithmeticOptimizer/" in path and _SAME_RESULT.match(path.rpartition("/")[2])
    return named_after(path, "", nodes) if rewritten or path.endswith(_COMPOSITION) else ""


def fused_main(kind: Kind) -> str:
    """Returns the op that a fused op began with, `MatMul` for `_FusedMatMul`; empty for an op that is not fused."""
    name = kind.op
    prefix = next((prefix for prefix in _FUSED_PREFIXES if name.startswith(prefix)), "")
    if not prefix:
        return ""
    rest = name.removeprefix(prefix)
    if rest in _FUSED_MAINS:
        return _FUSED_MAINS[rest]
    fused = rest.startswith("Fused") or bool(kind.attributes.get("fused_ops"))
    return rest.removeprefix("Fused").removesuffix("Ex") if fused else ""
