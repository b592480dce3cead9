"""From a Python object, a SavedModel or a Keras file to the calls that record it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer.capture import describe
from tracer.capture.inputs import Inputs
from tracer.capture.trace_types import type_text
from tracer.discover.declare import Call, callable_name, parse_parameters, signature_parameters
from tracer.discover.input_spec import InputSpec
from tracer.errors import NotFound, Unreadable, UsageError, did_you_mean, reason
from tracer.store.layout import slug


def object_calls(
    target: Any, parameters: Mapping[str, str], specs: Sequence[InputSpec], inputs: Inputs, *, eager: bool = False
) -> tuple[Call, ...]:
    """Returns the call that records an object.

    A class is made first, and a plain function without `--input` is called first to see what it makes (a model, a
    module, a `Call`), both with the parameters. What comes out is recorded as a graph: it is wrapped in a tf.function
    if it is none. With `eager`, it is called as it is.

    Raises:
      UsageError: parameters or inputs are missing or wrong.
    """
    name = callable_name(target)
    if inspect.isfunction(target) and next(iter(inspect.signature(target).parameters), "") == "self":
        raise UsageError(f"{name} is a method of a class", hint="name the class, or a method of an object that is made")
    if inspect.isclass(target):
        target = target(**parse_parameters(signature_parameters(target), parameters, owner=name))
        parameters = {}
    elif inspect.isfunction(target) and not eager and not _fits(target, specs):
        _require_defaults(target, name, parameters)
        made = target(**parse_parameters(signature_parameters(target), parameters, owner=name))
        calls = made if isinstance(made, (list, tuple)) else (made,)
        if calls and all(isinstance(call, Call) for call in calls):
            return tuple(calls)
        if not callable(made):
            raise _nothing_made(target, name, made)
        target, parameters = made, {}
    if not callable(target):
        raise UsageError(
            f"an object of type {type(target).__name__} cannot be called",
            hint="name one of its methods: ...:object.method",
        )
    positional, keyword = inputs.given(specs) if specs else _guessed(target, name, inputs, eager=eager)
    if _is_keras(target):
        positional, keyword = _keras_arguments(target, positional, keyword)
    keyword.update(parse_literals(parameters))
    _check_fit(target, name, positional, keyword)
    function = _as_python(target) if eager else target if _is_tf_function(target) else as_function(target)
    return (Call(function, *positional, **keyword).named(callable_name(target)),)


def graph_call(call: Call) -> Call:
    """Returns a call of a Keras layer or model, or of a tf.Module, as one of a tf.function: else it leaves no graph.

    Other calls stay as they are: a Python function may be meant to run eagerly, or make its own tf.functions.
    """
    if not _is_module(call.fn) or _is_tf_function(call.fn):
        return call
    wrapped = Call(as_function(call.fn), *call.args, **call.kwargs).named(call.name)
    return wrapped.raising(call.expects) if call.expects else wrapped


def saved_model_calls(
    folder: Path, signature: str | None, specs: Sequence[InputSpec], inputs: Inputs
) -> tuple[Call, ...]:
    """Returns the call of a SavedModel's signature; of `serving_default`, or of its only one, if none is named.

    Raises:
      NotFound: it has no such signature.
      Unreadable: TensorFlow cannot load it.
    """
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:
        raise Unreadable(
            f"{folder} cannot be loaded: {reason(error)}", hint="is it whole? saved_model_cli show --all"
        ) from error
    names = list(loaded.signatures)
    if signature is None and "serving_default" not in names and len(names) > 1:
        raise UsageError(
            f"{folder.name} has {len(names)} signatures and no serving_default",
            hint=" or ".join(f"--signature {name}" for name in sorted(names)),
        )
    if signature is None and names:
        signature = "serving_default" if "serving_default" in names else names[0]
    if signature is None or signature not in names:
        listing = ", ".join(names) or "it has none: save it with signatures={...}"
        raise NotFound(
            f"{folder.name} has no signature '{signature or 'serving_default'}'",
            hint=did_you_mean(signature or "", names, otherwise=f"its signatures: {listing}"),
        )
    function = loaded.signatures[signature]
    _, wanted = function.structured_input_signature
    positional, keyword = inputs.given(specs) if specs else ((), inputs.like(dict(wanted)))
    _check_signature(signature, wanted, positional, keyword)

    def call(**arguments: Any) -> Any:
        assert loaded is not None  # a signature holds its model's variables weakly; this closure keeps them
        return function(**arguments)

    return (Call(call, **keyword).named(signature),)


def _check_signature(
    name: str, wanted: Mapping[str, Any], positional: Sequence[Any], keyword: Mapping[str, Any]
) -> None:
    """Checks inputs against a SavedModel's signature, which takes them by name.

    Raises:
      UsageError: a name, a type or a shape is another.
    """
    import tensorflow as tf

    fits = not positional and sorted(keyword) == sorted(wanted)
    if not fits or not all(spec.is_compatible_with(tf.convert_to_tensor(keyword[key])) for key, spec in wanted.items()):
        texts = [f"{key}={type_text(spec).replace(' ', '')}" for key, spec in wanted.items()]
        raise UsageError(
            f"these inputs do not fit the signature '{name}': it takes {', '.join(texts)}",
            hint=" ".join(f"--input {text.replace('?', '1')}" for text in texts),
        )


def keras_file(path: Path) -> Any:
    """Loads a `.keras` or `.h5` file.

    Raises:
      Unreadable: Keras cannot load it.
    """
    import keras

    try:
        return keras.models.load_model(path)
    except Exception as error:
        raise Unreadable(f"{path} cannot be loaded: {reason(error)}", hint="was it saved by another Keras?") from error


def parse_literals(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Returns `-p key=value` options of something without a signature of its own: Python literals, or text."""
    from tracer.discover.parameters import Parameter, parse_value

    return {key: parse_value(Parameter(key, Any, None, True), text) for key, text in parameters.items()}


