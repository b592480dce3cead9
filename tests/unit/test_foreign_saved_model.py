"""SavedModels, from their messages."""

import pytest
from tensorboard.compat.proto import meta_graph_pb2, types_pb2

from tests.helpers import graph, graph_def
from tracer.errors import NotFound, Unreadable
from tracer.graph.model import TensorType, Variable
from tracer.recorded import Argument
from tracer.store.foreign.graph_files import read_file

FLOAT, RESOURCE = types_pb2.DT_FLOAT, types_pb2.DT_RESOURCE


def set_shape(message, dims):
    """Fills a TensorShapeProto."""
    for dim in dims:
        message.dim.add(size=-1 if dim is None else dim)


def add_function(message, name, arguments, nodes, returned):
    """Adds a function whose arguments are `name: (dtype, shape)`."""
    function = message.library.function.add()
    function.signature.name = name
    for index, (argument, (dtype, dims)) in enumerate(arguments.items()):
        function.signature.input_arg.add(name=argument, type=dtype)
        if dims is not None:
            set_shape(function.arg_attr[index].attr["_output_shapes"].list.shape.add(), dims)
    function.node_def.extend(graph_def(nodes).node)
    function.signature.output_arg.add(name="out", type=FLOAT)
    function.ret["out"] = returned


def spec(value, dims):
    """Fills a StructuredValue with a tensor's type."""
    value.tensor_spec_value.dtype = FLOAT
    set_shape(value.tensor_spec_value.shape, dims)


def meta_graph():
    """Returns a model with a signature, a function of two traces, and two variables, as TensorFlow writes one."""
    message = meta_graph_pb2.MetaGraphDef()
    message.meta_info_def.tags.append("serve")
    message.meta_info_def.tensorflow_version = "2.21.0"
    message.graph_def.CopyFrom(graph_def("serving_default_x:Placeholder  call:StatefulPartitionedCall@wrap"))
    matrix, handle = (FLOAT, (None, 3)), (RESOURCE, None)
    add_function(
        message.graph_def,
        "wrap",
        {"x": matrix, "unknown": handle},
        "call:StatefulPartitionedCall@f<-x,unknown",
        "call:output:0",
    )
    add_function(
        message.graph_def,
        "f",
        {"x": matrix, "w": handle, "c": (FLOAT, (2,))},
        "read:ReadVariableOp<-w  split:Split<-c,x  y:MatMul<-split:output:1,read:value:0,^read",
        "y:product:0",
    )
    signature = message.signature_def["serving_default"]
    given, returned = (signature.inputs["x"], "serving_default_x:0", (None, 3)), (signature.outputs["y"], "call:0", ())
    for info, name, dims in (given, returned):
        info.name, info.dtype = name, FLOAT
        set_shape(info.tensor_shape, dims)
    message.signature_def["__saved_model_init_op"].outputs["x"].name = "NoOp"
    add_objects(message.object_graph_def)
    return message


def add_objects(objects):
    """Fills the object graph: root -> layer -> (w, call), root -> signatures -> serving_default."""
    nodes = [objects.nodes.add() for _ in range(7)]
    for parent, child, name in (
        (0, 1, "layer"), (0, 4, "signatures"), (1, 2, "w"), (1, 3, "call"), (1, 0, "parent"), (3, 5, "trace_0"),
        (4, 5, "serving_default"),
    ):  # fmt: skip
        nodes[parent].children.add(node_id=child, local_name=name)
    nodes[2].variable.dtype, nodes[2].variable.trainable, nodes[2].variable.name = FLOAT, True, "layer/w"
    set_shape(nodes[2].variable.shape, (3, 2))
    nodes[3].function.concrete_functions.extend(["f", "gone"])
    fields = nodes[3].function.function_spec.fullargspec.named_tuple_value.values.add(key="args").value.list_value
    for name in ("self", "x", "training"):
        fields.values.add(string_value=name)
    nodes[3].function.function_spec.is_method = True
    nodes[3].function.function_spec.jit_compile = 1
    nodes[5].bare_concrete_function.concrete_function_name = "wrap"
    nodes[6].constant.operation = "Const"
    objects.concrete_functions["wrap"].bound_inputs.append(2)
    concrete = objects.concrete_functions["f"]
    concrete.bound_inputs.extend([2, 6])
    pair = concrete.canonicalized_input_signature.tuple_value.values
    positional = pair.add().tuple_value.values
    spec(positional.add(), (None, 3))
    positional.add().bool_value = True
    pair.add().dict_value.fields["mask"].none_value.SetInParent()
    spec(concrete.output_signature.tuple_value.values.add(), (None, 2))


def saved_model(path, *meta_graphs):
    """Writes a SavedModel: its schema version, and behind it each MetaGraphDef as field 2."""
    content = b"\x08\x01"
    for message in meta_graphs:
        payload = message.SerializeToString()
        size, length = len(payload), b""
        while size >= 128:
            length += bytes([size & 127 | 128])
            size >>= 7
        content += b"\x12" + length + bytes([size]) + payload
    path.write_bytes(content)
    return path


@pytest.fixture
def run(tmp_path):
    """Returns the run of such a model."""
    return read_file(saved_model(tmp_path / "saved_model.pb", meta_graph()))


def test_signatures_come_first_then_the_objects_functions(run):
    """A model's functions are named by the signature, or by the attributes that lead to them."""
    assert [(name, len(function.traces)) for name, function in run.functions.items()] == [
        ("serving_default", 1),
        ("layer.call", 2),
    ]
    assert (run.scenario, run.versions, run.warnings) == ("SavedModel", {"tensorflow": "2.21.0"}, ())


