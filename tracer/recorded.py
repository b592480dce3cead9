"""What was recorded, as values: a run, its functions, and each trace of them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tracer import text
from tracer.errors import NotFound, did_you_mean
from tracer.graph.inline import TooLarge
from tracer.graph.lines import Frame, Lines
from tracer.graph.model import Graph, Variable
from tracer.graph.optimized import in_traced_terms

if TYPE_CHECKING:
    from tracer.profile.model import Profile
    from tracer.profile.steps import StepAccount

STAGES = ("source", "autograph", "traced", "optimized", "hlo", "optimized_hlo")
GRAPH_STAGES = ("traced", "optimized")  # the others are texts
HLO_STAGES = ("hlo", "optimized_hlo")  # texts that can be read as graphs (`graph.hlo`)


@dataclasses.dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a trace and the type that TensorFlow traced it for: `x: float32[2, 3]`, `flag: Literal[3]`."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """An argument, something in one, or what a function has of the scope around it."""

    path: str  # as Python gets at it: "batch", "batch['x'][0]"
    type: str  # "float32[2]", "Literal[3]", "Config"; of a nest the whole of it: "{'x': float32[2]}"
    depth: int = 0  # how deep it is in its argument; a nest comes before what is in it
    object: int = 0  # the number of a Python object that is told from others by being another one; 0 of anything else


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """What TensorFlow tells a trace of a tf.function from others by, and when it was made."""

    parts: tuple[Part, ...] = ()
    at_s: float | None = None  # when the trace began, from the begin of the session; None if nobody saw it
    replaces: int = 0  # the number of a tf.function of the same definition that is gone; 0 if there was none
    context: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # "device", "graph", ...; without what is usual
    closure: tuple[Part, ...] = ()  # the object of a method, and what the Python function has from around it
    captured: Mapping[str, int] = dataclasses.field(default_factory=dict)  # numbers of captured variables, by node
    signature: bool = False  # whether the tf.function has an input_signature
    reduce_retracing: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ModuleScope:
    """A name scope of a trace's graph, and the module or layer whose nodes stand in it."""

    scope: str  # a prefix of node names in the function that they stand in: "sequential_1/dense_1"
    name: str  # the module's path in the outermost one: "sequential.dense"; "net.a or net.b" where it may be either's
    class_name: str  # "Dense"
    kind: str  # "layer" of Keras, or "module" of TensorFlow


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """One concrete function."""

    id: str  # its folder: "000-addprint"
    name: str  # as TensorFlow calls the function: "addprint"
    qualname: str  # as Python does: "DemoModule.addprint"; empty if there is no Python function
    runtime_name: str  # "__inference_addprint_23"
    kind: str  # "inference", or what a gradient tape made of it: "forward", "backward"
    origin: str  # "user", or the framework that defines it: "tensorflow", "keras"
    arguments: tuple[Argument, ...]
    returns: str
    definition: Frame | None
    call_site: Frame | None  # the line of the user's that made TensorFlow trace it
    cause: str  # "first trace", "traced again", "creates variables", "traced before the session", "gradient"
    seconds: float | None  # to trace it, inner functions included; None if it was traced before the session
    calls: int | None  # calls from Python in the session; None where nobody counted (a run that was cut off)
    stages: Mapping[str, str]  # what is recorded of it; a stage that is not, with the reason; "" means recorded
    _read: Callable[[str, str], Any] = dataclasses.field(repr=False, compare=False)
    jit_compile: bool = False  # whether XLA must compile it
    captures: Mapping[str, Variable] = dataclasses.field(default_factory=dict)  # by the node that stands for it
    lines: Lines = dataclasses.field(default_factory=Lines, repr=False)
    modules: tuple[ModuleScope, ...] = ()  # which scopes, of the trace and of the functions that it runs, are whose
    object: int = 0  # the number of its tf.function; 0 if that is not known
    key: Key = dataclasses.field(default_factory=Key, repr=False)

    @property
    def signature(self) -> str:
        """The arguments and the result, as one line; empty where they are not known, as in what other tools left."""
        if not self.arguments and not self.returns:
            return ""
        return f"({', '.join(map(str, self.arguments))}) -> {self.returns}"

    @property
    def order(self) -> tuple[int, str]:
        """Sorts traces as they were recorded: "999-f" comes before "1000-f"."""
        return (len(self.id.partition("-")[0]), self.id)

    @property
    def graph(self) -> Graph:
        """The traced graph."""
        graph = self.stage("traced")
        assert isinstance(graph, Graph)
        return graph

    def stage(self, name: str) -> Graph | str:
        """Returns one stage: a graph, or a text for `source`, `autograph` and the HLO stages.

        Raises:
          NotFound: it was not recorded; the hint says why.
        """
        if name not in STAGES:
            raise NotFound(f"no stage named '{name}'", hint=did_you_mean(name, STAGES, otherwise=", ".join(STAGES)))
        if self.stages.get(name, "not recorded"):
            raise NotFound(f"'{self.id}' has no stage '{name}'", hint=self.stages.get(name, "it was not recorded"))
        content = self._read(self.id, name)
        if name == "optimized" and not self.stages.get("traced", "not recorded"):
            with contextlib.suppress(TooLarge):  # then it is shown as it is
                return in_traced_terms(content, self.graph)
        return content  # type: ignore[no-any-return]


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """One Python function that TensorFlow traced, and every trace of it."""

    name: str  # unique in the run: "addprint", or "Encoder.call" where the short name says too little
    traces: tuple[Trace, ...]

    @property
    def calls(self) -> int:
        """Calls from Python in the session, over all traces."""
        return sum(trace.calls or 0 for trace in self.traces)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that at least one trace has."""
        return tuple(stage for stage in STAGES if any(trace.stages.get(stage) == "" for trace in self.traces))


@dataclasses.dataclass(frozen=True, slots=True)
class Warned:
    """Something that the recording could not do, or that its reader should know."""

    code: str  # "no-function", "no-profile"
    message: str
    hint: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A source file as it was when it was recorded."""

    file: str
    lines: tuple[str, ...]  # empty if it was not kept
    note: str  # what its reader should know: that it was changed since, is gone, or was not kept; else empty