def _guessed(target: Any, name: str, inputs: Inputs, *, eager: bool) -> tuple[tuple[Any, ...], dict[str, Any]]:
    signature = getattr(target, "input_signature", None)
    if signature is None:
        signature = getattr(getattr(type(target), "__call__", None), "input_signature", None)
    if signature is not None:
        return tuple(inputs.like(list(signature))), {}
    if _is_keras(target):
        wanted = getattr(target, "inputs", None)
        if not wanted:
            state = "has no Input layer" if target.built else "is not built"
            raise UsageError(
                f"the Keras model '{target.name}' {state}, so its inputs cannot be guessed",
                hint="give it an Input layer, --input float32[1,28,28,1], or --input name=... for each key of a dict",
            )
        made = inputs.like(list(wanted))
        return (made[0] if len(made) == 1 else made,), {}
    if eager or not _required(target):
        return (), {}
    raise _not_guessed(name, _required(target))


def _nothing_made(target: Any, name: str, made: Any) -> UsageError:
    """Returns what to do about a plain function that made nothing to record: it may be meant itself."""
    first = next(iter(inspect.signature(target).parameters), "")
    inputs = f"; or give its inputs (--input {first}=float32[8,32]) to record it as a graph" if first else ""
    return UsageError(
        f"{name}() returned {type(made).__name__}, which cannot be recorded",
        hint=f"--eager records the call of {name} itself, with the tf.functions that it calls{inputs}",
    )


def _require_defaults(target: Any, name: str, parameters: Mapping[str, str]) -> None:
    missing = [argument for argument in _required(target) if argument not in parameters]
    if missing:
        raise _not_guessed(name, missing)


def _not_guessed(name: str, missing: Sequence[str]) -> UsageError:
    return UsageError(
        f"the inputs of {name} cannot be guessed: {', '.join(missing)}",
        hint=" ".join(f"--input {argument}=float32[8,32]" for argument in missing),
    )


def _check_fit(target: Any, name: str, positional: Sequence[Any], keyword: Mapping[str, Any]) -> None:
    """Checks that a call with these arguments is one that the target takes.

    Raises:
      UsageError: it is none.
    """
    try:
        signature = inspect.signature(getattr(target, "python_function", target))
    except (TypeError, ValueError):
        return  # a built-in that does not say what it takes
    try:
        signature.bind(*positional, **keyword)
    except TypeError as error:
        raise UsageError(
            f"these inputs do not fit {name}{signature}: {error}", hint="name each: --input x=..."
        ) from None


