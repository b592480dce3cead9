"""Each rule: where it fires, and the nearest thing to it where it does not."""

from dataclasses import replace

import pytest

from tests.helpers import graph, run, trace
from tracer.graph.lines import Frame, Lines
from tracer.graph.model import Graph, Kind, Node, Nodes, Tensor, TensorType, Variable
from tracer.recorded import Argument, Key, ModuleScope, Part, Window
from tracer.rules import RULES, lint

FLOAT = TensorType("float32", (2, 2))


def found(nodes, *, rule, captures=None, lines=None, **facts):
    """Returns message and count of what one rule finds in a trace of this graph."""
    made = graph(nodes) if isinstance(nodes, str) else nodes
    traced = replace(made, captures=captures or {})
    recorded = run(trace(graphs={"traced": traced}, captures=captures or {}, lines=lines or Lines(), **facts))
    return [(finding.message, finding.count) for finding in only(rule, recorded)]


def only(rule, recorded):
    """Returns the findings of one rule."""
    return lint(recorded, rules=[one for one in RULES if one.name == rule])


def nodes(*rows):
    """Returns a graph of nodes with attributes: `("c", "Const", {"value": ...}, "x", "y")`."""
    return Graph(Nodes.of(Node(name, Kind(op, attributes), inputs, "") for name, op, attributes, *inputs in rows))


def variable(name, *, trainable=True):
    """Returns a captured variable."""
    return Variable(name, FLOAT, trainable)


def same_line(names, *more):
    """Returns lines where each node was made by line 3 of `loop`, inside the statement of line 2; `more` by line 4."""
    frames = (Frame("user.py", 2, "loop"), Frame("user.py", 3, "loop"), Frame("user.py", 4, "loop"))
    made = {**dict.fromkeys(names, 0), **dict.fromkeys(more, 1)}
    return Lines(frames, ((0, 1), (0, 2)), {"": made})


PAIR = "w:Placeholder v:Placeholder x:Placeholder pair/lin/r:ReadVariableOp<-w {scope}/r_1:ReadVariableOp<-v"


def test_shared_scope_finds_two_modules_in_one_box():
    """Two variables of one name whose readers stand in one scope belong to two modules that share it."""
    captures = {"w": variable("pair/lin/w:0"), "v": variable("pair/lin/w:0")}

    assert found(PAIR.format(scope="pair/lin"), rule="shared-scope", captures=captures) == [
        (
            "2 modules share the scope 'pair/lin': each has a variable of its own named w, and their nodes are in one "
            "box",
            2,
        )
    ]


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("pair/lin", ("pair/lin/w:0", "pair/lin/b:0")),  # two variables of one module
        ("pair/other", ("pair/lin/w:0", "pair/lin/w:0")),  # read in boxes of their own
        ("pair/lin", ("kernel:0", "kernel:0")),  # named without a scope
        ("pair/lin", ("pair/lin/Variable:0", "pair/lin/Variable:0")),  # nobody named them
    ],
)
def test_shared_scope_leaves_ordinary_modules_alone(scope, names):
    """Variables of other names, or with readers in other scopes, are no two modules in one box."""
    captures = dict(zip(("w", "v"), map(variable, names), strict=True))

    assert found(PAIR.format(scope=scope), rule="shared-scope", captures=captures) == []


def test_shared_scope_leaves_a_layer_that_is_called_twice_alone():
    """A layer that is called twice numbers its nodes, and has its variable once."""
    text = "w:Placeholder x:Placeholder lin/r:ReadVariableOp<-w lin/r_1:ReadVariableOp<-w"

    assert found(text, rule="shared-scope", captures={"w": variable("lin/w:0")}) == []


BLOCKS = "w:Placeholder v:Placeholder x:Placeholder block/m/r:ReadVariableOp<-w {scope}/r:ReadVariableOp<-v"
TWINS = "2 modules share the scope 'block' (net.a, net.b): each has a variable of its own named w, and their nodes are"


def block(names="net.a or net.b", *, scope="block", kind="module"):
    """Returns a scope of modules, as it is recorded."""
    return ModuleScope(scope, names, "Block", kind)


def test_shared_scope_knows_modules_whose_variables_are_named_without_a_scope():
    """The scope was recorded as that of two modules, and a variable of each is read in it."""
    captures = {"w": variable("w:0"), "v": variable("w:0")}
    text = BLOCKS.format(scope="block/m_1")

    assert found(text, rule="shared-scope", captures=captures, modules=(block(),)) == [(f"{TWINS} in one box", 2)]


def test_shared_scope_is_told_once_of_modules_whose_variables_have_their_scopes_name():
    """What was recorded and what the variables' names say is the same finding."""
    captures = {"w": variable("block/w:0"), "v": variable("block/w:0")}
    text = BLOCKS.format(scope="block/m_1").replace("block/m/r", "block/r").replace("block/m_1/r", "block/r_1")

    assert found(text, rule="shared-scope", captures=captures, modules=(block(),)) == [(f"{TWINS} in one box", 2)]


def test_shared_scope_knows_modules_in_a_function_that_is_called():
    """A scope is named as in the function that it stands in."""
    captures = {"w": variable("w:0"), "v": variable("w:0")}
    made = graph(
        "w:Placeholder v:Placeholder call:StatefulPartitionedCall@f<-w,v",
        f="(a,b) block/r:ReadVariableOp<-a block/s:ReadVariableOp<-b",
    )

    assert found(made, rule="shared-scope", captures=captures, modules=(block(),)) == [(f"{TWINS} in one box", 2)]


