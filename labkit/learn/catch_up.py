"""Begin a chapter where the ones before it end."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

from labkit.errors import LabError
from labkit.learn.chapters import chapters
from labkit.status import Status


def catch_up(chapter: str, namespace: dict[str, Any]) -> list[str]:
    """Run the build cells of every notebook before `chapter` in `namespace`, and say which notebooks these were.

    Parameters: `chapter` is a two-digit number, such as `"03"`; `namespace` is where the cells' names are kept.
    Raises LabError for a chapter that is not there, and for a cell that fails, naming it.
    """
    known = chapters()
    numbers = [each.number for each in known]
    if chapter not in numbers:
        raise LabError(f"There is no chapter {chapter!r}; the chapters are {', '.join(numbers)}.")
    done = []
    with Status() as status:
        for each in known[: numbers.index(chapter)]:
            for number, source in enumerate(each.build_cells(), start=1):
                status.say(f"catching up: {each.path.stem}, cell {number}", plain=f"catching up with chapter {chapter}")
                try:
                    with redirect_stdout(io.StringIO()):
                        exec(compile(source, f"{each.path.name}, build cell {number}", "exec"), namespace)
                except Exception as error:
                    raise LabError(
                        f"Build cell {number} of {each.path.name} failed: {type(error).__name__}: {error} "
                        "Open that notebook, run it to see where, then come back."
                    ) from error
            done.append(each.path.stem)
    return done
