"""Scopes that are nothing but a frame around one other, folded into it: `body`, `net`, `while` are `body/net/while`."""

from __future__ import annotations

import dataclasses

from tracer.report.export import GraphView, Group


def folded(view: GraphView) -> GraphView:
    """Returns the view with a box less for each scope that would be nothing but a frame around another."""
    own = [0] * len(view.groups)
    children = [0] * len(view.groups)
    for node in view.nodes:
        own[node.group] += 1
    for group in view.groups[1:]:
        children[group.parent] += 1
    groups: list[Group] = []
    moved: list[int] = []  # by old number; that of a scope that is gone is where it stood
    frames: list[
        list[str] | None
    ] = []  # by old number: the labels of the scopes right above that are gone, and its own
    for number, group in enumerate(view.groups):
        above = (frames[group.parent] or []) if number else []  # of a scope that stays: a new list for each child
        frame = bool(number) and not own[number] and children[number] == 1
        if frame:
            above.append(group.label)  # handed on to its only child
            frames.append(above)
            moved.append(moved[group.parent])
            continue
        parent = moved[group.parent] if number else -1
        depth = groups[parent].depth + 1 if number else 0
        moved.append(len(groups))
        groups.append(group._replace(label="/".join([*above, group.label]), parent=parent, depth=depth))
        frames.append(None)
    nodes = tuple(node._replace(group=moved[node.group]) for node in view.nodes)
    return dataclasses.replace(view, groups=tuple(groups), nodes=nodes)
