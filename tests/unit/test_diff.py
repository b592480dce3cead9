"""What changed between two graphs."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import graph
from tracer.graph.diff import Difference, NodeChange, diff_graphs
from tracer.graph.inline import inline
from tracer.graph.labels import without_numbers
from tracer.graph.model import FunctionName, Graph, Kind, Node, Nodes, Tensor, TensorType, Variable
from tracer.graph.renames import Renamed

NET = "x:Placeholder  net/w:ReadVariableOp  net/MatMul:MatMul=float32[2,4]<-x,net/w  net/Relu:Relu<-net/MatMul"


def _diff(before, after):
    return diff_graphs(inline(graph(before)), inline(graph(after)))


def _nodes(*rows):
    return inline(Graph(Nodes.of(rows)))


def _counts(found):
    return found.added, found.removed, found.changed, found.same


def test_a_graph_does_not_differ_from_itself():
    """A graph compared with another reading of it is equal, and all its nodes are the same."""
    found = _diff(NET, NET)

    assert found.equal
    assert _counts(found) == (0, 0, 0, 4)


def test_an_inserted_node_renumbers_others_and_is_the_only_one_added():
    """Where one MatMul more was made first, that one is added, although all names behind it moved."""
    before = "x:Placeholder  y:Placeholder  MatMul:MatMul<-x,x  MatMul_1:MatMul<-MatMul,x  Relu:Relu<-MatMul_1"
    after = (
        "x:Placeholder  y:Placeholder  MatMul:MatMul<-y,y  MatMul_1:MatMul<-x,x  MatMul_2:MatMul<-MatMul_1,x  "
        "Relu:Relu<-MatMul_2"
    )

    assert _diff(before, after).changes == (NodeChange("added", "", "MatMul", "MatMul"),)


def test_what_reads_an_inserted_node_reads_something_else():
    """A node put into an edge is added, and its reader's input changed: nothing below it did."""
    after = NET.replace("net/Relu:Relu<-net/MatMul", "net/Tanh:Tanh<-net/MatMul  net/Relu:Relu<-net/Tanh")

    assert _diff(NET + "  y:Neg<-net/Relu", after + "  y:Neg<-net/Relu").changes == (
        NodeChange("added", "", "net/Tanh", "Tanh"),
        NodeChange("changed", "net/Relu", "net/Relu", "Relu", (Difference("inputs", "net/MatMul", "net/Tanh"),)),
    )


def test_a_changed_shape_is_named():
    """A shape that is another one changes its node and none that reads it."""
    found = _diff(NET, NET.replace("[2,4]", "[?,8]"))

    assert found.changes == (
        NodeChange("changed", "net/MatMul", "net/MatMul", "MatMul", (Difference("shape", "[2, 4]", "[?, 8]"),)),
    )


def test_a_changed_dtype_is_told_once():
    """A dtype is named as dtype, not again as each attribute that holds it."""
    found = _diff("x:Add=float32[2]", "x:Add=float64[2]")

    assert found.changes[0].differences == (Difference("dtype", "float32", "float64"),)


def test_an_op_in_the_place_of_another_is_a_change():
    """An op that reads what another read, in the same scope, is that node with another op, whatever its name is."""
    found = _diff(NET, NET.replace("net/Relu:Relu", "net/Tanh:Tanh"))

    assert found.changes == (
        NodeChange("changed", "net/Relu", "net/Tanh", "Tanh", (Difference("op", "Relu", "Tanh"),)),
    )


def test_devices_and_control_inputs_are_compared():
    """Another device and another control input are changes of their own."""
    kind = Kind("Add")
    before = _nodes(Node("a", Kind("NoOp"), (), ""), Node("b", Kind("Init"), (), ""), Node("x", kind, ("^a",), "CPU:0"))
    after = _nodes(Node("a", Kind("NoOp"), (), ""), Node("b", Kind("Init"), (), ""), Node("x", kind, ("^b",), "GPU:0"))

    assert diff_graphs(before, after).changes[0].differences == (
        Difference("device", "CPU:0", "GPU:0"),
        Difference("control inputs", "a", "b"),
    )


def test_the_order_of_control_inputs_means_nothing():
    """Control inputs in another order are the same."""
    assert _diff("a:A  b:B  x:NoOp<-^a,^b", "a:A  b:B  x:NoOp<-^b,^a").equal


