"""Rules about Python loops that became many nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer import text
from tracer.graph.lines import Frame, Stack
from tracer.graph.model import Kind, TensorType
from tracer.rules.finding import Found
from tracer.rules.subject import BACKWARD, NUMBER, PLUMBING, Subject

# What takes a tensor apart. Not `IdentityN`, which also holds tensors that have nothing to do with each other.
_PARTS = frozenset(("StridedSlice", "Slice", "GatherV2", "Unpack", "Split", "SplitV"))
_Signature = tuple[str, tuple[TensorType, ...]]

COPIES = 16  # of one operation: fewer turns are quickly traced, and often meant
_LOOKED_AT = 500  # nodes, to find how one turn hangs together with the next


def unrolled_loop(subject: Subject) -> Iterator[Found]:
    """Finds lines that made the same operation again and again, each copy working on what the last one left.

    Or on the next element of one tensor. Not a loop over layers or over variables: there each turn has variables of
    its own, so no graph loop could take its place.
    """
    loops: dict[tuple[int, Frame | None, str], list[list[int]]] = {}
    for place, copies in _copies(subject):
        if _is_loop(subject, copies):
            stack = subject.stack(copies[0])
            statement = _statement(stack)
            body = "" if statement else stack[-1].function
            loops.setdefault((place, statement, body), []).append(copies)
    for (_, statement, _), all_copies in loops.items():
        for turns, groups in _by_turns(all_copies).items():
            first = min((group[0] for group in groups), key=lambda node: subject.stack(node)[-1].line)
            yield _found(subject, turns, groups, statement or subject.line(first), first)


def _by_turns(groups: Sequence[list[int]]) -> dict[int, list[list[int]]]:
    """Returns the copies of one loop by its turns: where there are 20 of one and 40 of another, each turn has two."""
    found: dict[int, list[list[int]]] = {}
    for group in sorted(groups, key=len):
        turns = next((turns for turns in found if not len(group) % turns), len(group))
        found.setdefault(turns, []).append(group)
    return {turns: sorted(same) for turns, same in found.items()}


def _found(subject: Subject, turns: int, groups: Sequence[Sequence[int]], line: Frame | None, first: int) -> Found:
    ops = list(dict.fromkeys(subject.nodes.kinds[group[0]].op for group in groups))
    listed = ", ".join(ops[:4]) + (", ..." if len(ops) > 4 else "")
    nodes = sum(map(len, groups))
    return Found(
        f"a Python loop of {text.count(turns)} turns is unrolled into {text.plural(nodes, 'node')} and what belongs to "
        f"them: {text.count(turns)} times {listed}",
        "loop over a tensor, `for i in tf.range(n)`, which AutoGraph makes one tf.while_loop; or tf.scan, tf.map_fn, "
        "or one operation on the whole batch",
        first,
        line,
        nodes,
    )


def _statement(stack: Stack) -> Frame | None:
    """Returns the line of the innermost `for` or `while` on a stack.

    AutoGraph runs the body of a statement as a function of its own, and gives both frames the name of the function
    around them: two frames of one function in a row are a statement, and a line in it.
    """
    for outer, inner in zip(stack[-2::-1], stack[:0:-1], strict=True):
        if (outer.file, outer.function) == (inner.file, inner.function):
            return outer
    return None


def _copies(subject: Subject) -> Iterator[tuple[int, list[int]]]:
    """Returns nodes that one line made as copies of each other, `cell/MatMul`, `cell/MatMul_1`, with their place."""
    groups: dict[tuple[int, int], dict[tuple[_Signature, str], list[int]]] = {}
    many = _frequent(subject)
    for index in subject.of_kinds(set(many)):
        key = subject.stack_key(index)
        if key is not None and not BACKWARD.search(subject.nodes.names[index]):
            base = NUMBER.sub("", subject.nodes.names[index])
            groups.setdefault(key, {}).setdefault((many[subject.nodes.kinds[index]], base), []).append(index)
    for (place, _), found in groups.items():
        yield from ((place, copies) for copies in found.values() if len(copies) >= COPIES)


def _frequent(subject: Subject) -> dict[Kind, _Signature]:
    """Returns the kinds of computing nodes that there are enough of, so that most graphs need no closer look.

    With what equal kinds agree in: a file may write one combination of attributes in several ways.
    """
    number: dict[Kind, int] = {}
    for kind in subject.nodes.kinds:
        number[kind] = number.get(kind, 0) + 1
    signatures = {kind: (kind.op, kind.outputs) for kind in number if kind.op not in PLUMBING}
    total: dict[_Signature, int] = {}
    for kind, signature in signatures.items():
        total[signature] = total.get(signature, 0) + number[kind]
    return {kind: signature for kind, signature in signatures.items() if total[signature] >= COPIES}


def _is_loop(subject: Subject, copies: Sequence[int]) -> bool:
    """Looks at three copies in a row, in the middle of the loop."""
    middle = len(copies) // 2
    turns = [_turn(subject, copies, at) for at in (middle - 1, middle)]
    own_variables = turns[1][1] - turns[0][1]
    return not own_variables and (all(carried for carried, _ in turns) or _one_source(subject, copies))


def _turn(subject: Subject, copies: Sequence[int], at: int) -> tuple[bool, set[int]]:
    """Tells whether a copy works on what the one before gave, and the variables that it uses on the way there."""
    others, used = set(copies), set[int]()
    carried = False
    waiting, seen = [copies[at]], {copies[at]}
    while waiting and len(seen) < _LOOKED_AT:
        for producer in subject.producers[waiting.pop(0)]:
            carried = carried or producer == copies[at - 1]
            if producer in subject.captures or subject.nodes.kinds[producer].op == "VarHandleOp":
                used.add(producer)
            elif producer not in seen and producer not in others:
                waiting.append(producer)
            seen.add(producer)
    return carried, used


def _one_source(subject: Subject, copies: Sequence[int]) -> bool:
    """Tells whether all copies work on parts of one tensor: they slice it, or read the results of one `Unpack`."""
    firsts = {subject.producers[copy][0] for copy in copies if subject.producers[copy]}
    ops = {subject.nodes.kinds[copies[0]].op, *(subject.nodes.kinds[first].op for first in firsts)}
    return len(firsts) == 1 and not ops.isdisjoint(_PARTS)
