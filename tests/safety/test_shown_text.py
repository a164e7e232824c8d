"""What a student names things, and what a command prints, is text in a page: never HTML, never a script.

EC2 takes any characters in a tag's value: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.errors import LabError
from tests.lab.conftest import Built, fresh_lab

SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "\"'><img src=x onerror=alert(2)>"
RECORD = "2 123456789012 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK"
LIVE = re.compile(r"<script>alert|<img src=x|onerror=alert\(2\)>(?!&)", re.IGNORECASE)


@pytest.fixture(scope="module")
def named() -> Any:
    """A lab whose parts bear such names."""
    with fresh_lab() as lab:
        built = Built(lab, "06")
        for id, name in ((built.instance_1, SCRIPT), (built.route_table_1, SCRIPT), (built.vpc_1, BREAKOUT)):
            built.ec2.create_tags(Resources=[id], Tags=[{"Key": "Name", "Value": name}])
        yield built


def page(output: dict[str, Any]) -> str:
    """The page that `labkit run` makes of a cell with this output."""
    from labkit.cli.run import _page

    cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.from_dict(output)])  # type: ignore[no-untyped-call]
    return _page(nbformat.v4.new_notebook(cells=[cell]), "t")  # type: ignore[no-untyped-call]


def displayed(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": metadata or {}}


def test_a_path(named: Built) -> None:
    path = named.lab.trace(named.instance_1, "10.2.0.126")
    html = path._repr_html_()
    assert "&lt;script&gt;alert(1)" in html and not LIVE.search(html)
    hops = [replace(hop, kind=SCRIPT, name=BREAKOUT, other=BREAKOUT) for hop in path.forward.hops]
    html = replace(path, forward=replace(path.forward, hops=tuple(hops)))._repr_html_()
    assert not LIVE.search(html)


def test_the_map_and_its_page(named: Built) -> None:
    data, metadata = named.lab.map()._repr_mimebundle_()
    assert SCRIPT in data["text/plain"]
    assert "text/html" not in data
    import base64

    data["image/png"] = base64.b64encode(data["image/png"]).decode()
    assert not LIVE.search(page(displayed(data, metadata)))


def test_a_table_of_records_or_answers(named: Built) -> None:
    from labkit.session.insights import table

    answer = table([[{"field": SCRIPT, "value": BREAKOUT}]])
    assert not LIVE.search(answer._repr_html_())


def test_what_a_command_prints(named: Built, capsys: pytest.CaptureFixture[str]) -> None:
    """Colors of a terminal are shown as colors; what else is in the text stays text."""
    output = named.lab.shell(
        "instance-2", f'echo "\x1b[31m{SCRIPT}\x1b[0m \x1b]8;;javascript:alert(3)\x07x {BREAKOUT[2:]}"'
    )
    shown = capsys.readouterr().out
    assert SCRIPT in output.stdout
    html = page({"output_type": "stream", "name": "stdout", "text": shown})
    assert not LIVE.search(html) and "&lt;script&gt;" in html
    assert not re.search(r"href=['\"]?javascript", html)


def test_an_error_that_names_what_a_student_typed(named: Built) -> None:
    with pytest.raises(LabError) as caught:
        named.lab.trace(SCRIPT, "x")
    error = {"output_type": "error", "ename": "LabError", "evalue": str(caught.value), "traceback": [str(caught.value)]}
    assert not LIVE.search(page(error))


def test_what_clean_up_says(named: Built, capsys: pytest.CaptureFixture[str]) -> None:
    named.lab.clean_up(dry_run=True)
    shown = capsys.readouterr().out
    assert SCRIPT in shown
    assert not LIVE.search(page({"output_type": "stream", "name": "stdout", "text": shown}))


def html_of(widget: Any) -> str:
    """All HTML that a widget shows, its parts' too."""
    own = widget.value if type(widget).__name__ == "HTML" else ""
    return own + "".join(map(html_of, getattr(widget, "children", ())))


def test_the_widgets(named: Built) -> None:
    """What they show of the lab; of what is typed into them, see tests/show/widgets."""
    widgets = named.lab.widgets
    shown = {
        "packet lab": widgets.packet_lab(named.instance_1, "10.2.0.126"),
        "route editor": widgets.route_editor(named.route_table_1),
        "rule editor": widgets.rule_editor("allow-icmp-1"),
        "ACL editor": widgets.acl_editor("subnet-1"),
        "replay": widgets.replay(named.instance_1, "10.2.0.126"),
        "decoder": widgets.record_decoder(RECORD),
        "Insights box": widgets.insights(f'fields "{SCRIPT}" as x, {BREAKOUT}'),
        "quiz": named.lab.quiz("04"),
    }
    for name, each in shown.items():
        html = html_of(each.widget)
        assert html and not LIVE.search(html), name
        assert not LIVE.search(each.still_html()), name
    assert "&lt;script&gt;" in html_of(shown["packet lab"].widget)


def test_a_table_of_records_in_the_explorer(named: Built) -> None:
    from labkit import flowlogs

    table = flowlogs.read([RECORD]).astype({"action": object}).assign(action=SCRIPT, interface_id=BREAKOUT)
    assert not LIVE.search(html_of(named.lab.widgets.flow_explorer(table).widget))


def test_checks_exercises_and_answers(named: Built) -> None:
    exercise = named.lab.exercise("3.2")
    checked = (named.lab.check(), named.lab.check(SCRIPT), named.lab.check("vpcs"))
    for each in (*checked, exercise, exercise.check(SCRIPT), named.lab.progress()):
        html = each._repr_html_()
        assert html and not LIVE.search(html), repr(each)


#: Who makes HTML; each is tried above or, for `embedded/instances/services.py`, is the page of an instance's server.
MAKERS = {
    "embedded/instances/services.py",
    "learn/checks.py",
    "learn/exercises.py",
    "learn/judging.py",
    "learn/result.py",
    "learn/standing.py",
    "network/path.py",
    "show/widgets/base.py",
    "show/widgets/insights.py",
    "show/widgets/parts.py",
    "show/widgets/quiz.py",
}


def test_no_room_makes_html_without_escaping() -> None:
    """Whoever adds HTML elsewhere adds a test of it here."""
    labkit = Path(__file__).parents[2] / "labkit"
    makers = {
        str(path.relative_to(labkit)).replace("\\", "/")
        for path in labkit.rglob("*.py")
        if re.search(
            r"_repr_html_|text/html|_repr_markdown_|display\.(HTML|Markdown)|\bHTML\(", path.read_text("utf-8")
        )
    }
    assert makers == MAKERS
