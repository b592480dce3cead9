import pytest

from tests.helpers import graph
from tracer.graph.fates.model import Added, Fate
from tracer.graph.hlo import read_hlo
from tracer.graph.hlo_map import hlo_map
from tracer.graph.hlo_origins import hlo_origins
from tracer.graph.inline import inline
from tracer.profile.hlo_nodes import hlo_nodes


def program(entry, **computations):
    """Returns an HLO module, with instructions such as `w=while(x)body=%b/net/while:While`.

    Behind the operands stand the computations that it runs, then op_name and op_type. The entry's parameter is `x`,
    that of the others `p`, and the last instruction is the root.
    """
    parts = [
        *(
            f"%{name} (p: f32[4]) -> f32[4] {{\n  %p = f32[4] parameter(0)\n{_lines(text)}}}"
            for name, text in computations.items()
        )
    ]
    parts.append(f"ENTRY %main (x: f32[4]) -> f32[4] {{\n  %x = f32[4] parameter(0)\n{_lines(entry)}}}")
    return read_hlo("HloModule m\n\n" + "\n\n".join(parts))


def _lines(text):
    found = []
    for number, instruction in enumerate(texts := text.split("  "), 1):
        name, _, rest = instruction.partition("=")
        call, _, behind = rest.partition(")")
        runs, _, named = behind.partition("/")
        op_name, _, op_type = named.partition(":")
        metadata = f', metadata={{op_type="{op_type}" op_name="{op_name}"}}' if op_name else ""
        opcode, _, operands = call.partition("(")
        operands = ", ".join(f"%{each}" for each in operands.split(",") if each)
        root = "ROOT " if number == len(texts) else ""
        found.append(f"  {root}%{name} = f32[4] {opcode}({operands}){', ' + runs if runs else ''}{metadata}\n")
    return "".join(found)


def origins(traced, hlo):
    """Returns the paths of the nodes behind each instruction that has some, by the instruction's path."""
    traced, hlo = inline(traced), inline(hlo)
    found = zip(hlo.nodes.names, hlo_origins(traced, hlo), strict=True)
    return {name: " ".join(traced.nodes.names[node] for node in nodes) for name, nodes in found if nodes}


def test_names_begin_behind_the_last_label():
    """XLA compiles a loop's body by itself, with the nodes of plain calls in their places."""
    traced = graph(
        "x:Placeholder  net/while:While@cond.c@body.b<-x",
        c="(y)  net/while/Less:Less<-y",
        b="(y)  net/while/call:PartitionedCall@f<-y  net/while/Tanh:Tanh<-net/while/call",
        f="(z)  in/MatMul:MatMul<-z",
    )
    hlo = program(
        "w=while(x)condition=%c, body=%b/net/while:While",
        c="less=compare(p)/net/while/Less:Less",
        b="dot=dot(p)/net/while/call/in/MatMul:MatMul  tanh=tanh(dot)/net/while/Tanh:Tanh",
    )

    assert origins(traced, hlo) == {
        "w": "net/while",
        "w/cond/less": "net/while/cond/net/while/Less",
        "w/body/dot": "net/while/body/net/while/call/in/MatMul",
        "w/body/tanh": "net/while/body/net/while/Tanh",
    }


BRANCHES = graph("x:Placeholder  cond:If@then.t@else.e<-x", t="(y)  cond/mul:Mul<-y", e="(y)  cond/mul:Mul<-y")


def test_of_equal_names_the_place_decides():
    """Both branches of a condition may name their nodes alike; the instruction stands in one of them."""
    hlo = program(
        "c=conditional(x,x,x)true_computation=%t, false_computation=%e/cond:If",
        t="one=multiply(p)/cond/mul:Mul",
        e="two=multiply(p)/cond/mul:Mul",
    )

    assert origins(BRANCHES, hlo) == {
        "c": "cond",
        "c/then/one": "cond/then/cond/mul",
        "c/else/two": "cond/else/cond/mul",
    }


@pytest.mark.parametrize("name", ["cond/mul", "cond/cond/mul"])
def test_a_name_that_no_place_tells_apart_is_of_all(name):
    """Where XLA opened the branches, with their condition's name before them or not, both nodes are behind it."""
    assert origins(BRANCHES, program(f"s=multiply(x,x)/{name}:Mul")) == {"s": "cond/then/cond/mul cond/else/cond/mul"}


