"""The line of `%%trace`: what it takes, and what it refuses."""

import pytest

from tracer.errors import UsageError
from tracer.magic import _options

DEFAULTS = {
    "name": "cell",
    "output": None,
    "steps": None,
    "warmup": None,
    "logdir": None,
    "no_profile": False,
    "profile_seconds": None,
    "no_source": False,
    "hlo": False,
}


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("", {}),
        ("mine", {"name": "mine"}),
        ("'my run' -o run", {"name": "my run", "output": "run"}),
        ("--steps 5 --warmup 2 mine", {"name": "mine", "steps": 5, "warmup": 2}),
        ("--no-profile --hlo --no-source", {"no_profile": True, "hlo": True, "no_source": True}),
        ("--logdir 'a b' --profile-seconds 1.5", {"logdir": "a b", "profile_seconds": 1.5}),
    ],
)
def test_what_stands_behind_the_magic(line, options):
    """A name, and options as on the command line; quotes are as in a shell."""
    assert _options(line) == {**DEFAULTS, **options}


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("--steps", "requires an argument", "--help"),
        ("--setps 5", "No such option.*--steps", "--help"),
        ("--steps five", "'five' is not a valid integer", "--help"),
        ("a b", "unexpected extra argument", "--help"),
        ("'a", "cannot read ''a': No closing quotation", "close the quote"),
        ("-o 1x", "'1x' is no name of a variable", "-o run"),
        ("-o class", "'class' is no name of a variable", "-o run"),
        ("--warmup 2", "--warmup is for --steps", "--steps 5"),
    ],
)
def test_a_wrong_line_is_refused(line, message, hint):
    """The message says what is wrong, and the hint what to do."""
    with pytest.raises(UsageError, match=message) as refused:
        _options(line)
    assert hint in refused.value.hint


def test_help_is_printed_and_nothing_is_recorded(capsys):
    """`%%trace --help` lists the options, with an example."""
    assert _options("--help") is None
    assert "Example: %%trace my_experiment --steps 5 -o run" in capsys.readouterr().out
