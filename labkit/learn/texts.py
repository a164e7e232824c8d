"""The words of exercises and quizzes, in one TOML file for each chapter, in toml/."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labkit.learn.checks import CHECKS

_FOLDER = Path(__file__).parent / "toml"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be passed: its id in the progress file, its chapter, and what it is."""

    id: str
    chapter: str
    title: str


@cache
def chapter(number: str) -> dict[str, Any]:
    """What the file of a chapter holds: `exercise` and `quiz`, lists of tables."""
    return tomllib.loads((_FOLDER / f"{number}.toml").read_text(encoding="utf-8"))


def numbers() -> list[str]:
    """The chapters that have texts."""
    return sorted(path.stem for path in _FOLDER.glob("[0-9][0-9].toml"))


@cache
def exercises() -> dict[str, dict[str, Any]]:
    """Every exercise's texts by its id, such as "3.2"."""
    return {each["id"]: each for number in numbers() for each in chapter(number)["exercise"]}


def items() -> list[Item]:
    """All checks, exercises and questions, chapter by chapter: what `labkit progress` counts."""
    found = []
    for number in numbers():
        held = chapter(number)
        found += [Item(f"check:{each.name}", number, each.title) for each in CHECKS.values() if each.chapter == number]
        found += [Item(f"exercise:{each['id']}", number, each["title"]) for each in held["exercise"]]
        found += [Item(f"quiz:{number}.{n}", number, each["title"]) for n, each in enumerate(held["quiz"], 1)]
    return found
