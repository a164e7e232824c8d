"""`labkit run`: executes notebooks without a browser, and writes an executed copy and an HTML page of each."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from labkit import interruption
from labkit.cli import chapters, environment, score, worlds
from labkit.cli.messages import command
from labkit.cli.my_notebooks import FOLDER
from labkit.errors import CommandError
from labkit.machine import cores
from labkit.status import Status, bar

CELL_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of running one notebook.

    Attributes:
        chapter: The notebook's name without its suffix.
        cells: The number of its cells of code.
        seconds: How long it took.
        failed_cell: The number of the cell that failed, counted from 1, or None.
        error: What went wrong, or an empty text.
    """

    chapter: str
    cells: int
    seconds: float
    failed_cell: int | None = None
    error: str = ""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments of the command line.

    Raises:
        CommandError: If a chapter or a file is unknown, the results would overwrite notebooks, or the AWS is not one
            in which notebooks can run by themselves.
    """
    parser = argparse.ArgumentParser(
        prog="labkit run",
        description="Executes notebooks without a browser. The notebooks themselves stay as they are without --update.",
    )
    names = f"the course's own 03 or 03-the-failed-ping (default: all), or a file: {FOLDER}/03-the-failed-ping.ipynb"
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help=names)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the results go (default: build)")
    parser.add_argument(
        "--update", action="store_true", help="for authors: write the outputs into the notebooks themselves"
    )
    parser.add_argument(
        "--aws", type=worlds.world, metavar="AWS", help="run them in another AWS: contrary, contrary:BEHAVIOR,BEHAVIOR"
    )
    parser.add_argument(
        "--score",
        action="store_true",
        help="for graders: go on after what fails, and print what was passed of "
        "what; answers of a quiz that were given by clicking are only in the student's progress.json",
    )
    options = parser.parse_args(arguments)
    where = options.aws or os.environ.get("LABKIT_AWS") or "embedded"
    if where == "aws":
        raise CommandError(
            "Notebooks that run by themselves use no real account, since nobody is there to confirm it: open them with "
            f"'{command('start')} --aws'."
        )
    if options.update and where != "embedded":
        raise CommandError(f"The notebooks keep the outputs of the embedded AWS, not of {where}: leave --update out.")
    if options.update and options.score:
        raise CommandError("The notebooks keep the outputs of a run without a score: leave --update or --score out.")
    root = environment.root()
    lesson = (root / "notebooks").resolve()
    options.notebooks = choose(options.chapters, lesson)
    if options.update and (other := [path for path in options.notebooks if path.parent != lesson]):
        raise CommandError(f"--update is for the course's own notebooks, and {other[0]} is none: leave --update out.")
    options.out = (options.out or root / "build").resolve()
    mine = (root / FOLDER).resolve()
    among = {lesson, mine} & {options.out, *options.out.parents}
    if among or options.out in (path.parent for path in options.notebooks):
        raise CommandError(
            f"{options.out} holds notebooks, which 'run' never overwrites: choose another folder with --out."
        )
    return options


def choose(wanted: list[str], lesson: Path) -> list[Path]:
    """Return the notebooks that the arguments name, each once, in the order given; the whole course if they name none.

    Args:
        wanted: Chapters of the course by number or name, or paths of any notebooks.
        lesson: The folder of the course's notebooks.

    Raises:
        CommandError: If a chapter or a file is not there, or two files would have the same result.
    """
    found = [_at(Path(text)) if _is_path(text) else chapters.named(text, lesson) for text in wanted]
    chosen = list(dict.fromkeys(found)) or chapters.all_of(lesson)
    for index, path in enumerate(chosen):
        if path.name in (other.name for other in chosen[:index]):
            raise CommandError(f"Two of these notebooks are called {path.name}, as would be their results: run one.")
    return chosen


def _is_path(text: str) -> bool:
    return text.endswith(".ipynb") or Path(text).name != text


def _at(path: Path) -> Path:
    if path.is_file() and path.suffix == ".ipynb":
        return path.resolve()
    what = "is not a notebook" if path.exists() else "is not there"
    raise CommandError(
        f"{path} {what}. Give the path of a notebook, such as {FOLDER}/01-two-vpcs.ipynb, or a chapter's number: "
        f"'{command('run 01')}' runs the course's own notebook, which has the solutions in it."
    )


def run(options: argparse.Namespace) -> int:
    """Execute the notebooks, write the results and print a table, and the score if asked for.

    Returns:
        1 if a notebook failed; with a score, if a cell did that was not meant to. Else 0.

    Raises:
        LabError: If the AWS has a contrary behavior that does not exist.
    """
    import asyncio  # which the other verbs need not wait for

    from labkit.session.accounts import check_behaviors

    where = options.aws or os.environ.get("LABKIT_AWS") or "embedded"
    check_behaviors([name.strip() for name in where.partition(":")[2].split(",") if name])
    options.out.mkdir(parents=True, exist_ok=True)
    variables = worlds.variables(options) | (score.begin(options.out) if options.score else {})
    with asyncio.Runner(loop_factory=_loop) as runner:
        outcomes = runner.run(_execute_all(options.notebooks, options.out, variables, options.score))
    if options.update:
        update(options.notebooks, options.out)
    print(table(outcomes))
    if options.score:
        print(f"\n{score.table(options.notebooks, options.out)}")
    print(f"\nThe executed notebooks and their pages are in {options.out}.")
    return 1 if any(outcome.error for outcome in outcomes) else 0


def update(notebooks: list[Path], out: Path) -> None:
    """Put the outputs of executed copies into the notebooks, without what differs from run to run."""
    import nbformat
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    for path in notebooks:
        executed = nbformat.read(out / path.name, as_version=4)
        # The number of pieces in which a cell's text arrives differs from run to run.
        executed, _ = CoalesceStreamsPreprocessor().preprocess(executed, {})
        executed.metadata.pop("widgets", None)
        # The kernel notes its Python version, which differs from machine to machine.
        executed.metadata.language_info = {"name": "python"}
        for cell in executed.cells:
            cell.metadata.pop("execution", None)
        with interruption.deferred():
            nbformat.write(executed, path)


def table(outcomes: list[Outcome]) -> str:
    """Return the outcomes as a text table, in their order."""
    rows = [("chapter", "cells", "seconds", "result")]
    for one in outcomes:
        where = f"cell {one.failed_cell}: " if one.failed_cell else ""
        rows.append((one.chapter, str(one.cells), f"{one.seconds:.1f}", f"{where}{one.error}" if one.error else "ok"))
    width = max(len(row[0]) for row in rows)
    lines = [f"{chapter:<{width}}  {cells:>5}  {seconds:>7}  {result}" for chapter, cells, seconds, result in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _loop() -> Any:
    """Return a loop that can watch the kernels' sockets, on Windows too, and leaves signals to `labkit.interruption`.

    nbclient asks the loop for them, and would go on for as long as a cell takes.
    https://github.com/jupyter/nbclient/blob/main/nbclient/client.py
    """
    import asyncio

    class Loop(asyncio.SelectorEventLoop):
        # It raises NotImplementedError, as on Windows, which nbclient accepts.
        add_signal_handler = asyncio.AbstractEventLoop.add_signal_handler

    return Loop()


async def _execute_all(
    notebooks: list[Path], out: Path, variables: dict[str, str], goes_on: bool = False
) -> list[Outcome]:
    """Execute several notebooks at once, one per core, each in its own kernel, with a progress bar over all cells."""
    import asyncio

    texts = {path: _read(path) for path in notebooks}
    total = sum(_count_cells(text) for text in texts.values())
    count = 0
    free = asyncio.Semaphore(cores())

    with Status(quiet=0, stream=sys.stdout) as status:

        def on_cell(chapter: str) -> None:
            nonlocal count
            count += 1
            status.say(f"{bar(count, total)} cell {count} of {total}  {chapter}", plain="")

        async def one(path: Path) -> Outcome:
            async with free:
                outcome = await _execute(path, texts[path], out, on_cell, variables, goes_on)
            status.clear()
            print(f"{outcome.chapter}: {'failed' if outcome.error else 'ok'}, {outcome.seconds:.1f} s", flush=True)
            return outcome

        return list(await asyncio.gather(*map(one, notebooks)))


def _read(path: Path) -> Any:
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandError(f"{path} can't be read as a notebook: it was damaged, or it never was one.") from None


async def _execute(
    path: Path,
    notebook: Any,
    out: Path,
    on_cell: Callable[[str], None],
    variables: dict[str, str],
    goes_on: bool,
) -> Outcome:
    """Run one notebook in its own folder, as JupyterLab does, and write both results, even if a cell fails.

    If it goes on after that, the outcome names the first cell that failed, and says how many did.
    """
    import asyncio

    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    started = time.monotonic()
    number = 0
    error = ""

    def on_start(cell: Any, cell_index: int) -> None:
        nonlocal number
        if _is_code(cell):
            number += 1
            on_cell(path.stem)

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        allow_errors=goes_on,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=on_start,
        extra_arguments=["--log-level=ERROR"],  # a kernel's warnings would break the progress line
    )
    try:
        await client.async_execute(env=environment.variables() | variables)
        if failed := list(_failures(notebook)):
            number, error = failed[0]
            error += f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    except CellExecutionError as failure:
        error = f"{failure.ename}: {failure.evalue}".splitlines()[0]
    except CellTimeoutError:
        error = f"still running after {CELL_SECONDS} seconds"
    except DeadKernelError:
        error = "the kernel died"
    with interruption.deferred():
        nbformat.write(notebook, out / path.name)
    # Rendering is a second of plain computing: beside the kernels, not between them.
    page = await asyncio.to_thread(_page, notebook, path.stem)
    with interruption.deferred():
        (out / f"{path.stem}.html").write_text(page, encoding="utf-8")
    return Outcome(path.stem, _count_cells(notebook), time.monotonic() - started, number if error else None, error)


#: nbconvert's page, with the descriptions of images that it leaves out.
#: https://nbconvert.readthedocs.io/en/latest/customizing.html#adding-additional-template-paths
_TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block data_png -%}{{ super() | describe(output, 'image/png') }}{%- endblock data_png -%}
{%- block data_jpg -%}{{ super() | describe(output, 'image/jpeg') }}{%- endblock data_jpg -%}
{%- block data_svg -%}{{ super() | describe(output, 'image/svg+xml') }}{%- endblock data_svg -%}
"""


