"""Frames of decorators' wrappers, as AutoGraph records them."""

from tracer.capture.wrappers import true_frame

SOURCE = """\
import functools


def twice(fn):
    @functools.wraps(fn)
    def wrapper(*args):
        y = fn(*args)
        return y * 2.0
    return wrapper


@twice
def inner(x):
    z = x + 1.0
    return z


LAMBDA = lambda x: (
    x + 1.0)
"""


def test_a_wrapper_is_at_its_own_lines(tmp_path):
    """AutoGraph counts a wrapper's lines from the beginning of the wrapped function; they are set right."""
    file = tmp_path / "net.py"
    file.write_text(SOURCE)

    assert true_frame((str(file), 14, "wrapper")) == (str(file), 7, "wrapper")
    assert true_frame((str(file), 15, "wrapper")) == (str(file), 8, "wrapper")


def test_frames_that_are_right_stay(tmp_path):
    """A line inside the function that it names, a lambda, a module, or a file that cannot be read is left alone."""
    file = tmp_path / "net.py"
    file.write_text(SOURCE)
    frames = [(str(file), 14, "inner"), (str(file), 7, "wrapper"), (str(file), 19, "<lambda>"), (str(file), 1, "main")]

    assert [true_frame(frame) for frame in frames] == frames
    assert true_frame(("gone.py", 3, "f")) == ("gone.py", 3, "f")


def test_a_wrapper_from_elsewhere_has_no_line_here(tmp_path):
    """A wrapper that the file does not define, as `tf.Module.with_name_scope`, is no line of the file's."""
    file = tmp_path / "net.py"
    file.write_text(SOURCE)

    assert true_frame((str(file), 14, "method_with_name_scope")) is None
