import gzip
import json
import re
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow.core.framework.graph_pb2 import GraphDef

from tracer.store.load import load_run
from tracer.tensorboard import HOST, board_on

BOXES = "g.node > g.nodeshape > rect"
HOTTEST = "rgb(251, 106, 74)"  # the end of the page's scale, which runs from almost white to this red
WAIT_MS = 60_000  # TensorBoard's page is 20 MB of script, and the profile plugin reads its files when it is opened


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Returns what records a scenario by the command, and returns the run's folder."""
    logdir = tmp_path_factory.mktemp("logs")

    def record(scenario):
        command = [Path(sys.executable).parent / "trace-scenario", "run", scenario, "--json", "--logdir", logdir]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return Path(json.loads(done.stdout)["run"])

    return record


@pytest.fixture(scope="module")
def run(record):
    """Returns the folder of a run of `demo_module`."""
    return record("demo_module")


@pytest.fixture(scope="module")
def name(run):
    """Returns the run's name, `demo_module/<stamp>`."""
    return f"{run.parent.name}/{run.name}"


@pytest.fixture(scope="module")
def board(run, name):
    """Starts TensorBoard on the run, and ends it after the file's last test."""
    with board_on({name: run}) as board:
        yield board


def test_the_graphs_dashboard_opens_on_the_modules_box(page, board, name):
    """The link to a run shows its function's graph without a click, and a double click opens the module's box."""
    page.goto(board.link(name), wait_until="domcontentloaded")
    box = page.locator('g.node[data-name="demo_module"]')
    box.wait_for(timeout=WAIT_MS)

    assert page.locator('g.node[data-name="demo_module/AssignAddVariableOp"]').count() == 0

    box.dblclick()
    page.locator('g.node[data-name="demo_module/AssignAddVariableOp"]').wait_for(timeout=WAIT_MS)


def test_the_profile_tab_lists_the_run(page, board, name):
    """The Profile tab offers the run by its name."""
    page.goto(board.link(name, dashboard="profile"), wait_until="domcontentloaded")

    page.frame_locator("iframe").get_by_text(name).first.wait_for(timeout=WAIT_MS)


def test_the_link_to_a_profile_opens_that_runs(page, run, name):
    """Of two runs the Profile tab opens the one that the link names, be it the first or the last."""
    names = [f"a/{name}", f"b/{name}"]
    with board_on(dict.fromkeys(names, run)) as board:
        for number, each in enumerate(names, 1):
            page.goto(board.link(each, dashboard="profile"), wait_until="domcontentloaded")
            chosen = page.frame_locator("iframe").locator("mat-select").first
            chosen.filter(has_text=f"{number} {each}/").wait_for(timeout=WAIT_MS)


def test_the_profile_plugin_knows_the_runs_steps(board, run, name):
    """The session is listed with XProf's tools, and these see each step of the window."""
    [session] = profile(board, "runs")
    tools = profile(board, "run_tools", run=session)
    [host] = profile(board, "hosts", run=session, tag="overview_page")
    tables = profile(board, "data", run=session, tag="input_pipeline_analyzer", host=host["hostname"])
    steps = [row["c"][0]["v"] for table in tables for row in table["rows"] if table["cols"][0]["id"] == "stepnum"]

    assert session.startswith(f"{name}/")
    assert {"overview_page", "trace_viewer@", "framework_op_stats", "memory_profile"} <= set(tools)
    assert steps == [f"step {number}" for number in range(load_run(run).window.steps)]


def test_the_hottest_box_is_the_one_that_show_names_first(page, record):
    """Coloured by compute time, the scope with the most self time is the reddest, and the legend says how much it is.

    Colours by memory are there, too.
    """
    run = record("mobilenet_v2")
    hottest, scopes = shown_first(run), scopes_of(run)
    with board_on({"mobilenet_v2": run}) as board:
        page.goto(board.link("mobilenet_v2"), wait_until="domcontentloaded")
        node(page, "mobilenet_v2_1").wait_for(timeout=WAIT_MS)
        choose(page, "2 train")
        node(page, hottest).wait_for(timeout=WAIT_MS)
        assert radio(page, "Compute time").get_attribute("aria-disabled") == "true"

        radio(page, "Profile").click()
        page.locator('#compute-time-radio-button[aria-disabled="false"]').wait_for(timeout=WAIT_MS)
        radio(page, "Compute time").click()
        page.locator(f'{BOXES}[style*="{HOTTEST}"]').wait_for(timeout=WAIT_MS)

        colours = fills(page)
        assert [box for box, colour in colours.items() if colour == HOTTEST] == [hottest]
        assert len(set(colours.values())) > 2
        number, unit = page.locator(".domainEnd").first.inner_text().split()
        assert float(number) * {"ms": 1e6, "s": 1e9}[unit] == pytest.approx(scopes[hottest]["total_ns"], rel=0.01)

        radio(page, "Memory").click()
        most = max(
            (scope for scope in scopes if scope and "/" not in scope), key=lambda s: scopes[s]["allocated_bytes"]
        )
        page.locator(f'g.node[data-name="{most}"] > g.nodeshape > rect[style*="{HOTTEST}"]').wait_for(timeout=WAIT_MS)


