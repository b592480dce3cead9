"""A GRU that walks over time in a graph loop: what one step of a recurrent network costs, and where it stands.

All of the sequence is unstacked into a list, and `gru/while` takes one element a turn. The loop's body has one box a
gate, `gru/update`, `gru/reset` and `gru/candidate`, with one `matmul` each: a module's name scope is absolute, so it is
the same inside a loop. Only what the loop needs for itself, such as its counter, is named `gru/while/...`.
"""

import tensorflow as tf

from tracer import Call, scenario


class Gate(tf.Module):
    """An affine map of input and state together."""

    def __init__(self, inputs: int, units: int, *, name: str) -> None:
        super().__init__(name=name)
        rows = inputs + units
        with self.name_scope:
            self.w = tf.Variable(tf.random.normal([rows, units], stddev=rows**-0.5), name="w")
            self.b = tf.Variable(tf.zeros([units]), name="b")

    @tf.Module.with_name_scope
    def __call__(self, x: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, units]` for `x`, `[batch, inputs]`, and `state`, `[batch, units]`."""
        return tf.concat([x, state], axis=1) @ self.w + self.b


class Gru(tf.Module):
    """A gated recurrent unit that reads a sequence."""

    def __init__(self, inputs: int, units: int, *, name: str) -> None:
        super().__init__(name=name)
        self.units = units
        with self.name_scope:
            self.update, self.reset, self.candidate = (
                Gate(inputs, units, name=gate) for gate in ("update", "reset", "candidate")
            )

    @tf.Module.with_name_scope
    def __call__(self, sequence: tf.Tensor) -> tf.Tensor:
        """Returns the last state, `[batch, units]`, of a sequence `[time, batch, inputs]`."""
        state = tf.zeros([tf.shape(sequence)[1], self.units])
        for x in sequence:
            state = self.step(x, state)
        return state

    @tf.Module.with_name_scope
    def step(self, x: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        """Returns the state after one more `x`, `[batch, inputs]`; states are `[batch, units]`."""
        update = tf.sigmoid(self.update(x, state))
        reset = tf.sigmoid(self.reset(x, state))
        candidate = tf.tanh(self.candidate(x, reset * state))
        return update * state + (1.0 - update) * candidate


@scenario(tags=("module", "autograph", "loop"))
def rnn(*, time: int = 12, batch_size: int = 4, inputs: int = 8, units: int = 16, seed: int = 0) -> Call:
    """A GRU over a sequence, its loop made by AutoGraph.

    What to look at: `While`, not `StatelessWhile` as in `control_flow`, since its body reads variables, and the six
    variables go in as inputs of the loop. The body is traced once, however long the sequence is.
    """
    tf.random.set_seed(seed)
    gru = Gru(inputs, units, name="gru")

    @tf.function
    def read(sequence: tf.Tensor) -> tf.Tensor:
        return gru(sequence)

    return Call(read, tf.random.normal([time, batch_size, inputs]))