def _fits(target: Any, specs: Sequence[InputSpec]) -> bool:
    """Tells whether inputs are those of a function itself, and not of what it makes."""
    if not specs:
        return False
    positional = [spec for spec in specs if not spec.name]
    try:
        inspect.signature(target).bind(*positional, **{spec.name: spec for spec in specs if spec.name})
    except TypeError:
        return bool(_required(target))  # it cannot be called without inputs, so they were meant for it
    return True


def _keras_arguments(
    model: Any, positional: tuple[Any, ...], keyword: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Returns the arguments of a Keras model's call: it takes its inputs, however many, as its first argument."""
    known = [tensor.name for tensor in getattr(model, "inputs", None) or ()]
    accepted = inspect.signature(model.call).parameters
    inputs = {name: value for name, value in keyword.items() if name in known or name not in accepted}
    rest = {name: value for name, value in keyword.items() if name not in inputs}
    if not inputs or positional:
        return positional, dict(keyword)
    if sorted(inputs) == sorted(known):
        ordered = [inputs[name] for name in known]
        return (ordered[0] if len(ordered) == 1 else ordered,), rest
    return (inputs,), rest  # a model of one's own, whose inputs are a dict


def _required(target: Any) -> list[str]:
    """Returns the arguments that a callable cannot do without."""
    try:
        parameters = inspect.signature(getattr(target, "python_function", target)).parameters.values()
    except (TypeError, ValueError):
        return []
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [p for p in parameters if p.kind in (*by_position, inspect.Parameter.KEYWORD_ONLY)]
    return [p.name for p in named if p.default is p.empty and p.name != "self"]


def _is_keras(target: Any) -> bool:
    return any(base.__module__.split(".")[0] in ("keras", "tf_keras") for base in type(target).__mro__)


def _is_module(target: Any) -> bool:
    """Tells a tf.Module, and a layer or model of Keras 3, which is none."""
    import tensorflow as tf

    layer = any(base.__name__ == "Layer" and base.__module__.startswith("keras.") for base in type(target).__mro__)
    return layer or isinstance(target, tf.Module)


def _is_tf_function(target: Any) -> bool:
    """Tells a tf.function, and an object whose class's `__call__` is one."""
    method = getattr(type(target), "__call__", None)
    return hasattr(target, "get_concrete_function") or hasattr(method, "get_concrete_function")


def as_function(target: Any) -> Callable[..., Any]:
    """Wraps an object in a tf.function that bears its name: TensorFlow would call one of an object `function`."""
    import tensorflow as tf

    if inspect.isfunction(target) or inspect.ismethod(target):
        return tf.function(target)  # type: ignore[no-any-return]  # TensorFlow has no types
    if not _is_keras(target) and inspect.ismethod(getattr(target, "__call__", None)):
        return tf.function(target.__call__)  # type: ignore[no-any-return]  # as above

    def call(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs)

    call.__name__ = call.__qualname__ = slug(str(getattr(target, "name", None) or type(target).__name__))
    own = inspect.unwrap(getattr(type(target), "call", call))
    if describe.origin(own) == "user":  # then its lines are those to show
        call.__wrapped__ = own  # type: ignore[attr-defined]  # as functools.wraps sets it
        call.__signature__ = inspect.signature(call, follow_wrapped=False)  # type: ignore[attr-defined]
    # tf_keras, whose layers are tf.Modules, has AutoGraph convert `call` if the caller does; Keras 3 never does.
    return tf.function(call, autograph=isinstance(target, tf.Module))  # type: ignore[no-any-return]  # as above


def _as_python(target: Any) -> Callable[..., Any]:
    """Returns what `graph_call` leaves as it is."""
    if inspect.isfunction(target) or inspect.ismethod(target) or _is_tf_function(target):
        return target  # type: ignore[no-any-return]  # it can be called

    def call(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs)

    return call
