"""The form that every notebook of the course has, so that a student always knows where they are.

nbval does not check these: that there are outputs at all, that tags are spelled right, that a figure has a description
in words.
https://nbval.readthedocs.io/
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

from labkit.learn.chapters import CHAPTERS
from labkit.learn.notebooks import Notebook

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

#: nbval ignores a tag that it does not know, without a message; so each tag must be one of these.
TAGS = {"build", "raises-exception", "rerun"}

#: A step that the student writes, by its id; the cell holds the solution.
YOUR_TURN = re.compile(r"your-turn:(\d+\.[a-z])")


def cells(path: Path, *kinds: str) -> list[dict[str, Any]]:
    """The cells of some kinds, all unless any is given, with each source as one text."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        cell | {"source": "".join(cell["source"]), "tags": set(cell["metadata"].get("tags", []))}
        for cell in found
        if not kinds or cell["cell_type"] in kinds
    ]


def every(*kinds: str) -> list[tuple[str, dict[str, Any]]]:
    """The cells of some kinds in all notebooks, each with where it is."""
    return [(f"{path.name}: {cell['source'][:80]}", cell) for path in NOTEBOOKS for cell in cells(path, *kinds)]


def outputs() -> list[tuple[str, dict[str, Any]]]:
    """The outputs of all notebooks, each with where it is."""
    return [(where, output) for where, cell in every("code") for output in cell["outputs"]]


def test_the_course_is_complete() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == sorted(CHAPTERS)
    assert len(NOTEBOOKS) >= 8


def test_a_notebook_opens_with_what_a_student_must_know() -> None:
    for path in NOTEBOOKS:
        title, time, *rest = [line for line in cells(path, "markdown")[0]["source"].splitlines() if line]
        assert re.fullmatch(rf"# {path.name[:2]} · [A-Z].+", title), path
        assert re.fullmatch(r"\*\*About \d+ minutes\*\*(; on a real account .+\.)?", time), path
        assert [line.split("**")[1] for line in rest] == ["You will", "You will learn", "You need"], path


def minutes(path: Path) -> float:
    """How long a chapter takes by what is in it, where waiting takes no time.

    People read about 200 words of such text in a minute; the other figures are estimates: ten lines of code in a
    minute, half a minute for a prediction, 3 for a quiz, an exercise or a step to write, 4 for a widget.
    """
    prose = [re.sub(r"```.*?```", "", cell["source"], flags=re.S) for cell in cells(path, "markdown")]
    read = sum(len(text.split()) / 200 + text.count("**Predict.**") / 2 for text in prose)
    for cell in cells(path, "code"):
        source, lines = cell["source"], [line for line in cell["source"].splitlines() if line]
        typed = source.startswith(("answer = None", "# Your turn", "lab.quiz("))
        read += 3 if typed else 4 if "lab.widgets." in source else len(lines) / 10
    return read


def test_the_stated_minutes_are_those_that_it_takes() -> None:
    for path in NOTEBOOKS:
        stated = int(re.search(r"\*\*About (\d+) minutes", cells(path, "markdown")[0]["source"])[1])  # type: ignore[index]
        assert stated % 5 == 0 and abs(stated - minutes(path)) <= 2.5, (path, round(minutes(path), 1))


def test_it_closes_with_exercises_what_was_learned_a_quiz_and_what_is_passed() -> None:
    for path in NOTEBOOKS:
        number, found = path.name[:2], cells(path)
        sources = [cell["source"] for cell in found]
        quiz = sources.index(f'lab.quiz("{number}")')
        assert sources[quiz - 1].startswith("## What you have"), path
        assert sources[quiz + 1] == "lab.progress()", path
        assert [cell["cell_type"] for cell in found[quiz + 2 :]] in ([], ["markdown"]), path
        begun = next(i for i, source in enumerate(sources) if source.startswith("## Exercise"))
        text = "\n".join(sources[begun:quiz])
        shown = re.findall(r"^lab\.exercise\(\"([\d.]+)\"\)$", text, flags=re.M)
        asked = re.findall(r"^answer = None\nlab\.exercise\(\"([\d.]+)\"\)\.check\(answer\)$", text, flags=re.M)
        ids = [each["id"] for each in CHAPTERS[number].texts["exercise"]]
        assert shown == asked == [id for id in ids if id.partition(".")[2].isdigit()], path