def test_the_tag_holds_the_functions_graph_and_nothing_else(board, name):
    """TensorBoard serves one tag, its scope is the module's, each input is a node, and no op is the eager runtime's."""
    tags = fetch(board, "info")[name]["tags"]

    assert sorted(tags) == ["1 addprint", "1 addprint, optimized"]

    graph = text_format.Parse(fetch(board, "graph", run=name, tag="1 addprint"), GraphDef())
    names = {node.name for node in graph.node}
    inputs = {text.removeprefix("^").partition(":")[0] for node in graph.node for text in node.input}

    assert {scope for scope, slash, _ in (name.partition("/") for name in names) if slash} == {"demo_module"}
    assert "demo_module/AssignAddVariableOp" in names
    assert inputs - names == set()
    assert {node.op for node in graph.node if node.op.startswith("_")} == set()  # _EagerConst, _Arg, _Retval


def test_a_loops_body_stands_inside_the_modules_box(page, record):
    """Double clicks open the module's box, the loop's in it, and the loop's body in that; no function stands aside."""
    run = record("control_flow")
    with board_on({"control_flow": run}) as board:
        page.goto(board.link("control_flow"), wait_until="domcontentloaded")
        for box in ("newton", "newton/while", "newton/while/body"):
            expand(page, box)
        node(page, "newton/while/body/newton").wait_for(timeout=WAIT_MS)

        assert page.locator("g.function-library g.node").count() == 0
        assert page.locator('g.node[data-name*="__function_library__"]').count() == 0


def test_edges_show_their_shapes(page, record):
    """The edge into an op bears the shape of what flows along it."""
    with board_on({"nested_modules": record("nested_modules")}) as board:
        page.goto(board.link("nested_modules"), wait_until="domcontentloaded")
        expand(page, "pair")
        node(page, "pair/linear").wait_for(timeout=WAIT_MS)

        labels = page.locator("g.edge text").all_text_contents()
        assert any("\u00d7" in label for label in labels), labels


def test_the_optimised_graph_is_drawn_when_its_tag_is_chosen(page, board, name):
    """The second tag of a trace shows what Grappler left of it, in the same boxes."""
    page.goto(board.link(name), wait_until="domcontentloaded")
    node(page, "demo_module").wait_for(timeout=WAIT_MS)

    choose(page, "1 addprint, optimized")

    node(page, "identity_RetVal").wait_for(timeout=WAIT_MS)  # which only the optimised graph has
    expand(page, "demo_module")
    node(page, "demo_module/AssignAddVariableOp").wait_for(timeout=WAIT_MS)
    node(page, "demo_module/Identity").wait_for(timeout=WAIT_MS, state="detached")  # Grappler took it out


def test_a_sequential_models_layers_are_a_conceptual_graph(page, record):
    """The Keras tag of a run shows the layers of the model by their names."""
    with board_on({"keras": record("keras_sequential")}) as board:
        page.goto(board.link("keras"), wait_until="domcontentloaded")
        node(page, "sequential_1").wait_for(timeout=WAIT_MS)

        choose(page, "keras sequential")
        conceptual(page)

        expand(page, "sequential")
        for layer in ("input_layer", "dense_0", "dense_1", "dense_2"):
            node(page, f"sequential/{layer}").wait_for(timeout=WAIT_MS)


def test_a_subclassed_models_layers_are_a_conceptual_graph(page, tmp_path):
    """A model with a `call` of its own shows its layers too, nested ones in a box."""
    script = Path(__file__).parents[1] / "integration" / "subclassed.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=True)
    with board_on({"towers": Path(done.stdout.splitlines()[-1])}) as board:
        page.goto(board.link("towers"), wait_until="domcontentloaded")
        node(page, "towers_1").wait_for(timeout=WAIT_MS)  # the ops; Keras numbers the scopes of a second trace

        choose(page, "keras towers")
        conceptual(page)

        expand(page, "towers")
        for layer in ("dense", "dense_1", "last"):
            node(page, f"towers/{layer}").wait_for(timeout=WAIT_MS)
        expand(page, "towers/block")
        node(page, "towers/block/up").wait_for(timeout=WAIT_MS)


