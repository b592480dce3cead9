"""What a recorded run knows of the program's modules, layers and optimizers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import pytest
import tensorflow as tf

import tracer
from tracer.capture.modules import living_modules
from tracer.recorded import Run, Trace
from tracer.store.load import load_run


class Mine(keras.Model):
    """A model with a `call` of its own, whose layer was built outside of it."""

    def __init__(self) -> None:
        super().__init__(name="mine")
        self.sub = keras.layers.Dense(3, name="sub")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, 3]`."""
        return self.sub(x)


class Scale(tf.Module):
    """A module without a tf.function."""

    def __init__(self) -> None:
        super().__init__(name="scale")
        self.w = tf.Variable(2.0, name="w")

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns `x` scaled."""
        return x * self.w


class Bare(tf.Module):
    """A module that holds what it is given."""

    scale: Scale

    def __init__(self, name: str | None = None, **held: object) -> None:
        super().__init__(name=name)
        for attribute, value in held.items():
            setattr(self, attribute, value)


class Silent:
    """A key that has no text."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Nameless(Scale):
    """A module that raises where its name is asked for."""

    @property
    def name(self) -> str:
        """Raises."""
        raise RuntimeError("no name")


def record(tmp_path: Path, target: object) -> Run:
    """Records a call with `[2, 4]`, without the profiler."""
    return tracer.record(target, tf.ones([2, 4]), logdir=tmp_path, profile=False)  # type: ignore[arg-type]


def only(run: Run) -> Trace:
    """Returns the last trace of a run's only function."""
    (function,) = run.functions.values()
    return function.traces[-1]


