"""What TensorFlow's optimizers and its lowering leave in a graph, read from ops and names."""

from __future__ import annotations

from tracer.graph.model import Kind

PASSING_ON = frozenset(
    {"Identity", "IdentityN", "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics", "EnsureShape"}
)
LOOP_OPS = frozenset(
    {"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"}
    | {"RefSwitch", "RefMerge", "RefEnter", "RefExit", "RefNextIteration", "_SwitchN"}
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
# inline_function_utils.cc), with a number behind it.
_LOWERING = ("/input/_", "/output/_", "/pivot_t/_", "/pivot_f/_", "/switch_pred/_", "/loop_body_control/_")
_LOWERING_LAST = ("LoopExecuted", "branch_executed", "input_control_node", "output_control_node", "output_0")

_FUSED_PREFIXES = ("_MklNative", "_Mkl", "_")


def maker(path: str, op: str) -> str:
    """Returns who added a node: an optimizer, "lowering", "function boundary"; empty if nothing tells.

    Args:
      path: its node path in the optimised graph.
      op: its op.
    """
    if op in LOOP_OPS:
        return "lowering"
    if op in ("_Arg", "_Retval", "_DeviceArg", "_DeviceRetval") or (op == "Placeholder" and path.startswith("caller/")):
        return "function boundary"
    if op in ("_Send", "_Recv", "_HostSend", "_HostRecv"):
        return "partitioning"
    named = optimizer(path)
    if named:
        return named
    last = path.split("/")[-2:]
    if any(mark in f"/{path}" for mark in _LOWERING) or any(part in _LOWERING_LAST for part in last):
        return "lowering"
    return ""


def optimizer(path: str) -> str:
    """Returns the optimizer that a node's name names; empty if it names none."""
    return next((name for mark, name in _OPTIMIZERS if mark in path), "")


def folded_from(path: str, is_node: frozenset[str] | dict[str, int]) -> str:
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


def fused_main(kind: Kind) -> str:
    """Returns the op that a fused op began with, `MatMul` for `_FusedMatMul`; empty for an op that is not fused."""
    name = kind.op
    prefix = next((prefix for prefix in _FUSED_PREFIXES if name.startswith(prefix)), "")
    if not prefix:
        return ""
    rest = name.removeprefix(prefix)
    fused = rest.startswith("Fused") or bool(kind.attributes.get("fused_ops"))
    return rest.removeprefix("Fused").removesuffix("Ex") if fused else ""
