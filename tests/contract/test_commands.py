"""Every command has its verb in Python, its help with an example, and its place in the documents."""

import inspect
from pathlib import Path

import click
import pytest

import tracer
from tracer.cli import main

ROOT = Path(__file__).parents[2]
ONLY_TYPED = {"as_json", "no_wait", "fail_on_change", "output"}  # options about what to print, and the exit code


@pytest.mark.parametrize("name", main.commands)
def test_a_command_is_a_function_with_the_same_parameters(name: str) -> None:
    """What can be typed can be called: `tracer.show(stage=...)` is `trace-scenario show --stage ...`."""
    verb = inspect.signature(getattr(tracer, name))
    typed = {parameter.name for parameter in main.commands[name].params}

    assert typed - set(verb.parameters) <= ONLY_TYPED
    assert set(verb.parameters) - typed <= {"progress"}


@pytest.mark.parametrize("name", main.commands)
def test_the_help_of_a_command_ends_with_an_example(name: str) -> None:
    """Who asks for help sees a line to copy."""
    command = main.commands[name]
    text = command.get_help(click.Context(command, info_name=f"trace-scenario {name}"))

    assert f"trace-scenario {name}" in text.partition("Example")[2].partition("Options:")[0]


@pytest.mark.parametrize("name", main.commands)
def test_a_command_is_in_the_readme_and_its_keys_in_the_page_on_json(name: str) -> None:
    """The README's table of commands has a row for it, docs/json.md a section."""
    assert f"| `trace-scenario {name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\n## `{name}`\n" in (ROOT / "docs/json.md").read_text(encoding="utf-8")
