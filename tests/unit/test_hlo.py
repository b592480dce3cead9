import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import Unreadable
from tracer.graph.hlo import read_hlo
from tracer.graph.hlo_parts import TypeOf, attributes_of, split, type_of, unquoted
from tracer.graph.inline import inline
from tracer.graph.model import Body, TensorType

FUSED = """HloModule a_inference_f_1__.1, is_scheduled=true, entry_computation_layout={(f32[4]{0})->f32[4]{0}}

%fused_computation (param_0: f32[4]) -> f32[4] {
  %param_0 = f32[4]{0} parameter(0)
  %one = f32[] constant(1), metadata={op_type="AddV2" op_name="mlp/add" source_file="a b.py" source_line=7}
  %add.1 = f32[4]{0} broadcast(%one), dimensions={}
  ROOT %add.2 = f32[4]{0} add(%param_0, %add.1), metadata={op_type="AddV2" op_name="mlp/add"}
}

ENTRY %main.1 (arg0.1: f32[4]) -> f32[4] {
  %arg0.1 = f32[4]{0} parameter(0), metadata={op_name="XLA_Args"}
  ROOT %fusion = f32[4]{0} fusion(%arg0.1), kind=kLoop, calls=%fused_computation, backend_config={"a":["1,2"]}
}
"""

LOOP = """HloModule loop

%body (t: (s32[], f32[8])) -> (s32[], f32[8]) {
  %t = (s32[], f32[8]{0}) parameter(0)
  %i = s32[] get-tuple-element(%t), index=0
  %x = f32[8]{0} get-tuple-element(%t), index=1
  ROOT %r = (s32[], f32[8]{0}) tuple(%i, %x)
}

%cond (c: (s32[], f32[8])) -> pred[] {
  %c = (s32[], f32[8]{0}) parameter(0)
  %i.1 = s32[] get-tuple-element(%c), index=0
  ROOT %less = pred[] compare(%i.1, %i.1), direction=LT
}

ENTRY %main (a: s32[], b: f32[8]) -> f32[8] {
  %a = s32[] parameter(0)
  %b = f32[8]{0} parameter(1)
  %start = (s32[], f32[8]{0}) tuple(s32[] %a, /*index=1*/f32[8]{0} %b)
  %while.3 = (s32[], f32[8]{0}) while((s32[], f32[8]{0}) %start), condition=%cond, body=%body
  ROOT %out = f32[8]{0} get-tuple-element((s32[], f32[8]{0}) %while.3), index=1
}
"""


BODY = ("while.3/body/r", "while.3/body/r:1")


def module(*lines):
    """The text of a module whose entry has these instructions."""
    return "HloModule m\n\nENTRY %main () -> f32[] {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def rows(nodes):
    """Nodes as name, op and inputs."""
    return [(node.name, node.op, node.inputs) for node in nodes]


def test_the_entry_is_the_graph():
    """Its instructions are the nodes, with their opcodes, operands and types."""
    graph = read_hlo(FUSED)

    assert rows(graph.nodes) == [("arg0.1", "parameter", ()), ("fusion", "fusion", ("arg0.1",))]
    assert [node.outputs for node in graph.nodes] == [(TensorType("float32", (4,)),)] * 2


def test_a_fusion_runs_its_computation():
    """A computation is a function: its parameters are arguments, its root is what it returns."""
    graph = read_hlo(FUSED)
    function = graph.functions["fused_computation"]

    assert graph.nodes[1].bodies == (Body("fused", "fused_computation"),)
    assert (function.arguments, function.returns) == (("param_0",), ("add.2",))
    assert function.attributes == {"parameter_types": ((TensorType("float32", (4,)),),)}
    assert rows(function.nodes) == [
        ("one", "constant", ()),
        ("add.1", "broadcast", ("one",)),
        ("add.2", "add", ("param_0", "add.1")),
    ]


def test_metadata_leads_back_to_the_traced_graph():
    """Node, op and source line stand among the attributes, beside what is the instruction's own."""
    one, add, root = read_hlo(FUSED).functions["fused_computation"].nodes

    assert one.attributes == {
        "op_type": "AddV2",
        "op_name": "mlp/add",
        "source_file": "a b.py",
        "source_line": 7,
        "value": "1",
    }
    assert add.attributes == {"dimensions": ()}
    assert root.attributes == {"op_type": "AddV2", "op_name": "mlp/add", "root": True}


def test_attributes_that_are_not_understood_are_text():
    """Nothing of an instruction is lost."""
    parameter, fusion = read_hlo(FUSED).nodes

    assert parameter.attributes == {"op_name": "XLA_Args", "parameter_number": 0}
    assert fusion.attributes == {
        "kind": "kLoop",
        "calls": "%fused_computation",
        "backend_config": '{"a":["1,2"]}',
        "root": True,
    }


