"""Every built-in scenario, recorded for real and read back by TensorBoard's own readers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard.compat.proto import config_pb2, graph_pb2, step_stats_pb2
from tensorboard.plugins.graph import keras_util

from tracer.capture.finish import tag_names
from tracer.discover.listing import list_scenarios
from tracer.graph.inline import inline
from tracer.store.load import load_run
from tracer.store.tag_names import tag_names as tag_names_of_nodes
from tracer.timing.timing import read_timing

SCENARIOS = [entry.name for entry in list_scenarios() if entry.origin == "built-in"]

# What each scenario's first tag shows at top level: the boxes that its docstring promises.
TOP_SCOPES = {
    "add_print": set(),
    "attribute_module": {"attribute_module"},
    "control_flow": {"newton"},
    "demo_module": {"demo_module"},
    "input_pipeline": {"step"},
    "keras_fit": set(),
    "keras_sequential": {"sequential_1"},
    "legacy_keras_sequential": {"sequential"},
    "mobilenet_v2": {"mobilenet_v2_1"},
    "nested_modules": {"pair"},
    "py_function": {"python"},
    "retracing": {"scale"},
    "rnn": {"gru"},
    "saved_model": set(),
    "train_step": {"mlp", "loss", "gradient_tape", "momentum"},
    "transformer_block": {"block"},
    "xla_mlp": {"mlp"},
}
WITHOUT_GRAPH = {"eager_only"}

# Whose edges have no shape in an optimised tag: what turns round in a lowered loop and what hangs on it there alone,
# what Grappler made, and the caller of a part that was cut out. Of `saved_model`, functions with equal nodes are not
# always paired with their own optimised graphs.
_LOOP = {"Merge", "NextIteration", "Switch"}
WITHOUT_SHAPE = {
    "control_flow": _LOOP | {"ExpandDims", "Square"},
    "keras_fit": {"Placeholder"},
    "mobilenet_v2": {"AddN", "AddV2", "Mul"},
    "rnn": _LOOP,
    "saved_model": {"Identity", "Placeholder", "ReadVariableOp", "StringFormat"},
}


def tags_of(run: Path) -> dict[str, graph_pb2.GraphDef]:
    """Reads the graph of each tag of a run with TensorBoard's own multiplexer; each tag has one."""
    found = {}
    for tag, metadata in metadata_of(run).items():
        [graphs] = metadata.function_graphs
        found[tag] = graphs.pre_optimization_graph
    return found


def metadata_of(run: Path) -> dict[str, config_pb2.RunMetadata]:
    """Reads the graph tags of a run, those with times among them, by their names."""
    contents = {**contents_of(run, "graph_run_metadata_graph"), **contents_of(run, "graph_run_metadata")}
    return {tag: config_pb2.RunMetadata.FromString(content) for tag, content in sorted(contents.items())}


def boxes(stats: step_stats_pb2.StepStats) -> dict[str, tuple[int, int]]:
    """Returns for each box in which nodes ran the microseconds that TensorBoard's page shows, and those of its nodes.

    The page takes the time from the first start in a box to the last end in it.
    """
    spans: dict[str, tuple[int, int, int]] = {}
    for node in (node for device in stats.dev_stats for node in device.node_stats):
        parts = node.node_name.split("/")
        end = node.all_start_micros + node.all_end_rel_micros
        for box in ("/".join(parts[:depth]) for depth in range(len(parts))):
            first, last, took = spans.get(box, (end, end, 0))
            spans[box] = (min(first, node.all_start_micros), max(last, end), took + node.all_end_rel_micros)
    return {box: (last - first, took) for box, (first, last, took) in spans.items()}


def models_of(run: Path) -> dict[str, dict[str, list[str]]]:
    """Reads the inputs of each layer of each conceptual graph, as TensorBoard draws them."""
    found = {}
    for tag, content in contents_of(run, "graph_keras_model").items():
        graph = keras_util.keras_model_to_graph_def(json.loads(content))
        found[tag] = {node.name: list(node.input) for node in graph.node}
    return found