def test_swapped_inputs_are_a_change():
    """`x - y` is not `y - x`."""
    found = _diff("x:Placeholder  y:Placeholder  z:Sub<-x,y", "x:Placeholder  y:Placeholder  z:Sub<-y,x")

    assert [change.differences for change in found.changes] == [(Difference("inputs", "x, y", "y, x"),)]


def test_swapped_inputs_are_a_change_where_only_numbers_tell_the_arguments():
    """`x_1 - x_2` is not `x_2 - x_1`: the first argument is the first, whatever number it has."""
    arguments = "x_1:Placeholder  x_2:Placeholder  z:Sub<-{}  Identity:Identity<-z"
    found = _diff(arguments.format("x_1,x_2"), arguments.format("x_2,x_1"))

    assert found.changes == (NodeChange("changed", "z", "z", "Sub", (Difference("inputs", "x_1, x_2", "x_2, x_1"),)),)


def test_swapped_results_are_a_change():
    """What is returned first is the first result, whatever number its name has."""
    returned = "i:Placeholder  j:Placeholder  Identity:Identity<-{}  Identity_1:Identity<-{}"
    found = _diff(returned.format("i", "j"), returned.format("j", "i"))

    assert [(change.path, change.differences) for change in found.changes] == [
        ("Identity", (Difference("inputs", "i", "j"),)),
        ("Identity_1", (Difference("inputs", "j", "i"),)),
    ]


def test_crossed_towers_are_a_change():
    """Two towers that are alike are not one tower of the first one's bottom and the second one's top."""
    towers = "x:{0}  x_1:{0}  m:Neg<-x  n:Exp<-x  m_1:Neg<-x_1  n_1:Exp<-x_1  a:Add<-m,{1}"

    found = _diff(towers.format("Placeholder", "n"), towers.format("Placeholder", "n_1"))
    assert found.changes == (NodeChange("changed", "a", "a", "Add", (Difference("inputs", "n", "n_1"),)),)
    assert not _diff(towers.format("Read", "n"), towers.format("Read", "n_1")).equal


def test_towers_may_be_crossed_in_both_graphs():
    """Of nodes that are alike those that hang together are paired, whichever have which number."""
    before = "x:Read  x_1:Read  m:Neg<-x  m_1:Neg<-x_1  a:Add<-m,x  a_1:Add<-m_1,x_1  y:Sub<-a,a_1"
    after = "x:Read  x_1:Read  m:Neg<-x_1  m_1:Neg<-x  a_1:Add<-m,x_1  a:Add<-m_1,x  y:Sub<-a_1,a  z:Exp<-y"

    assert _diff(before, after).changes == (NodeChange("added", "", "z", "Exp"),)


def test_arguments_in_another_order_are_moved():
    """`f(x, y)` is called otherwise than `f(y, x)`, although no node reads anything else."""
    found = _diff("x:Placeholder  y:Placeholder  z:Sub<-x,y", "y:Placeholder  x:Placeholder  z:Sub<-x,y")

    assert [(change.path, change.differences) for change in found.changes] == [
        ("y", (Difference("position", "argument 2", "argument 1"),)),
        ("x", (Difference("position", "argument 1", "argument 2"),)),
    ]


def test_one_more_argument_moves_no_other():
    """An argument that came before others is added, and those behind it are known by who reads them."""
    before = "x:Placeholder  y:Neg<-x  Identity:Identity<-y"
    after = "x:Placeholder  x_1:Placeholder  y:Neg<-x_1  Identity:Identity<-y"

    assert _diff(before, after).changes == (NodeChange("added", "", "x", "Placeholder"),)