@pytest.mark.parametrize(
    ("scope", "names", "modules"),
    [
        ("block/m_1", ("w:0", "b:0"), [block()]),  # two of a class, of which one is called
        ("block/m_1", ("w:0", "w:0"), [block("net.a")]),  # one module with two variables of one name
        ("block/m_1", ("w:0", "w:0"), [block(kind="layer")]),  # Keras numbers the scopes
        ("block/in", ("w:0", "w:0"), [block(), block("net.a.in", scope="block/in")]),  # read by a module below
        ("other", ("w:0", "w:0"), [block()]),
    ],
)
def test_shared_scope_leaves_recorded_modules_alone_that_share_nothing(scope, names, modules):
    """A scope of several modules is a finding only where variables of one name are read in it, for themselves."""
    captures = dict(zip(("w", "v"), map(variable, names), strict=True))

    assert found(BLOCKS.format(scope=scope), rule="shared-scope", captures=captures, modules=tuple(modules)) == []


LOOSE = " ".join(f"Mul_{i}:Mul<-x" for i in range(8))


def test_outside_scope_finds_loose_nodes_beside_scopes():
    """Eight operations at top level beside a module, which is a scope that reads a variable, are a finding."""
    captures = {"w": variable("net/w:0")}

    assert found(
        f"x:Placeholder w:Placeholder net/r:ReadVariableOp<-w {LOOSE}", rule="outside-scope", captures=captures
    ) == [("8 nodes stand outside of every scope, beside the boxes of the others: Mul", 8)]


def test_outside_scope_counts_an_operation_once():
    """The inside of an operation, what a tape adds up, and updates are no nodes that one could put into a scope."""
    loose = " ".join(f"Mul_{i}:Mul<-x" for i in range(7))
    others = "Mul_0/a:Mul<-x AddN:AddN<-x update:AssignSubVariableOp<-w,x"
    captures = {"w": variable("net/w:0")}

    text = f"x:Placeholder w:Placeholder net/r:ReadVariableOp<-w {loose} {others}"
    assert found(text, rule="outside-scope", captures=captures) == []


def test_outside_scope_knows_a_written_scope_by_its_lines():
    """A scope that two lines made is one that somebody wrote; what one line made is an operation's own."""
    text = f"x:Placeholder net/a:Mul<-x net/b:Add<-x {LOOSE}"

    assert len(found(text, rule="outside-scope", lines=same_line(["net/a"], "net/b"))) == 1
    assert found(text, rule="outside-scope", lines=same_line(["net/a", "net/b"])) == []


def test_outside_scope_leaves_to_the_optimizer_what_is_the_optimizers():
    """Neither what a line makes that takes gradients counts, nor a scope that updates the variables that it reads."""
    loose = " ".join(f"Mul_{i}:Mul<-x" for i in range(7))
    text = f"x:Placeholder w:Placeholder net/r:ReadVariableOp<-w {loose} gradient_tape/Sum:Sum<-x Cast:Cast<-x"
    adam = f"x:Placeholder w:Placeholder adam/r:ReadVariableOp<-w adam/a:AssignSubVariableOp<-w,adam/r {LOOSE}"
    captures = {"w": variable("net/w:0")}
    theirs = same_line(["gradient_tape/Sum", "Cast"])

    assert found(text, rule="outside-scope", captures=captures, lines=theirs) == []
    assert len(found(text, rule="outside-scope", captures=captures)) == 1
    assert found(adam, rule="outside-scope", captures=captures) == []


@pytest.mark.parametrize(
    "text",
    [
        f"x:Placeholder {LOOSE}",  # no scope at all
        f"x:Placeholder gradient_tape/Sum:Sum<-x {LOOSE}",  # only the tape's, which nobody wrote
        f"x:Placeholder Mul_0/y:Const Mul_1/Sum:Sum<-x {LOOSE}",  # only the ops' own
        "x:Placeholder net/MatMul:MatMul<-x sub:Sub<-x Square:Square<-sub Mean:Mean<-Square",  # a loss of one line
    ],
)
def test_outside_scope_leaves_plain_functions_alone(text):
    """A function without scopes of its own, or with a few loose nodes, is in order."""
    assert found(text, rule="outside-scope") == []


@pytest.mark.parametrize(("nbytes", "fires"), [(1 << 20, True), ((1 << 20) - 1, False)])
def test_large_constant_begins_at_a_mebibyte(nbytes, fires):
    """A constant of 1 MiB is large; one byte less is not."""
    value = Tensor("float32", (512, 512), nbytes, None)
    expected = [("a constant of 1.00 MiB, float32[512, 512], is part of the graph", 1)]

    assert found(nodes(("c", "Const", {"value": value})), rule="large-constant") == (expected if fires else [])


@pytest.mark.parametrize(("op", "name"), [("EagerPyFunc", "tf.py_function"), ("PyFuncStateless", "tf.numpy_function")])
def test_py_function_finds_python_in_the_graph(op, name):
    """Ops that run Python are found, and named as one writes them."""
    assert found(f"x:Placeholder p:{op}<-x", rule="py-function") == [
        (
            f"{name} ({op}) runs Python inside the graph: one thread at a time, invisible to the optimiser, and not "
            "part of a SavedModel",
            1,
        )
    ]