def contents_of(run: Path, plugin: str) -> dict[str, bytes]:
    """Reads what a plugin's tags hold with TensorBoard's own multiplexer."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(run.parent.parent))
    multiplexer.Reload()
    name = f"{run.parent.name}/{run.name}"
    found = {}
    for tag in multiplexer.PluginRunToTagToContent(plugin).get(name, {}):
        [event] = multiplexer.Tensors(name, tag)
        [found[tag]] = event.tensor_proto.string_val
    return found


def edges_without_shape(graph: graph_pb2.GraphDef) -> set[str]:
    """Returns the ops that edges of a tag leave without a shape on them, where TensorBoard looks for it."""
    nodes = {node.name: node for node in graph.node}
    found = set()
    for text in (text for node in graph.node for text in node.input if not text.startswith("^")):
        name, _, port = text.partition(":")
        shapes = nodes[name].attr["_output_shapes"].list.shape
        if len(shapes) <= int(port or 0):
            found.add(nodes[name].op)
    return found


def test_the_table_of_scopes_names_every_scenario() -> None:
    """A new scenario has to say what its picture shows."""
    assert sorted([*TOP_SCOPES, *WITHOUT_GRAPH]) == SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_is_recorded_whole(scenario: str, recorded: Callable[[str], Path]) -> None:
    """A scenario runs to its end, each of its traces has a graph, and no profile or export is missing."""
    run = load_run(recorded(scenario))

    assert run.status == "complete"
    assert [trace.id for trace in run.traces if trace.stages["traced"]] == []
    assert {warned.code for warned in run.warnings} == ({"no-function"} if scenario in WITHOUT_GRAPH else set())
    assert run.window is not None
    assert len(list(Path(run.path).glob("plugins/profile/*/*.xplane.pb"))) == 1


@pytest.mark.parametrize("scenario", sorted(TOP_SCOPES))
def test_tags_have_the_time_and_memory_of_their_nodes(scenario: str, recorded: Callable[[str], Path]) -> None:
    """In both tags of a trace a box has the sum of its nodes, the whole all of the trace's self time and bytes."""
    run = load_run(recorded(scenario))
    found, names = metadata_of(Path(run.path)), tag_names(run)
    times = [node.time for node in read_timing(run).nodes]

    assert {time.trace for time in times} - {""} != set()
    for trace in {time.trace for time in times} - {""}:
        mine = [time for time in times if time.trace == trace]
        tags = {names[trace], f"{names[trace]}, optimized"} & found.keys()

        assert names[trace] in tags
        for stats in (found[tag].step_stats for tag in tags):
            spans = boxes(stats)

            assert [box for box, (span, took) in spans.items() if span != took] == []
            assert spans[""][0] == pytest.approx(sum(time.self_ns for time in mine) / 1000, abs=len(mine))
            memory = [each for device in stats.dev_stats for node in device.node_stats for each in node.memory]
            assert sum(each.total_bytes for each in memory) == sum(time.bytes for time in mine)


@pytest.mark.parametrize("scenario", sorted(TOP_SCOPES))
def test_tensorboard_opens_first_on_a_clean_graph(scenario: str, recorded: Callable[[str], Path]) -> None:
    """The first tag is the traced graph of what the program called first, and shows the modules' boxes."""
    tags = tags_of(recorded(scenario))

    first = tags[min(tags, key=lambda tag: (int(tag.split()[0]), tag))]
    scopes = {node.name.partition("/")[0] for node in first.node if "/" in node.name}
    assert scopes >= TOP_SCOPES[scenario]