def test_an_input_that_leads_nowhere_now_is_a_change():
    """A node that is gone is not what another graph names and does not have."""
    found = _diff("a:A  b:B  c:C<-a,^b", "b2:Other  c:C<-gone,^gone")

    assert [change.differences for change in found.changes if change.path == "c"] == [
        (Difference("inputs", "a", "gone"), Difference("control inputs", "b", ""))
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"transpose_a": False}, {"transpose_a": True}),
        ({"axis": -1}, {"axis": -2}),
        ({"value": Tensor("float32", (), 8, (1.0,))}, {"value": Tensor("float32", (), 8, (2.0,))}),
    ],
)
def test_attributes_are_compared(before, after):
    """An attribute with another value is named, with both; -1 and -2 have one hash in Python, and are two values."""
    found = diff_graphs(_nodes(Node("x", Kind("Op", before), (), "")), _nodes(Node("x", Kind("Op", after), (), "")))

    (name,) = before
    assert [difference.what for difference in found.changes[0].differences] == [name]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"f": FunctionName("__inference_f_32")}, {"f": FunctionName("__inference_f_57")}),
        ({"body": FunctionName("while_body_20")}, {"body": FunctionName("while_body_31")}),
        ({"_gradient_op_type": "PartitionedCall-832"}, {"_gradient_op_type": "PartitionedCall-901"}),
        ({"_user_specified_name": "resource"}, {"_user_specified_name": "1205"}),
        ({"token": "pyfunc_3"}, {"token": "pyfunc_4"}),
        ({"value": Tensor("int32", (2,), 9, (1,))}, {"value": Tensor("int32", (2,), 12, (1, 1))}),
    ],
)
def test_numbers_in_runtime_names_mean_nothing(before, after):
    """What TensorFlow numbers anew in every process is not a change, nor how a constant is written down."""
    assert diff_graphs(
        _nodes(Node("x", Kind("Op", before), (), "")), _nodes(Node("x", Kind("Op", after), (), ""))
    ).equal


def test_large_constants_are_compared_by_their_content():
    """Two constants that are too large to be kept differ if the file says so."""
    tensor = {"value": Tensor("float32", (999,), 4000, None)}
    one, other = (Node("c", Kind("Const", tensor, (), (b"\n\x05value\x12" + tail,)), (), "") for tail in (b"1", b"2"))

    assert diff_graphs(_nodes(one), _nodes(one)).equal
    assert diff_graphs(_nodes(one), _nodes(other)).changed == 1


def test_keras_numbers_and_numbered_placeholders_mean_nothing():
    """`dense_3/` for `dense/`, `sequential_1`, and a placeholder that is called "832" are renumberings."""
    before = (
        "832:Placeholder  sequential/dense/MatMul:MatMul<-832  "
        "sequential/dense_1/MatMul:MatMul<-sequential/dense/MatMul"
    )
    after = (
        "901:Placeholder  sequential_1/dense_3/MatMul:MatMul<-901  "
        "sequential_1/dense_4/MatMul:MatMul<-sequential_1/dense_3/MatMul"
    )

    assert _diff(before, after).equal


def test_another_variable_behind_an_argument_is_a_change():
    """An argument that brings another variable now is changed; one with another number is not."""
    captured = [
        dataclasses.replace(
            graph("r:Placeholder  v:Read<-r"), captures={"r": Variable(name, TensorType("float32", (2,)))}
        )
        for name in ("net/w:0", "net/b:0", "net_1/w:0")
    ]
    found = [diff_graphs(inline(captured[0]), inline(other)) for other in captured[1:]]

    assert found[0].changes[0].differences == (Difference("variable", "net/w:0", "net/b:0"),)
    assert found[1].equal


def test_a_renamed_scope_is_told_in_one_line():
    """A scope with another name is renamed; its nodes are the same."""
    found = _diff(NET, NET.replace("net/", "model/"))

    assert found.renamed == (Renamed("net", "model", 3),)
    assert (_counts(found), found.equal) == ((0, 0, 0, 4), False)


LOOP = (
    "c:Const  layer/r:Placeholder  layer/w:Read<-layer/r  layer/add/y:Const  layer/add:Add<-layer/w,layer/add/y  "
    "while:While@cond.{0}while_cond_4@body.{0}while_body_5<-c,layer/add"
)
COND = "(i,x)  {0}while/n:Const  {0}while/Less:Less<-i,{0}while/n  ->{0}while/Less"
BODY = "(i,x)  {0}while/add/y:Const  {0}while/add:Add<-x,{0}while/add/y  ->i,{0}while/add"


def _captured(one, **variables):
    kinds = {name: Variable(f"{variable}:0", TensorType("float32", (2,))) for name, variable in variables.items()}
    return inline(dataclasses.replace(one, captures={name.replace("__", "/"): kind for name, kind in kinds.items()}))