def test_a_signature_says_what_it_takes_and_returns(run):
    """Arguments and results of a signature have the types of its SignatureDef."""
    trace = run.functions["serving_default"].traces[0]

    assert (trace.signature, trace.runtime_name) == ("(x: float32[?, 3]) -> {'y': float32[]}", "wrap")
    assert (trace.cause, trace.stages["optimized"]) == ("signature", "a SavedModel does not hold it")


def test_a_function_says_what_it_takes_and_returns(run):
    """Arguments are named after the Python function's parameters; Python values are literals."""
    trace = run.functions["layer.call"].traces[0]

    assert trace.arguments == (
        Argument("x", "float32[?, 3]"),
        Argument("training", "Literal[True]"),
        Argument("mask", "Literal[None]"),
    )
    assert (trace.returns, trace.jit_compile) == ("(float32[?, 2],)", True)


def test_the_graph_is_the_functions_body(run):
    """Arguments are placeholders, inputs are written as graphs write them, and the library is the model's."""
    found = run.functions["layer.call"].traces[0].graph

    assert [(node.name, node.op, node.inputs) for node in found.nodes] == [
        ("x", "Placeholder", ()),
        ("w", "Placeholder", ()),
        ("c", "Placeholder", ()),
        ("read", "ReadVariableOp", ("w",)),
        ("split", "Split", ("c", "x")),
        ("y", "MatMul", ("split:1", "read", "^read")),
    ]
    assert [node.outputs for node in found.nodes][:3] == [
        (TensorType("float32", (None, 3)),),
        (TensorType("resource", None),),
        (TensorType("float32", (2,)),),
    ]
    assert sorted(found.functions) == ["f", "wrap"]


def test_captures_are_named_by_the_object_graph(run):
    """What the last arguments stand for: variables with name, type and whether they are trained, and tensors."""
    weight = Variable("layer/w:0", TensorType("float32", (3, 2)), trainable=True)
    trace = run.functions["layer.call"].traces[0]

    assert trace.captures == {"w": weight, "c": Variable("", TensorType("float32", (2,)), kind="tensor")}
    assert trace.graph.captures == trace.captures
    assert run.functions["serving_default"].traces[0].captures == {"unknown": weight}


def test_a_function_that_the_library_lacks_has_no_graph(run):
    """The object graph may name what is not there: the trace says so."""
    trace = run.functions["layer.call"].traces[1]

    with pytest.raises(NotFound) as caught:
        trace.stage("traced")
    assert caught.value.hint == "the model's library lacks the function 'gone'"


def test_a_signature_without_an_object_graph_is_found_by_its_call(tmp_path):
    """Where no object graph is written, the call behind the outputs says which function it is."""
    message = meta_graph()
    message.ClearField("object_graph_def")
    [trace] = read_file(saved_model(tmp_path / "saved_model.pb", message)).traces

    assert (trace.name, trace.runtime_name, trace.captures) == ("serving_default", "wrap", {})
    assert trace.graph.nodes.names == ["x", "unknown", "call"]


def test_a_model_of_tensorflow_1_is_its_graph(tmp_path):
    """Without functions, a signature's graph is the whole one, and several graphs are told apart by their tags."""
    models = []
    for tags in (["serve"], ["serve", "gpu"]):
        message = meta_graph_pb2.MetaGraphDef()
        message.meta_info_def.tags.extend(tags)
        message.graph_def.CopyFrom(graph_def("x:Placeholder  y:Relu<-x"))
        message.signature_def["predict"].outputs["y"].name = "y:0"
        models.append(message)
    run = read_file(saved_model(tmp_path / "saved_model.pb", *models))

    assert list(run.functions) == ["predict", "predict (serve, gpu)"]
    assert [trace.graph for trace in run.traces] == [graph("x:Placeholder  y:Relu<-x")] * 2


def test_a_meta_graph_file_is_read(tmp_path):
    """A `.meta` file of TensorFlow 1's Saver holds a MetaGraphDef."""
    message = meta_graph_pb2.MetaGraphDef(graph_def=graph_def("x:Placeholder"))
    message.meta_info_def.tags.append("train")
    (tmp_path / "model.meta").write_bytes(message.SerializeToString())
    run = read_file(tmp_path / "model.meta")

    assert (run.scenario, list(run.functions)) == ("MetaGraphDef", ["graph"])


def test_objects_that_lead_in_circles_end(run):
    """A layer may know its parent: each object is seen once."""
    assert len(run.traces) == 3


@pytest.mark.parametrize("cut", [1, 2, 3, 10, 100, -1])
def test_a_cut_model_is_unreadable(tmp_path, cut):
    """Wherever the file ends too soon, the error says that it is no SavedModel."""
    path = saved_model(tmp_path / "saved_model.pb", meta_graph())
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(Unreadable) as caught:
        read_file(path)
    assert caught.value.message.startswith(f"{path} is no SavedModel")


def test_a_damaged_object_graph_is_unreadable(tmp_path):
    """Parts that are kept as bytes are checked when the model is opened."""
    message = meta_graph_pb2.MetaGraphDef(graph_def=graph_def("x:Placeholder"))
    content = message.SerializeToString() + b"\x3a\x02\x0a\x7f"  # field 7, the object graph: a node longer than it
    (tmp_path / "m.meta").write_bytes(content)

    with pytest.raises(Unreadable) as caught:
        read_file(tmp_path / "m.meta")
    assert caught.value.message.startswith(f"{tmp_path / 'm.meta'} is damaged: ")
