import inspect
import re
from collections.abc import Iterator

from tracer import errors

_LINE = re.compile(r"^    (?P<stem>[│├└─ ]*)(?P<name>[A-Z]\w+) +(?P<code>\d)  ", re.MULTILINE)


def tree(error: type[errors.TracerError], depth: int = 0) -> Iterator[tuple[int, str, int]]:
    """Yields depth, name and exit code of an error and of those below it."""
    yield depth, error.__name__, error.exit_code
    # In the order of the file: a subclass knows its line.
    for child in sorted(error.__subclasses__(), key=lambda kind: inspect.getsourcelines(kind)[1]):
        if child.__module__ == errors.__name__:
            yield from tree(child, depth + 1)


def test_the_error_tree_in_the_docstring_is_the_real_one():
    """Every error, its parent and its exit code are as the docstring of `tracer.errors` draws them."""
    drawn = [(len(line["stem"]) // 4, line["name"], int(line["code"])) for line in _LINE.finditer(errors.__doc__)]

    assert drawn == list(tree(errors.TracerError))