def test_all_code_moved_under_a_scope_is_told_in_one_line():
    """Constants, captured variables and what stands in a loop move with the rest, and the loop is no other one."""
    before = graph(
        f"x:Placeholder  {LOOP.format('')}  Identity:Identity<-while:1",
        while_cond_4=COND.format(""),
        while_body_5=BODY.format(""),
    )
    moved = LOOP.format("net_").replace("layer", "net/layer").replace("c:Const", "net/c:Const")
    moved = moved.replace("while:While", "net/while:While").replace("<-c,", "<-net/c,")
    after = graph(
        f"x:Placeholder  {moved}  Identity:Identity<-net/while:1",
        net_while_cond_4=COND.format("net/"),
        net_while_body_5=BODY.format("net/"),
    )
    found = diff_graphs(_captured(before, layer__r="w"), _captured(after, net__layer__r="w"))

    assert (found.changes, found.same) == ((), 12)
    assert found.renamed == (Renamed("", "net", 9),)


def test_code_moved_into_a_function_is_the_same_code():
    """The call and what it hands back are added; what the function computes was there before."""
    before = graph("x:Placeholder  k:Const  a/Add:Add<-x,k  Relu:Relu<-a/Add  Identity:Identity<-Relu")
    after = graph(
        "x:Placeholder  call:PartitionedCall@inner<-x  Identity:Identity<-call",
        inner="(x)  k:Const  a/Add:Add<-x,k  Relu:Relu<-a/Add  Identity:Identity<-Relu  ->Identity",
    )
    found = diff_graphs(inline(before), inline(after))

    assert [(change.kind, change.path) for change in found.changes] == [
        ("added", "call"),
        ("added", "call/Identity"),
        ("changed", "Identity"),
    ]
    assert found.renamed == (Renamed("", "call", 3),)


def test_what_moved_is_named_by_its_scope_where_other_code_stayed():
    """A scope that moved into another one is that scope, not the whole graph."""
    found = _diff(NET + "  y:Neg<-net/Relu", NET.replace("net/", "in/net/") + "  y:Neg<-in/net/Relu")

    assert (found.changes, found.renamed) == ((), (Renamed("net", "in/net", 3),))


TOWER = "{0}/r:Placeholder  {0}/w:Read<-{0}/r  {0}/m:MatMul<-{1},{0}/w  {0}/k:Const  {0}/a:Add<-{0}/m,{0}/k"


def test_of_layers_that_are_alike_the_one_whose_variable_is_gone_is_removed():
    """Of three equal layers the middle one was left out: it is the one removed, whatever numbers the others got."""
    first, second, third = TOWER.format("l", "x"), TOWER.format("l_1", "l/a"), TOWER.format("l_2", "l_1/a")
    before = _captured(
        graph(f"x:Placeholder  {first}  {second}  {third}  y:Neg<-l_2/a"), l__r="w0", l_1__r="w1", l_2__r="w2"
    )
    after = _captured(graph(f"x:Placeholder  {first}  {second}  y:Neg<-l_1/a"), l__r="w0", l_1__r="w2")
    found = diff_graphs(before, after)

    assert found.changes == (
        NodeChange("changed", "l_2/m", "l_1/m", "MatMul", (Difference("inputs", "l_1/a", "l/a"),)),
        *(
            NodeChange("removed", f"l_1/{name}", "", op)
            for name, op in (("r", "Placeholder"), ("w", "Read"), ("m", "MatMul"), ("k", "Const"), ("a", "Add"))
        ),
    )


def test_layers_that_exchanged_their_variables_say_so():
    """An input that has the name of another node now says which one it was."""
    rows = "r:Placeholder  r_1:Placeholder  m:MatMul<-x,r  m_1:MatMul<-m,r_1"
    one, other = graph("x:Placeholder  " + rows), graph("x:Placeholder  " + rows)
    found = diff_graphs(_captured(one, r="w", r_1="v"), _captured(other, r="v", r_1="w"))

    assert [(change.path, change.differences) for change in found.changes] == [
        ("m", (Difference("inputs", "r", "r (was r_1)"),)),
        ("m_1", (Difference("inputs", "r_1", "r_1 (was r)"),)),
    ]


def test_a_captured_variable_is_known_by_its_name():
    """TensorFlow calls a capture after what reads it first: two lines exchanged change nothing."""
    before = graph("a/r:Placeholder  a/Read:Read<-a/r  b/Read:Read<-a/r  y:Add<-a/Read,b/Read")
    after = graph("b/r:Placeholder  b/Read:Read<-b/r  a/Read:Read<-b/r  y:Add<-a/Read,b/Read")

    assert diff_graphs(_captured(before, a__r="w"), _captured(after, b__r="w")).equal
    assert not diff_graphs(_captured(before, a__r="w"), _captured(after, b__r="v")).equal