def test_a_step_that_a_student_writes_says_what_to_do_and_is_judged_below() -> None:
    for path in NOTEBOOKS:
        texts = {each["id"]: each for each in CHAPTERS[path.name[:2]].texts["exercise"]}
        code, found = cells(path, "code"), []
        for i, cell in enumerate(code):
            for id in [match[1] for tag in sorted(cell["tags"]) if (match := YOUR_TURN.fullmatch(tag))]:
                found.append(id)
                assert cell["source"].startswith(f"# Your turn ({id}). "), (path, id)
                step = Notebook(path.name[:2], path).your_turn(id)
                assert step.task and step.solution, (path, id)
                check = [f'"{name}"' for name in texts[id].get("check", ())]
                calls = {f"lab.check({', '.join(part)})" for part in (check[:1], check) if part}
                calls = calls or {f'lab.exercise("{id}").check('}
                assert any(call in below["source"] for below in code[i + 1 :] for call in calls), (path, id, calls)
        assert found == [id for id in texts if not id.partition(".")[2].isdigit()], path
        assert len(found) >= 2, path


def test_each_step_of_building_is_checked_in_its_notebook() -> None:
    for path in NOTEBOOKS:
        calls = "\n".join(cell["source"] for cell in cells(path, "code"))
        for check in CHAPTERS[path.name[:2]].checks:
            assert f'lab.check("{check.name}"' in calls, check.name


def test_a_student_predicts_before_running_and_finds_a_note_on_the_console() -> None:
    for path in NOTEBOOKS:
        text = "\n".join(cell["source"] for cell in cells(path, "markdown"))
        assert "**Predict.**" in text and "**In the console.**" in text, path
        assert text.count("<details>") == text.count("</details>"), path


def test_it_was_run_from_top_to_bottom_and_is_small() -> None:
    for path in NOTEBOOKS:
        code = cells(path, "code")
        assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), path
        lines = [len(cell["source"].splitlines()) for cell in code]
        assert max(lines) <= 20 and median(lines) <= 4, path
        assert path.stat().st_size < 1_000_000, path


def test_tags_are_spelled_right_and_ids_stay() -> None:
    for where, cell in every("code", "markdown"):
        assert all(tag in TAGS or YOUR_TURN.fullmatch(tag) for tag in cell["tags"]), where
    for where, cell in every("code"):
        assert "nbval" not in cell["source"].lower(), where
    for path in NOTEBOOKS:
        ids = [cell["id"] for cell in cells(path, "code", "markdown")]
        assert len(set(ids)) == len(ids), path


def test_what_shows_a_value_has_its_output() -> None:
    """A stripped notebook would pass nbval with nothing compared."""
    for where, cell in every("code"):
        last = cell["source"].rstrip().splitlines()[-1]
        if "print(" in cell["source"] or re.fullmatch(r"[\w.]+(\(.*\))?", last):
            assert cell["outputs"] or re.fullmatch(r".*\.wait\(.*\)", last) or "build" in cell["tags"], where


def test_only_a_cell_that_says_so_fails() -> None:
    for where, cell in every("code"):
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == ("raises-exception" in cell["tags"]), where


def test_every_figure_has_a_description() -> None:
    for where, output in outputs():
        if "image/png" in output.get("data", {}):
            description = "".join(output["data"]["text/plain"])
            assert len(description) > 60 and not description.startswith("<"), where


def test_outputs_name_nothing_of_the_machine_that_made_them() -> None:
    for where, output in outputs():
        text = json.dumps({key: value for key, value in output.get("data", {}).items() if key != "image/png"})
        text += "".join(output.get("text", []))
        assert not re.search(r"127\.0\.0\.1:\d|localhost:\d|/home/|/root/|/tmp/|site-packages|0x[0-9a-f]{6,}", text), (
            where
        )
        assert output.get("name") != "stderr", where


def test_links_lead_somewhere_and_prose_is_calm() -> None:
    for where, cell in every("markdown"):
        for target in re.findall(r"\]\(([^)#]+)\)", cell["source"]):
            assert target.startswith("https://") or (NOTEBOOKS[0].parent / target).exists(), target
        text = re.sub(r"```.*?```|`[^`]*`", "", cell["source"], flags=re.S)
        assert "!" not in text.replace("![", "["), where