def test_py_function_leaves_ordinary_calls_alone():
    """A call of a function that TensorFlow traced is no Python."""
    made = graph("x:Placeholder p:StatefulPartitionedCall@f<-x", f="(a) y:Mul<-a,a ->y:z:0")

    assert found(made, rule="py-function") == []


@pytest.mark.parametrize(("op", "fires"), [("PrintV2", True), ("Assert", True), ("StringFormat", False)])
def test_debug_op_finds_prints_and_assertions(op, fires):
    """Prints and assertions are found; making a text is neither."""
    assert bool(found(f"x:Placeholder p:{op}<-x", rule="debug-op")) is fires


def test_debug_op_leaves_assertions_of_a_library_alone():
    """An assertion inside a scope that one line made is that line's operation's own; in a module it is written."""
    text = "x:Placeholder {scope}/Mul:Mul<-x {scope}/assert_equal/Assert:Assert<-x"
    nodes = ["{scope}/Mul", "{scope}/assert_equal/Assert"]
    resize, net = ([name.format(scope=scope) for name in nodes] for scope in ("resize", "net"))

    assert found(text.format(scope="resize"), rule="debug-op", lines=same_line(resize)) == []
    assert len(found(text.format(scope="net"), rule="debug-op", lines=same_line(net[:1], net[1]))) == 1


def test_unrolled_loop_leaves_tensors_alone_that_were_only_held_together():
    """The results of one IdentityN, as an optimizer holds gradients, are separate tensors."""
    names = [f"Square_{i}" for i in range(16)]
    text = "x:Placeholder u:IdentityN<-x " + " ".join(f"Square_{i}:Square=float32[]<-u:{i}" for i in range(16))

    assert found(text, rule="unrolled-loop", lines=same_line(names)) == []


def cast(given, wanted):
    """Returns the attributes of a Cast."""
    return {"SrcT": given, "DstT": wanted}


def array(*shape):
    """Returns the attributes of a constant of NumPy's."""
    return {"dtype": "float64", "value": Tensor("float64", shape, 16, None)}


NARROW = ("x", "Placeholder", {"dtype": "float32"})
FITS = ("fits", "Cast", cast("float32", "float64"), "x")
WIDENED = (NARROW, FITS, ("c", "Const", array(2)), ("y", "Mul", {"T": "float64"}, "fits", "c"))
ARRAY = "float64 begins here, with what follows from it: a constant, as NumPy makes them, is float64"
DIVISION = "float64 begins here, with what follows from it: TensorFlow divides int32 by int32 in float64"


def test_float64_is_one_finding_for_an_array_and_what_follows():
    """The array, the cast that fits it, and the gradient's own cast are one cause; the nodes behind it are counted."""
    made = nodes(
        *WIDENED,
        ("root", "Sqrt", {"T": "float64"}, "y"),
        ("d", "Const", array(2)),
        ("sum", "AddV2", {"T": "float64"}, "root", "d"),
        ("gradient_tape/Cast", "Cast", cast("float32", "float64"), "x"),
        ("gradient_tape/Mul", "Mul", {"T": "float64"}, "gradient_tape/Cast", "c"),
        ("gradient_tape/c", "Const", array(2)),
        ("gradient_tape/Mul_1", "Mul", {"T": "float64"}, "gradient_tape/Cast", "gradient_tape/c"),
    )

    assert found(made, rule="float64") == [(ARRAY, 4)]


def test_float64_is_one_finding_for_arrays_that_meet():
    """Two arrays, one of them with another shape on its way, are one cause where one operation takes both."""
    made = nodes(
        NARROW,
        ("a", "Const", array(2)),
        ("b", "Const", array(2, 1)),
        ("flat", "Reshape", {"T": "float64"}, "b"),
        ("sum", "AddV2", {"T": "float64"}, "a", "flat"),
        ("less", "Cast", cast("float64", "float32"), "sum"),
    )

    assert found(made, rule="float64") == [(ARRAY, 1)]


def test_float64_is_placed_where_it_begins():
    """The first node of the cause is its place: the cast, if that comes before the array."""
    recorded = run(trace(graphs={"traced": nodes(*WIDENED)}))

    assert [finding.node for finding in only("float64", recorded)] == ["fits"]


@pytest.mark.parametrize(
    "more",
    [
        (FITS, ("root", "Sqrt", {"T": "float64"}, "fits")),  # a cast, as for a sum that is to be exact
        (FITS, ("c", "Const", array()), ("y", "Mul", {"T": "float64"}, "fits", "c")),  # with a number of Python's
        # An array in what is float64 already: it fits what is there.
        (
            FITS,
            ("inverse", "MatrixInverse", {"T": "float64"}, "fits"),
            ("c", "Const", array(2)),
            ("y", "AddV2", {"T": "float64"}, "inverse", "c"),
        ),
        (("c", "Const", {"dtype": "float64"}), ("root", "Sqrt", {"T": "float64"}, "c")),  # a value that is not known
        (("c", "Const", array(2)), ("less", "Cast", cast("float64", "float32"), "c")),  # only cast on
        (FITS, ("out", "Identity", {"T": "float64"}, "fits")),  # only returned
    ],
)
def test_float64_that_is_written_is_let_be(more):
    """What casts to float64 and is not there to fit an array of NumPy's was asked for."""
    assert found(nodes(NARROW, *more), rule="float64") == []


