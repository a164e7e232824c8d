"""All widgets on one page: in a light and a dark theme, projected, by keyboard alone, and for assistive technology."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import missing
from tests.browser.jupyter import BUILD, DARK, LIGHT, ROOT
from tests.browser.notebook import Notebook
from tests.browser.widget import Widget

CELLS = [
    """\
import labkit
from labkit import flowlogs

lab = labkit.connect()
lab.catch_up("05")
_ = lab.shell("instance-1", "ping -c 3 10.2.0.126")
lab.wait_for_flow_logs()""",
    'lab.map(lab.trace("instance-1", "instance-2"))',
    'lab.widgets.packet_lab("instance-1", "instance-2")',
    'lab.widgets.route_editor("route-table-1")',
    'lab.widgets.rule_editor("allow-icmp-1")',
    'lab.widgets.acl_editor("subnet-1")',
    'lab.widgets.replay("instance-1", "instance-2")',
    "lab.widgets.flow_explorer(flowlogs.read(lab.records()))",
    'lab.widgets.insights("stats count(*) as n by action")',
    "lab.widgets.record_decoder(lab.records()[0])",
    'lab.quiz("03")',
    "lab.check()",
    'lab.exercise("3.2")',
]
NAMES = (
    "packet-lab", "route-editor", "rule-editor", "acl-editor", "replay", "flow-explorer", "insights",
    "record-decoder", "quiz",
)  # fmt: skip

#: ipywidgets draws these itself and gives them no name that can be set from Python. Beside each are controls that have
#: a name and do the same: the fields From and until, the buttons Previous and Next.
#: https://ipywidgets.readthedocs.io/en/stable/examples/Widget%20List.html
UNNAMED = (".noUi-handle", ".widget-play button")

_SCAN = """async ([names, except]) => {
    const found = await axe.run(
        {include: names.map(name => ['.jp-Notebook .labkit-' + name]), exclude: except.map(each => [each])},
        {resultTypes: ['violations']});
    return found.violations.filter(each => ['serious', 'critical'].includes(each.impact)).map(each =>
        [each.id, each.help, ...each.nodes.map(node => node.target.join(' '))]);
}"""

#: How an element looks at its edges, where browsers and style sheets show the focus.
_EDGES = """element => {
    const look = getComputedStyle(element);
    return [look.outlineStyle, look.outlineColor, look.boxShadow, look.borderColor].join();
}"""


@pytest.fixture(scope="module")
def notebook(opened_once: Callable[..., Notebook]) -> Notebook:
    opened = opened_once("all-widgets", CELLS)
    opened.run_all()
    return opened


@pytest.fixture(scope="module")
def axe() -> Path:
    """The path of axe-core: what LABKIT_AXE says, or where npm has put it."""
    said = os.environ.get("LABKIT_AXE")
    found = Path(said) if said else ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
    if not found.is_file():
        missing("axe-core is not here: npm install --prefix build/axe axe-core@4.14.1 brings it")
    return found


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_everything_is_there_in_both_themes(notebook: Notebook, theme: str) -> None:
    notebook.theme(theme)
    notebook.screenshot(BUILD / f"all-widgets-{theme.split()[-1].lower()}.png")
    for name in NAMES:
        assert notebook.page.locator(f".jp-Notebook .labkit-{name}").count() == 1, name
    assert notebook.failed_cells() == []


#: What scrolls in a widget though it is no table, code or list that may; a bar needs a pixel or two to be seen.
_BARS = """name => [...document.querySelectorAll(
    `.jp-OutputArea-output:has(.labkit-${name}), .labkit-${name}, .labkit-${name} *`)].filter(each => {
    const look = getComputedStyle(each);
    const over = (has, room, flow) => has > room + 1 && ['auto', 'scroll'].includes(flow);
    return each.clientWidth && !each.matches('.labkit-wide, select')
        && (over(each.scrollWidth, each.clientWidth, look.overflowX)
            || over(each.scrollHeight, each.clientHeight, look.overflowY));
}).map(each => `${each.tagName} ${each.className}`)"""


@pytest.mark.parametrize("wide", [1366, 1024])
def test_on_a_laptop_no_widget_has_a_stray_scroll_bar(notebook: Notebook, wide: int) -> None:
    with notebook.window(wide, 768):
        assert {name: bars for name in NAMES if (bars := notebook.page.evaluate(_BARS, name))} == {}


#: Text that is cut off: what is beyond its element is hidden, or its column is wider than the widget.
_CUT = """name => {
    const cut = [], root = document.querySelector(`.jp-Notebook .labkit-${name}`);
    const hides = each => getComputedStyle(each).overflowX === 'hidden';
    for (const each of [root, ...root.querySelectorAll('*')])
        if (each.clientWidth && hides(each) && each.scrollWidth > each.clientWidth + 1 && each.textContent.trim())
            cut.push(`${each.tagName} ${each.className}: ${each.textContent.trim().slice(0, 60)}`);
    const right = root.getBoundingClientRect().right + 1;
    for (const each of root.querySelectorAll('.widget-html-content'))
        if (each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > right)
            cut.push(`wider than its column: ${each.textContent.trim().slice(0, 60)}`);
    return cut;
}"""


@pytest.mark.parametrize("wide", [1366, 1024])
def test_on_a_laptop_no_widget_cuts_off_its_text(notebook: Notebook, wide: int) -> None:
    lab = Widget(notebook, "packet-lab")
    with notebook.window(wide, 768):
        lab.choose("To", "another address")
        lab.type("To, address", "10.9.9.9")
        lab.wait_for("IGW_DESTINATION")
        found = {name: cut for name in NAMES if (cut := notebook.page.evaluate(_CUT, name))}
    lab.choose("To", "instance-2 · 10.2")
    lab.wait_for('lab.trace("instance-1", "instance-2")')
    assert found == {}


@pytest.mark.parametrize("wide", [1366, 1024])
def test_on_a_laptop_the_map_and_its_steps_are_in_view_together(notebook: Notebook, wide: int) -> None:
    lab = Widget(notebook, "packet-lab")
    with notebook.window(wide, 768):
        lab.control("From").evaluate("element => element.scrollIntoView({block: 'start'})")
        bottom = notebook.page.locator(".jp-NotebookPanel").bounding_box()
        first, steps = lab.root.locator("svg").bounding_box(), lab.control("Steps").bounding_box()
        assert bottom and first and steps
        end = bottom["y"] + bottom["height"]
        assert first["y"] + first["height"] <= end
        row = 18  # pixels
        assert steps["y"] + 4 * row <= end, "four steps, at least"


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_axe_finds_nothing_serious(notebook: Notebook, axe: Path, theme: str) -> None:
    notebook.theme(theme)
    if not notebook.page.evaluate("() => 'axe' in window"):
        notebook.page.add_script_tag(path=axe)
    found: list[Any] = notebook.page.evaluate(_SCAN, [NAMES, UNNAMED])
    assert found == []


def test_the_packet_lab_can_be_used_without_a_mouse(notebook: Notebook) -> None:
    lab = Widget(notebook, "packet-lab")
    page = notebook.page
    page.locator(".jp-Notebook .jp-Cell").nth(2).locator(".cm-content").click()
    page.keyboard.press("Escape")
    _tab_to(lab, "Protocol")
    with lab.answering("TCP 10.1.15.80"):
        page.keyboard.press("t")
    _tab_to(lab, "Port")
    page.keyboard.press("Control+A")
    page.keyboard.type("22")
    with lab.answering('"tcp", 22'):
        page.keyboard.press("Enter")
    assert "The packet never arrives." in lab.answer
    _tab_to(lab, "Steps")
    with lab.answering("Sends: TCP"):
        page.keyboard.press("1")
    assert notebook.page.locator(".jp-Notebook .jp-Cell").count() == len(CELLS), "no key went to JupyterLab instead"


def _tab_to(widget: Widget, label: str) -> None:
    """Press Tab until a control has the focus, which must then be visible."""
    control = widget.control(label)
    before = control.evaluate(_EDGES)
    for _ in range(30):
        widget.page.keyboard.press("Tab")
        if control.evaluate("element => element === document.activeElement"):
            assert control.evaluate(_EDGES) != before, f"nothing shows that {label} has the focus"
            return
    raise AssertionError(f"Tab does not lead to {label}")


def test_it_can_be_projected(opened: Callable[..., Notebook]) -> None:
    """In JupyterLab's presentation mode, with its own texts as large."""
    notebook = opened("projected", CELLS[:1] + CELLS[2:4], ui_font_size1="18px", content_font_size1="20px")
    notebook.command("application:toggle-presentation-mode")
    notebook.run_all()
    notebook.screenshot(BUILD / "projected.png")
    lab = Widget(notebook, "packet-lab")
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    assert lab.root.locator(".labkit-answer p").first.evaluate(size) >= 17
    assert lab.control("Protocol").evaluate(size) >= 17
    width = lab.root.evaluate("element => element.scrollWidth - element.clientWidth")
    assert width <= 0, "nothing may be cut off at the right"
