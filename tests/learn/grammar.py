"""Faults of grammar that a template makes when a number or a name is put into it, found in what is said."""

from __future__ import annotations

import re

#: What is counted in messages, in the singular.
COUNTED = "address|addresse|byte|day|digit|hour|instance|line|minute|name|packet|record|rule|second|value|word"

#: What each fault looks like. A word is quoted where a student's own is repeated, so what is in quotes is left out.
_FAULTS = {
    "1 of several": rf"(?<![\w.,/:-])1 (?:{COUNTED})s\b",
    "several of one": rf"(?<![\w.,/:-])(?:0|[2-9]|\d\d+) (?:{COUNTED})\b(?!s)(?! (?:more|after))",
    "an, not a": r"\b[Aa] (?=[aeiou](?!ne\b|ni|se|su|UID))(?!u)\w",
    "a, not an": r"\b[Aa]n (?=[bcdfgjklmnpqrstvwxyz])\w",
    "a name and no noun": r"\bit (?:running|stopped|active|attached)\b",
    "a word twice": r"\b([a-z]+) \1\b",
    "a space before a mark": r"\w [.,;:?](?:\s|$)",
    "an empty place": r"\{\w*\}",
}


def faults(text: str) -> list[str]:
    """Return what is wrong with the grammar of a message."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"|\$\{[^}]*\}|`[^`]*`", "it", text)
    return [fault for fault, form in _FAULTS.items() if re.search(form, plain)]