def test_float64_that_an_argument_brings_is_meant():
    """A function that is given float64 computes in it."""
    assert found(nodes(*WIDENED), rule="float64", arguments=(Argument("y", "float64[3]"),)) == []


def test_float64_names_each_division_of_whole_numbers():
    """TensorFlow divides integers in float64, which hardly anybody expects; both sides are cast, which is one cause."""
    made = nodes(
        ("n", "Placeholder", {"dtype": "int32"}),
        ("truediv/Cast", "Cast", cast("int32", "float64"), "n"),
        ("truediv/Cast_1", "Cast", cast("int32", "float64"), "n"),
        ("truediv", "RealDiv", {"T": "float64"}, "truediv/Cast", "truediv/Cast_1"),
        ("half/truediv_1/Cast", "Cast", cast("int32", "float64"), "n"),
        ("half/truediv_1", "RealDiv", {"T": "float64"}, "half/truediv_1/Cast", "half/truediv_1/Cast"),
    )

    assert found(made, rule="float64") == [(DIVISION, 1), (DIVISION, 1)]


def chain(turns):
    """Returns a loop's nodes: `Tanh_1<-Tanh`, and so on."""
    names = [f"Tanh_{i}" if i else "Tanh" for i in range(turns)]
    before = ["x", *names]
    return names, " ".join(f"{name}:Tanh=float32[2]<-{given}" for name, given in zip(names, before, strict=False))


def test_unrolled_loop_finds_copies_that_work_on_each_other():
    """Sixteen copies of an operation that one line made, each fed by the last, are a loop."""
    names, text = chain(16)

    assert found(f"x:Placeholder {text}", rule="unrolled-loop", lines=same_line(names)) == [
        ("a Python loop of 16 turns is unrolled into 16 nodes and what belongs to them: 16 times Tanh", 16)
    ]


def test_unrolled_loop_with_two_of_a_kind_in_a_turn_has_the_turns_of_the_others():
    """Where each turn has one operation of one sort and two of another, the turns are those of the first."""
    names = [f"Exp_{i}" for i in range(16)], [f"Tanh_{i}" for i in range(32)]
    text, given = "x:Placeholder", "x"
    for turn in range(16):
        rows = [names[0][turn], names[1][2 * turn], names[1][2 * turn + 1]]
        for name in rows:
            text += f" {name}:{name.partition('_')[0]}=float32[2]<-{given}"
            given = name

    assert found(text, rule="unrolled-loop", lines=same_line([*names[0], *names[1]])) == [
        ("a Python loop of 16 turns is unrolled into 48 nodes and what belongs to them: 16 times Exp, Tanh", 48)
    ]


def test_unrolled_loop_is_placed_at_its_statement():
    """The finding points to the `for`, whose frame AutoGraph leaves on the stack of what the body made."""
    names, text = chain(16)
    traced = trace(graphs={"traced": graph(f"x:Placeholder {text}")}, lines=same_line(names))

    assert [finding.line for finding in only("unrolled-loop", run(traced))] == [Frame("user.py", 2, "loop")]


def test_unrolled_loop_leaves_few_turns_alone():
    """Fifteen turns are let be."""
    names, text = chain(15)

    assert found(f"x:Placeholder {text}", rule="unrolled-loop", lines=same_line(names)) == []


def test_unrolled_loop_leaves_a_loop_over_layers_alone():
    """Where each turn reads a variable of its own, no graph loop could take its place."""
    text, captures, names = "x:Placeholder", {}, []
    for i in range(20):
        given = f"m_{i - 1}" if i else "x"
        text += f" w{i}:Placeholder r{i}:ReadVariableOp<-w{i} m_{i}:MatMul=float32[2,2]<-{given},r{i}"
        captures[f"w{i}"] = variable(f"layer_{i}/w:0")
        names.append(f"m_{i}")

    assert found(text, rule="unrolled-loop", captures=captures, lines=same_line(names)) == []


def test_unrolled_loop_leaves_work_on_separate_tensors_alone():
    """The same operation on tensors that have nothing to do with each other, as on gradients, is no loop."""
    names = [f"L2_{i}" for i in range(20)]
    text = " ".join(f"g{i}:Placeholder L2_{i}:L2Loss=float32[]<-g{i}" for i in range(20))

    assert found(text, rule="unrolled-loop", lines=same_line(names)) == []


def test_unrolled_loop_finds_a_loop_over_the_elements_of_a_tensor():
    """The same operation on each result of one Unpack is a loop, though no turn needs the last."""
    names = [f"Square_{i}" for i in range(16)]
    text = "x:Placeholder u:Unpack<-x " + " ".join(f"Square_{i}:Square=float32[]<-u:{i}" for i in range(16))

    assert [count for _, count in found(text, rule="unrolled-loop", lines=same_line(names))] == [16]


def test_creates_variables_explains_the_second_trace():
    """A function whose first trace made its variables is found, once."""
    traced = {"traced": graph("x:Placeholder")}
    recorded = run(trace(graphs=traced, cause="creates variables", calls=0), trace(index=1, graphs=traced))

    assert [finding.message for finding in only("creates-variables", recorded)] == [
        "its first call makes variables, so it is traced twice: once to make them, once to run"
    ]


