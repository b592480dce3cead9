"""Every built-in scenario, recorded for real and read back by TensorBoard's own readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard.compat.proto import config_pb2

from tracer.discover.listing import list_scenarios
from tracer.store.load import load_run

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


def tags_of(run: Path) -> dict[str, config_pb2.RunMetadata]:
    """Reads a run's graph tags with TensorBoard's own multiplexer."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(run.parent.parent))
    multiplexer.Reload()
    name = f"{run.parent.name}/{run.name}"
    found = {}
    for tag in multiplexer.PluginRunToTagToContent("graph_run_metadata_graph").get(name, {}):
        [event] = multiplexer.Tensors(name, tag)
        found[tag] = config_pb2.RunMetadata.FromString(event.tensor_proto.string_val[0])
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
def test_tensorboard_opens_first_on_a_clean_graph(scenario: str, recorded: Callable[[str], Path]) -> None:
    """Each trace has a tag of one function graph, in which nothing dangles, and the first one shows the modules."""
    folder = recorded(scenario)
    tags = tags_of(folder)

    assert len(tags) == len(load_run(folder).traces)
    for metadata in tags.values():
        [graphs] = metadata.function_graphs
        nodes = {node.name for node in graphs.pre_optimization_graph.node}
        inputs = {name.lstrip("^").partition(":")[0] for n in graphs.pre_optimization_graph.node for name in n.input}
        assert inputs - nodes == set()
        assert not {node.op for node in graphs.pre_optimization_graph.node} & {"_EagerConst", "_Arg", "_Retval"}
    first = tags[min(tags, key=lambda tag: int(tag.split()[0]))].function_graphs[0].pre_optimization_graph
    op_names = {node.name for node in first.node}
    scopes = {node.name.partition("/")[0] for node in first.node if "/" in node.name} - op_names
    assert {scope for scope in TOP_SCOPES[scenario] if scope in scopes} == TOP_SCOPES[scenario]


def test_the_demo_module_stands_in_its_own_box(recorded: Callable[[str], Path]) -> None:
    """The chapter's module bears its own name at top level, with the variable's update in it."""
    [metadata] = tags_of(recorded("demo_module")).values()

    nodes = {node.name: node.op for node in metadata.function_graphs[0].pre_optimization_graph.node}
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