def test_equal_loops_of_two_calls_are_told_apart():
    """A function that is called twice has each of its nodes twice, under one name in both loops."""
    traced = graph(
        "x:Placeholder  one:PartitionedCall@f<-x  two:PartitionedCall@f<-x",
        f="(y)  while:While@body.b<-y",
        b="(z)  while/Sin:Sin<-z",
    )
    hlo = program(
        "v=while(x)body=%b/one/while:While  w=while(x)body=%d/two/while:While",
        b="sin=sine(p)/while/Sin:Sin",
        d="sin.1=sine(p)/while/Sin:Sin",
    )

    assert origins(traced, hlo) == {
        "v": "one/while",
        "v/body/sin": "one/while/body/while/Sin",
        "w": "two/while",
        "w/body/sin.1": "two/while/body/while/Sin",
    }


def test_what_was_moved_out_of_a_loop_is_found():
    """XLA takes out of loops what is the same in each turn, and unrolls short ones; it may move into loops, too."""
    traced = graph(
        "x:Placeholder  Exp:Exp<-x  a:While@body.b<-x  b:While@body.c<-x",
        b="(y)  a/Sin:Sin<-y  a/Cos:Cos<-y",
        c="(y)  b/Sin:Sin<-y  a/Cos:Cos<-y",
    )
    hlo = program(
        "sin=sine(x)/a/Sin:Sin  w=while(x)body=%b/b:While",
        b="cos=cosine(p)/a/Cos:Cos  exp=exponential(p)/Exp:Exp",
    )

    assert origins(traced, hlo) == {
        "sin": "a/body/a/Sin",
        "w": "b",
        "w/body/cos": "b/body/a/Cos",
        "w/body/exp": "Exp",
    }


@pytest.mark.parametrize(
    ("op_name", "nodes"),
    [
        ("in/Tanh;call/in/Tanh", "call/in/Tanh"),  # the second is the first, where it stands
        ("in/Tanh;x/Sin", "in/Tanh x/Sin"),
        ("cond/in/Tanh;cond/inner/in/Tanh", "cond/then/cond/inner/in/Tanh"),  # a branch was opened
        ("XLA_Retvals", ""),
        ("elsewhere/Sin", ""),
    ],
)
def test_a_semicolon_parts_names(op_name, nodes):
    """Several names are of several nodes, but for the name that a node has in its own function."""
    traced = graph(
        "in/Tanh:Tanh  x/Sin:Sin  call:PartitionedCall@f  cond:If@then.t@else.e",
        f="in/Tanh:Tanh",
        t="cond/inner:PartitionedCall@f",
        e="cond/other:PartitionedCall@f",
    )

    assert origins(traced, program(f"i=tanh(x)/{op_name}:Tanh")).get("i", "") == nodes


def test_a_constant_that_was_copied_into_a_branch_is_the_constant():
    """TensorFlow copies it before XLA compiles the branch, and numbers the copies."""
    assert origins(graph("net/zeros:Const"), program("z=constant()/net/zeros/_0:Const")) == {"z": "net/zeros"}


def test_in_a_function_that_is_compiled_itself_names_begin_anew():
    """A call of a jitted function is no plain one: its loops do not bear the call's name."""
    traced = graph(
        "x:Placeholder  call:StatefulPartitionedCall@f<-x", f="(y)  net/while:While@body.b<-y", b="(z)  a:Sin<-z"
    )

    assert origins(traced, program("w=while(x)body=%b/net/while:While", b="s=sine(p)/a:Sin")) == {
        "w": "call/net/while",
        "w/body/s": "call/net/while/body/a",
    }


def test_a_fusion_has_the_node_that_it_names_first():
    """Then come those of the instructions in it."""
    hlo = program("f=fusion(x)calls=%g/Cos:Cos", g="sin=sine(p)/Sin:Sin  cos=cosine(sin)/Cos:Cos")

    assert origins(graph("Sin:Sin  Cos:Cos"), hlo)["f"] == "Cos Sin"


