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
    hops = [replace(hop, sentence=BREAKOUT, kind=SCRIPT, code=SCRIPT) for hop in path.forward.hops]
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
    assert makers == {"network/path.py", "embedded/hosts/services.py"}, (
        "the latter is the page of the instances' server"
    )
