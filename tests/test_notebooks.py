"""The shape that every notebook of the course keeps, so that a student always knows where they are.

What nbval does not see is checked here: that outputs are there at all, that tags are spelled right, that a figure
says in words what it shows.
https://nbval.readthedocs.io/
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from labkit.learn.chapters import CHAPTERS

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

#: nbval ignores a tag that it does not know, in silence; so each tag must be one of these.
TAGS = {"build", "raises-exception"}


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in found if cell["cell_type"] == kind]


def outputs(path: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(cell, output) for cell in cells(path, "code") for output in cell["outputs"]]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_the_course_is_there() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(len(NOTEBOOKS))]
    assert len(NOTEBOOKS) >= 5


def test_it_opens_with_what_a_student_must_know(notebook: Path) -> None:
    opener = cells(notebook, "markdown")[0]["source"]
    number = notebook.name[:2]
    title, time, *rest = [line for line in opener.splitlines() if line]
    assert re.fullmatch(rf"# {number} · [A-Z].+", title)
    assert re.fullmatch(r"\*\*About \d+ minutes\*\*", time)
    assert [line.split("**")[1] for line in rest] == ["You will", "You will learn", "You need"]


def test_it_closes_with_exercises_what_was_learned_and_a_quiz(notebook: Path) -> None:
    number = notebook.name[:2]
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in found]
    quiz = sources.index(f'lab.quiz("{number}")')
    assert sources[quiz - 1].startswith("## What you have")
    assert [cell["cell_type"] for cell in found[quiz + 1 :]] in ([], ["markdown"])
    begun = next(i for i, source in enumerate(sources) if source.startswith("## Exercise"))
    text = "\n".join(sources[begun:quiz])
    shown = re.findall(r"^lab\.exercise\(\"([\d.]+)\"\)$", text, flags=re.M)
    asked = re.findall(r"^answer = None\nlab\.exercise\(\"([\d.]+)\"\)\.check\(answer\)$", text, flags=re.M)
    assert shown == asked == [each["id"] for each in CHAPTERS[number].texts["exercise"]]


def test_each_step_of_building_is_checked(notebook: Path) -> None:
    number = notebook.name[:2]
    calls = "\n".join(cell["source"] for cell in cells(notebook, "code"))
    for check in CHAPTERS[number].checks:
        assert f'lab.check("{check.name}"' in calls, check.name


def test_a_student_predicts_before_running(notebook: Path) -> None:
    texts = "\n".join(cell["source"] for cell in cells(notebook, "markdown"))
    assert "**Predict.**" in texts
    assert texts.count("<details>") == texts.count("</details>")


def test_it_has_a_note_on_the_console(notebook: Path) -> None:
    assert any("**In the console.**" in cell["source"] for cell in cells(notebook, "markdown"))


def test_code_cells_are_small(notebook: Path) -> None:
    lines = [len(cell["source"].splitlines()) for cell in cells(notebook, "code")]
    assert max(lines) <= 20
    assert median(lines) <= 4


def test_tags_are_spelled_right(notebook: Path) -> None:
    for kind in ("code", "markdown"):
        for cell in cells(notebook, kind):
            assert set(cell["metadata"].get("tags", [])) <= TAGS
    for cell in cells(notebook, "code"):
        assert "nbval" not in cell["source"].lower()


def test_it_was_run_from_top_to_bottom(notebook: Path) -> None:
    counts = [cell["execution_count"] for cell in cells(notebook, "code")]
    assert counts == list(range(1, len(counts) + 1))


def test_what_shows_a_value_has_its_output(notebook: Path) -> None:
    """A stripped notebook would pass nbval with nothing compared."""
    for cell in cells(notebook, "code"):
        last = cell["source"].rstrip().splitlines()[-1]
        if "print(" in cell["source"] or re.fullmatch(r"[\w.]+(\(.*\))?", last):
            silent = re.fullmatch(r".*\.wait\(.*\)", last)
            assert cell["outputs"] or silent or "build" in cell["metadata"].get("tags", []), cell["source"]


def test_only_a_cell_that_says_so_fails(notebook: Path) -> None:
    for cell in cells(notebook, "code"):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == ("raises-exception" in cell["metadata"].get("tags", [])), cell["source"]


def test_every_figure_says_what_it_shows(notebook: Path) -> None:
    for cell, output in outputs(notebook):
        if "image/png" in output.get("data", {}):
            description = "".join(output["data"]["text/plain"])
            assert len(description) > 60 and not description.startswith("<"), cell["source"]


def test_outputs_name_nothing_of_the_machine_that_made_them(notebook: Path) -> None:
    for cell, output in outputs(notebook):
        text = json.dumps({key: value for key, value in output.get("data", {}).items() if key != "image/png"})
        text += "".join(output.get("text", []))
        assert not re.search(r"127\.0\.0\.1:\d|localhost:\d|/home/|/root/|/tmp/|site-packages|0x[0-9a-f]{6,}", text), (
            cell["source"]
        )
        assert output.get("name") != "stderr", cell["source"]


def test_links_between_notebooks_lead_somewhere(notebook: Path) -> None:
    for cell in cells(notebook, "markdown"):
        for target in re.findall(r"\]\(([^)#]+)\)", cell["source"]):
            assert target.startswith("https://") or (notebook.parent / target).exists(), target


def test_prose_is_calm(notebook: Path) -> None:
    for cell in cells(notebook, "markdown"):
        text = re.sub(r"```.*?```|`[^`]*`", "", cell["source"], flags=re.S)
        assert "!" not in text.replace("![", "["), cell["source"][:80]


def test_it_is_small(notebook: Path) -> None:
    assert notebook.stat().st_size < 1_000_000


def test_cells_have_ids_that_stay(notebook: Path) -> None:
    ids = [cell["id"] for kind in ("code", "markdown") for cell in cells(notebook, kind)]
    assert len(set(ids)) == len(ids)