def test_inlined_a_fusion_reads_through_its_arguments():
    """Inlining stands what is fused below the fusion, reading the fusion's operands."""
    assert rows(inline(read_hlo(FUSED)).nodes)[1:] == [
        ("fusion", "fusion", ("arg0.1", "fusion/fused/add.2")),
        ("fusion/fused/one", "constant", ()),
        ("fusion/fused/add.1", "broadcast", ("fusion/fused/one",)),
        ("fusion/fused/add.2", "add", ("arg0.1", "fusion/fused/add.1")),
    ]


def test_a_loop_has_a_condition_and_a_body():
    """They are labelled as in TensorFlow's node paths."""
    assert read_hlo(LOOP).nodes[3].bodies == (Body("cond", "cond"), Body("body", "body"))


def test_an_element_of_a_tuple_is_an_output():
    """A tuple's arrays are the outputs, or the arguments, and `get-tuple-element` reads its one."""
    graph = read_hlo(LOOP)

    assert graph.nodes[3].outputs == (TensorType("int32", ()), TensorType("float32", (8,)))
    assert rows(graph.nodes)[4] == ("out", "get-tuple-element", ("while.3:1",))
    body = graph.functions["body"]
    assert (body.arguments, body.returns) == (("t", "t:1"), ("r", "r:1"))
    assert rows(body.nodes)[1] == ("x", "get-tuple-element", ("t:1",))


def test_inlined_an_element_of_an_argument_is_that_of_what_is_given():
    """What a loop's body takes out of its argument is the array that the loop was given, with its type."""
    inlined = inline(read_hlo(LOOP)).nodes

    assert rows(inlined)[3] == ("while.3", "while", ("start", "start:1", "while.3/cond/less", *BODY))
    assert rows(inlined)[6:8] == [
        ("while.3/body/i", "get-tuple-element", ("start",)),
        ("while.3/body/x", "get-tuple-element", ("start:1",)),
    ]


def test_each_branch_takes_its_own_tuple():
    """A conditional gives each branch an operand; where these are tuples, the branch takes all arrays of its one."""
    branch = (
        "%{0} ({0}p: (f32[], s32[])) -> s32[] {{\n  %{0}p = (f32[], s32[]) parameter(0)\n"
        "  ROOT %{0}g = s32[] get-tuple-element(%{0}p), index=1\n}}\n\n"
    )
    entry = (
        "ENTRY %main () -> s32[] {\n  %n = s32[] constant(0)\n  %f = f32[] constant(1)\n  %one = (f32[]) tuple(%f)\n"
        "  %two = (f32[], s32[]) tuple(%f, %n)\n  %last = (f32[], s32[]) tuple(%f, %n)\n"
        "  ROOT %c = s32[] conditional(%n, %one, %two, %last), branch_computations={%x, %a, %b}\n}\n"
    )
    first = "%x (xp: (f32[])) -> s32[] {\n  %xp = (f32[]) parameter(0)\n  ROOT %k = s32[] constant(3)\n}\n\n"
    graph = read_hlo("HloModule m\n\n" + first + branch.format("a") + branch.format("b") + entry)
    found = {name: inputs for name, _, inputs in rows(inline(graph).nodes)}

    assert found["c/branch1/ag"] == ("two:1",)
    assert found["c/branch2/bg"] == ("last:1",)


def test_a_tuple_in_a_tuple_counts_its_arrays():
    """An element behind a nested tuple begins behind all of that tuple's arrays."""
    nested = "((f32[2], s32[3]), /*index=1*/pred[], ())"

    assert type_of(nested).elements == (0, 2, 3)
    text = module(f"%t = {nested} custom-call()", "%g = pred[] get-tuple-element(%t), index=1")
    assert read_hlo(text).nodes[1].inputs == ("t:2",)


@pytest.mark.parametrize(
    ("text", "dtype", "shape"),
    [
        ("f32[]", "float32", ()),
        ("pred[2]{0}", "bool", (2,)),
        ("bf16[8,128]{1,0:T(8,128)(2,1)S(1)}", "bfloat16", (8, 128)),
        ("s4[<=5,?]", "int4", (None, None)),
        ("f8e4m3fn[1]", "float8_e4m3fn", (1,)),
        ("c64[3]", "complex64", (3,)),
        ("token[]", "token", ()),
    ],
)
def test_types_are_tensorflows(text, dtype, shape):
    """Names of dtypes are TensorFlow's; a size with a bound only is not known."""
    assert type_of(text) == TypeOf((TensorType(dtype, shape),), ())


