"""Rules about name scopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer import text
from tracer.rules.finding import Found
from tracer.rules.subject import BACKWARD, NUMBER, PLUMBING, UPDATES, Subject

LOOSE = 8  # compute nodes at top level; a loss of a line or two stays below
_NAMED = 4  # modules that share a scope


def shared_scope(subject: Subject) -> Iterator[Found]:
    """Finds variables of several modules whose readers are in one scope: modules that share a box.

    Which modules a scope may be of was recorded; else the full names of variables say it. A layer that is called twice
    has its variables once, so it is not found; nor are Keras' layers, whose scopes are unique even where their
    variables' names are not.
    """
    told = set[int]()
    for scope, modules, twins in _of_several(subject):
        told.update(node for read in twins.values() for node, _ in read)
        number = min(len(modules), max(map(len, twins.values())))
        (_, reader), *_ = next(iter(twins.values()))
        yield _shared(scope, modules, number, list(twins), reader)
    for (scope, _), leaves in _by_full_name(subject, told).items():
        number = max(times for _, times, _ in leaves)
        yield _shared(scope, (), number, [leaf for leaf, _, _ in leaves], leaves[0][2])


def _shared(scope: str, modules: Sequence[str], number: int, leaves: Sequence[str], reader: int) -> Found:
    which = f" ({', '.join(modules[:_NAMED])}{', ...' if len(modules) > _NAMED else ''})" if modules else ""
    return Found(
        f"{number} modules share the scope '{scope}'{which}: each has a variable of its own named "
        f"{', '.join(sorted(leaves))}, and their nodes are in one box",
        "give each module its own name: Layer(name='first'). If one module has all of them, name the variables",
        reader,
        count=number,
    )


def _of_several(subject: Subject) -> Iterator[tuple[str, list[str], dict[str, list[tuple[int, int]]]]]:
    """Returns the scopes that several modules opened, with their paths and the variables of one name read there.

    With each variable comes the node that reads it there. What is read in the scope of another module below is that
    module's.
    """
    modules = {
        module.scope: module.name.split(" or ")
        for module in subject.trace.modules
        if module.kind == "module" and " or " in module.name
    }
    read: dict[tuple[int, str], dict[str, list[tuple[int, int]]]] = {}
    for node, variable in subject.variables.items() if modules else ():
        leaf = variable.name.partition(":")[0].rpartition("/")[2]
        for at, reader in {_module_scope(subject, reader): reader for reader in subject.consumers[node]}.items():
            if at[1] in modules:
                read.setdefault(at, {}).setdefault(leaf, []).append((node, reader))
    for (_, scope), leaves in read.items():
        twins = {leaf: nodes for leaf, nodes in leaves.items() if len(nodes) > 1}
        if twins:
            yield scope, modules[scope], twins


def _module_scope(subject: Subject, node: int) -> tuple[int, str]:
    """Returns the innermost scope of a module that a node stands in, as its function names it, and its place."""
    scope = subject.inlined.local_name(node).rpartition("/")[0]
    while scope and scope not in subject.module_scopes:
        scope = scope.rpartition("/")[0]
    return subject.inlined.place_of[node], scope


def _by_full_name(subject: Subject, told: set[int]) -> dict[tuple[str, str], list[tuple[str, int, int]]]:
    """Returns scopes with variables of one full name whose readers share the scope of that name, with a reader each."""
    by_name: dict[str, list[int]] = {}
    for node, variable in subject.variables.items():
        if node not in told:
            by_name.setdefault(variable.name.partition(":")[0], []).append(node)
    doubles: dict[tuple[str, str], list[tuple[str, int, int]]] = {}
    for name, nodes in by_name.items():
        scope, _, leaf = name.rpartition("/")
        if not scope or leaf == "Variable" or len(nodes) < 2:  # "Variable": names that nobody gave say nothing
            continue
        readers: dict[str, list[int]] = {}
        for node in nodes:
            for read_in, reader in {subject.scope(reader): reader for reader in subject.consumers[node]}.items():
                readers.setdefault(read_in, []).append(reader)
        for shared_by, found in readers.items():
            if len(found) > 1 and _is_scope(shared_by, scope):
                doubles.setdefault((scope, shared_by), []).append((leaf, len(found), found[0]))
    return doubles


def outside_scope(subject: Subject) -> Iterator[Found]:
    """Finds several compute nodes at top level in a function that otherwise uses scopes of its own.

    Not what a tape or an optimizer puts there.
    """
    computing = [op for op in subject.by_op if op not in PLUMBING and op != "AddN" and not UPDATES.fullmatch(op)]
    loose = [index for index in subject.of_ops(computing) if _is_loose(subject, index)]
    if len(loose) >= LOOSE:
        theirs = _training_lines(subject)
        loose = [index for index in loose if subject.stack_key(index) not in theirs]
    if len(loose) < LOOSE or not _uses_scopes(subject):
        return
    ops = dict.fromkeys(subject.nodes.kinds[index].op for index in loose)
    listed = ", ".join(list(ops)[:4]) + (", ..." if len(ops) > 4 else "")
    yield Found(
        f"{text.plural(len(loose), 'node')} stand outside of every scope, beside the boxes of the others: {listed}",
        "wrap these lines in `with tf.name_scope('loss'):`, or in a module's method",
        loose[0],
        count=len(loose),
    )


def _is_loose(subject: Subject, index: int) -> bool:
    """Tells a node at top level; not the inside of an operation, of which only the last node counts."""
    return not subject.nodes.kinds[index].bodies and "/" not in subject.nodes.names[index]


def _training_lines(subject: Subject) -> set[tuple[int, int]]:
    """Returns the lines that take gradients or update variables: what stands at top level for them is not theirs."""
    keys = {
        subject.stack_key(index)
        for index, (name, kind) in enumerate(zip(subject.nodes.names, subject.nodes.kinds, strict=True))
        if UPDATES.fullmatch(kind.op) or BACKWARD.search(name)
    }
    return {key for key in keys if key is not None}


def _uses_scopes(subject: Subject) -> bool:
    """Tells scopes that somebody wrote from those that operations bring along, each of which one line made."""
    makers: dict[str, tuple[int, int]] = {}
    for index, name in enumerate(subject.nodes.names):
        scope = name.partition("/")[0]
        if subject.inlined.place_of[index] or scope in subject.op_paths or "/" not in name or BACKWARD.search(name):
            continue
        key = subject.stack_key(index)
        if key is not None and makers.setdefault(scope, key) != key:
            return True
    return any(_is_read_in_scope(subject, index) for index, found in subject.variables.items() if found.trainable)


def _is_read_in_scope(subject: Subject, variable: int) -> bool:
    """Tells whether a scope reads a variable without updating it, as an optimizer's does."""
    readers = [at for at in subject.consumers[variable] if not subject.inlined.place_of[at]]
    tops = {at: subject.scope(at).partition("/")[0] for at in readers if not BACKWARD.search(subject.nodes.names[at])}
    updating = {top for at, top in tops.items() if UPDATES.fullmatch(subject.nodes.kinds[at].op)}
    return bool({*tops.values()} - updating - {""})


def _is_scope(reader: str, scope: str) -> bool:
    """Tells whether nodes in `reader` stand in the scope that variables are named after, in a call of it or not."""
    plain, wanted = NUMBER.sub("", reader), NUMBER.sub("", scope)
    return f"/{plain}/".find(f"/{wanted}/") >= 0
