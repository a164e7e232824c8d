"""`labkit run --score`: what notebooks that run without a person have passed.

The run goes on after what fails. Each kernel keeps what passes in one file, as a person's progress is kept, and has
LABKIT_STRICT set: a check, an answer or a quiz that is wrong fails its cell, and so the run. An exercise without an
answer fails nothing and scores nothing.
"""

from __future__ import annotations

from pathlib import Path

from labkit.cli.messages import command

NAME = "score.json"

#: The kinds of things to pass, with the headings of their columns.
_KINDS = {"check": "checks", "exercise": "exercises", "quiz": "quiz", "": "passed"}


def begin(out: Path) -> dict[str, str]:
    """Remove the score of an earlier run, and return the environment variables for the kernels of this one.

    Args:
        out: The folder of the results.
    """
    from labkit.learn.progress import SCORE_VARIABLE
    from labkit.learn.result import STRICT

    (out / NAME).unlink(missing_ok=True)
    return {SCORE_VARIABLE: str(out / NAME), STRICT: "1"}


def table(notebooks: list[Path], out: Path) -> str:
    """Return what the notebooks have passed, by chapter and in all, as text.

    Args:
        notebooks: The notebooks, whose names begin with their chapter's number.
        out: The folder of the results.
    """
    from labkit.learn import progress
    from labkit.learn.chapters import CHAPTERS
    from labkit.learn.standing import standings, total

    numbers = dict.fromkeys(path.name[:2] for path in notebooks if path.name[:2] in CHAPTERS)
    chapters = list(standings(progress.read(out / NAME), numbers))
    rows = [("chapter", *_KINDS.values())]
    for name, counted in [*((each.number, [each]) for each in chapters), ("total", chapters)]:
        counts = (total(counted, kind) for kind in _KINDS)
        rows.append((name, *(f"{passed} of {of}" if of else "" for passed, of in counts)))
    lines = [f"{name:<7}" + "".join(f"{text:>12}" for text in texts) for name, *texts in rows]
    json_command = command(f'progress "{out / NAME}" --json')
    clicked = "Answers of a quiz that were given by clicking are not in a notebook, but in the student's progress.json."
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:], "", f"For a program: {json_command}", clicked])
