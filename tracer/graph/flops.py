"""The floating point operations of nodes, by the table in `tracer.graph.formulas`.

Three answers stay apart: a number (0 for an op that only moves data), an op without a formula, and a shape that the
graph does not tell. The last two are counted by op and are never taken as 0.

A number is for one run of a node. How often a loop runs its body is not in the graph, so the body counts once.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Container, Sequence
from itertools import chain

from tracer.graph.formulas import (
    DIFFERS_FROM_TENSORFLOW,
    FORMULAS,
    NO_ARITHMETIC,
    Formula,
    NoFormula,
    UnknownShape,
    is_free,
)
from tracer.graph.model import Kind, Nodes, TensorType
from tracer.graph.references import data_of, find, producer_of

__all__ = ["DIFFERS_FROM_TENSORFLOW", "FORMULAS", "NO_ARITHMETIC", "Flops", "Formula", "graph_flops", "node_flops"]

_UNKNOWN = TensorType("", None)
_NO_FORMULA = "no formula"
_UNKNOWN_SHAPE = "unknown shape"
_READS_INPUTS = "reads inputs"
_Answer = int | str  # operations, or one of the three
_Output = Kind | tuple[Kind, int] | None  # the first output of a node, or another one, by the node's kind


@dataclasses.dataclass(frozen=True, slots=True)
class Flops:
    """The floating point operations of a graph, for one run of each node."""

    per_node: list[int | None]  # in the order of the nodes; None: no formula, or a shape is not known
    without_formula: Counter[str]  # nodes by op
    unknown_shape: Counter[str]  # nodes by op

    @property
    def total(self) -> int:
        """The sum of what is known."""
        return sum(number for number in self.per_node if number)

    @property
    def is_complete(self) -> bool:
        """Tells whether every node is in the sum."""
        return not self.without_formula and not self.unknown_shape


def node_flops(kind: Kind, input_types: Sequence[TensorType] = ()) -> int | None:
    """Returns the operations of one run of a node, and None for an op without a formula or a shape that is not known.

    Args:
      kind: what the node is.
      input_types: the types of its data inputs, in order; formulas that need none take none (`Formula.reads_inputs`).
    """
    answer = _answer(kind, input_types)
    return answer if isinstance(answer, int) else None


def graph_flops(nodes: Nodes, *, not_followed: Container[str] = ()) -> Flops:
    """Returns the operations of each node of an inlined graph.

    Args:
      nodes: inlined, so that their inputs say `a`, `a:1` or `^a`.
      not_followed: paths of nodes that run functions which are not among the nodes: they count as without a formula.
    """
    by_kind = {kind: _READS_INPUTS if _reads_inputs(kind) else _answer(kind, ()) for kind in set(nodes.kinds)}
    answers = [by_kind[kind] for kind in nodes.kinds]
    waiting = [index for index, answer in enumerate(answers) if answer is _READS_INPUTS]
    if waiting:
        _answer_by_inputs(nodes, waiting, answers)
    if not_followed:
        for index, name in enumerate(nodes.names):
            if name in not_followed:
                answers[index] = _NO_FORMULA
    unknown = [(answer, kind.op) for answer, kind in zip(answers, nodes.kinds, strict=True) if isinstance(answer, str)]
    return Flops(
        per_node=[answer if isinstance(answer, int) else None for answer in answers],
        without_formula=Counter(op for answer, op in unknown if answer == _NO_FORMULA),
        unknown_shape=Counter(op for answer, op in unknown if answer == _UNKNOWN_SHAPE),
    )


def _answer_by_inputs(nodes: Nodes, waiting: Sequence[int], answers: list[_Answer]) -> None:
    """Fills in the answers of nodes whose formula reads their inputs; those that agree in kind and inputs share one."""
    inputs = [nodes.inputs_of(index) for index in waiting]
    named = set(chain.from_iterable(inputs))
    named.update([producer_of(text) for text in named if ":" in text])
    pairs = zip(reversed(nodes.names), reversed(nodes.kinds), strict=True)
    kinds = {name: kind for name, kind in pairs if name in named}  # of two nodes of one name the first
    known: dict[tuple[Kind, tuple[_Output, ...]], _Answer] = {}
    for index, texts in zip(waiting, inputs, strict=True):
        kind = nodes.kinds[index]
        read = tuple([_output(kinds, text) for text in data_of(texts)])
        key = kind, read
        answer = known.get(key)
        if answer is None:
            answer = known[key] = _answer(kind, list(map(_type, read)))
        answers[index] = answer


def _output(kinds: dict[str, Kind], text: str) -> _Output:
    """Returns what an input reads; None where nothing has that name."""
    kind, port = find(text, kinds)
    return (kind, port) if kind is not None and port else kind


def _type(output: _Output) -> TensorType:
    if output is None:
        return _UNKNOWN
    kind, port = output if isinstance(output, tuple) else (output, 0)
    outputs = kind.outputs
    return outputs[port] if port < len(outputs) else _UNKNOWN


def _answer(kind: Kind, input_types: Sequence[TensorType]) -> _Answer:
    formula = FORMULAS.get(kind.op)
    if formula is None:
        return 0 if is_free(kind.op) else _NO_FORMULA
    try:
        return formula.count(kind, input_types)
    except UnknownShape:
        return _UNKNOWN_SHAPE
    except NoFormula:
        return _NO_FORMULA


def _reads_inputs(kind: Kind) -> bool:
    formula = FORMULAS.get(kind.op)
    return formula is not None and formula.reads_inputs