def test_a_variable_may_be_called_after_a_scope_that_was_renamed():
    """A layer with another name has its variable with it: nothing was added, removed or changed."""
    before = _captured(graph("x:Placeholder  " + TOWER.format("l", "x")), l__r="net/l/w")
    after = _captured(graph("x:Placeholder  " + TOWER.format("d", "x")), d__r="net/d/w")
    found = diff_graphs(before, after)

    assert (found.changes, found.renamed) == ((), (Renamed("l", "d", 5),))


def test_a_removed_scope_is_counted_in_its_scopes():
    """Each scope says what came, went, changed and stayed in it."""
    found = _diff(NET + "  old/a:Neg<-x  old/b:Exp<-old/a", NET)

    assert [(scope.path, scope.depth, dict(scope.counts)) for scope in found.scopes] == [
        ("", 0, {"same": 4, "removed": 2}),
        ("net", 1, {"same": 3}),
        ("old", 1, {"removed": 2}),
    ]


def test_a_loop_of_an_optimised_graph_is_compared():
    """Graphs with cycles, as loops become, are compared as others are."""
    loop = "e:Enter  m:Merge<-e,n  c:LoopCond<-m  s:Switch<-m,c  b:{}<-s:1  n:NextIteration<-b  x:Exit<-s"
    found = _diff(loop.format("Neg"), loop.format("Exp"))

    assert _diff(loop.format("Neg"), loop.format("Neg")).equal
    assert [change.path for change in found.changes] == ["b"]


def test_a_cycle_that_is_no_loop_and_inputs_that_lead_nowhere_are_compared():
    """Graphs that nothing could run are still compared, with an exact answer."""
    broken = "a:A<-b  b:B<-a,gone:3  c:C<-a"

    assert _diff(broken, broken + "  d:D").changes == (NodeChange("added", "", "d", "D"),)


def test_fifty_thousand_nodes_that_are_alike_take_no_square():
    """A node without a partner among 50,000 that look the same is found; by pairs it would take hours."""
    rows = [Node(f"Const_{number}", Kind("Const"), (), "") for number in range(50_000)]

    assert _counts(diff_graphs(_nodes(*rows), _nodes(*rows[:-1]))) == (0, 1, 0, 49_999)


def test_an_empty_graph_is_compared():
    """Everything is new against nothing."""
    assert _counts(diff_graphs(_nodes(), inline(graph(NET)))) == (4, 0, 0, 0)


names = st.lists(st.sampled_from(["net", "dense", "dense_1", "MatMul", "MatMul_1", "x"]), min_size=1, max_size=3)


@st.composite
def graphs(draw):
    """Draws graphs of up to 12 nodes with unique names, whose edges may lead back."""
    paths = list(dict.fromkeys("/".join(draw(names)) for _ in range(draw(st.integers(0, 12)))))
    rows = []
    for path in paths:
        op = draw(st.sampled_from(["MatMul", "Const", "Add", "Merge", "NextIteration"]))
        attributes = draw(st.sampled_from([{}, {"axis": 1}, {"axis": 2}]))
        inputs = draw(st.lists(st.sampled_from(paths), max_size=3))
        control = draw(st.lists(st.sampled_from(paths), max_size=1))
        rows.append(Node(path, Kind(op, attributes), (*inputs, *(f"^{name}" for name in control)), ""))
    return _nodes(*rows)


@given(graphs())
def test_every_graph_equals_itself(one):
    """diff(g, g) is empty."""
    again = _nodes(*(node._replace(kind=Kind(node.op, node.attributes)) for node in one.nodes))

    assert diff_graphs(one, again).equal


@given(graphs(), st.randoms(use_true_random=False))
def test_other_numbers_change_nothing(one, chance):
    """diff(g, g with other numbers in its names) is empty, whichever numbers they are."""
    new = dict(zip(one.nodes.names, _renumbered(one.nodes.names, chance), strict=True))
    rows = [
        Node(new[node.name], Kind(node.op, node.attributes), tuple(_renamed(text, new) for text in node.inputs), "")
        for node in one.nodes
    ]

    assert diff_graphs(one, _nodes(*rows)).equal