def test_creates_variables_is_silent_about_other_retraces():
    """A function that is traced again for another shape makes no variables."""
    traced = {"traced": graph("x:Placeholder")}
    recorded = run(trace(graphs=traced), trace(index=1, graphs=traced, cause="traced again"))

    assert only("creates-variables", recorded) == ()


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("w:Placeholder x:Placeholder", True),  # captured, never read
        ("w:Placeholder r:ReadVariableOp<-w", True),  # read for nothing
        ("w:Placeholder net/r:ReadVariableOp<-w net/Identity:Identity<-net/r", True),
        ("w:Placeholder r:ReadVariableOp<-w Identity:Identity<-r", False),  # returned
        # Read and thrown away; what the function returns waits for the read.
        ("w:Placeholder x:Placeholder r:ReadVariableOp<-w Identity:Identity<-r Identity_1:Identity<-x,^r", True),
        ("w:Placeholder r:ReadVariableOp<-w Identity:Identity<-r Identity_1:Identity<-Identity,^r", False),
        ("w:Placeholder x:Placeholder a:AssignAddVariableOp<-w,x", False),
    ],
)
def test_unused_variable_is_one_whose_value_goes_nowhere(text, fires):
    """A variable is unused if nothing takes it, or takes what was read of it; returned and assigned ones are used."""
    expected = [("the variable 'net/w' is captured, and nothing uses its value", 1)]

    assert found(text, rule="unused-variable", captures={"w": variable("net/w:0")}) == (expected if fires else [])


STEP = (
    "w:Placeholder v:Placeholder x:Placeholder r:ReadVariableOp<-w MatMul:MatMul<-x,r s:ReadVariableOp<-v "
    "{used} loss:Mean<-Mul gradient_tape/Mul/g:Mul<-MatMul,{side} a:AssignSubVariableOp<-w,gradient_tape/Mul/g"
)
LOST = "'v' is trainable, but no gradient reaches it: this step updates other variables and never this one"


@pytest.mark.parametrize(
    ("used", "side", "fires"),
    [
        ("pick:ArgMax<-s Mul:Mul<-MatMul,pick", "pick", True),  # the gradient ends before it
        ("Mul:Mul<-MatMul,s", "s", False),  # gradients flow through it: left alone on purpose
        ("stop:StopGradient<-s pick:ArgMax<-stop Mul:Mul<-MatMul,pick", "pick", False),  # it says so
        ("pick:ArgMax<-s stop:StopGradient<-pick Mul:Mul<-MatMul,stop", "stop", False),
        ("pick:ArgMax<-s Mul:Mul<-MatMul,x", "x", False),  # the loss does not depend on it
        ("rate:ArgMax<-s b:AssignVariableOp<-v,rate Mul:Mul<-MatMul,rate", "rate", False),  # updated in another way
    ],
)
def test_no_gradient_is_a_trainable_variable_that_the_tape_does_not_reach(used, side, fires):
    """A step that updates `w` and cannot update `v` is told; one that could and does not, as in a GAN, is not."""
    captures = {"w": variable("w:0"), "v": variable("v:0")}

    step = STEP.format(used=used, side=side)
    assert found(step, rule="no-gradient", captures=captures) == ([(LOST, 1)] if fires else [])


# The loss adds up what `w` gives and something else, and the gradient of a sum leaves nothing in the graph.
SUM = (
    "w:Placeholder v:Placeholder x:Placeholder r:ReadVariableOp<-w MatMul:MatMul<-x,r s:ReadVariableOp<-v "
    "{used} loss:Sum=float32[]<-add ones:Const gradient_tape/MatMul/g:MatMul<-x,ones "
    "a:AssignSubVariableOp<-w,gradient_tape/MatMul/g"
)


@pytest.mark.parametrize(
    ("used", "fires"),
    [
        ("pick:Round<-s add:AddV2<-MatMul,pick", True),
        (
            "pick:Round<-s add:AddV2<-MatMul,pick out:Identity=float32[2]<-MatMul",
            True,
        ),  # the prediction is returned too
        ("add:AddV2<-MatMul,s", False),  # gradients could flow through it
        ("pick:Round<-s stop:StopGradient<-pick add:AddV2<-MatMul,stop", False),
        ("add:AddV2<-MatMul,x pick:Greater<-add,s out:Mean<-pick", False),  # a metric of the prediction
        (
            "add:AddV2<-MatMul,x pick:Round<-s out:Sum=float32[]<-MatMul,pick",
            False,
        ),  # not clear which of the two is the loss
    ],
)
def test_no_gradient_finds_the_loss_behind_a_sum(used, fires):
    """What is added to the loss is part of it, though the gradient of a sum needs nothing of what it adds."""
    captures = {"w": variable("w:0"), "v": variable("v:0")}

    step = SUM.format(used=used)
    assert found(step, rule="no-gradient", captures=captures) == ([(LOST, 1)] if fires else [])


def test_no_gradient_is_silent_about_whole_numbers_and_the_frozen():
    """An integer has no gradient, whatever `trainable` says, and a frozen variable needs none."""
    step = STEP.format(used="pick:ArgMax<-s Mul:Mul<-MatMul,pick", side="pick")
    whole = Variable("v:0", TensorType("int64", ()), trainable=True)

    for other in (whole, variable("v:0", trainable=False)):
        assert found(step, rule="no-gradient", captures={"w": variable("w:0"), "v": other}) == []


