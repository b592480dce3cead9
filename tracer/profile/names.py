"""What the events of TensorFlow's profiler mean, by their names and stats."""

from __future__ import annotations

import re
from collections.abc import Collection

# The executor writes `<node>:<op>`; other events have blanks, two colons, or a file of Python in them. A function that
# XLA compiled as a whole (`__inference_f_23:__inference_f_23`) is a call: what runs in it are its instructions.
_EXECUTED = re.compile(r"(?P<node>[^\s:$][^\s:]*):(?P<op>_?[A-Z][\w>]*)")
_EAGER = "EagerLocalExecute: "
_PIPELINE = "InstantiatedCapturedFunction::"
# What tf.data consists of, and what takes elements out of it: as nodes, and as ops that Python runs.
_INPUT = re.compile(r"\w*Dataset(V\d+)?|\w*Iterator(V\d+)?|IteratorGetNext\w*|OptionalFromValue|MultiDeviceIterator\w*")
_OP_TYPE = re.compile(r"_?[A-Z][\w>]*")

_ITERATOR = "Iterator::Root::"

# What an event is to the reader.
BY_STATS = -1  # which only its stats say
IGNORED = 0
EXECUTION = 1  # "<node>:<op>"
PROCESS = 2  # the executor at work for the run that the event names
CALL = 3  # Python called the function that the event names
EAGER_OP = 4  # Python ran the op that the event names
EAGER_RUN = 5  # the part of the last two in which it runs
FUNCTION_RUN = 6  # the executor was handed a run
ASYNC_START = 7
ASYNC_DONE = 8
THUNK = 9  # XLA on the host ran an instruction
THUNK_DONE = 10
STEP = 11
ALLOCATION = 12
LAUNCH = 13  # of a kernel on a device
PIPELINE_RUN = 14  # tf.data handed a run to the executor: of a function given to `map`, `filter`, ...

_BY_NAME = {
    "ExecutorState::Process": PROCESS,
    "KernelAndDeviceFunc::Run": EAGER_RUN,
    "FunctionRun": FUNCTION_RUN,
    "ExecutorState::ProcessAsync::Start": ASYNC_START,
    "ExecutorState::ProcessAsync::Done": ASYNC_DONE,
    "MemoryAllocation": ALLOCATION,
    "MemoryDeallocation": ALLOCATION,
    **dict.fromkeys(("EagerExecute", "EagerKernelExecute", "EagerCopyToDevice", "ExecutorDoneCallback"), IGNORED),
    **dict.fromkeys(("ValidateInputTypeAndPlacement", "convert_to_tensor", "tf.constant", "BlockUntilReady"), IGNORED),
}
_IGNORED = ("ThreadpoolListener::", "TFE_", "Iterator::", "ReduceIterator::", "MakeIterator::", "$")
_BY_STAT = {"hlo_op": THUNK, "step_num": STEP, "correlation_id": LAUNCH}  # in the order in which they decide


def executed(name: str) -> tuple[str, str] | None:
    """Returns node and op of an event of the executor: `net/add:AddV2`; None for any other."""
    match = _EXECUTED.fullmatch(name)
    return (match["node"], match["op"]) if match else None


def eager(name: str) -> str:
    """Returns the op or the function that an `EagerLocalExecute: ` names; empty for any other event."""
    return name[len(_EAGER) :] if name.startswith(_EAGER) else ""


def is_input(op: str) -> bool:
    """Returns whether ops of this type make a dataset, or take elements out of one."""
    return _INPUT.fullmatch(op) is not None


def pipeline(name: str) -> list[str]:
    """Returns the parts of a dataset that an event names: `Iterator::Root::Prefetch::Map[0]::Range`; else nothing."""
    if not name.startswith(_ITERATOR):
        return []
    return [part.partition("[")[0] for part in name[len(_ITERATOR) :].split("::")]


def meaning(name: str) -> int:
    """Returns what an event of the host is, by its name; `BY_STATS` where a program may have given it that name."""
    known = _BY_NAME.get(name)
    if known is not None:
        return known
    if name.startswith(_IGNORED):
        return IGNORED
    if name.startswith(_EAGER):
        return EAGER_OP if _OP_TYPE.fullmatch(eager(name)) else CALL
    if name.startswith("end: "):
        return THUNK_DONE
    if name.startswith(_PIPELINE):
        return PIPELINE_RUN
    return EXECUTION if executed(name) else BY_STATS


def meaning_by_stats(stats: Collection[str]) -> int:
    """Returns what an event of the host is, by the names of its stats."""
    return next((meaning for stat, meaning in _BY_STAT.items() if stat in stats), IGNORED)
