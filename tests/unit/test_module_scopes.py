"""Which name scopes of a graph are which module's."""

import time

from tests.helpers import graph
from tracer.capture.module_scopes import ModuleIndex, module_scopes
from tracer.capture.modules import LAYER, MODULE, Module
from tracer.graph.inline import inline
from tracer.graph.model import Function, Graph


def module(name, *variables, scope="", parts=(), kind=MODULE, classes=("Net",), twice=False):
    """Returns a module that has the variables of its parts, too."""
    below = frozenset(variable for part in parts for variable in part.variables)
    named = {part.name: part for part in parts}
    return Module(name, classes, kind, scope, twice, frozenset(variables) | below, named)


def layer(name, *variables, parts=(), twice=True):
    """Returns a layer of Keras 3."""
    return module(name, *variables, parts=parts, kind=LAYER, classes=("Dense", "Layer"), twice=twice)


def found(whole, *modules, methods=None, **variables):
    """Returns the module's name for each scope; a node of the graph stands for each variable."""
    known = []
    for each in modules:
        known += [each, *(part for _, part in each.below() if part not in known)]
    scopes = module_scopes(inline(whole), whole.functions, ModuleIndex(known), variables, methods or {})
    return {scope.scope: scope.name for scope in scopes}


def test_a_modules_scope_has_its_path_and_class():
    """A tf.Module is found by the scope that it opens, wherever that is; its name leads from the outermost module."""
    inner = module("hidden", scope="net/hidden", classes=("Linear", "Module"))
    net = module("net", scope="net", parts=[inner])
    scopes = module_scopes(inline(graph("net/x:Add  net/hidden/y:Add")), {}, ModuleIndex([inner, net]), {}, {})

    assert [(s.scope, s.name, s.class_name, s.kind) for s in scopes] == [
        ("net", "net", "Net", "module"),
        ("net/hidden", "net.hidden", "Linear", "module"),
    ]


def test_modules_that_share_a_scope_are_both_named():
    """Nobody can tell whose a node in their scope is."""
    twins = {name: module("layer", f"{name}/w", scope="net/layer") for name in ("first", "second")}
    net = Module("net", ("Net",), MODULE, "net", parts=twins)
    reads = "v:Placeholder  w:Placeholder  net/layer/a:Mul<-v  net/layer/b:Mul<-w"

    assert found(graph(reads), net, v="first/w", w="second/w")["net/layer"] == "net.first or net.second"


def test_modules_of_one_name_that_share_a_scope_are_numbered():
    """Two modules that are in no other may have one name; what they share is not one module's."""
    first, second = (module("block", f"{name}/w", scope="block") for name in ("first", "second"))
    reads = "v:Placeholder  w:Placeholder  block/a:Mul<-v  block/b:Mul<-w"

    assert found(graph(reads), first, second, v="first/w", w="second/w")["block"] == "block or block (2)"


def test_the_variables_tell_modules_of_one_scope_apart():
    """Of several modules in one scope those count whose variables are read there."""
    old, new = module("net", "old/w", scope="net"), module("net", "new/w", scope="net", classes=("New",))
    (scope,) = module_scopes(
        inline(graph("v:Placeholder  net/a:Mul<-v")), {}, ModuleIndex([old, new]), {"v": "new/w"}, {}
    )

    assert scope.class_name == "New"


def test_a_layer_that_is_called_twice_has_two_scopes():
    """Keras numbers the scope of a second call; both are the layer's, in the model that it is part of."""
    model = layer("model", parts=[layer("dense", "k")])
    whole = graph("v:Placeholder  model_1/dense_1/x:Mul<-v  model_1/dense_3/x:Mul<-v")

    assert found(whole, model, v="k") == {
        "model_1": "model",
        "model_1/dense_1": "model.dense",
        "model_1/dense_3": "model.dense",
    }


def test_a_number_may_be_the_layers_own():
    """Keras 3 opens a scope to build and again to call, so there `re_lu_1` is `re_lu`; in Keras 2 it is `re_lu_1`."""
    third = layer("m", "k", parts=[layer("re_lu"), layer("re_lu_1")])
    second = layer("m", "k", parts=[layer("re_lu", twice=False), layer("re_lu_1", twice=False)], twice=False)

    new = found(graph("v:Placeholder  m_1/x:Mul<-v  m_1/re_lu_1/x:Relu  m_1/re_lu_1_2/x:Relu"), third, v="k")
    old = found(graph("v:Placeholder  m/x:Mul<-v  m/re_lu/x:Relu  m/re_lu_1/x:Relu"), second, v="k")

    assert new == {"m_1": "m", "m_1/re_lu_1": "m.re_lu", "m_1/re_lu_1_2": "m.re_lu_1"}
    assert old == {"m": "m", "m/re_lu": "m.re_lu", "m/re_lu_1": "m.re_lu_1"}


