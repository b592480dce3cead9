import pytest

from tracer import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.TracerError, 1),
        (errors.ProgramFailed, 1),
        (errors.WriteFailed, 1),
        (errors.UsageError, 2),
        (errors.SessionActive, 2),
        (errors.NotFound, 3),
        (errors.Unreadable, 4),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error, code):
    """The kind of an error says how a command ends."""
    assert error("it failed").exit_code == code


def test_an_error_keeps_its_hint_out_of_its_message():
    """The message is what `str` shows; the hint is asked for."""
    error = errors.NotFound("no run named 'x'", hint="trace-scenario runs")

    assert (str(error), error.message, error.hint) == ("no run named 'x'", "no run named 'x'", "trace-scenario runs")


def test_a_failed_program_names_its_run():
    """What was recorded of a program that failed can be found from the error."""
    assert errors.ProgramFailed("it raised", run="logs/a/1").run == "logs/a/1"


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("mlp-2", ["mlp-1", "rnn"], "did you mean 'mlp-1'?"),
        ("stepp", ["steps", "step"], "did you mean 'step' or 'steps'?"),
        ("xyz", ["mlp-1", "rnn"], "see the list"),
        ("xyz", [], "see the list"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_ones(name, known, hint):
    """Close names are offered, the closest first; where there are none, the other hint is given."""
    assert errors.did_you_mean(name, known, otherwise="see the list") == hint
