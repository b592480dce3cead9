"""Every command has its verb in Python, its help with an example, and its place in the documents."""

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import tracer
from tests.helpers import graph, run, trace
from tests.profiles import host, profile
from tests.timed import EVENTS, timed
from tracer.cli import main
from tracer.errors import Unreadable
from tracer.graph.lines import Frame
from tracer.profile.model import Allocation, Profile
from tracer.recorded import Argument, Key, Part, Run, Warned, Window
from tracer.report.diff import DiffReport

ROOT = Path(__file__).parents[2]
OF_ALL_LISTS = {"returned", "total", "truncated", "items"}
COUNTED = {"ops", "put_aside", "severities", "missing"}  # objects whose keys are what was counted, and no contract
ONLY_TYPED = {
    "as_json",
    "no_wait",
    "fail_on_change",
    "max_retraces",
    "output",
}  # options about what to print, and the exit code


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
def test_a_command_is_in_the_readme_and_in_the_page_on_json(name: str) -> None:
    """The README's table of commands has a row for it, docs/json.md a section."""
    assert f"| `trace-scenario {name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\n## `{name}`\n" in (ROOT / "docs/json.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["show", "ops", "lines", "stacks", "diff", "lint", "retraces"])
def test_every_key_that_a_report_has_is_in_the_page_on_json(name: str) -> None:
    """Who reads the section on a command in docs/json.md has read of each key that its object may have."""
    sections = [name]
    for each in sections:  # what several have, such as warnings and windows, is told once
        sections += [other for other in re.findall(r"as for `(\w+)`", _section(each)) if other not in sections]
    section = "".join(map(_section, sections))
    report = _report(name)
    documented = set(re.findall(r"`([^`]+?)(?:\[\])?`", section))

    assert {key for key, _ in _keys(report)} - documented == set()
    assert [key for key, value in _keys(report) if isinstance(value, dict) and value.get("items") == []] == []


def test_every_code_of_a_warning_is_in_the_page_on_json() -> None:
    """Who filters warnings by their code finds all of them in one page."""
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tracer").rglob("*.py")))
    codes = set(re.findall(r'Warned\(\s*"([a-z-]+)"', sources))
    page = (ROOT / "docs/json.md").read_text(encoding="utf-8")

    assert "no-function" in codes
    assert codes - set(re.findall(r"`([a-z-]+)`", page)) == set()


def _section(name: str) -> str:
    page = (ROOT / "docs/json.md").read_text(encoding="utf-8")
    return page.partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]


def _report(name: str) -> dict[str, Any]:
    """Returns a report of a small run in which every list has something."""
    from tracer.render import json as to_json
    from tracer.report.lint import lint_report
    from tracer.report.retraces import retraces_report
    from tracer.report.show import show_report

    if name == "show":
        return to_json.show(show_report(_run("x:Placeholder  net/p:EagerPyFunc=float64[2]<-x")))
    if name in ("ops", "lines", "stacks"):
        return _timed_report(name)
    if name == "retraces":
        return to_json.retraces(retraces_report(_retraced_run()))
    if name == "lint":
        return to_json.lint(lint_report(_run("x:Placeholder  net/p:EagerPyFunc=float64[2]<-x")))
    return to_json.diff(_diff_report())


def _retraced_run() -> Run:
    site = Frame("train.py", 9, "main")
    types = ("float32[2]", "float32[?]", "float64[?]")
    keys = [Key((Part("x", kind),), at_s=1.0, reduce_retracing=True) for kind in types]
    return run(
        *(trace(index=at, object=1, cause="traced again", call_site=site, key=key) for at, key in enumerate(keys)),
        warnings=(Warned("damaged", "a trace is cut off", "record the run again"),),
    )


def _diff_report() -> DiffReport:
    from tracer.report.conditions import parse_condition
    from tracer.report.diff import diff_report
    from tracer.timing.samples import read_samples

    called = "EagerLocalExecute: __inference_step_0 0-900  FunctionRun{id=7} 1-2"
    worker = "worker  ExecutorState::Process{id=7} 5-800  x:Neg 10-90"
    stepped = profile(host(f"main  step{{step_num=0,_r=1}} 0-900  {called}", worker))
    block = Allocation(20, 1024, 1, "mklcpu", 2048, "x", 0, 1, 0, "", "node")
    opened = dataclasses.replace(stepped, allocations=(block,))
    before, after = (
        dataclasses.replace(each, profiles=("vm.xplane.pb",), _open_profile=lambda _: opened)
        for each in (_run("x:Neg=float32[2]"), _run("x:Neg=float32[3]", path="b", size="2"))
    )
    sampled = read_samples(before), read_samples(after)
    return diff_report(before, after, sampled=sampled, conditions=[parse_condition("time>5%")])


def _timed_report(name: str) -> dict[str, Any]:
    from tracer.render import json as to_json
    from tracer.report.lines import lines_report
    from tracer.report.ops import ops_report
    from tracer.report.stacks import stacks_report
    from tracer.timing.timing import read_timing

    def opened(path: str) -> Profile:
        if path == "cut off":
            raise Unreadable("the profile is cut off", hint="record it again")
        block = "MemoryAllocation{allocator_name=cpu,allocation_bytes=512,bytes_allocated=512,tf_op=net/mul,id=7} 25-25"
        eager = "EagerLocalExecute: Neg 1100-1150  KernelAndDeviceFunc::Run 1110-1140"
        return profile(host(f"{EVENTS}  {block}  {eager}"))

    timing = read_timing(dataclasses.replace(timed(), profiles=("whole", "cut off"), _open_profile=opened))
    if name == "ops":
        return to_json.ops(ops_report(timing))
    return to_json.lines(lines_report(timing)) if name == "lines" else to_json.stacks(stacks_report(timing))


def _run(nodes: str, path: str = "a", size: str = "1") -> Run:
    return run(
        trace(graphs={"traced": graph(nodes)}, stages={"hlo": "not compiled"}, arguments=(Argument("x", "float32"),)),
        trace("loss", 1, graphs={"traced": None}, _read=_cut_off),
        path=path,
        parameters={"size": size},
        window=Window(5, 1, 500),
    )


def _cut_off(_: str, __: str) -> None:
    raise Unreadable("graph.pb is cut off", hint="record it again")


def _keys(value: Any) -> Iterator[tuple[str, Any]]:
    """Yields each key below a value that is part of the contract, with what it holds."""
    if isinstance(value, list):
        for item in value:
            yield from _keys(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in OF_ALL_LISTS:
                yield key, inner
            if key not in COUNTED:
                yield from _keys(inner)