def test_names_without_a_percent_sign_are_the_same():
    """JAX's short print, without signatures and signs, gives the same graph."""
    text = "HloModule m\n\nregion_0.1 {\n  a = f32[] parameter(0)\n  ROOT n = f32[] negate(a)\n}\n\nENTRY main.2 {\n"
    graph = read_hlo(f"{text}  x = f32[] parameter(0)\n  ROOT c = f32[] call(x), to_apply=region_0.1\n}}\n")

    assert rows(graph.nodes)[1] == ("c", "call", ("x",))
    assert graph.nodes[1].bodies == (Body("", "region_0.1"),)


def test_branches_are_numbered_as_a_cases():
    """Two branches by name are `then` and `else`, a list of them is `branch0`, `branch1`."""
    text = "HloModule m\n%a {\n  %p = f32[] parameter(0)\n}\n%b {\n  %q = f32[] parameter(0)\n}\nENTRY %e {\n"
    text += "  %x = f32[] parameter(0)\n  %i = s32[] constant(0)\n"
    text += "  %c = f32[] conditional(%i, %x, %x), branch_computations={%a, %b}\n"
    text += "  %d = f32[] conditional(%i, %x, %x), true_computation=%a, false_computation=%b\n}\n"

    nodes = read_hlo(text).nodes

    assert nodes[2].bodies == (Body("branch0", "a"), Body("branch1", "b"))
    assert nodes[3].bodies == (Body("then", "a"), Body("else", "b"))


def test_a_parameter_that_is_returned_is_what_a_computation_returns():
    """A computation may do nothing."""
    text = "HloModule m\n%a {\n  ROOT %p = f32[] parameter(0)\n}\nENTRY %e {\n  %x = f32[] parameter(0)\n"

    function = read_hlo(text + "  ROOT %c = f32[] call(%x), to_apply=%a\n}\n").functions["a"]

    assert (function.arguments, function.returns, len(function.nodes)) == (("p",), ("p",), 0)


def test_parameters_stand_by_their_numbers():
    """Their order in the text is not that of the operands."""
    text = "HloModule m\n%a {\n  %q = f32[] parameter(1)\n  %p = f32[] parameter(0)\n  ROOT %s = f32[] add(%p, %q)\n}\n"

    text += "ENTRY %e {\n  %x = f32[] parameter(0)\n  ROOT %c = f32[] call(%x, %x), to_apply=%a\n}\n"

    assert read_hlo(text).functions["a"].arguments == ("p", "q")


def test_source_lines_come_from_the_tables_too():
    """Newer versions name a row of a table instead of a file and a line."""
    tables = 'FileNames\n1 "user.py"\n\nFunctionNames\n1 "f"\n\nFileLocations\n1 {file_name_id=1 line=5}\n'
    text = module('%a = f32[] constant(1), metadata={op_name="jit(f)/add" stack_frame_id=3}').replace(
        "\n\n", f"\n\n{tables}\nStackFrames\n3 {{file_location_id=1 parent_frame_id=1}}\n\n\n", 1
    )

    attributes = read_hlo(text).nodes[0].attributes

    assert (attributes["op_name"], attributes["source_file"], attributes["source_line"]) == ("jit(f)/add", "user.py", 5)


def test_what_has_to_be_done_before_is_a_control_edge():
    """XLA's `control-predecessors` are TensorFlow's control inputs."""
    text = module("%a = f32[] constant(1)", "%b = f32[] negate(%a), control-predecessors={%a}")

    assert read_hlo(text).nodes[1].inputs == ("a", "^a")


def test_brackets_and_quotes_in_strings_are_text():
    """A target, or a configuration, may hold whatever it likes."""
    text = module(r'%a = f32[] custom-call(), custom_call_target="a,\"b\")}", metadata={op_name="caf\303\251/x y"}')

    attributes = read_hlo(text).nodes[0].attributes

    assert attributes == {"custom_call_target": 'a,"b")}', "op_name": "café/x y"}


def test_a_constant_may_go_on_in_the_next_lines():
    """Printed in full, a matrix takes several."""
    text = module("%a = f32[2,1] constant({", "  { 1 },", "  { 2 }", "})", "%b = f32[2,1] negate(%a)")

    nodes = read_hlo(text).nodes

    assert rows(nodes) == [("a", "constant", ()), ("b", "negate", ("a",))]
    assert nodes[0].attributes["value"] == "{ { 1 }, { 2 } }"


def test_a_large_constant_is_cut():
    """The first 256 characters are kept: the rest is data."""
    value = read_hlo(module(f"%a = f32[999] constant({{{'1, ' * 999}1}})")).nodes[0].attributes["value"]

    assert (len(value), value[-1]) == (256, "…")


