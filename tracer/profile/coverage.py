"""How much of a graph a profile can have seen."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

# Kernels that TensorFlow's executor writes no event for: it holds them for inexpensive whatever they cost
# (`OpKernel::IsExpensive`), hands out constants itself, or knows them for control flow. Measured with TensorFlow 2.21.
UNTRACED = frozenset(
    {
        *(
            "_Arg",
            "_Retval",
            "Const",
            "NoOp",
            "Identity",
            "IdentityN",
            "StopGradient",
            "PreventGradient",
            "VarHandleOp",
        ),
        *("Switch", "Merge", "Enter", "Exit", "NextIteration", "LoopCond"),
        *("Reshape", "Squeeze", "ExpandDims", "EnsureShape", "Rank", "Shape", "ShapeN", "Size"),
    }
)


class Seen(NamedTuple):
    """Nodes of a graph that ran in the window."""

    expected: int  # nodes that the executor writes events for
    seen: int
    missing: tuple[str, ...]  # the others' paths: they did not run, or TensorFlow had stopped to trace them

    @property
    def coverage(self) -> float:
        """The part of the expected nodes that was seen; 1 if none was expected."""
        return self.seen / self.expected if self.expected else 1.0


def seen(nodes: Iterable[tuple[str, str]], executed: Container[str]) -> Seen:
    """Returns which nodes of a graph ran.

    Args:
      nodes: path and op of each node of an optimised graph, inlined: the one that is executed.
      executed: the node paths that have executions.
    """
    expected = [path for path, op in nodes if op not in UNTRACED]
    missing = tuple(path for path in expected if path not in executed)
    return Seen(len(expected), len(expected) - len(missing), missing)