@pytest.fixture(scope="module")
def nested(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Records `named_modules.py` in a process of its own, where no other module lives."""
    script = Path(__file__).with_name("named_modules.py")
    command = [sys.executable, script, tmp_path_factory.mktemp("logs")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return load_run(Path(done.stdout.splitlines()[-1]))


def test_modules_and_layers_in_each_other_are_found(nested: Run) -> None:
    """Each scope says whose it is, also of layers that are called twice, that are shared, and inside a loop."""
    found = {
        scope.scope: (scope.name, scope.class_name, scope.kind) for scope in nested.functions["train"].traces[0].modules
    }

    assert {scope: what for scope, what in found.items() if "gradient" not in scope} == {
        "pair": ("net.first or net.second", "Linear", "module"),
        "alone": ("net.alone", "Linear", "module"),
        "head_1": ("net.head", "Dense", "layer"),
        "head_3": ("net.head", "Dense", "layer"),
        "loop_1": ("net.loop", "RNN", "layer"),
        "loop_1/cell_1": ("net.loop.cell", "GRUCell", "layer"),
        "loop_1/while/cell_1": ("net.loop.cell", "GRUCell", "layer"),
        "inner": ("holder.inner", "Linear", "module"),
        "holder_1": ("holder", "Holder", "layer"),
        "siamese_1": ("siamese", "Functional", "layer"),
        "siamese_1/tower_1": ("siamese.tower", "Sequential", "layer"),
        "siamese_1/tower_1/a_1": ("siamese.tower.a", "Dense", "layer"),
        "siamese_1/tower_1/b_1": ("siamese.tower.b", "ReLU", "layer"),
        "siamese_1/tower_3": ("siamese.tower", "Sequential", "layer"),
        "siamese_1/tower_3/a_1": ("siamese.tower.a", "Dense", "layer"),
        "siamese_1/tower_3/b_1": ("siamese.tower.b", "ReLU", "layer"),
        "siamese_1/less_1": ("siamese.less", "Subtract", "layer"),
        "StatefulPartitionedCall": ("net", "Net", "module"),  # its method, forward
        "StatefulPartitionedCall_1": ("net", "Net", "module"),  # and backward
    }
    assert found["gradient_tape/siamese_1/tower_3/a_1"] == ("siamese.tower.a", "Dense", "layer")


def test_an_optimizers_state_is_told_from_weights(nested: Run) -> None:
    """Whatever the optimizer has made is the optimizer's, and nothing else is."""
    captures = nested.functions["train"].traces[0].captures.values()

    assert {variable.name.partition("/")[0] for variable in captures if variable.optimizer} == {"adam"}
    assert not [variable for variable in captures if variable.name.startswith("adam/") and not variable.optimizer]


def test_a_variable_has_the_name_that_says_most(tmp_path: Path) -> None:
    """Keras' path of a variable has the model in it, TensorFlow's name has not."""
    model = Mine()
    model.sub.build([None, 4])
    model(tf.ones([2, 4]))

    names = [variable.name for variable in only(record(tmp_path, model)).captures.values()]

    assert sorted(names) == sorted(f"{variable.path}:0" for variable in model.variables)


def test_a_keras_model_is_recorded_as_a_graph(tmp_path: Path) -> None:
    """Its function bears the model's name, and its lines are those of the model's `call`."""
    model = Mine()
    model(tf.ones([2, 4]))
    trace = only(record(tmp_path, model))

    assert (trace.name, trace.qualname, trace.signature) == (
        "mine",
        "Mine.call",
        "(args_0: float32[2, 4]) -> float32[2, 3]",
    )
    assert trace.definition is not None
    assert (trace.definition.file, trace.definition.function) == (__file__, "call")
    assert str(trace.stage("source")).lstrip().startswith("def call(self, x")
    assert {scope.scope: scope.name for scope in trace.modules} == {
        "": "mine",
        "mine_1": "mine",
        "mine_1/sub_1": "mine.sub",
    }


def test_a_functional_model_has_no_line_of_the_users(tmp_path: Path) -> None:
    """What Keras calls is Keras' own: the function bears the model's name only."""
    trace = only(record(tmp_path, keras.Sequential([keras.Input([4]), keras.layers.Dense(2)], name="little")))

    assert (trace.name, trace.definition) == ("little", None)


def test_autograph_converts_what_tf_keras_has_it_convert(tmp_path: Path) -> None:
    """A branch on a tensor in a `call` of tf_keras' works, as in a tf.function of the model."""
    tf_keras = pytest.importorskip("tf_keras")

    class Branching(tf_keras.Model):  # type: ignore[misc, name-defined]  # it has no types
        def call(self, x: tf.Tensor) -> tf.Tensor:
            if tf.reduce_sum(x) > 0:
                x = -x
            return x

    ops = {node.op for node in only(record(tmp_path, Branching(name="branching"))).graph.nodes}

    assert "StatelessIf" in ops


def test_a_module_without_a_function_is_recorded_as_a_graph(tmp_path: Path) -> None:
    """Its `__call__` is what is traced."""
    trace = only(record(tmp_path, Scale()))

    assert (trace.qualname, trace.signature) == ("Scale.__call__", "(x: float32[2, 4]) -> float32[2, 4]")


def test_a_python_function_stays_as_it_is(tmp_path: Path) -> None:
    """It may be meant to run eagerly, as a model in it does then."""
    model = Mine()

    assert not record(tmp_path, lambda x: model(x)).functions


def test_a_model_that_is_not_built_costs_nothing(tmp_path: Path) -> None:
    """Models that live somewhere and raise when they are asked for their variables are no warning."""
    tf_keras = pytest.importorskip("tf_keras")
    waiting = tf_keras.Sequential([tf_keras.layers.Dense(2)])

    run = record(tmp_path, Scale())

    assert not waiting.built
    assert [warning.code for warning in run.warnings] == []


def test_a_dicts_keys_are_not_asked_for_their_text() -> None:
    """They are the user's objects, or variables with all their values; their place in the dict is label enough."""
    held = {Silent(): Scale(), Silent(): Scale(), "a": Scale(), 7: Scale()}
    (module, *_) = living_modules([Bare(held=held), Scale()]).modules

    assert list(module.parts) == ["held[#0]", "held[#1]", "held['a']", "held[7]"]


def test_a_part_that_is_called_as_an_attribute_hides_no_other() -> None:
    """Each has a label of its own: attributes where names are not enough to tell them apart."""
    module = living_modules([Bare(a=Bare("pair"), b=Bare("pair"), c=Bare("a"), d=Bare("other"))]).modules[0]

    assert {label: part.name for label, part in module.parts.items()} == {
        "a": "pair",
        "b": "pair",
        "c": "a",
        "other": "other",
    }


def test_lists_in_lists_end() -> None:
    """Modules may hold any data: 1.6 billion places in lists are not all looked at, what stands beside them is."""
    many: list[object] = []
    many += [many] * 200
    holder = Bare(scale=Scale())
    holder.__dict__["many"] = many  # TensorFlow, which tracks what attributes are set to, recurses

    assert list(living_modules([holder, holder.scale]).modules[0].parts) == ["scale"]


def test_a_module_that_raises_costs_only_itself(tmp_path: Path) -> None:
    """The run says which it was, and knows all others."""
    scale = Scale()
    broken = Bare("holder", inner=Nameless(), scale=scale)
    run = record(tmp_path, scale)

    assert broken.scale is scale
    assert [(warning.code, warning.message) for warning in run.warnings] == [
        ("no-modules", "it is not known which scopes are a Nameless's: RuntimeError: no name")
    ]
    assert {scope.scope: scope.name for scope in only(run).modules} == {"": "holder.scale"}
