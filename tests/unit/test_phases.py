"""Forward, backward, optimizer: told by the graph alone."""

from tests.helpers import graph
from tracer.graph.inline import inline
from tracer.timing.phases import phases, without_tape


def of(nodes):
    """Returns the phase of each node by its path."""
    inlined = inline(graph(nodes))
    return dict(zip(inlined.nodes.names, phases(inlined.nodes), strict=True))


def test_without_a_tape_all_is_forward():
    """A graph without gradients has no backward pass, and its updates are part of the forward pass."""
    assert of("x:Placeholder  net/a:Mul<-x  net/count:AssignAddVariableOp<-net/a") == {
        "x": "forward",
        "net/a": "forward",
        "net/count": "forward",
    }


def test_what_comes_out_of_gradients_is_the_optimizer():
    """A tape's nodes are backward; what is made of them and leads to none of them is the optimizer."""
    assert of(
        "x:Placeholder  net/a:Mul<-x  gradient_tape/net/b:Mul<-net/a  sgd/scaled:Mul<-gradient_tape/net/b"
        "  sgd/update:AssignSubVariableOp<-sgd/scaled"
    ) == {
        "x": "forward",
        "net/a": "forward",
        "gradient_tape/net/b": "backward",
        "sgd/scaled": "optimizer",
        "sgd/update": "optimizer",
    }


def test_a_sum_between_gradients_is_backward():
    """Where a tensor is used twice its gradients are added, without the tape's scope: that is backward, too."""
    found = of(
        "x:Placeholder  gradient_tape/a:Mul<-x  gradient_tape/b:Mul<-x  AddN:AddN<-gradient_tape/a,gradient_tape/b"
        "  gradient_tape/c:Mul<-AddN  last:AddN<-gradient_tape/c  w:AssignSubVariableOp<-last"
    )

    assert (found["AddN"], found["last"], found["w"]) == ("backward", "backward", "optimizer")


def test_the_scope_around_an_update_is_the_optimizers():
    """What an optimizer counts and computes apart from gradients is its own; the forward pass beside it is not."""
    found = of(
        "x:Placeholder  train/net/a:Mul<-x  gradient_tape/b:Mul<-train/net/a"
        "  train/adam/w:AssignSubVariableOp<-gradient_tape/b"
        "  train/adam/one:Const  train/adam/count:AssignAddVariableOp<-train/adam/one  train/metric:Mul<-x"
    )

    assert found["train/adam/count"] == found["train/adam/one"] == "optimizer"
    assert found["train/net/a"] == found["train/metric"] == "forward"


def test_what_feeds_nothing_but_updates_is_the_optimizers():
    """A learning rate that only updates read belongs to them, however far away it is computed."""
    found = of(
        "x:Placeholder  rate:Placeholder  decayed:Pow<-rate  a:Mul<-x  gradient_tape/b:Mul<-a"
        "  scaled:Mul<-gradient_tape/b,decayed  w:AssignSubVariableOp<-scaled"
    )

    assert found["rate"] == found["decayed"] == "optimizer"
    assert found["x"] == "forward"


def test_control_edges_hand_on_nothing():
    """A metric that TensorFlow merely orders behind an update is no part of the optimizer."""
    found = of(
        "x:Placeholder  a:Mul<-x  gradient_tape/b:Mul<-a  w:AssignSubVariableOp<-gradient_tape/b  metric:Mean<-a,^w"
    )

    assert found["metric"] == "forward"


def test_taking_a_batch_is_input():
    """The node that waits for the dataset is input, with a tape and without."""
    assert of("it:Placeholder  IteratorGetNext:IteratorGetNext<-it")["IteratorGetNext"] == "input"
    assert of("it:Placeholder  n:IteratorGetNext<-it  gradient_tape/a:Mul<-n")["n"] == "input"


def test_names_without_the_tape():
    """The scopes of tapes go, wherever they stand; a scope that is merely called alike stays."""
    assert without_tape("gradient_tape/net/MatMul") == "net/MatMul"
    assert without_tape("call/gradient_tape_1/net/gradients/x") == "call/net/x"
    assert without_tape("my_gradient_tape/x") == "my_gradient_tape/x"
