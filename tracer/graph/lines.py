"""Which lines of Python made a graph's nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tracer.graph.inline import Inlined


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """A line of Python that was running."""

    file: str
    line: int
    function: str


Stack = tuple[Frame, ...]  # the user's frames, the outermost first


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """The stacks of nodes, by the function that they stand in."""

    frames: tuple[Frame, ...] = ()
    stacks: tuple[tuple[int, ...], ...] = ()  # each a row of indexes into `frames`
    nodes: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)  # function, node -> its stack

    def stack(self, function: str, node: str) -> Stack:
        """Returns the frames that were running when a node was made; empty if none is known.

        Args:
          function: the runtime name of the function that it stands in; `""` is the traced function itself.
          node: its name there.
        """
        index = self.nodes.get(function, {}).get(node)
        return () if index is None else tuple(self.frames[frame] for frame in self.stacks[index])


class InlinedLines:
    """The stacks of an inlined graph's nodes: those of the calls around a node, and behind them its own.

    A function is traced once, at its first call, so its nodes' stacks begin with that call's. For every other call
    that beginning is replaced by the call's own stack.
    """

    def __init__(self, lines: Lines, graph: Inlined) -> None:
        self._lines = lines
        self._graph = graph
        self._first: dict[str, int] = {}
        for index, place in enumerate(graph.places):
            self._first.setdefault(place.function, index)
        self._calls: dict[int, Stack] = {0: ()}  # by place: the stack of the call that runs it

    def stack(self, index: int) -> Stack:
        """Returns the frames behind node number `index`, the outermost first."""
        place = self._graph.place_of[index]
        return self._full(place, self._lines.stack(self._graph.places[place].function, self._graph.local_name(index)))

    def line(self, index: int) -> Frame | None:
        """Returns the line of the user's that made node number `index`."""
        stack = self.stack(index)
        return stack[-1] if stack else None

    def _full(self, place: int, own: Stack) -> Stack:
        function = self._graph.places[place].function
        traced_at = self._call(self._first[function])
        shared = 0
        while shared < min(len(own), len(traced_at)) and own[shared] == traced_at[shared]:
            shared += 1
        return self._call(place) + own[shared:]

    def _call(self, place: int) -> Stack:
        waiting = [place]
        while waiting:  # from the outside in, without recursion: functions nest deep
            inner = waiting[-1]
            here = self._graph.places[inner]
            outer = self._graph.places[here.parent] if here.parent >= 0 else here
            needed = [at for at in (here.parent, self._first[outer.function]) if at >= 0 and at not in self._calls]
            if inner in self._calls or not needed:
                waiting.pop()
                if inner not in self._calls:
                    self._calls[inner] = self._full(here.parent, self._lines.stack(outer.function, here.call))
            else:
                waiting += needed
        return self._calls[place]