def test_windows_line_ends_are_line_ends():
    """A text that went through Windows is the same module."""
    assert rows(read_hlo(LOOP.replace("\n", "\r\n")).nodes) == rows(read_hlo(LOOP).nodes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.txt is empty"),
        ("\n // nothing\n", "x.txt is empty"),
        ("<html>", "x.txt, line 1 is not the beginning of an HLO module: <html>"),
        ("HloModule m\n", "x.txt, line 2 is the last, and 0 computations are the ENTRY: "),
        ("HloModule m\n\nhello {1}", "x.txt, line 3 is neither a computation nor a table: hello {1}"),
        (
            FUSED[:-4],
            "x.txt, line 12 is cut off: ROOT %fusion = f32[4]{0} fusion(%arg0.1), kind=kLoop, calls=%fused_compu",
        ),
        (FUSED[:-2], "x.txt, line 13 is the last, inside of main.1: the text is cut off: "),
        (module("hello"), "x.txt, line 4 is no instruction: hello"),
        (module("%a = f32[x] add()"), "x.txt, line 4 is not a shape: %a = f32[x] add()"),
        (module("%a = 7 add()"), "x.txt, line 4 is not a type: %a = 7 add()"),
        (module("%a = f32[]"), "x.txt, line 4 is not a type and an opcode: %a = f32[]"),
        (module("%a = f32[] add() extra"), "x.txt, line 4 is not a list of attributes: %a = f32[] add() extra"),
        (module("%a = f32[] negate(%b)"), "x.txt, line 4 reads b, which main does not define: %a = f32[] negate(%b)"),
        (
            module("%a = f32[] constant(1)", "%a = f32[] constant(2)"),
            "x.txt, line 5 is not the only a of main: %a = f32[] constant(2)",
        ),
        (
            module("%a = f32[] call(), to_apply=%gone"),
            "x.txt, line 4 runs gone, which the text does not define: %a = f32[] call(), to_apply=%gone",
        ),
        (module(), "x.txt, line 4 ends main, which has no instruction: }"),
        (
            LOOP + LOOP[len("HloModule loop\n\n") :],
            "x.txt, line 23 defines body a second time: %body (t: (s32[], f32[8]))",
        ),
    ],
)
def test_what_is_damaged_or_foreign_names_its_line(text, message):
    """An error says where, and shows the line."""
    with pytest.raises(Unreadable) as error:
        read_hlo(text, "x.txt")

    assert error.value.message.startswith(message)


@given(
    st.sampled_from([FUSED, LOOP]), st.integers(0, 1200), st.text(st.sampled_from('{}()[]",=%\n \\/*a1'), max_size=4)
)
def test_damage_is_understood_or_refused(text, at, put):
    """Whatever is put in the place of two characters, there is a graph or `Unreadable`, and nothing else."""
    try:
        graph = read_hlo(text[:at] + put + text[at + 2 :])
    except Unreadable:
        return
    assert len(graph.nodes) > 0


@given(st.text(max_size=60))
def test_a_list_that_was_split_is_whole(text):
    """Strings are kept as they were, with all that parts lists in them."""
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert split(f"a,{{{quoted}, b}},{quoted}")[2] == quoted
    assert unquoted(quoted) == text
    assert attributes_of(f"k={quoted}, n=-3, d={{0,1}}, s=true") == {"k": text, "n": -3, "d": (0, 1), "s": True}


def test_a_hundred_thousand_instructions_take_seconds():
    """The cost grows with the text: one long chain, one long line, and one tuple of everything."""
    chain = [f"%a.{index} = f32[8]{{0}} negate(f32[8]{{0}} %a.{index - 1})" for index in range(1, 100_000)]
    everything = ", ".join(f"%a.{index}" for index in range(100_000))
    types = ", ".join(["f32[8]{0}"] * 100_000)
    text = module("%a.0 = f32[8]{0} constant(1)", *chain, f"ROOT %t = ({types}) tuple({everything})")

    start = time.perf_counter()
    nodes = read_hlo(text).nodes

    assert (len(nodes), len(nodes[-1].inputs), len(nodes[-1].outputs)) == (100_001, 100_000, 100_000)
    assert time.perf_counter() - start < 20


@pytest.mark.parametrize("part", ["a", "(", '"', "/*", "->", "{a=", "a=", ",", "\\", "1 ", "[", "a["])
def test_a_long_line_of_nonsense_takes_no_time(part):
    """No pattern goes over a line again and again."""
    noise = part * 200_000

    texts = [
        f"HloModule m\n{noise}",
        f"HloModule m\n%a (x) {noise}{{",
        module(f"%a = ({noise}) add()"),
        module(f"%a = {noise}"),
        module(f"%a = f32[] add({noise}), x"),
        module(f"%a = f32[] add(), metadata={{{noise}}}"),
    ]

    start = time.perf_counter()
    for text in texts:
        with contextlib.suppress(Unreadable):
            read_hlo(text)

    assert time.perf_counter() - start < 10
