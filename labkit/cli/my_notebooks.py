"""The student's copies of the chapters, in `my-notebooks/`: `labkit start` makes them and keeps them up to date.

A chapter in which the student has worked is never overwritten. What was given is noted in `.given.json` beside the
copies, so that work can be told from a copy that is as it was given. Git ignores the folder, so that an update of the
course never collides with a student's work. It stands beside `notebooks/`, so that links and paths such as
`../data/README.md` lead to the same places from both.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from labkit.cli.messages import command
from labkit.errors import CommandError
from labkit.learn.files import held, read_json
from labkit.learn.student_copy import LARGEST, fingerprint, student_copy
from labkit.machine import write_whole

FOLDER = "my-notebooks"
MANIFEST = ".given.json"
LOCK = ".given.lock"

#: How long to wait for another process that copies the notebooks, which takes a second.
_PATIENCE_SECONDS = 30.0


class Change(enum.Enum):
    """What was done to a student's copy of a chapter, or could not be done."""

    ADDED = "it was not there"
    REFRESHED = "the course has another version now, and the student had not worked in the copy"
    RENEWED = "the student asked for a new copy"
    KEPT = "the course has another version now, and the student has worked in the copy"
    UNREADABLE = "it is not a notebook"
    ORIGINAL_UNREADABLE = "the course's own file is not a notebook"


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter about which there is something to say.

    Attributes:
        name: The name of its file.
        change: What was done, or could not be done.
        aside: Where the student's work in an earlier copy is now, if there was any.
    """

    name: str
    change: Change
    aside: Path | None = None


@dataclass(frozen=True, slots=True)
class _Given:
    """A copy as it was given.

    Attributes:
        copy: A digest of the whole file.
        work: The fingerprint of what a student would change in it.
    """

    copy: str
    work: str


def update(originals: Iterable[Path], folder: Path, fresh: Collection[str] = ()) -> list[Chapter]:
    """Add the chapters that are missing, and refresh those in which the student has not worked.

    Two processes may do this at once. If one is killed, the next call completes its work.

    Args:
        originals: The course's own notebooks.
        folder: The folder of the student's copies, which is made if needed.
        fresh: The names of files of which the student wants a new copy; work in the old one is kept beside it.

    Returns:
        The chapters about which there is something to say.

    Raises:
        CommandError: If the folder is a file or a link.
        OSError: If it can't be written.
    """
    if folder.is_symlink():
        raise CommandError(
            f"{folder} is a link, and paths such as ../data would lead elsewhere from there. Rename the link, then run "
            "the same command again: it makes a folder, into which you can copy your notebooks."
        )
    if folder.exists() and not folder.is_dir():
        raise CommandError(
            f"{folder} is a file, but your copies of the notebooks go into a folder of that name. Rename the file, "
            "then run the same command again."
        )
    folder.mkdir(exist_ok=True)
    with held(folder / LOCK, _PATIENCE_SECONDS, f"another '{command('start')}', which copies the notebooks"):
        given = _read_manifest(folder / MANIFEST)
        changes = [change for original in originals for change in _update_one(original, folder, given, fresh)]
        text = json.dumps({name: asdict(each) for name, each in given.items()}, indent=1)
        write_whole(folder / MANIFEST, text + "\n")
    return changes


def tell(changes: Sequence[Chapter]) -> str:
    """Return what a student should know about these changes, a line for each kind or chapter."""
    names: dict[Change, list[str]] = {}
    for chapter in changes:
        names.setdefault(chapter.change, []).append(Path(chapter.name).stem)
    lines = []
    if added := names.get(Change.ADDED):
        lines.append(f"Added to {FOLDER}/, where your own copies are: {', '.join(added)}.")
    if refreshed := names.get(Change.REFRESHED):
        lines.append(f"Updated as the course was, since you had not worked in them: {', '.join(refreshed)}.")
    return "\n".join([*lines, *filter(None, map(_sentence, changes))])


def _sentence(chapter: Chapter) -> str:
    number = chapter.name[:2]
    fresh = command(f"start --fresh {number}")
    match chapter.change:
        case Change.RENEWED:
            kept = f" What you had saved is in {FOLDER}/{chapter.aside.name}." if chapter.aside else ""
            return (
                f"{FOLDER}/{chapter.name} is a new copy.{kept} If it is open in JupyterLab, close its tab and open it "
                "again; if JupyterLab asks, choose Revert, because Overwrite would put the old copy back."
            )
        case Change.KEPT:
            return (
                f"The course has a new version of {chapter.name}. Yours stays. For the new version (yours is then kept "
                f"as old-{number}-…): {fresh}"
            )
        case Change.UNREADABLE:
            return (
                f"{FOLDER}/{chapter.name} can't be read as a notebook. For a new copy (this one is then kept as "
                f"old-{number}-…): {fresh}"
            )
        case Change.ORIGINAL_UNREADABLE:
            original = f"notebooks/{chapter.name}"
            return (
                f"{original} can't be read as a notebook, so it was not copied; 'git restore {original}' brings it "
                "back."
            )
    return ""


def _update_one(original: Path, folder: Path, given: dict[str, _Given], fresh: Collection[str]) -> Iterator[Chapter]:
    """Bring one copy up to date, note in `given` what was given, and yield what there is to say."""
    name, path = original.name, folder / original.name
    try:
        copy = student_copy(read_json(original, LARGEST))
        text = json.dumps(copy, indent=1, ensure_ascii=False) + "\n"
        now = _Given(hashlib.sha256(text.encode()).hexdigest(), fingerprint(copy))
    except (OSError, ValueError):
        yield Chapter(name, Change.ORIGINAL_UNREADABLE)
        return
    # Of a copy about which nothing is noted, as when the manifest is lost, this version is taken to be what was given.
    before = given.setdefault(name, now)
    is_there = path.exists() or path.is_symlink()
    work = _work_in(path)
    # The second: a copy written by a process that was killed before it could note that.
    is_untouched = work in (before.work, now.work) and not path.is_symlink()
    aside = None
    if not is_there:
        change = Change.ADDED
    elif name in fresh:
        change = Change.RENEWED
        aside = None if is_untouched else _put_aside(path)
    elif is_untouched:
        if before.copy == now.copy:
            return
        change = Change.REFRESHED
    else:
        if work is None:
            yield Chapter(name, Change.UNREADABLE)
        elif before.work != now.work:
            yield Chapter(name, Change.KEPT)
        return
    write_whole(path, text)
    given[name] = now
    yield Chapter(name, change, aside)


def _work_in(path: Path) -> str | None:
    """Return the fingerprint of a file, or None if it is not there or not a notebook."""
    try:
        return fingerprint(read_json(path, LARGEST))
    except (OSError, ValueError):
        return None


def _put_aside(path: Path) -> Path:
    """Rename a file, so that it is beside the new copy and its name no longer begins with a chapter's number."""
    names = (path.with_name(f"old-{path.stem}-{number}.ipynb") for number in range(1, 10_000))
    return path.rename(next(aside for aside in names if not (aside.exists() or aside.is_symlink())))


def _read_manifest(path: Path) -> dict[str, _Given]:
    try:
        return {name: _Given(**each) for name, each in read_json(path, LARGEST).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
