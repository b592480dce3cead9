"""Windows of steps, told by hand: which are kept, which count, and what is no part of a step."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tracer.capture.plan import Plan
from tracer.capture.rolling import Windows
from tracer.capture.step_calls import StepCalls
from tracer.profile.executions import read_profile


@pytest.fixture
def made(tmp_path: Path):
    """Returns what makes windows with a plan."""

    def make(**plan) -> Windows:
        return Windows(tmp_path, Plan(**plan), traced=lambda: 0, saved=lambda: None)

    return make


def stepped(windows: Windows, count: int, name: str = "step", first: int = 0) -> None:
    """Tells windows of so many steps, each of which runs an op."""
    import tensorflow as tf

    for number in range(first, first + count):
        windows.begin(name, number)
        tf.constant(1.0) + 1.0
        windows.returned()


def sessions(folder: Path) -> list[str]:
    """Returns the profiles on disk."""
    return sorted(path.name for path in folder.glob("plugins/profile/*"))


def test_a_window_begins_each_so_many_steps(made, tmp_path: Path) -> None:
    """With `every=5` windows of two steps begin with the steps 1, 6 and 11, and each is a profile on disk."""
    windows = made(skip_steps=1, steps=2, every=5)
    stepped(windows, 14)
    windows.finish()
    kept = windows.outcome()["windows"]

    assert [(each["first_step"], each["steps"]) for each in kept] == [(1, 2), (6, 2), (11, 2)]
    assert sessions(tmp_path) == [each["session"] for each in kept]
    assert list(tmp_path.glob(".*")) == []


def test_the_profile_says_which_step_raised(made, tmp_path: Path) -> None:
    """A step that raised is none of the window's, whose profile knows it, also where another has its number."""
    windows = made(skip_steps=0, steps=3)
    for number, raised in ((0, False), (1, True), (0, True), (1, False), (2, False)):
        windows.begin("step", number)
        windows.end(raised=raised)
    windows.finish()
    [file] = tmp_path.glob("plugins/profile/*/*")
    marked = read_profile(file.read_bytes(), file).steps

    assert [(step.number, step.raised) for step in marked] == [(0, False), (1, True), (0, True), (1, False), (2, False)]
    assert windows.outcome()["window"]["steps"] == 3


def test_the_oldest_windows_give_way_but_for_the_one_that_counts(made, tmp_path: Path) -> None:
    """Of 20 windows 12 stay: the first, which has every kernel, and the newest; the run says how many gave way."""
    windows = made(skip_steps=0, steps=1, every=2)
    stepped(windows, 40)
    windows.finish()
    kept = windows.outcome()["windows"]

    assert [each["first_step"] for each in kept] == [0, *range(18, 40, 2)]
    assert [each["counted"] for each in kept] == [True] + [False] * 11
    assert len(sessions(tmp_path)) == 12
    assert [(each.code, each.message[:37]) for each in windows.said()] == [
        ("windows-dropped", "8 older windows of the profiler gave ")
    ]


def test_windows_stay_within_their_bytes(made, tmp_path: Path) -> None:
    """Where two windows are larger than the limit, only the one that has every kernel stays."""
    windows = made(skip_steps=0, steps=1, every=2, max_bytes=1)
    stepped(windows, 6)
    windows.finish()

    assert [(each["first_step"], each["complete"]) for each in windows.outcome()["windows"]] == [(0, True)]
    assert len(sessions(tmp_path)) == 1


def test_the_step_that_pays_for_new_functions_is_in_no_number(made, tmp_path: Path) -> None:
    """Where the program does something else then, or ends, there is no window of that step."""
    windows = made(skip_steps=0, steps=2, fresh=True)
    stepped(windows, 1, name="fit")
    stepped(windows, 1, name="evaluate")
    time.sleep(0.1)
    windows.finish()

    assert (windows.outcome(), sessions(tmp_path)) == ({}, [])


def test_what_follows_the_last_call_for_long_is_no_part_of_its_step(made) -> None:
    """A program that does other things at its end has a last step that ends with its call."""
    windows = made(skip_steps=0, steps=5)
    stepped(windows, 3)
    time.sleep(0.1)
    windows.finish()
    window = windows.outcome()["window"]

    assert window["steps"] == 3
    assert max(window["step_ns"]) < 0.1e9


def test_a_step_ends_with_the_next_one(made) -> None:
    """What the program does between two calls is part of the first one's step."""
    windows = made(skip_steps=0, steps=2)
    stepped(windows, 1)
    time.sleep(0.02)
    stepped(windows, 2, first=1)
    windows.finish()
    window = windows.outcome()["window"]

    assert window["step_ns"][0] >= 0.02e9 > window["step_ns"][1]
    assert window["wall_ns"] == sum(window["step_ns"])


