import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from tests.timed import recorded_step
from tests.unit.exports import HOSTILE, chain, small_trace
from tests.unit.profile_exports import launched, timed
from tracer.render.graph import render_view
from tracer.render.graph.csv import COLUMNS
from tracer.report.export import export_view
from tracer.timing.timing import read_timing


def test_the_table_of_a_small_graph():
    """A header, and a row for each node with its types, variables and line."""
    typed = '"{""T"": ""float32"", ""dtype"": ""float32""}"'
    assert render_view(export_view(small_trace()), "csv") == (
        "path,op,label,scope,device,inputs,outputs,variable,reads,source_file,source_line,source_function,"
        "functions,not_followed,outside,attributes,calls,self_ns,total_ns,allocated_bytes,phase,module\r\n"
        f'x,Placeholder,x,,,,"float32[8, ?]",,,,,,,,,{typed},,,,,,\r\n'
        f'f,PartitionedCall,f,f,,f/net/scores,"[8, 16]",,,,,,g,,,{typed},,,,,,\r\n'
        f'f/net/scores,MatMul,scores,f/net,,x,"float32[8, 16]",,variable mlp/w:0,train.py,12,call,,,,{typed},,,,,,\r\n'
    )


def test_nodes_that_were_executed_have_their_costs():
    """Calls, times and memory are numbers; of what was not executed they are empty."""
    view = export_view(recorded_step(), timing=read_timing(timed()))
    columns = ("path", "calls", "self_ns", "total_ns", "allocated_bytes", "phase", "module")

    assert [tuple(row[column] for column in columns) for row in _rows(view)] == [
        ("x", "", "", "", "", "", ""),
        ("net/mul", "2", "40", "40", "0", "forward", "net"),
        ("gradient_tape/net/mul/Mul", "2", "10", "10", "0", "backward", "net"),
    ]


def test_costs_on_several_devices_add_up():
    """A node that ran on the host and as a kernel has one row, with both."""
    [_, row, _] = _rows(export_view(recorded_step(), timing=read_timing(launched())))

    assert (row["calls"], row["self_ns"]) == ("2", "200")


def test_no_cell_is_a_formula():
    """A quote in front keeps spreadsheets from computing names, and stands in front of quotes too."""
    names = ["=1+1", "+1", "-1", "@x", "\t=1", "'x", "a=1"]

    assert [row["path"] for row in _rows(chain(names))] == ["'=1+1", "'+1", "'-1", "'@x", "'\t=1", "''x", "a=1"]


def test_what_utf_8_and_csv_cannot_hold_is_escaped():
    """NUL and half of a surrogate pair become visible escapes."""
    assert [row["path"] for row in _rows(chain(["a\0", "\udc80"]))] == ["a\\x00", "\\udc80"]


def test_hostile_names_are_one_row_each():
    """Line breaks, commas and quotes in names do not end a row or a cell."""
    assert [row["op"] for row in _rows(chain(HOSTILE))] == ["Zed"] * len(HOSTILE)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=8))
def test_any_names_come_back_as_they_were(names):
    """One leading quote taken away, each cell is what it was."""
    assert [row["path"].removeprefix("'") for row in _rows(chain(names))] == names


def _rows(view):
    """Reads what was written, as a file would be."""
    content = render_view(view, "csv").encode("utf-8").decode("utf-8")
    header, *rows = csv.reader(io.StringIO(content, newline=""))
    assert tuple(header) == COLUMNS
    return [dict(zip(header, row, strict=True)) for row in rows]
