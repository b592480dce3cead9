"""Profiles that other tools left: files by themselves, and in log folders of TensorBoard's."""

import os
import sys

import pytest
from click.testing import CliRunner

from tests.profiles import host, space
from tests.timed import CALLED, EXECUTED
from tests.unit.test_foreign_events import functions, tag, write
from tracer import api
from tracer.cli import main
from tracer.errors import NotFound, Unreadable
from tracer.store.open import open_run

CONTENT = space(host(f"worker  step{{step_num=1,_r=1}} 5-500  {CALLED}{EXECUTED}"), hosts=("vm",))


def put(path, content=CONTENT):
    """Makes a profile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def session(folder, name="2026_11_23_02_15_30", file="vm.xplane.pb", content=CONTENT):
    """Makes a profile where TensorBoard looks for it."""
    return put(folder / "plugins/profile" / name / file, content)


def graphs(folder):
    """Makes an event file with a graph that has one of the nodes."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "events.out.tfevents.1", tag("f", "graph_run_metadata", functions(("net/mul:Mul x:Mul", ""))))


def executed(path):
    """Returns the nodes that `ops` lists: path, op, calls, self time, and the function that has it."""
    return [
        (row.node.time.path, row.node.op, row.sums.calls, row.sums.self_ns, row.node.function)
        for row in api.ops(str(path)).ops.items
    ]


def test_a_profile_alone_lists_what_was_executed_by_name(tmp_path):
    """Without graphs a node has its executed path and its op, and the coverage says that none was found."""
    report = api.ops(str(put(tmp_path / "my.xplane.pb")))

    assert executed(tmp_path / "my.xplane.pb") == [
        ("net/mul", "Mul", 2, 40, ""),
        ("gradient_tape/net/mul/Mul", "Mul", 2, 10, ""),
        ("elsewhere", "Mul", 1, 7, ""),
    ]
    assert (report.timing.coverage_nodes, report.timing.coverage_time, report.self_ns) == (0, 0, 57)
    assert report.unattributed == ()


def test_instructions_of_xla_are_told_by_their_program(tmp_path):
    """Two programs have instructions of one name: each stands below its own."""
    thunks = "  ".join(f"add{{hlo_op=add,hlo_module={name}}} {at}-{at + 5}" for name, at in (("f.1", 10), ("g.2", 20)))
    put(tmp_path / "my.xplane.pb", space(host(f"worker  {thunks}")))

    assert executed(tmp_path / "my.xplane.pb") == [("f.1/add", "add", 1, 5, ""), ("g.2/add", "add", 1, 5, "")]


def test_show_says_what_is_in_a_profile(tmp_path):
    """Its host, how many executions it has on how many threads, and the steps that the program marked."""
    run = api.show(str(put(tmp_path / "my.xplane.pb"))).run

    assert (run.name, run.scenario) == ("my.xplane.pb", "profile of vm: 5 executions on 1 thread")
    assert (run.window.steps, run.window.warmup, run.window.wall_ns) == (1, 0, 495)
    assert not run.is_ours


def test_a_profile_without_steps_has_no_window(tmp_path):
    """What the program did not mark is not made up."""
    run = open_run(str(put(tmp_path / "my.xplane.pb", space(host(f"worker  {CALLED}{EXECUTED}")))), tmp_path)

    assert run.window is None


def test_a_log_folder_has_its_graphs_and_its_profile(tmp_path):
    """Nodes are found by their names in the graphs of the event files; the others stand by themselves."""
    graphs(tmp_path / "tb/train")
    session(tmp_path / "tb")

    assert open_run(str(tmp_path / "tb"), tmp_path).scenario == "TensorBoard logs with 1 profile"
    assert executed(tmp_path / "tb") == [
        ("net/mul", "Mul", 2, 40, "train/f"),
        ("gradient_tape/net/mul/Mul", "Mul", 2, 10, ""),
        ("elsewhere", "Mul", 1, 7, ""),
    ]
    assert api.ops(str(tmp_path / "tb")).timing.coverage_nodes == 0.4


@pytest.mark.parametrize("named", ["", "plugins", "plugins/profile", "plugins/profile/2026_11_23_02_15_30"])
def test_a_log_folder_with_a_profile_only_is_a_run(tmp_path, named):
    """So is each folder on the way to the profile."""
    session(tmp_path / "tb")

    assert len(executed(tmp_path / "tb" / named)) == 3