def test_no_gradient_tells_of_a_models_variables_once():
    """The variables that one line uses have one cause."""
    text = STEP.format(used="u:ReadVariableOp<-k p:Add<-s,u pick:ArgMax<-p Mul:Mul<-MatMul,pick", side="pick")
    captures = {"w": variable("w:0"), "v": variable("v:0"), "k": variable("k:0")}

    assert found(f"k:Placeholder {text}", rule="no-gradient", captures=captures, lines=same_line(["s", "u"])) == [
        (
            "'v' and 1 more are trainable, but no gradient reaches them: this step updates other variables and never "
            "these",
            2,
        )
    ]


def test_no_gradient_needs_a_step_that_takes_gradients():
    """A prediction that counts its calls updates a variable, and trains nothing."""
    captures = {"w": variable("w:0"), "counter": variable("counter:0")}
    text = "w:Placeholder counter:Placeholder r:ReadVariableOp<-w Max:ArgMax<-r a:AssignAddVariableOp<-counter,Max"

    assert found(text, rule="no-gradient", captures=captures) == []


def test_a_variable_that_nothing_uses_is_told_once():
    """It has no gradient because nothing uses it, and that is what is said."""
    text = STEP.format(used="net/s:ReadVariableOp<-v Mul:Mul<-MatMul,x", side="x")
    recorded = run(
        trace(
            graphs={
                "traced": replace(graph(text), captures={"w": variable("w:0"), "v": variable("v:0")}),
            }
        )
    )

    assert [finding.rule for finding in lint(recorded)] == ["unused-variable"]


def test_no_gradient_is_silent_about_functions_that_do_not_train():
    """A forward pass updates nothing."""
    captures = {"w": variable("w:0")}

    assert found("w:Placeholder r:ReadVariableOp<-w Sum:Sum<-r", rule="no-gradient", captures=captures) == []


CAPTURED = {"t": Variable("", TensorType("float32", (300,)), kind="tensor")}
CLOSURE = (
    "a tensor from outside, float32[300], is captured by closure: the value that it had when the function was traced "
    "is used for ever"
)


def captured(text, *, rows, captures=CAPTURED, functions=None, **facts):
    """Returns what `captured-tensor` finds; `rows` are nodes with the functions and lines that they were made by."""
    stacks = {node: tuple(Frame("user.py", line, name) for name, line in called) for node, *called in rows}
    frames, unique = (
        list({frame: 0 for stack in stacks.values() for frame in stack}),
        list(dict.fromkeys(stacks.values())),
    )
    numbers = tuple(tuple(map(frames.index, stack)) for stack in unique)
    lines = Lines(tuple(frames), numbers, {"": {node: unique.index(stack) for node, stack in stacks.items()}})
    return found(graph(text, **functions or {}), rule="captured-tensor", captures=captures, lines=lines, **facts)


def test_captured_tensor_is_a_value_from_outside():
    """A tensor that is no argument, in a line of the function, is found."""
    assert captured("t:Placeholder Sum:Sum<-t", rows=[("Sum", ("step", 3))]) == [(CLOSURE, 1)]


@pytest.mark.parametrize(
    "rows",
    [
        [("net/mul", ("step", 3), ("__call__", 8)), ("Add", ("step", 4))],  # a method of one line
        [("net/mul", ("step", 3), ("step", 8)), ("Add", ("step", 4))],  # of the same name as the traced one
        [("net/mul", ("step", 3)), ("net/sub", ("step", 4))],  # a scope with several lines
    ],
)
def test_captured_tensor_is_found_in_a_scope_that_is_written(rows):
    """A line in a module's or another scope is the user's, if it is not the call of what makes the scope."""
    text = "t:Placeholder x:Placeholder net/mul:Mul<-x,t net/sub:Sub<-net/mul Add:Add<-net/sub"

    assert captured(text, rows=rows) == [(CLOSURE, 1)]


def test_captured_tensor_is_found_in_the_body_of_a_loop():
    """A loop's body is no layer, though one line made all of it."""
    lines = Lines((Frame("user.py", 3, "step"),), ((0,),), {"b": {"mul": 0}})
    made = graph("t:Placeholder while:While@body.b<-t,t", b="(i,u) mul:Mul<-i,u ->mul:z:0,u")

    assert found(made, rule="captured-tensor", captures=CAPTURED, lines=lines) == [(CLOSURE, 1)]


@pytest.mark.parametrize(
    ("text", "rows", "facts"),
    [
        # A handle, as of a lookup table or of an iterator.
        (
            "t:Placeholder Sum:Sum<-t",
            [("Sum", ("step", 3))],
            {"captures": {"t": Variable("", TensorType("resource", ()), kind="tensor")}},
        ),
        # The default of a table, though more reads it.
        (
            "t:Placeholder net/find:LookupTableFindV2<-t net/ne:NotEqual<-t,net/find",
            [("net/find", ("step", 3)), ("net/ne", ("step", 4))],
            {},
        ),
        # What a loaded function was saved with: the call of it has a line, its nodes have none.
        (
            "t:Placeholder call:StatefulPartitionedCall@f<-t",
            [("call", ("step", 3))],
            {"functions": {"f": "(a) mul:Mul<-a,a ->mul:z:0"}},
        ),
        # What a layer keeps for itself, called by a line of the function, or by a line of a method that has more.
        ("t:Placeholder norm/sub:Sub<-t", [("norm/sub", ("step", 3))], {}),
        (
            "t:Placeholder m/norm/sub:Sub<-t m/MatMul:MatMul<-m/norm/sub",
            [("m/norm/sub", ("step", 3), ("call", 8)), ("m/MatMul", ("step", 3), ("call", 9))],
            {},
        ),
        (
            "t:Placeholder m/norm/sub:Sub<-t m/MatMul:MatMul<-m/norm/sub",
            [("m/norm/sub", ("step", 3), ("call", 8)), ("m/MatMul", ("step", 3), ("call", 8))],
            {},
        ),
        # What a function takes from the one that calls it, which gives it in each call.
        ("t:Placeholder Sum:Sum<-t", [("Sum", ("step", 3))], {"calls": 0}),
    ],
)
def test_captured_tensor_leaves_alone_what_comes_along(text, rows, facts):
    """Handles, tables, loaded functions, layers and inner functions bring tensors that no line says."""
    assert captured(text, rows=rows, **facts) == []


