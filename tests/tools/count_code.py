"""Counts the lines of code under folders: blank lines, comments and docstrings are left out.

Run `python -m tests.tools.count_code` for labkit and tests, or name folders; `--files` lists each file.
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

#: Tokens that are not code: what stands on a line of its own because of these does not count.
_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source: str) -> int:
    """Count the lines of code in the source of a module.

    Args:
        source: The module's text.

    Returns:
        The number of lines that hold a token other than a comment or a docstring.

    >>> code_lines('"Docstring."\\n\\nx = 1  # comment\\n# comment\\ny = (\\n    2,\\n)\\n')
    4
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _LAYOUT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            lines.difference_update(range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1))
    return len(lines)


def main() -> None:
    """Print the lines of code of each folder, of its rooms and, if asked, of its files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", default=["labkit", "tests"], type=Path)
    parser.add_argument("--files", action="store_true", help="also list each file")
    options = parser.parse_args()
    for folder in map(Path, options.folders):
        rooms: Counter[str] = Counter()
        for path in sorted(folder.rglob("*.py")):
            lines = code_lines(path.read_text(encoding="utf-8"))
            rooms[path.relative_to(folder).parts[0]] += lines
            if options.files:
                print(f"{lines:6,} {path}")
        print(f"{rooms.total():6,} {folder}: " + ", ".join(f"{room} {lines:,}" for room, lines in rooms.items()))


if __name__ == "__main__":
    main()
