"""RULES_OF_AWS.md is true: each rule there has a test that names AWS's page, or a row in section 3 of FIDELITY.md."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
RULES = (TESTS / "RULES_OF_AWS.md").read_text(encoding="utf-8")
FIDELITY = TESTS.parent / "labkit" / "embedded" / "FIDELITY.md"

#: Rule, page, and the test as file::name.
DOCUMENTED = re.findall(r"^\| ([^|]+) \| \[[^]]+\]\(([^)]+)\) \| `([^`]+)` \|$", RULES, re.MULTILINE)
#: Rule, and its row in FIDELITY.md.
MODELED = re.findall(r"^\| (?!Rule|-)([^|]+) \| ([^|]+) \|$", RULES, re.MULTILINE)


@cache
def functions(path: Path) -> dict[str, tuple[str, str]]:
    """Each test of a file: its own text with its class's docstring, and the file's text outside of all tests."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found: dict[str, tuple[int, int, str]] = {}
    tree = ast.parse(source)
    for outer in tree.body:
        inner = outer.body if isinstance(outer, ast.ClassDef) else [outer]
        head = (ast.get_docstring(outer) or "") if isinstance(outer, ast.ClassDef) else ""
        for node in inner:
            if isinstance(node, ast.FunctionDef):
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                found[node.name] = (first - 1, node.end_lineno or node.lineno, head)
    inside = {number for first, last, _ in found.values() for number in range(first, last)}
    outside = "\n".join(line for number, line in enumerate(lines) if number not in inside)
    return {name: ("\n".join([head, *lines[first:last]]), outside) for name, (first, last, head) in found.items()}


def test_each_documented_rule_has_a_test_that_names_its_page() -> None:
    assert len(DOCUMENTED) > 90
    for rule, page, test in DOCUMENTED:
        file, _, name = test.partition("::")
        found = functions(TESTS / file)
        assert name in found, f"{rule}: there is no test {test}. If it has a new name, change it in RULES_OF_AWS.md."
        named = any(re.search(re.escape(page) + r"(?![\w-])", text) for text in found[name])
        assert named, f"{rule}: {test} doesn't name {page}"


def test_what_aws_does_not_document_is_on_the_fidelity_page_as_modeled() -> None:
    section = re.search(r"^## 3\. Modeled\n(.*?)^## ", FIDELITY.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert section is not None
    assert len(MODELED) > 10
    for rule, row in MODELED:
        assert f"\n| {row} |" in section[1], f"{rule}: FIDELITY.md has no row {row!r} in section 3."


def test_no_rule_stands_twice_and_no_row_is_malformed() -> None:
    rules = [rule for rule, *_ in (*DOCUMENTED, *MODELED)]
    assert len(set(rules)) == len(rules)
    tables = len(re.findall(r"^\| Rule \|", RULES, re.MULTILINE))
    assert len(re.findall(r"^\|", RULES, re.MULTILINE)) == len(rules) + 2 * tables