def test_event_files_without_a_graph_do_not_hide_the_profile(tmp_path):
    """Keras writes no graph for a model of one's own: what it could not tell is a warning."""
    (tmp_path / "tb").mkdir()
    write(tmp_path / "tb/events.out.tfevents.1")
    session(tmp_path / "tb")
    run = open_run(str(tmp_path / "tb"), tmp_path)

    assert [warned.code for warned in run.warnings] == ["no-graph"]
    assert len(executed(tmp_path / "tb")) == 3


def test_of_several_sessions_the_newest_is_read(tmp_path):
    """All hosts of it; that there are others is a warning that names them."""
    for name in ("2026_11_23_02_15_30", "2026_11_24_00_00_00"):
        for file in ("one.xplane.pb", "two.xplane.pb"):
            session(tmp_path / "tb", name, file)
    run = open_run(str(tmp_path / "tb"), tmp_path)

    newest = tmp_path / "tb/plugins/profile/2026_11_24_00_00_00"
    assert run.profiles == (str(newest / "one.xplane.pb"), str(newest / "two.xplane.pb"))
    [warned] = run.warnings
    assert (warned.code, warned.message) == ("older-profiles", "1 older profiling session left out")
    assert warned.hint == f"name one of them: {tmp_path / 'tb/plugins/profile/2026_11_23_02_15_30'}"


@pytest.mark.parametrize("with_graphs", [True, False])
def test_profiles_of_several_programs_are_not_mixed(tmp_path, with_graphs):
    """A folder over several log folders leaves open whose graphs a profile is of: one has to be named."""
    for name in ("a", "b"):
        session(tmp_path / "tb" / name)
        if with_graphs:
            graphs(tmp_path / "tb" / name)

    with pytest.raises(NotFound if with_graphs else Unreadable) as caught:
        api.ops(str(tmp_path / "tb"))
    assert caught.value.message.endswith("tb has profiles in 2 folders")
    assert caught.value.hint == f"name one of them: {tmp_path / 'tb/a'}, {tmp_path / 'tb/b'}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", " is empty"),
        (CONTENT[:100], " cannot be read: "),
        (b"node { name: 'a' }\n" * 20, " cannot be read: no field starts at byte "),
        (b"\x0a\x03\x12\x01x", " holds no plane of a profiler"),
    ],
    ids=["empty", "cut off", "a text", "another message"],
)
@pytest.mark.parametrize("folder", [False, True])
def test_what_is_no_profile_says_so(tmp_path, content, problem, folder):
    """A file by that name with anything else in it is refused, in a log folder too."""
    file = session(tmp_path / "tb", content=content)
    for verb in (api.ops, api.show):
        with pytest.raises(Unreadable) as caught:
            verb(str(tmp_path / "tb" if folder else file))
        assert caught.value.message.startswith(f"{file}")
        assert problem in caught.value.message
        assert caught.value.hint


def test_the_hosts_that_can_be_read_are_shown(tmp_path):
    """One damaged file of two is a warning."""
    session(tmp_path / "tb")
    session(tmp_path / "tb", file="worse.xplane.pb", content=b"")
    report = api.ops(str(tmp_path / "tb"))

    assert report.self_ns == 57
    assert [warned.message for warned in report.timing.damaged] == [
        f"{tmp_path / 'tb/plugins/profile/2026_11_23_02_15_30/worse.xplane.pb'} is empty"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    """What is no file may never end: it is refused unread."""
    os.mkfifo(tmp_path / "pipe.xplane.pb")

    with pytest.raises(Unreadable, match="is no file"):
        open_run(str(tmp_path / "pipe.xplane.pb"), tmp_path)


def test_a_profile_alone_can_be_exported(tmp_path):
    """Stacks are not known, times are; a graph is not there to export."""
    file = put(tmp_path / "my.xplane.pb")

    assert api.export(str(file), format="folded") == "(no line of yours);Mul 57\n"
    with pytest.raises(NotFound, match="has no function"):
        api.export(str(file), format="csv")


def test_who_looks_at_a_profile_alone_is_led_to_its_nodes(tmp_path):
    """`show` has no graph to show: the next command is `ops`."""
    file = str(put(tmp_path / "my.xplane.pb"))
    page = CliRunner().invoke(main, ["show", file]).output

    assert page.startswith("my.xplane.pb  profile of vm: 5 executions on 1 thread\n")
    assert page.endswith(f"next: trace-scenario ops {file}\n")