def _page(notebook: Any, title: str) -> str:
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="lab", raw_template=_TEMPLATE, filters={"describe": _described})
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": title}})
    return str(page)


def _described(image: str, output: Any, kind: str) -> str:
    """Add to an image in a page what it shows: as its metadata say or else as its text form, unless that names a type.

    >>> _described('<img src="…">', {"data": {}, "metadata": {"image/png": {"alt": "2 < 3"}}}, "image/png")
    '<img alt="2 &lt; 3" src="…">'
    >>> _described('<img src="…">', {"data": {"text/plain": "<Figure size 640x480>"}, "metadata": {}}, "image/png")
    '<img src="…">'
    """
    text = str(output["data"].get("text/plain", ""))
    description = output["metadata"].get(kind, {}).get("alt") or ("" if text.startswith("<") else text)
    return image.replace("<img ", f'<img alt="{escape(description)}" ', 1) if description else image


def _failures(notebook: Any) -> Iterator[tuple[int, str]]:
    """Yield the number of each cell of code that failed and was not meant to, counted from 1, and its error."""
    for number, cell in enumerate(filter(_is_code, notebook.cells), 1):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                yield number, f"{output.ename}: {output.evalue}".splitlines()[0]


def _count_cells(notebook: Any) -> int:
    return sum(map(_is_code, notebook.cells))


def _is_code(cell: Any) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())
