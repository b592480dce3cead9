"""Sets of ops that are the same for every analysis. A set that only one has a reason for stands there."""

from __future__ import annotations

# What they give is what they take.
PASSING_ON = frozenset(
    {"Identity", "IdentityN", "StopGradient", "PreventGradient", "Snapshot", "CheckNumerics", "EnsureShape"}
)
# Control flow as the executor runs it: what loops and branches are lowered to, and what TensorFlow 1 wrote.
LOOP_OPS = frozenset(
    {"Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"}
    | {"RefSwitch", "RefMerge", "RefEnter", "RefExit", "RefNextIteration", "_SwitchN"}
)
# What TensorFlow puts around a function's nodes when it instantiates it.
FRAME_OPS = frozenset({"_Arg", "_Retval", "_DeviceArg", "_DeviceRetval"})
# Each is a variable, or the handle of one.
VARIABLE_OPS = frozenset({"VarHandleOp", "VariableV2", "Variable"})
