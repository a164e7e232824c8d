"""The README is up to date: its verbs, its notebooks, its links, its picture."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from labkit.cli import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_names_every_verb_and_no_other() -> None:
    table = README.split("## Commands")[1].split("\n## ")[0]
    assert {row.split()[0] for row in re.findall(r"^\| `([^`]+)`", table, flags=re.M)} == set(VERBS)


def test_it_lists_every_notebook() -> None:
    listed = re.findall(r"\]\(notebooks/(\d\d-[\w-]+\.ipynb)\)", README)
    assert sorted(set(listed)) == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_its_minutes_are_those_of_the_notebooks() -> None:
    for number, minutes in re.findall(r"^\| (\d\d) \| \[.*?\| (\d+) \|", README, flags=re.M):
        path = next((ROOT / "notebooks").glob(f"{number}-*.ipynb"))
        opener = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        assert f"**About {minutes} minutes**" in opener, path.name


def test_its_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_its_picture_is_the_one_that_notebook_04_draws() -> None:
    cells = json.loads((ROOT / "notebooks" / "04-peering-and-routes.ipynb").read_text(encoding="utf-8"))["cells"]
    images = [
        base64.b64decode("".join(output["data"]["image/png"]))
        for cell in cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert (ROOT / "notebooks" / "images" / "reply-lost.png").read_bytes() in images