# The passes of a recording.
WARM_UP, BARE, INSTANTIATING, WINDOW, REST, BLOCK = "warm-up", "bare", "instantiating", "window", "rest", "block"
_PASSES = {
    WARM_UP: "of the warm-up",
    BARE: "of the pass without the profiler",
    WINDOW: "of the window",
    REST: "after the profiler stopped",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Raised:
    """The step that raised and ended the recording."""

    where: str  # its pass: `WINDOW`
    step: int  # its number in that pass, from 0 on

    def __str__(self) -> str:
        if self.where == INSTANTIATING:
            return "the step before the window, in which functions are instantiated again"
        return f"step {self.step} {_PASSES[self.where]}" if self.where in _PASSES else "the block"


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """The stretch that the profiler was on: of steps, or of the block of a `tracer.trace`, which counts as one."""

    steps: int  # that came to their ends with the profiler on
    warmup: int  # steps before it, without the profiler; those of `bare_step_ns` are not among them
    wall_ns: int  # from the begin of the first step to the end of the last, with the profiler on
    step_ns: tuple[int, ...] = ()  # wall time of each step, with the profiler on
    bare_step_ns: tuple[int, ...] = ()  # of each step of a pass without the profiler: the true one; empty without it
    fresh: bool = False  # whether functions were instantiated for the window, so that no kernel goes untraced
    incomplete: str = ""  # why not every execution may have been seen, and what to do; empty if all were
    function: str = ""  # of a whole program: the function whose calls are its steps
    windows: int = 1  # how many the steps are of: in a whole program the profiler is on again and again
    others: int = 0  # windows of the same function that lack cheap kernels, and are not counted
    bare_cpu_ns: tuple[int, ...] = ()  # CPU time of all threads in each step of the pass without the profiler

    @property
    def settled_ns(self) -> tuple[int, ...]:
        """The true wall times of steps: without the program's first call, which traces, where there are others."""
        return self.bare_step_ns if self.function else settled(self.bare_step_ns, self.warmup)

    @property
    def median_ns(self) -> int:
        """What a step took with the profiler on: the median; the mean where single steps were not written down."""
        ordered = sorted(self.step_ns) or [self.wall_ns // max(self.steps, 1)]
        return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2

    @property
    def passes(self) -> int:
        """How often the program ran in all: to warm up, for its true time, to instantiate, and in the window."""
        if self.function:
            return 1  # a program runs once, and its window is of some of its steps
        return self.warmup + len(self.bare_step_ns) + self.fresh + max(self.steps, len(self.bare_step_ns))


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """What one session left on disk."""

    path: str
    name: str  # "demo_module/20261123-021530"
    status: str  # "recording", "complete", "failed", "interrupted"
    scenario: str
    target: str
    parameters: Mapping[str, Any]
    started: str  # ISO 8601 with the offset from UTC
    seconds: float | None
    versions: Mapping[str, str]
    host: Mapping[str, Any]
    window: Window | None
    error: str  # the last line of what the program raised; empty if it did not
    traceback: str
    calls: tuple[Mapping[str, Any], ...]
    warnings: tuple[Warned, ...]
    functions: Functions
    profiles: tuple[str, ...] = ()  # the profiler's files, one for each host
    unprofiled_ns: tuple[int, ...] = ()  # wall times of the steps of a run that came to no window
    unprofiled_cpu_ns: tuple[int, ...] = ()  # their CPU times
    warmup: int = 0  # steps before these
    raised: Raised | None = None  # the step that raised, if one did
    _open_profile: Callable[[str], Profile] | None = dataclasses.field(default=None, repr=False, compare=False)
    _open_steps: Callable[[str], tuple[StepAccount, ...]] | None = dataclasses.field(
        default=None, repr=False, compare=False
    )
    _open_source: Callable[[str], Source] | None = dataclasses.field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        """One line: written out, a run is all its graphs' names and lines."""
        return f"<Run {self.name}: {self.status}, {text.plural(len(self.functions), 'function')}>"

    def profile(self, path: str) -> Profile:
        """Returns what the profiler wrote into one of `profiles`.

        Raises:
          Unreadable: the file is empty, cut off, damaged, or no profile.
        """
        if self._open_profile is None:
            raise NotFound(f"{self.name} has no profile")
        return self._open_profile(path)

    def steps(self, path: str) -> tuple[StepAccount, ...]:
        """Returns where the wall time of each step went, by one of `profiles`. Raises as `profile`."""
        return self._open_steps(path) if self._open_steps else ()

    def source(self, file: str) -> Source:
        """Returns a source file that lines refer to, as it was recorded."""
        return self._open_source(file) if self._open_source else Source(file, (), "not kept")

    @property
    def settled_ns(self) -> tuple[int, ...]:
        """The true wall times of steps, as of `Window`, whether there is a window or not."""
        return self.window.settled_ns if self.window else settled(self.unprofiled_ns, self.warmup)

    @property
    def bare_step_ns(self) -> tuple[int, ...]:
        """The wall time of each step without the profiler, whether there is a window or not."""
        return self.window.bare_step_ns if self.window else self.unprofiled_ns

    @property
    def repeats(self) -> int:
        """How often the recording made the same calls: it does where it was given calls; other programs run once."""
        if not self.calls:
            return 1
        return max(self.window.passes if self.window else self.warmup + len(self.bare_step_ns), 1)

    @property
    def damaged(self) -> tuple[Warned, ...]:
        """What is left out of it, as its file is damaged."""
        return tuple(warned for warned in self.warnings if warned.code == "damaged")

    @property
    def bare_cpu_ns(self) -> tuple[int, ...]:
        """The CPU time of each of these steps, of all threads together; empty if it was not measured."""
        return self.window.bare_cpu_ns if self.window else self.unprofiled_cpu_ns

    @property
    def reference(self) -> str:
        """What a command takes to name it."""
        return self.name if self.is_ours else self.path

    @property
    def is_ours(self) -> bool:
        """Whether this tool recorded it; else it is what another tool left, which does not say on which host."""
        return bool(self.host)

    @property
    def traces(self) -> tuple[Trace, ...]:
        """Every trace, in the order in which they were recorded."""
        return tuple(sorted((t for f in self.functions.values() for t in f.traces), key=lambda trace: trace.order))


def settled(step_ns: tuple[int, ...], warmup: int) -> tuple[int, ...]:
    """Returns wall times of steps without the program's first call, which traces, where there are others."""
    return step_ns[1:] if not warmup and len(step_ns) > 1 else step_ns


class Functions(Mapping[str, Function]):
    """A run's functions by name, the one that the program called first of all first."""

    __slots__ = ("_by_name",)

    def __init__(self, functions: tuple[Function, ...] = ()) -> None:
        self._by_name = {function.name: function for function in functions}

    def __getitem__(self, name: str) -> Function:
        try:
            return self._by_name[name]
        except KeyError:
            listing = f"the run has: {', '.join(self._by_name) or 'none'}"
            raise UnknownFunction(
                f"no function named '{name}'", hint=did_you_mean(name, self._by_name, otherwise=listing)
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"Functions({', '.join(self._by_name)})"


class UnknownFunction(NotFound, KeyError):
    """No function of the run has that name. A `KeyError`, so that `in` and `get` work as on any mapping."""

    def __str__(self) -> str:
        return self.message


def group_functions(traces: list[Trace]) -> Functions:
    """Returns the traces by the Python function that they came from, the most telling function first.

    The order: what the program called before what was only traced inside it, TensorFlow's own helpers last, else as
    recorded. Two functions of one name are told apart by their classes, and by a number where that is not enough.
    """
    groups: dict[tuple[str, str, str, int], list[Trace]] = {}
    for trace in sorted(traces, key=lambda trace: trace.order):
        groups.setdefault(_identity(trace), []).append(trace)
    ordered = sorted(groups.values(), key=_rank)
    names = _unique_names(ordered)
    return Functions(tuple(Function(name, tuple(group)) for name, group in zip(names, ordered, strict=True)))


def _identity(trace: Trace) -> tuple[str, str, str, int]:
    place = trace.definition
    return (trace.name, trace.qualname, place.file if place else "", place.line if place else 0)


def _rank(group: list[Trace]) -> tuple[bool, bool, tuple[int, str]]:
    called = any(trace.calls for trace in group)
    return (group[0].origin == "tensorflow", not called, group[0].order)


def _unique_names(groups: list[list[Trace]]) -> list[str]:
    short = [group[0].name for group in groups]
    names = [
        group[0].qualname if group[0].qualname and (name.startswith("__") or short.count(name) > 1) else name
        for group, name in zip(groups, short, strict=True)
    ]
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[index] = f"{name} ({seen[name]})"
    return names