_OBJECT = "is a Python object, and each new one is a trace"


def traces(*types, calls=1, **facts):
    """Returns a run of one function, traced for each of these types of `x`."""
    return run(
        *(
            trace(
                index=index,
                graphs={"traced": graph("x:Placeholder")},
                arguments=(Argument("x", kind),),
                calls=calls,
                **facts,
            )
            for index, kind in enumerate(types)
        )
    )


@pytest.mark.parametrize(
    ("types", "what"),
    [
        (["Literal[1]", "Literal[2]", "Literal[3]"], "is a Python value, and each new one is a trace"),
        (["Weakref[<weakref; to 'A'>]", "Weakref[<weakref; to 'B'>]", "Literal[None]"], _OBJECT),
        (["float32[1]", "float32[2]", "Literal[None]"], "comes in several shapes"),
        (["float32[1]", "float32[2]", "float32[3, 3]"], "comes in several shapes"),
        (["float32[2]", "float64[2]", "int32[2]"], "comes in several types"),
    ],
)
def test_retracing_names_the_argument(types, what):
    """Three traces in three calls are told, with the argument and the types that it came in."""
    assert [finding.message for finding in only("retracing", traces(*types))] == [
        f"traced 3 times in 3 calls: 'x' {what}: {', '.join(types)}"
    ]


def test_retracing_says_once_how_to_pass_a_value():
    """Of an argument that comes as a number and as a tensor the advice is one line of code, with the dtype."""
    again = [
        trace(
            index=index,
            object=1,
            graphs={"traced": graph("x:Placeholder")},
            cause="traced again" if index else "first trace",
            key=Key((Part("x", kind),), at_s=float(index)),
        )
        for index, kind in enumerate(("Literal[2]", "Literal[3]", "int32[]"))
    ]

    assert [finding.advice for finding in only("retracing", run(*again))] == [
        "pass a tensor in each call: x=tf.constant(3, tf.int32)"
    ]


def test_retracing_tells_of_a_function_that_is_made_anew():
    """Traces for equal arguments are those of several functions."""
    assert [finding.message for finding in only("retracing", traces(*["float32[2]"] * 3))] == [
        "traced 3 times in 3 calls, each time for the same arguments: the tf.function itself is made anew"
    ]


def test_retracing_knows_objects_that_look_alike():
    """Where an object lies is not recorded, so objects of one class look alike: the cause if nothing else is."""
    assert [finding.message for finding in only("retracing", traces(*["Weakref[<weakref; to 'A'>]"] * 3))] == [
        f"traced 3 times in 3 calls: 'x' {_OBJECT}: Weakref[<weakref; to 'A'>]"
    ]


def test_retracing_leaves_the_objects_of_a_class_alone():
    """Each object of a class has a function of its own: layers that are called once each are no retraces."""
    shapes = ["float32[2, 4]", "float32[2, 8]", "float32[2, 6]"]
    layers = [
        trace(
            index=index,
            graphs={"traced": graph("w:Placeholder")},
            arguments=(Argument("x", shape),),
            qualname="Layer.__call__",
            captures={"w": Variable("layer/w:0", TensorType("float32", (index, 4)))},
        )
        for index, shape in enumerate(shapes)
    ]

    assert only("retracing", run(*layers)) == ()
    assert only("retracing", traces(*["float32[2]"] * 3, qualname="Layer.__call__")) == ()


def test_retracing_leaves_functions_of_one_name_alone_that_several_lines_make():
    """Functions that are made and called at several places are not one that is made anew."""
    traced = [
        trace(index=at, graphs={"traced": graph("x:Placeholder")}, call_site=Frame("user.py", at, "main"))
        for at in range(3)
    ]

    assert only("retracing", run(*traced)) == ()


def test_retracing_counts_the_calls_of_one_pass():
    """A recording makes the same calls again and again; a function that is called in each pass is not made anew."""
    again = {"window": Window(steps=4, warmup=1, wall_ns=1), "calls": ({"name": "step"},)}
    shapes, same = ["float32[1]", "float32[2]", "float32[3]"], ["float32[2]"] * 3

    assert len(only("retracing", replace(traces(*shapes, calls=5), **again))) == 1
    assert only("retracing", replace(traces(*same, calls=5), **again)) == ()


def test_retracing_counts_every_step_of_a_program():
    """The steps of a program that ran once without the profiler are calls of its own, and repeat none."""
    program = replace(traces("float32[1]", "float32[2]", "float32[3]", calls=150), unprofiled_ns=(1000,) * 200)

    assert only("retracing", program) == ()


