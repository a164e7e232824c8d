"""FIDELITY.md says what the embedded AWS does and doesn't: all of it, and in step with the code.

`python -m tests.embedded.test_fidelity` writes the page's tables of patches and of contrary behaviors from the code.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import labkit.embedded
from labkit.embedded import start
from labkit.embedded.api import patches, scope
from labkit.embedded.api.contrary import behaviors
from labkit.flowlogs.fields import FIELDS
from labkit.insights import parser

start().stop()  # which puts the patches into their table
EMBEDDED = Path(labkit.embedded.__file__).parent
PAGE = EMBEDDED / "FIDELITY.md"

#: Sites that anyone can read without an account.
PUBLIC = {"aws.amazon.com", "docs.aws.amazon.com", "github.com", "repost.aws", "www.rfc-editor.org"}


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def generated(name: str) -> re.Pattern[str]:
    """Return what finds the part of the page between `<!-- name -->` and `<!-- /name -->`."""
    return re.compile(rf"(?<=<!-- {name} -->\n).*(?=<!-- /{name} -->)", re.DOTALL)


def patches_section() -> str:
    """Return the page's section of patches, as the table in the code has it."""
    table = patches.PATCHES.values()
    lines = [
        f"<details><summary>All {len(table)} patches</summary>",
        "",
        "| Patch | What AWS does | Source |",
        "|---|---|---|",
        *(f"| `{patch.name}` | {patch.rule} | [{_title(patch.source)}]({patch.source}) |" for patch in table),
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines)


def behaviors_section() -> str:
    """Return the page's table of contrary behaviors, as the code has them."""
    lines = [
        "| Behavior | What AWS does | Source |",
        "|---|---|---|",
        *(f"| `{each.name}` | {each.rule} | [{_title(each.source)}]({each.source}) |" for each in behaviors().values()),
        "",
    ]
    return "\n".join(lines)


SECTIONS = {"patches": patches_section, "behaviors": behaviors_section}


def _title(url: str) -> str:
    return url.rpartition("/")[2].removesuffix(".html").removeprefix("API_")


def rows(section: str) -> list[list[str]]:
    """Return the cells of each row of a section's table, without its head."""
    part = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", text(), re.DOTALL | re.MULTILINE)
    assert part is not None
    lines = [line for line in part[1].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def refusals(*paths: Path) -> Iterator[str]:
    """Yield, from scope's tables and these modules, the longest fixed part of each "The embedded AWS does not …"."""
    yield from scope._NO_PACKETS_THROUGH.values()
    yield from scope._ONLY_SEEMING.values()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "NotInEmbeddedAwsError"
            ):
                words = node.args[0]
                parts = words.values if isinstance(words, ast.JoinedStr) else [words]
                fixed = [part.value for part in parts if isinstance(part, ast.Constant)]
                if fixed:  # otherwise it is a variable that holds words of the two tables
                    yield max(fixed, key=len).strip()


@pytest.mark.parametrize("name", SECTIONS)
def test_each_generated_table_is_that_of_the_code(name: str) -> None:
    found = generated(name).search(text())
    assert found is not None
    assert found[0] == SECTIONS[name](), "Write it again: python -m tests.embedded.test_fidelity"


def test_each_behavior_says_in_one_line_what_aws_does() -> None:
    for each in behaviors().values():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", each.name), each.name
        assert each.rule.endswith(".") and "|" not in each.rule and "\n" not in each.rule, each.name


def test_each_source_is_a_public_page() -> None:
    for url in re.findall(r"\]\(([^)]+)\)", text()):
        parts = urlsplit(url)
        assert (parts.scheme, parts.hostname in PUBLIC, len(parts.path) > 1) == ("https", True, True), url


def test_each_refusal_is_on_the_page() -> None:
    """Those of Run Command and of the shell, which name what they lack when asked, are too many for it."""
    said = " ".join(cells[1] for cells in rows("4. Not there"))
    for words in refusals(*(EMBEDDED / "api").rglob("*.py")):
        assert words in said, words


def test_the_page_refuses_nothing_that_the_code_does_not() -> None:
    known = set(refusals(*EMBEDDED.rglob("*.py")))
    for cells in rows("4. Not there"):
        for said in cells[1].split(";"):
            assert any(words in said for words in known), said


def test_what_is_here_is_on_the_page() -> None:
    said = " ".join(cells[1] for cells in rows("4. Not there"))
    assert re.findall(r"`([a-z0-9]+)`", said) == [*scope.SERVICES, *scope.WITHOUT_MOTO]
    assert f"only {scope.REGION}" in said


def test_each_row_has_a_subject_both_sides_and_a_source() -> None:
    for section in ("1. As AWS does", "2. Simplified", "3. Modeled", "4. Not there"):
        found = rows(section)
        assert found, section
        for cells in found:
            assert len(cells) == 4 and all(cells), cells
            assert "](https://" in cells[3] or (cells[3], section) == ("no source", "3. Modeled"), cells
        assert len({cells[0] for cells in found}) == len(found), section


def test_every_command_that_logs_insights_lacks_here_is_named() -> None:
    row = next(cells for cells in rows("2. Simplified") if cells[0] == "Logs Insights")
    assert any(sorted(named.split()) == sorted(parser.UNSUPPORTED) for named in re.findall(r"`([^`]+)`", row[1]))


def test_every_field_that_is_never_filled_in_is_named() -> None:
    """The fields that are computed, and those that the page says are not, are all there are."""
    files = [EMBEDDED / "dataplane" / name for name in ("flow_log_records.py", "flow_logs.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    computed = {node.value for node in nodes if isinstance(node, ast.Constant)}
    row = next(cells for cells in rows("2. Simplified") if cells[0] == "Fields that stay `-`")
    named = [pattern.rstrip("*") for pattern in re.findall(r"`([^`]+)`", row[1])]
    for field in FIELDS.values():
        if field.name not in computed | {"version"}:
            assert field.version >= 8 or any(field.name.startswith(each) for each in named), field.name


if __name__ == "__main__":
    page = text()
    for name, section in SECTIONS.items():
        page = generated(name).sub(section().replace("\\", r"\\"), page)
    PAGE.write_text(page, encoding="utf-8")