def test_what_names_no_node_stands_with_its_readers():
    """A copy for a loop is the loop's, one at the end of its body too; a copy of the result is its producer's."""
    traced = graph("x:Placeholder  while:While@body.b<-x  Exp:Exp<-while", b="(y)  while/Sin:Sin<-y")
    hlo = program(
        "before=copy(x)  w=while(before)body=%b/while:While  e=exponential(w)/Exp:Exp  behind=copy(e)",
        b="in=copy(p)  s=sine(in)/while/Sin:Sin  out=copy(s)",
    )

    assert hlo_nodes(hlo, inline(traced)) == {
        "x": ("while",),
        "before": ("while",),
        "w": ("while",),
        "e": ("Exp",),
        "behind": ("Exp",),
        "in": ("while/body/while/Sin",),
        "s": ("while/body/while/Sin",),
        "out": ("while",),
    }


def test_a_node_is_lowered_into_what_computes_it():
    """What moves and what is constant is beside it, also in another fusion, and so is what a reduction applies."""
    traced = graph("x:Placeholder=float32[4]  net/Relu:Relu=float32[4]<-x  Sum:Sum=float32[]<-net/Relu")
    hlo = program(
        "zero=constant()/net/Relu:Relu  f=fusion(x,zero)calls=%g/net/Relu:Relu  b=broadcast(zero)/net/Relu:Relu"
        "  r=reduce(f,b)to_apply=%a/Sum:Sum",
        g="max=maximum(p,p)/net/Relu:Relu",
        a="add=add(p,p)/Sum:Sum",
    )
    found = hlo_map(inline(traced), inline(hlo))

    assert found.fates == (
        Fate("x", "Placeholder", "removed", "", "", "a parameter of the program"),
        Fate("net/Relu", "Relu", "lowered", "f/fused/max", "maximum", also=("zero", "f", "b")),
        Fate("Sum", "Sum", "lowered", "r", "reduce", also=("r/to_apply/add",)),
    )
    assert found.added == (Added("x", "parameter", "function boundary"),)
    assert found.totals == {"lowered": 2, "removed": 1, "added": 1}


def test_of_several_that_compute_the_one_with_the_nodes_elements_counts():
    """What reads from a list computes first where in it, on numbers of one element."""
    traced = graph("x:Placeholder  get:TensorListGetItem=float32[4]<-x")
    text = (
        "HloModule m\n\nENTRY %main (x: f32[9,4]) -> f32[4] {\n  %x = f32[9,4] parameter(0)\n"
        '  %slice = f32[1,4] dynamic-slice(%x), metadata={op_type="TensorListGetItem" op_name="get"}\n'
        '  ROOT %at = s32[] add(%x), metadata={op_type="TensorListGetItem" op_name="get"}\n}\n'
    )

    assert hlo_map(inline(traced), inline(read_hlo(text))).fates[1].became == "dynamic-slice"


def test_a_node_without_an_instruction_has_a_reason():
    """As far as the graph tells; the start value of a loop is no known value in it."""
    traced = graph(
        "x:Placeholder  zero:Const  two:Const  shape:Shape<-x  four:Mul<-two,shape  i:Identity<-x  n:NoOp<-^x"
        "  call:PartitionedCall@f<-x  w:While@body.b<-zero,x  e:Exp<-x  e_1:Exp<-x  l:Log<-e_1  s:Sub<-l  z:Neg<-x",
        f="(y)  Sin:Sin<-y",
        b="(k,y)  one:Const  add:Add<-k,one  Cos:Cos<-y",
    )
    hlo = program("w=while(x)body=%b/w:While  e=exponential(x)/e:Exp  s=subtract(x)/s:Sub", b="c=cosine(p)/Cos:Cos")

    assert {
        fate.path: fate.reason for fate in hlo_map(inline(traced), inline(hlo)).fates if fate.fate == "removed"
    } == {
        "x": "a parameter of the program",
        "zero": "its value is known",
        "two": "its value is known",
        "shape": "its value is known",
        "four": "its value is known",
        "i": "it only hands on x",
        "n": "it only orders others",
        "call/Sin": "nothing reads it",
        "call": "its function's nodes stand in its place",
        "w/body/one": "its value is known",
        "w/body/add": "nothing reads it",
        "e_1": "duplicate of e",
        "l": "its readers do without it",
        "z": "nothing reads it",
    }