@given(graphs(), graphs())
def test_counts_add_up(one, other):
    """Each node before is same, changed or removed; each node after is same, changed or added."""
    found = diff_graphs(one, other)

    assert found.same + found.changed + found.removed == len(one.nodes)
    assert found.same + found.changed + found.added == len(other.nodes)


@given(graphs(), graphs())
def test_the_way_back_is_the_mirror(one, other):
    """diff(a, b) adds what diff(b, a) removes, and changes the same nodes."""
    there, back = diff_graphs(one, other), diff_graphs(other, one)

    assert (there.added, there.removed, there.changed) == (back.removed, back.added, back.changed)
    assert {(change.before, change.after) for change in there.changes} == {
        (change.after, change.before) for change in back.changes
    }


@st.composite
def exchanged(draw):
    """Draws a graph of up to 6 nodes, and the same with two nodes', or two inputs', places exchanged."""
    rows = []
    for number in range(draw(st.integers(2, 6))):
        read = draw(st.lists(st.integers(0, number - 1), max_size=2)) if number else []
        op = draw(st.sampled_from(["Neg", "Sub", "Identity"] if read else ["Placeholder", "Read"]))
        rows.append(Node(f"{op}_{number}", Kind(op), tuple(rows[at].name for at in read), ""))
    one, other = (rows[draw(st.integers(0, len(rows) - 1))] for _ in range(2))
    way = draw(st.sampled_from(["inputs", "stand", "read"]))
    at = draw(st.integers(0, len(rows) - 1))
    names = {one.name: other.name, other.name: one.name}
    new = []
    for number, row in enumerate(rows):
        partner = other if row is one else one if row is other else row
        if way == "inputs":  # the two read what the other did
            new.append(row._replace(inputs=partner.inputs))
        elif way == "stand":  # the two stand where the other did
            new.append(partner)
        elif number == at:  # a node reads the one where it read the other
            new.append(row._replace(inputs=tuple(names.get(name, name) for name in row.inputs)))
        else:
            new.append(row)
    return rows, new


@given(exchanged())
def test_an_exchange_is_seen(both):
    """Two inputs, results or arguments exchanged are a change, unless other numbers in names undo it."""
    before, after = both

    assert diff_graphs(_nodes(*before), _nodes(*after)).equal <= _is_renumbering(before, after)


@given(exchanged(), st.randoms(use_true_random=False))
def test_the_order_of_nodes_means_nothing(both, chance):
    """Nodes in another order are no change, as long as arguments and results keep theirs."""
    rows, _ = both
    shuffled = chance.sample(rows, len(rows))
    ordered = iter([row for row in rows if row.op in ("Placeholder", "Identity")])
    shuffled = [next(ordered) if row.op in ("Placeholder", "Identity") else row for row in shuffled]

    assert diff_graphs(_nodes(*rows), _nodes(*shuffled)).equal


def _is_renumbering(before, after):
    """Tries all pairings: whether one keeps what the nodes are and read, and the order of arguments and of results."""
    places = [_places(rows) for rows in (before, after)]
    for order in itertools.permutations(after):
        new = {row.name: other.name for row, other in zip(before, order, strict=True)}
        kept = all(
            (row.op, without_numbers(row.name)) == (other.op, without_numbers(other.name))
            and [new[name] for name in row.inputs] == list(other.inputs)
            for row, other in zip(before, order, strict=True)
        )
        if kept and [[new[name] for name in names] for names in places[0]] == places[1]:
            return True
    return False


def _places(rows):
    """Returns the names of the arguments, and those of the results."""
    read = {name for row in rows for name in row.inputs}
    results = [row.name for row in rows if row.op == "Identity" and row.name not in read]
    return [[row.name for row in rows if row.op == "Placeholder"], results]


def _renumbered(paths, chance):
    """Returns the paths with a new number for each name of a scope, no two alike."""
    free = list(range(99))
    chance.shuffle(free)
    numbers: dict[str, int] = {}
    found = []
    for path in paths:
        parts = path.split("/")
        above = ["/".join(parts[: level + 1]) for level in range(len(parts))]
        new = [
            f"{part.partition('_')[0]}_{numbers.setdefault(scope, free.pop())}"
            for part, scope in zip(parts, above, strict=True)
        ]
        found.append("/".join(new))
    return found


def _renamed(reference, new):
    mark = "^" if reference.startswith("^") else ""
    return mark + new[reference.removeprefix("^")]
