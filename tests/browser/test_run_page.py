"""The page of a run in Chromium: what is seen of it, on light and on dark, in narrow and in wide cells, and offline."""

import re

import pytest

from tests.timed import timed
from tracer.recorded import Warned
from tracer.render.html import FORMATS
from tracer.render.html.page import fragment
from tracer.report.overview import overview

# What JupyterLab says of all HTML in cells (rendermime/style/base.css), as far as it is in our way.
JUPYTER = """
.jp-RenderedHTMLCommon{font-size:14px;line-height:1.7}
.jp-RenderedHTMLCommon table{border-collapse:collapse;font-size:12px;table-layout:fixed;margin:0 auto 1em}
.jp-RenderedHTMLCommon td,.jp-RenderedHTMLCommon th{text-align:right;padding:.5em;white-space:normal}
.jp-RenderedHTMLCommon tbody tr:nth-child(odd){background:rgb(1,2,3)}
.jp-RenderedHTMLCommon code{background:rgb(1,2,3)}
"""
PAPERS = {"light": ("rgb(0, 0, 0)", "rgb(255, 255, 255)"), "dark": ("rgb(255, 255, 255)", "rgb(17, 17, 17)")}


@pytest.fixture(scope="module")
def cell():
    """Returns a run's piece of HTML, with names that are longer than any cell is wide."""
    warned = Warned("long", "x" * 300, "a hint")
    return fragment(overview(timed(warnings=(warned,), parameters={"name": "y" * 300}, error="e" * 300)))


def opened(page, cell, *, width, paper):
    """Shows the piece of HTML in a cell of a notebook."""
    ink, ground = PAPERS[paper]
    page.set_viewport_size({"width": width, "height": 800})
    body = f"<div class='jp-RenderedHTMLCommon' style='color:{ink};background:{ground}'>{cell}</div>"
    page.set_content(f"<!DOCTYPE html><style>{JUPYTER}</style>{body}")
    return page


@pytest.mark.parametrize("width", [1400, 420])
@pytest.mark.parametrize("paper", PAPERS)
def test_a_cell_is_as_wide_as_its_room_and_takes_its_colours(page, cell, width, paper):
    """Nothing hangs out of it, tables look as ours, and text has the notebook's colour."""
    opened(page, cell, width=width, paper=paper)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert style(page, ".trace-scenario td", "textAlign") == "left"
    assert style(page, ".trace-scenario tr", "backgroundColor") == "rgba(0, 0, 0, 0)"
    assert style(page, ".trace-scenario code", "backgroundColor") == "rgba(0, 0, 0, 0)"
    for selector in ("svg text", ".trace-scenario td", ".trace-scenario code"):
        assert style(page, selector, "fill" if "svg" in selector else "color") == PAPERS[paper][0]


@pytest.mark.parametrize("width", [1400, 420])
def test_boxes_are_as_wide_as_their_time(page, cell, width):
    """Measured in the browser: 80 and 20 % of the whole, side by side below it, and letters of one size."""
    opened(page, cell, width=width, paper="light")
    boxes = page.evaluate(
        "[...document.querySelectorAll('svg svg')].map(e => e.querySelector('rect').getBoundingClientRect().toJSON())"
    )
    whole, net, gradient = boxes

    assert net["width"] / whole["width"] == pytest.approx(0.8, abs=0.01)
    assert gradient["width"] / whole["width"] == pytest.approx(0.2, abs=0.01)
    assert (whole["x"], net["y"]) == (net["x"], gradient["y"])
    assert gradient["x"] == pytest.approx(net["x"] + net["width"], abs=1)
    assert {round(height) for height in page.evaluate(
        "[...document.querySelectorAll('svg text')].map(e => e.getBoundingClientRect().height)"
    )} == {round(page.evaluate("document.querySelector('svg text').getBoundingClientRect().height"))}  # fmt: skip


def test_the_scopes_and_the_ops_open(page, cell):
    """They are folded, and a click shows them, without a script."""
    opened(page, cell, width=1400, paper="light")
    row = page.locator("details td", has_text="gradient_tape/net/mul").first

    assert not row.is_visible()
    page.get_by_text("scopes", exact=True).click()
    assert row.is_visible()


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_works_offline(page, tmp_path, name):
    """It asks for nothing besides itself, has no script, and its text is there."""
    file = tmp_path / f"run{FORMATS[name].suffix}"
    file.write_text(FORMATS[name].render(overview(timed())), encoding="utf-8")
    asked, wrong = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: wrong.append(message.text))
    page.goto(file.as_uri())

    assert asked == [file.as_uri()]
    assert wrong == []
    assert page.evaluate("document.querySelectorAll('script').length") == 0
    assert (
        page.evaluate("[...document.querySelectorAll('svg text')].map(e => e.textContent)")[1]
        == "net40 ns · float32[2]"
    )


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_file_follows_the_readers_scheme(page, tmp_path, name, scheme):
    """Its text is dark on light, and light on dark."""
    file = tmp_path / f"run{FORMATS[name].suffix}"
    file.write_text(FORMATS[name].render(overview(timed())), encoding="utf-8")
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    fill = page.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
    brightness = sum(map(int, re.findall(r"\d+", fill)[:3])) / 3

    assert brightness < 60 if scheme == "light" else brightness > 200


def style(page, selector, name):
    """Returns a computed style of the first element."""
    return page.evaluate(f"getComputedStyle(document.querySelector({selector!r})).{name}")