@pytest.mark.parametrize(
    ("types", "calls"),
    [
        (["Literal[True]", "Literal[False]", "Literal[None]"], 1),  # a switch has no more
        (["Literal[None]", "float32[2]", "Literal[True]"], 1),
        (["Literal[True]", "Literal[False]"], 1),  # one each for training and inference
        (["float32[1]", "float32[2]", "float32[3]"], 2),  # each trace is used again
        (["float32[1]", "float32[2]", "float32[3]"], 0),  # called by functions only, which decide
    ],
)
def test_retracing_leaves_traces_alone_that_are_used_again(types, calls):
    """Two traces are no retrace a call, nor are traces that serve several calls."""
    assert only("retracing", traces(*types, calls=calls)) == ()


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"seed": 0, "seed2": 0}, "RandomUniform has no seed: the results differ from run to run"),
        (
            {"seed": 87654321, "seed2": 3},
            "RandomUniform has its seed in the graph: its numbers depend on how often it ran, and on the operations "
            "that were traced before it",
        ),
    ],
)
def test_random_seed_tells_what_the_numbers_depend_on(attributes, message):
    """A random op with a state is told, with or without a seed."""
    assert found(nodes(("r", "RandomUniform", attributes)), rule="random-seed") == [(message, 1)]


@pytest.mark.parametrize(
    ("nodes", "facts", "advice"),
    [
        ("r:RandomUniform", {}, "tf.random.set_seed(1) before the function is traced"),
        ("net/r:RandomUniform", {"origin": "keras"}, "keras.utils.set_random_seed(1) before the model is built"),
        ("r:RandomUniform", {"name": "wrapped_function"}, "tf.compat.v1.set_random_seed(1) before the graph is built"),
        ("r:RandomUniform v:VariableV2", {}, "tf.compat.v1.set_random_seed(1) before the graph is built"),
        ("r:RandomUniform", {"definition": None}, "a seed in the code that made the graph"),
    ],
)
def test_random_seed_advises_in_terms_of_the_code(nodes, facts, advice):
    """Keras, code for TensorFlow 1 and a graph of unknown code are not told to call tf.random.set_seed alone."""
    lines = Lines((Frame("user.py", 7, "call"),), ((0,),), {"": {nodes.split(":")[0]: 0}})
    facts = facts if "definition" in facts else {**facts, "lines": lines}
    (finding,) = only("random-seed", run(trace(graphs={"traced": graph(nodes)}, **facts)))

    assert finding.advice.startswith(advice)


@pytest.mark.parametrize(("origin", "stateless"), [("user", True), ("tf_keras", False)])
def test_random_seed_names_stateless_operations_to_those_who_write_them(origin, stateless):
    """Where the seed is set, only code that calls TensorFlow's operations itself can take others."""
    lines = Lines((Frame("user.py", 7, "call"),), ((0,),), {"": {"r": 0}})
    made = nodes(("r", "RandomUniform", {"seed": 1}))
    (finding,) = only("random-seed", run(trace(graphs={"traced": made}, lines=lines, origin=origin)))

    assert ("tf.random.stateless_" in finding.advice) is stateless


def test_random_seed_leaves_stateless_ops_alone():
    """A stateless op gives the same numbers for the same seed."""
    assert found("s:Const r:StatelessRandomUniformV2<-s", rule="random-seed") == []


def unknown(*behind):
    """Returns a graph where `p` loses the rank of what it reads."""
    shape = {"T": "float32", "Tout": ("float32",), "_output_shapes": (None,)}
    known = {"dtype": "float32", "_output_shapes": ((2,),)}
    return nodes(("x", "Placeholder", known), ("p", "EagerPyFunc", shape, "x"), *behind)


def test_unknown_shape_is_found_where_the_rank_is_lost():
    """The op behind which the rank is unknown is the finding, not those that inherit it."""
    inherits = {"T": "float32", "_output_shapes": (None,)}

    assert found(unknown(("s", "Sqrt", inherits, "p"), ("t", "Sqrt", inherits, "s")), rule="unknown-shape") == [
        (
            "behind EagerPyFunc not even the number of axes is known: what follows is found out at run time, and "
            "layers that need the shape fail",
            1,
        )
    ]


def test_unknown_shape_is_silent_where_the_shape_comes_back():
    """An EnsureShape right behind the op is the remedy."""
    known = {"T": "float32", "_output_shapes": ((2,),)}

    assert found(unknown(("e", "EnsureShape", known, "p")), rule="unknown-shape") == []


def test_unknown_shape_is_silent_about_what_is_given_without_one():
    """An argument of unknown rank is as its caller gives it, and what computes with it inherits that."""
    shapeless = {"dtype": "float32", "_output_shapes": (None,)}
    made = nodes(("x", "Placeholder", shapeless), ("y", "Mul", {"T": "float32", "_output_shapes": (None,)}, "x", "x"))

    assert found(made, rule="unknown-shape") == []


def test_unknown_shape_is_silent_about_unknown_sizes():
    """A size that is not known, as of a batch, is ordinary."""
    text = "x:Placeholder=float32[2,3] w:Where=int64[?,2]<-x g:GatherNd=float32[?]<-x,w"

    assert found(text, rule="unknown-shape") == []
