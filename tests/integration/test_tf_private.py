"""The private corners of TensorFlow: each fails here by name when a new version moves it."""

from __future__ import annotations

import pytest

from tracer.capture import hooks, tf_private


@pytest.mark.parametrize("corner", sorted(tf_private.CORNERS))
def test_a_corner_is_where_it_was(corner: str) -> None:
    """This TensorFlow has the private name that recording needs."""
    assert corner not in tf_private.missing()


def test_a_corner_that_moved_is_named_with_what_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing corner is reported with its purpose, and recording goes on without it."""
    import tensorflow as tf
    from tensorflow.python.eager.polymorphic_function import tracing_compilation

    monkeypatch.delattr(tracing_compilation, "_create_concrete_function")
    [(corner, purpose)] = tf_private.missing().items()

    assert corner.endswith("tracing_compilation:_create_concrete_function")
    assert purpose == "seconds to trace, Python functions"
    with hooks.listening(created=lambda _: None, called=lambda _: None, iterated=lambda _: None):
        assert tf.constant(1).numpy() == 1


def _adding(letter: str):
    return lambda original: lambda: original() + letter


def test_wrappers_come_and_go_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions that overlap end as they like: each takes its own wrapper with it, and the last leaves the original."""
    monkeypatch.setattr(tf_private, "wrapped_in_a_test", original := lambda: "", raising=False)
    corner = f"{tf_private.__name__}:wrapped_in_a_test"
    first, second = tf_private.replaced(corner, _adding("a")), tf_private.replaced(corner, _adding("b"))
    said = []
    for act in (first.__enter__, second.__enter__, lambda: first.__exit__(None, None, None)):
        act()
        said.append(tf_private.wrapped_in_a_test())
    second.__exit__(None, None, None)

    assert said == ["a", "ab", "b"]
    assert tf_private.wrapped_in_a_test is original


def test_what_a_program_puts_in_the_place_of_a_wrapper_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the program's; who wraps meanwhile wraps that."""
    monkeypatch.setattr(tf_private, "wrapped_in_a_test", lambda: "", raising=False)
    corner = f"{tf_private.__name__}:wrapped_in_a_test"

    def programs() -> str:
        return "program"

    with tf_private.replaced(corner, _adding("a")):
        tf_private.wrapped_in_a_test = programs
        with tf_private.replaced(corner, _adding("b")):
            assert tf_private.wrapped_in_a_test() == "programb"

    assert tf_private.wrapped_in_a_test is programs