def test_the_run_named_first_opens_first(page, run, name):
    """Of several runs the one given first is drawn, though its name sorts last; the list keeps the order given."""
    with board_on({f"z/{name}": run, f"a/{name}": run}) as board:
        first, second = f"1 z/{name}", f"2 a/{name}"

        assert sorted(each for each in fetch(board, "info") if not each.endswith("/raw")) == [first, second]

        with page.expect_request(lambda request: "/graphs/graph?" in request.url, timeout=WAIT_MS) as asked:
            page.goto(board.link(f"z/{name}"), wait_until="domcontentloaded")

        query = urllib.parse.parse_qs(urllib.parse.urlsplit(asked.value.url).query)
        assert query["run"] == [first]
        page.locator('g.node[data-name="demo_module"]').wait_for(timeout=WAIT_MS)


def test_a_file_in_the_working_folder_does_not_stand_in_for_a_module(run, name, tmp_path, monkeypatch):
    """TensorBoard starts where a `tensorboard.py` and a `random.py` lie that raise."""
    for module in ("tensorboard.py", "random.py"):
        (tmp_path / module).write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)

    with board_on({name: run}) as board:
        assert name in fetch(board, "info")


def test_stop_leaves_nothing_behind(run, name):
    """After `stop` neither TensorBoard nor its data server runs, its port is closed, and its view is gone."""
    board = board_on({name: run})
    port = urllib.parse.urlsplit(board.url).port

    assert board.pid in alive_in_group(board.pid)

    board.stop()

    assert alive_in_group(board.pid) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=5)
    assert not Path(board.logdir).exists()


def node(page, name):
    """Returns the box of a node or scope."""
    return page.locator(f'g.node[data-name="{name}"]')


def expand(page, name):
    """Opens a box by a double click."""
    box = node(page, name)
    box.wait_for(timeout=WAIT_MS)
    box.locator("> g.nodeshape").dblclick()


def choose(page, tag):
    """Chooses a tag in the list at the left."""
    page.locator("tf-graph-controls paper-dropdown-menu").nth(1).click()
    page.locator("paper-item").filter(has_text=re.compile(rf"^\s*{re.escape(tag)}\s*$")).click()


def conceptual(page):
    """Chooses the conceptual graph."""
    radio(page, "Conceptual graph").click()


def radio(page, text):
    """Returns a choice among those at the left."""
    return page.locator("paper-radio-button", has_text=text)


def fills(page):
    """Returns the colour of each box that is drawn, by its name."""
    return dict(
        page.locator(BOXES).evaluate_all("all => all.map(e => [e.closest('g.node').dataset.name, e.style.fill])")
    )


def shown_first(run):
    """Returns the scope that `show` names first below the whole graph when it sorts by time."""
    text = show(run, "--sort", "self", "--depth", "1")
    return re.search(r"^[├└]─ (\S+)", text, re.MULTILINE)[1]


def scopes_of(run):
    """Returns what `show` says of each scope, by path."""
    return {scope["path"]: scope for scope in json.loads(show(run, "--json", "--top", "0"))["scopes"]["items"]}


def show(run, *options):
    """Returns what `show` prints of the function `train`."""
    command = [Path(sys.executable).parent / "trace-scenario", "show", run, "--function", "train", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def profile(board, what, **query):
    """Returns what TensorBoard's profile plugin answers."""
    address = f"{board.url}data/plugin/profile/{what}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        content = answer.read()
    return json.loads(gzip.decompress(content) if answer.headers["Content-Encoding"] == "gzip" else content)


def fetch(board, what, **query):
    """Returns what TensorBoard's graph plugin answers: `info` as JSON, a `graph` as the bytes of a GraphDef's text."""
    address = f"{board.url}data/plugin/graphs/{what}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(address, timeout=30) as answer:
        content = answer.read()
    return json.loads(content) if what == "info" else content


def alive_in_group(group):
    """Returns the processes of a group; not those that have ended and wait for init to collect them."""
    alive = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state, _, in_group, *_ = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended just now
            continue
        if int(in_group) == group and state != "Z":
            alive.append(int(process.name))
    return alive
