"""The clean view."""

from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import graph
from tracer.graph.clean import clean
from tracer.graph.inline import inline
from tracer.graph.model import Graph, Kind, Node, Nodes, TensorType, Variable


def view(text, **functions):
    """Returns the clean view of a graph typed in one line."""
    return clean(inline(graph(text, **functions)))


def edges(seen):
    """Returns the nodes that stay, with what they read."""
    return {node.name: node.inputs for node in seen.graph.nodes}


def test_a_constant_becomes_a_badge_on_its_reader():
    """A constant goes, and its reader names it."""
    seen = view("x:Placeholder  two:Const  y:Mul<-x,two")

    assert edges(seen) == {"x": (), "y": ("x",)}
    assert seen.put_aside == {"two": "constant"}
    assert seen.badges == {"y": ("two",)}


def test_a_variables_read_becomes_a_badge_with_the_variable():
    """The read of a variable goes, and so does the variable: the reader names both."""
    plain = graph("x:Placeholder  w:Placeholder  r:ReadVariableOp<-w  y:MatMul<-x,r")
    captured = Graph(plain.nodes, captures={"w": Variable("w:0", TensorType("float32", (2, 2)))})
    seen = clean(inline(captured))

    assert edges(seen) == {"x": (), "y": ("x",)}
    assert seen.put_aside == {"r": "read of a variable", "w": "variable"}
    assert seen.badges == {"y": ("r", "w")}


def test_an_identity_becomes_a_plain_edge():
    """Who reads an `Identity` reads what it reads, with the same output."""
    seen = view("x:Split  i:Identity<-x:1  j:Identity<-i  y:Relu<-j")

    assert edges(seen) == {"x": (), "y": ("x:1",)}


def test_a_result_stays():
    """An `Identity` or a constant that nothing reads is a result, and stays."""
    assert edges(view("x:Relu  out:Identity<-x  lone:Const")) == {"x": (), "out": ("x",), "lone": ()}


def test_what_orders_goes():
    """`NoOp` and control edges say in which order, not what: they go."""
    seen = view("a:Print  n:NoOp<-^a  b:Relu<-a,^n")

    assert edges(seen) == {"a": (), "b": ("a",)}
    assert seen.put_aside == {"n": "no-op"}


LOOP = (
    "x:_Arg  n:Const  e:Enter<-x  m:Merge<-e,next  l:Less<-m,n  c:LoopCond<-l  s:Switch<-m,c  "
    "b:Tanh<-s:1  next:NextIteration<-b  out:Exit<-s  r:_Retval<-out"
)


def test_a_lowered_loop_shows_what_goes_round_in_it():
    """Who reads a value of the loop reads what it begins with and what its body gives; the plumbing goes."""
    seen = view(LOOP)

    assert edges(seen) == {"x": (), "l": ("x", "b"), "b": ("x", "b"), "r": ("x", "b")}
    assert {path for path, reason in seen.put_aside.items() if reason == "lowering"} == {*"emcs", "next", "out"}
    assert seen.badges == {"l": ("n",)}


def test_a_lowered_branch_shows_both_of_its_results():
    """Who reads a `Merge` reads the result of each branch; what only orders the branches goes too."""
    seen = view(
        "p:_Arg  x:_Arg  w:Switch<-p,p  c/pivot_f/_1:Identity<-w  c/pivot_t/_2:Identity<-w:1  s:Switch<-x,p  "
        "k:Const<-^c/pivot_f/_1  t:Exp<-s:1,^c/pivot_t/_2  m:Merge<-t,k  r:_Retval<-m"
    )

    assert edges(seen) == {"p": (), "x": (), "t": ("x",), "r": ("t",)}
    assert seen.put_aside == {
        **dict.fromkeys(("w", "s", "m", "c/pivot_f/_1", "c/pivot_t/_2"), "lowering"),
        "k": "constant",
    }
    assert seen.badges == {"r": ("k",)}


def test_a_merge_that_nothing_reads_is_a_result():
    """TensorFlow 1 returned them: the end of a branch that nobody names stays."""
    assert edges(view("a:Relu  b:Tanh  m:Merge<-a,b")) == {"a": (), "b": (), "m": ("a", "b")}


def test_a_merge_behind_very_many_others_stays():
    """Where more than 64 merges stand in a row, each of their readers would read all: some stay."""
    row = "  ".join(f"m{at}:Merge<-m{at - 1},a{at}  a{at}:Relu" for at in range(1, 101))
    seen = view(f"m0:Relu  {row}  y:Tanh<-m100")

    merges = [name for name in edges(seen) if name.startswith("m") and name != "m0"]
    assert merges == [f"m{at}" for at in range(65, 101)]
    assert edges(seen)["m65"] == (*(f"a{at}" for at in range(64, 1, -1)), "m0", "a1", "a65")


def test_identities_in_a_circle_end():
    """A damaged graph whose identities read each other is shown, not followed for ever."""
    assert set(edges(view("a:Identity<-b  b:Identity<-a  y:Relu<-a"))) == {"y"}


OPS = st.sampled_from(["Const", "Identity", "NoOp", "ReadVariableOp", "Add", "VarHandleOp", "Switch", "Merge"])


@given(st.lists(st.tuples(OPS, st.lists(st.integers(0, 30), max_size=3)), max_size=30))
def test_nothing_is_lost(rows):
    """Each node stays or is put aside, never both; each data edge of the raw graph can be told from the clean view.

    But for those from the plumbing of loops and branches: what comes through it is read at its source.
    """
    nodes = Nodes.of(
        Node(f"n{index}", Kind(op), tuple(f"n{at % len(rows)}" for at in inputs), "")
        for index, (op, inputs) in enumerate(rows)
    )
    seen = clean(inline(Graph(nodes)))
    stays = set(seen.graph.nodes.names)

    assert stays | set(seen.put_aside) == set(nodes.names)
    assert not stays & set(seen.put_aside)
    for node in nodes:
        for name in node.inputs:
            if node.name in stays:
                at = seen.graph.nodes.names.index(node.name)
                told = (*seen.graph.nodes.inputs[at], *seen.badges.get(node.name, ()))
                assert name in told or seen.put_aside[name] == "lowering"
