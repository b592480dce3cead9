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
