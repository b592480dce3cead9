"""`export` as a command: what is written where, and what is refused."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.helpers import graph_def
from tests.unit.test_foreign_profiles import put, session
from tracer import api
from tracer.cli import main
from tracer.errors import NotFound, Unreadable, UsageError
from tracer.render.formats import NAMES, is_binary
from tracer.store.writer import RunWriter

ROOT = Path(__file__).parents[2]


@pytest.fixture
def profiled(tmp_path):
    """Returns the path of a profile."""
    return str(put(tmp_path / "my.xplane.pb"))


def ran(*arguments):
    """Returns what a command came to."""
    return CliRunner().invoke(main, ["export", *arguments])


def recorded(logdir, **profile):
    """Returns a run of ours with a graph and a profile."""
    run = RunWriter(logdir, "demo", {})
    run.add_trace("step", {}, {"traced": graph_def("net/mul:Mul  x:Mul").SerializeToString()})
    run.finish("complete")
    session(run.path, **profile)
    return str(run.path)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_is_in_the_help_and_in_the_page_on_exports(name):
    """Who looks for a format finds it, with its own section."""
    page = (ROOT / "docs/export.md").read_text(encoding="utf-8")

    assert name in ran("--help").output
    assert f"\n| `{name}` |" in page
    assert f"\n## `{name}`\n" in page


def test_a_binary_export_goes_to_a_file_or_a_pipe(profiled, tmp_path):
    """The bytes are those of the library's verb."""
    content = api.export(profiled, format="perfetto")
    file = str(tmp_path / "my.perfetto-trace")

    assert ran(profiled, "--format", "perfetto").stdout_bytes == content
    assert ran(profiled, "--format", "perfetto", "-o", file).output.startswith(f"{file}: perfetto, ")
    assert Path(file).read_bytes() == content
    told = json.loads(ran(profiled, "--format", "perfetto", "-o", file, "--json").output)
    assert told == {"format": "perfetto", "file": file, "bytes": len(content)}


def test_a_binary_export_is_not_for_terminals(profiled, monkeypatch):
    """Neither a screen nor a JSON object can hold it: the hint says to name a file."""
    refused = ran(profiled, "--format", "perfetto", "--json")
    assert refused.exit_code == 2
    assert "{" not in refused.output
    assert "hint: name a file: -o run.perfetto-trace" in refused.output

    from tracer.terminal import Output

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with pytest.raises(UsageError, match="'perfetto' is no text"):
        Output(as_json=False).check_export("perfetto", None)
    Output(as_json=False).check_export("folded", None)
    Output(as_json=False).check_export("perfetto", "file")


@pytest.mark.parametrize("name", [name for name in NAMES if not is_binary(name)])
def test_a_text_goes_to_stdout(tmp_path, name):
    """Each format of text can be piped into what opens it."""
    run = recorded(tmp_path)

    assert ran(run, "--format", name).stdout_bytes == api.export(run, format=name).encode()


@pytest.mark.parametrize("option", [["--scope", "net"], ["--raw"], ["--stage", "optimized"]], ids=" ".join)
def test_options_of_graphs_are_not_for_profiles(profiled, option):
    """An option that would do nothing is refused."""
    refused = ran(profiled, "--format", "folded", *option)

    assert refused.exit_code == 2
    assert "error: 'folded' is of a profile\nhint: --stage, --scope and --raw are for graphs" in refused.output


def test_a_wrong_format_is_told_the_next_best(profiled):
    """Formats of graphs and of profiles are looked through."""
    assert "hint: did you mean 'folded'?" in ran(profiled, "--format", "foldd").output
    assert f"hint: formats: {', '.join(NAMES)}" in ran(profiled, "--format", "x").output


def test_a_run_without_a_profile_has_none_to_export(tmp_path):
    """The error says so; its graph can be exported, without costs."""
    run = RunWriter(tmp_path, "demo", {})
    run.add_trace("step", {}, {"traced": graph_def("net/mul:Mul").SerializeToString()})
    run.finish("complete")

    with pytest.raises(NotFound, match="has no profile"):
        api.export(str(run.path), format="speedscope")
    assert json.loads(api.export(str(run.path)))["profile"] is None


def test_a_graph_is_exported_with_what_its_nodes_took(tmp_path):
    """Nodes of the trace that were executed have costs; `--no-costs` leaves the profile alone."""
    run = recorded(tmp_path)
    found = json.loads(api.export(run))

    assert [(node["path"], node["cost"] and node["cost"]["self_ns"]) for node in found["nodes"]] == [
        ("net/mul", 40),
        ("x", None),
    ]
    assert json.loads(api.export(run, costs=False))["profile"] is None


def test_a_damaged_profile_does_not_pass_for_none(tmp_path):
    """The error says how to export the graph all the same."""
    run = recorded(tmp_path, content=b"")

    with pytest.raises(Unreadable) as caught:
        api.export(run, format="csv")
    assert caught.value.message.endswith("vm.xplane.pb is empty")
    assert caught.value.hint == "--no-costs exports the graph without its profile"
    assert "net/mul" in api.export(run, format="csv", costs=False)
    assert "net/mul" in api.export(run, format="dot")
