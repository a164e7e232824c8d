"""The next day: the kernel is gone and the notebook is opened again. Each widget is there in its still form."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.browser.chapters import NO_WIDGET
from tests.browser.jupyter import Jupyter
from tests.browser.notebook import Notebook

LAB = """\
import labkit
from labkit import flowlogs

lab = labkit.connect()
lab.catch_up("05")
_ = lab.shell("instance-1", "ping -c 2 10.2.0.126")
lab.wait_for_flow_logs()"""

#: What makes each widget, and words of its still form that its living form does not have.
WIDGETS = {
    'lab.widgets.packet_lab("instance-1", "instance-2")': "instance instance-1",
    'lab.widgets.route_editor("route-table-1")': "  10.2.0.0/16",
    'lab.widgets.rule_editor("allow-icmp-2")': "inbound    all ICMP",
    'lab.widgets.acl_editor("subnet-2")': "inbound    rule 100",
    'lab.widgets.replay("instance-1", "instance-2")': "echo request",
    "lab.widgets.flow_explorer(flowlogs.read(lab.records()))": "srcaddr",
    'lab.widgets.insights("stats count(*) as n by action")': "ACCEPT",
    "lab.widgets.record_decoder(lab.records()[0])": "interface-id",
    'lab.quiz("03")': "a)",
}


def shown(notebook: Notebook) -> list[tuple[bool, bool]]:
    """Whether each widget is seen to live, and whether its still form is seen."""
    places = range(1, 1 + len(WIDGETS))
    cells = [notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(place) for place in places]
    return [
        (cell.locator(".labkit:visible").count() > 0, cell.locator(".labkit-still:visible").count() > 0)
        for cell in cells
    ]


def test_without_its_kernel_each_widget_is_a_still_form_and_a_closed_tab_ends_the_kernel(
    opened: Callable[..., Notebook], jupyter: Jupyter
) -> None:
    notebook = opened("next-day", [LAB, *WIDGETS])
    notebook.run_all()
    assert shown(notebook) == [(True, False)] * len(WIDGETS)
    notebook.save()

    notebook.restart()
    notebook.page.wait_for_selector(".labkit-still >> visible=true")
    assert shown(notebook) == [(False, True)] * len(WIDGETS)

    notebook.command("application:close")
    deadline = time.monotonic() + 30
    while jupyter.ask("GET", "api/kernels") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert jupyter.ask("GET", "api/kernels") == [], "a closed tab must end its kernel, which takes 0.4 GB"

    again = opened("next-day.ipynb")
    again.page.wait_for_selector(".labkit-still >> visible=true")
    assert shown(again) == [(False, True)] * len(WIDGETS)
    assert not [words for words in NO_WIDGET if words in again.text()]
    for place, words in enumerate(WIDGETS.values(), start=1):
        assert words in again.output(place), words
    assert "run the notebook's first cell, then this one" in again.output(1)