def test_no_window_is_open_while_the_program_profiles_itself(made) -> None:
    """A window gives way to the program's own profiler, keeps the steps that it saw, and others follow later."""
    windows = made(skip_steps=0, steps=4, every=4)
    stepped(windows, 2)
    windows.give_way()
    stepped(windows, 6, first=2)
    windows.go_on()
    stepped(windows, 5, first=8)
    windows.finish()
    kept = windows.outcome()["windows"]

    assert [(each["first_step"], each["steps"]) for each in kept][1:] == [(8, 4), (12, 1)]
    assert kept[0]["stopped"] == "the program started the profiler itself"


def test_without_the_profiler_only_times_are_kept(tmp_path: Path) -> None:
    """With `--no-profile` nothing is written, and there is no window; the times of steps are there."""
    windows = Windows(tmp_path, Plan(), traced=lambda: 0, saved=lambda: None, profile=False)
    stepped(windows, 20)
    windows.end()
    windows.finish()

    assert [*windows.outcome()] == ["bare_step_ns"]
    assert len(windows.outcome()["bare_step_ns"]) == 19
    assert list(tmp_path.iterdir()) == []


def test_a_profiler_that_somebody_else_has_costs_the_windows_and_no_more(made, tmp_path: Path) -> None:
    """Where another profiler is on all the time, steps go on, and the run says why it has no profile."""
    import tensorflow as tf

    windows = made(skip_steps=0, steps=2, every=2)
    tf.profiler.experimental.start(str(tmp_path))
    try:
        stepped(windows, 12)
        windows.finish()
    finally:
        tf.profiler.experimental.stop(save=False)

    assert "window" not in windows.outcome()
    assert [each.message for each in windows.said()] == [
        "no profile: another profiler session is running in this process"
    ]


class Told:
    """Windows that write down what they are told."""

    is_open = is_tentative = False

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, bool]] = []

    def begin(self, function: str, number: int, *, tentative: bool = False) -> None:
        """A step begins."""
        self.steps.append((function, number, tentative))

    def returned(self) -> None:
        """Its call came back."""


def called(calls: StepCalls, function, seconds: float = 0.0) -> None:
    """Calls a function that takes so long."""
    calls.began(function)
    time.sleep(seconds)
    calls.ended(function)


@pytest.fixture(scope="module")
def functions():
    """Two tf.functions, which are never called."""
    import tensorflow as tf

    @tf.function
    def helper():
        pass

    @tf.function
    def train():
        pass

    return helper, train


def test_a_helper_that_runs_before_each_step_is_not_the_step(functions) -> None:
    """Of two functions that take turns, the one that takes the time is the step from its second call on."""
    helper, train = functions
    told = Told()
    calls = StepCalls(told, skip_steps=1)
    for _ in range(3):
        called(calls, helper)
        called(calls, train, 0.05)

    assert told.steps == [
        ("helper", 0, True),
        ("train", 0, True),
        ("helper", 1, True),
        ("train", 1, False),
        ("train", 2, False),
    ]
    assert calls.choice == "train"


def test_what_ran_once_at_the_beginning_is_not_the_step_however_long_it_took(functions) -> None:
    """A function that is called once does not keep what is called again and again from being the step."""
    helper, train = functions
    told = Told()
    calls = StepCalls(told, skip_steps=1)
    called(calls, helper, 0.05)
    for _ in range(6):
        called(calls, train, 0.001)

    assert [step for step in told.steps if not step[2]][-1] == ("train", 5, False)
    assert calls.choice == "train"


def test_the_step_function_that_is_asked_for_is_the_step(functions) -> None:
    """`--step-function` overrules what takes the time; one that is never called is said, with what was."""
    helper, train = functions
    told = Told()
    calls, other = StepCalls(told, skip_steps=0, wanted="helper"), StepCalls(Told(), skip_steps=0, wanted="trains")
    for each in (calls, other):
        called(each, train, 0.002)
        called(each, helper)

    assert [step for step in told.steps if not step[2]] == [("helper", 0, False)]
    assert calls.said() == []
    assert [(each.code, each.hint) for each in other.said()] == [("no-steps", "did you mean 'train'?")]


def test_calls_of_another_thread_are_no_steps(functions) -> None:
    """Of two threads that call one function the steps are those of the one that takes more time."""
    _, train = functions
    told = Told()
    calls = StepCalls(told, skip_steps=0)
    for _ in range(3):
        called(calls, train, 0.05)
    other = threading.Thread(target=lambda: [called(calls, train) for _ in range(2)])
    other.start()
    other.join()
    called(calls, train, 0.05)

    assert told.steps == [("train", number, False) for number in range(4)]


def test_steps_that_a_program_marks_go_before_calls(functions) -> None:
    """Where `tracer.step()` was used, calls of functions are no steps."""
    _, train = functions
    told = Told()
    calls = StepCalls(told, skip_steps=0)
    calls.marked()
    called(calls, train)

    assert told.steps == []
