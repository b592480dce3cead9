"""What a graph is made of."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, overload

from tracer.graph.ops import output_names, output_types

Shape = tuple[int | None, ...] | None  # None in it is a size that is not known; None for it, not even the rank is


class TensorType(NamedTuple):
    """What flows along an edge."""

    dtype: str  # "float32"; empty if unknown
    shape: Shape


class Tensor(NamedTuple):
    """A constant, without its content if that is large."""

    dtype: str
    shape: Shape
    nbytes: int  # as it stands in the file
    values: tuple[Any, ...] | None  # its elements, if they are few; one element may stand for all


class FunctionName(NamedTuple):
    """An attribute that names a function of the graph's library."""

    name: str


class Body(NamedTuple):
    """A function that a node runs: the callee of a call, a branch of an `If`, the body of a loop."""

    label: str  # the scope that stands for it in a node path: "then", "body"; empty for a plain call
    function: str  # its name in `Graph.functions`


class Kind:
    """What a node is, apart from its name and its edges. Shared by all nodes that agree in it: most of a graph's do."""

    is_layer: ClassVar[bool] = False  # whether it is a layer of a model, of which the operations are not known

    def __init__(
        self,
        op: str,
        attributes: Mapping[str, Any] | None = None,
        bodies: tuple[Body, ...] = (),
        encoded: tuple[bytes, ...] = (),
    ) -> None:
        self.op = op
        self.attributes: Mapping[str, Any] = attributes or {}  # see `store.graph_def` for how values are kept
        self.bodies = bodies
        self.encoded = encoded  # the attributes as they stand in the file, for writing them again

    @functools.cached_property
    def outputs(self) -> tuple[TensorType, ...]:
        """The type of each output; empty where neither the graph nor the table of ops knows."""
        return tuple(TensorType(*output) for output in output_types(self.op, self.attributes))

    @functools.cached_property
    def output_names(self) -> tuple[str, ...]:
        """How references inside functions write each output, `y:0` or `outputs:1`; empty for an unknown op."""
        return output_names(self.op, self.attributes)

    def __repr__(self) -> str:
        return f"Kind({self.op!r}, {dict(self.attributes)!r}, {self.bodies!r})"


class Node(NamedTuple):
    """One operation."""

    name: str  # in an inlined graph the node path
    kind: Kind
    inputs: tuple[str, ...]  # "a", "a:1", "^a" for a control edge; inside a function's body also "a:output:0"
    device: str

    @property
    def op(self) -> str:
        """The op's type: `MatMul`."""
        return self.kind.op

    @property
    def bodies(self) -> tuple[Body, ...]:
        """The functions that it runs."""
        return self.kind.bodies

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Its attributes as Python values."""
        return self.kind.attributes

    @property
    def outputs(self) -> tuple[TensorType, ...]:
        """The type of each output, as far as known."""
        return self.kind.outputs


class Nodes(Sequence[Node]):
    """Nodes in columns: a graph has up to a million of them, and most questions need one or two columns."""

    __slots__ = ("_devices", "_inputs", "_lazy", "kinds", "names")

    def __init__(
        self, names: list[str], kinds: list[Kind], lazy: Unread | tuple[list[tuple[str, ...]], list[str]]
    ) -> None:
        self.names = names
        self.kinds = kinds
        self._inputs: list[tuple[str, ...]] | None = None
        self._devices: list[str] | None = None
        self._lazy: Unread | None = None
        if isinstance(lazy, tuple):
            self._inputs, self._devices = lazy
        else:
            self._lazy = lazy

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Nodes:
        """Returns nodes that exist already in columns."""
        rows = list(nodes)
        columns = ([row.inputs for row in rows], [row.device for row in rows])
        return cls([row.name for row in rows], [row.kind for row in rows], columns)

    @property
    def inputs(self) -> list[tuple[str, ...]]:
        """The inputs of each node; read when they are first asked for."""
        if self._inputs is None:
            assert self._lazy is not None
            self._inputs = self._lazy.inputs()
        return self._inputs

    def inputs_of(self, index: int) -> tuple[str, ...]:
        """Returns the inputs of one node, without reading those of the others."""
        return self.inputs[index] if self._inputs is not None or self._lazy is None else self._lazy.inputs_of(index)

    @property
    def devices(self) -> list[str]:
        """The device of each node; read when they are first asked for."""
        if self._devices is None:
            assert self._lazy is not None
            self._devices = self._lazy.devices()
        return self._devices

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Node]:
        return map(Node, self.names, self.kinds, self.inputs, self.devices)

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Node]: ...
    def __getitem__(self, index: int | slice) -> Node | Sequence[Node]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return Node(self.names[index], self.kinds[index], self.inputs[index], self.devices[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Nodes):
            return NotImplemented
        mine, theirs = map(_values, self), map(_values, other)
        return len(self) == len(other) and all(a == b for a, b in zip(mine, theirs, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Nodes({len(self)})"


class Unread(Protocol):
    """Where columns come from that are not read yet."""

    def inputs(self) -> list[tuple[str, ...]]:
        """Reads the inputs of each node."""

    def inputs_of(self, index: int) -> tuple[str, ...]:
        """Reads the inputs of one node."""

    def devices(self) -> list[str]:
        """Reads the device of each node."""


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """A function of a graph's library."""

    name: str  # "__inference_loss_23"
    arguments: tuple[str, ...]  # its nodes refer to them as "x", or "x:1" where one argument is a list of tensors
    nodes: Nodes
    returns: tuple[str, ...]  # what it returns, as references into its nodes and arguments: "add:z:0"
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Variable:
    """A variable, or a tensor, that a function takes from outside."""

    name: str  # "mlp/w:0"; empty for a tensor
    type: TensorType
    trainable: bool = False
    kind: str = "variable"  # or "tensor"
    optimizer: bool = False  # whether it is the state of an optimizer, and no weight of the model


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """The nodes of a function or of a program, and the functions that they run."""

    nodes: Nodes
    functions: Mapping[str, Function] = dataclasses.field(default_factory=dict)
    captures: Mapping[str, Variable] = dataclasses.field(default_factory=dict)  # by the node that stands for it


def _values(node: Node) -> tuple[Any, ...]:
    return node.name, node.op, node.inputs, node.device, node.bodies, dict(node.attributes)