def test_a_name_alone_is_not_believed():
    """A scope is no layer's that reads none of its variables, or stands where nobody calls the layer."""
    model = layer("model", "k", parts=[layer("dropout")])

    assert found(graph("dropout_1/x:Mul  model_1/x:Mul"), model) == {}
    assert found(graph("add:Add  add/y:Const"), layer("add")) == {}


def test_what_an_optimizer_names_after_a_module_is_the_optimizers():
    """Only modules that are part of another are looked for in its scope by their names alone."""
    mlp, momentum = module("mlp", "w", scope="mlp"), module("momentum", scope="momentum")

    assert found(graph("v:Placeholder  momentum/mlp/x:Mul<-v"), mlp, momentum, v="w") == {"momentum": "momentum"}


def test_a_layer_in_a_module_that_opens_no_scope_is_found():
    """Its variables tell which layer it is, at the top and in a function's body."""
    net = module("net", parts=[layer("dense", "k")])
    whole = graph("v:Placeholder  w:While@body.b<-v", b="(a) while/dense_1/x:Mul<-a")

    assert found(whole, net, v="k") == {"while/dense_1": "net.dense"}


def test_a_gradients_scopes_are_those_of_what_it_mirrors():
    """A gradient's nodes belong to the module whose gradient they are, in a tape's scope and in a function."""
    net = module("net", scope="net", parts=[module("a", scope="net/a")])
    backward = graph("net/a/x:Mul  c:PartitionedCall@b", b="gradients/net/a/y:Mul")

    assert found(graph("net/a/x:Mul  back/gradient_tape/net/a/y:Mul  gradient_tape/b/y:Mul"), net) == {
        "net": "net",
        "net/a": "net.a",
        "back/gradient_tape/net": "net",
        "back/gradient_tape/net/a": "net.a",
    }
    assert found(backward, net)["gradients/net/a"] == "net.a"


def test_a_backward_function_belongs_to_where_its_forward_function_ran():
    """A tape calls it at top level; the function itself says of which forward function it is the gradient."""
    whole = graph("net/c:PartitionedCall@f  d:PartitionedCall@b", f="x:Mul", b="y:Mul")
    made = whole.functions["b"]
    function = Function("b", made.arguments, made.nodes, made.returns, {"forward_function_name": "f"})
    whole = Graph(whole.nodes, {**whole.functions, "b": function})

    assert found(whole, module("net", scope="net")) == {"net": "net", "d": "net"}


def test_the_gradient_of_what_may_be_of_two_may_be_of_both():
    """Functions may share a path, so what mirrors it is of all that have it, and not of the last one."""
    one, two = (module(name, parts=[layer("dense", name)]) for name in ("one", "two"))
    body = "(a) dense_1/x:Mul<-a"
    whole = graph(
        "v:Placeholder  w:Placeholder  c:PartitionedCall@f<-v  d:PartitionedCall@g<-w  e:PartitionedCall@b",
        f=body,
        g=body,
        b="gradients/dense_1/y:Mul",
    )

    assert found(whole, one, two, v="one", w="two") == {
        "dense_1": "one.dense or two.dense",
        "gradients/dense_1": "one.dense or two.dense",
    }


def test_a_thousand_layers_are_found_at_once():
    """What a scope may be is looked up by its name: the program that is recorded waits for it."""
    names = [f"dense_{number}" for number in range(2000)]
    whole = graph("v:Placeholder  " + "  ".join(f"m_1/{name}_1/x:Mul<-v  m_1/op_{name}/y:Mul" for name in names))
    model = layer("m", "k", parts=[layer(name) for name in names])
    graphed, known = inline(whole), ModuleIndex([model, *model.parts.values()])

    began = time.process_time()
    scopes = module_scopes(graphed, {}, known, {"v": "k"}, {})

    assert time.process_time() - began < 2  # 0.1 s; as a search it took 10
    assert [scope.name for scope in scopes] == ["m", *(f"m.{name}" for name in names)]


def test_a_method_is_its_modules_without_a_scope():
    """All that a module's tf.function runs is the module's, for the graph itself under the empty scope."""
    net = module("net", "w", classes=("Net", "Base"))
    whole = graph("v:Placeholder  c:PartitionedCall@f<-v", f="(a) x:Mul<-a")

    assert found(whole, net, methods={"": "Net.step"}, v="w") == {"": "net"}
    assert found(whole, net, methods={"": "train", "f": "Base.step"}, v="w") == {"c": "net"}
    assert found(whole, net, methods={"": "step"}, v="w") == {}


def test_a_method_of_two_modules_of_a_class_is_the_ones_whose_variables_it_reads():
    """Of two that it may be of it is of neither."""
    one, two = module("one", "v"), module("two", "w")
    whole = graph("v:Placeholder  w:Placeholder  x:Mul<-v")

    assert found(whole, one, two, methods={"": "Net.step"}, v="v", w="w") == {"": "one"}
    assert found(graph("x:Mul"), one, two, methods={"": "Net.step"}) == {}