@pytest.mark.parametrize("scenario", sorted(TOP_SCOPES))
def test_each_stage_of_a_trace_is_a_tag_without_functions(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Each trace has a tag, and one for its optimised graph: names are told apart, nothing dangles, no library."""
    folder = recorded(scenario)
    run = load_run(folder)
    tags = tags_of(folder)

    names = tag_names(run)
    optimised = [f"{names[trace.id]}, optimized" for trace in run.traces if trace.stages["optimized"] == ""]
    assert sorted(tags) == sorted([*names.values(), *optimised])
    for graph in tags.values():
        nodes = {node.name for node in graph.node}
        assert len(nodes) == len(graph.node)
        assert {text.removeprefix("^").partition(":")[0] for node in graph.node for text in node.input} <= nodes
        assert not graph.library.function


@pytest.mark.parametrize("scenario", sorted(TOP_SCOPES))
def test_a_tag_has_the_inlined_graph_with_its_shapes(scenario: str, recorded: Callable[[str], Path]) -> None:
    """A trace's tag has each node of its inlined graph, each edge has a shape, and no op is the eager runtime's."""
    folder = recorded(scenario)
    run = load_run(folder)
    tags, names = tags_of(folder), tag_names(run)

    for trace in run.traces:
        graph = tags[names[trace.id]]
        assert [node.name for node in graph.node] == tag_names_of_nodes(inline(trace.graph))
        assert edges_without_shape(graph) == set()
        assert not {node.op for node in graph.node} & {"_EagerConst", "_Arg", "_Retval"}


@pytest.mark.parametrize("scenario", sorted(TOP_SCOPES))
def test_an_optimised_tag_has_the_shapes_that_are_known(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Only what Grappler made, what turns round in a lowered loop, and the caller of a cut-out part have no shape."""
    tags = tags_of(recorded(scenario))

    without = {op for tag, graph in tags.items() if tag.endswith(", optimized") for op in edges_without_shape(graph)}
    assert without <= WITHOUT_SHAPE.get(scenario, set())


@pytest.mark.parametrize(
    ("scenario", "tag", "layers"),
    [
        ("keras_sequential", "keras sequential", ["input_layer", "dense_0", "dense_1", "dense_2"]),
        ("legacy_keras_sequential", "keras sequential", ["input_1", "dense_0", "dense_1", "dense_2"]),
        ("keras_fit", "keras regression", ["input_layer", "hidden", "output"]),
    ],
)
def test_a_sequential_model_has_a_conceptual_graph(
    scenario: str, tag: str, layers: list[str], recorded: Callable[[str], Path]
) -> None:
    """The layers of the Keras model that a function ran stand in a tag of their own, each behind the one before."""
    model = tag.removeprefix("keras ")
    paths = [f"{model}/{layer}" for layer in layers]

    assert models_of(recorded(scenario)) == {tag: dict(zip(paths, [[], *([path] for path in paths)], strict=False))}


def test_a_functional_model_has_a_conceptual_graph(recorded: Callable[[str], Path]) -> None:
    """Each layer of MobileNetV2 is there once, and a residual connection joins two of them."""
    [(tag, layers)] = models_of(recorded("mobilenet_v2")).items()

    assert (tag, len(layers)) == ("keras mobilenet_v2", 156)
    assert layers["mobilenet_v2/block_2_add"] == [
        "mobilenet_v2/block_1_project_BN",
        "mobilenet_v2/block_2_project_BN",
    ]


def test_a_program_without_keras_has_no_conceptual_graph(recorded: Callable[[str], Path]) -> None:
    """A module of one's own is no Keras model."""
    assert models_of(recorded("train_step")) == {}


def test_a_subclassed_models_layers_are_joined_as_the_traced_graph_shows(tmp_path: Path) -> None:
    """What its `call` does between layers joins them: a sum, a shared layer; a layer that did not run is not there."""
    script = Path(__file__).with_name("subclassed.py")
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr

    assert models_of(Path(done.stdout.splitlines()[-1])) == {
        "keras towers": {
            "towers/x": [],
            "towers/block/up": ["towers/x"],
            "towers/block/down": ["towers/block/up"],
            "towers/dense": ["towers/block/down", "towers/x"],
            "towers/dense_1": ["towers/block/down", "towers/x"],
            "towers/last": ["towers/dense", "towers/dense_1"],
        }
    }


def test_the_demo_module_stands_in_its_own_box(recorded: Callable[[str], Path]) -> None:
    """The chapter's module bears its own name at top level, with the variable's update in it."""
    graph = tags_of(recorded("demo_module"))["1 addprint"]

    nodes = {node.name: node.op for node in graph.node}
    assert nodes["demo_module/AssignAddVariableOp"] == "AssignAddVariableOp"


def test_every_function_of_fit_is_there(recorded: Callable[[str], Path]) -> None:
    """`fit` shows the train step that Keras made, the one inside it, and the functions of its input pipeline."""
    run = load_run(recorded("keras_fit"))

    assert next(iter(run.functions)) == "multi_step_on_iterator"
    assert {"one_step_on_data", "Dataset_map_grab_batch"} <= set(run.functions)
    causes = [trace.cause for trace in run.functions["one_step_on_data"].traces]
    assert causes == ["creates variables", "traced again"]


def test_a_nested_function_is_optimised_inside_its_caller(recorded: Callable[[str], Path]) -> None:
    """What Grappler made of an inner function is cut out of the caller that it was inlined into."""
    run = load_run(recorded("keras_fit"))
    inner = run.functions["one_step_on_data"].traces[-1]
    names = {node.name for node in inner.stage("optimized").nodes}

    assert any(name.startswith("regression_1/") for name in names)
    assert not any(name.startswith("StatefulPartitionedCall/") for name in names)


def test_a_jitted_function_has_its_hlo(recorded: Callable[[str], Path]) -> None:
    """A jitted function shows HLO instead of Grappler's graph, and says why."""
    [trace] = load_run(recorded("xla_mlp")).traces

    assert trace.stage("hlo").startswith("HloModule")
    assert trace.stage("optimized_hlo").startswith("HloModule")
    assert trace.stages["optimized"].startswith("XLA compiles it from the traced graph")


def test_the_lesson_of_add_print_is_shown(recorded: Callable[[str], Path]) -> None:
    """A call that is meant to fail is reported as the lesson that it is, and the run is complete."""
    run = load_run(recorded("add_print"))

    [lesson] = [call for call in run.calls if call["status"] == "raised"]
    assert lesson["error"].startswith("TypeError: Binding inputs to tf.function failed")


def test_the_retracing_scenario_shows_each_signature(recorded: Callable[[str], Path]) -> None:
    """Each trace of a function says what it was traced for."""
    run = load_run(recorded("retracing"))

    assert [trace.signature for trace in run.functions["scale"].traces] == [
        "(x: float32[1, 3], factor: Literal[2]) -> float32[1, 3]",
        "(x: float32[1, 3], factor: Literal[3]) -> float32[1, 3]",
        "(x: float32[2, 3], factor: Literal[3]) -> float32[2, 3]",
        "(x: float32[3], factor: Literal[3]) -> float32[3]",
        "(x: float64[1, 3], factor: Literal[3]) -> float64[1, 3]",
        "(x: float32[1, 3], factor: int32[]) -> float32[1, 3]",
    ]
