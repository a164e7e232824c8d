"""The verb `labkit flows`: find the top talkers in flow logs of any size, or what was accepted but never answered."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.status import QUIET_SECONDS, Status, bar, printable

if TYPE_CHECKING:
    import pandas as pd

    from labkit.flowlogs import BadLine

#: How many lines that do not fit are printed. All of them are counted.
SHOWN = 5


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the arguments of the verb."""
    parser = argparse.ArgumentParser(
        prog="labkit flows",
        description="Reads VPC flow logs, in text, gzip, zstd, Parquet, or JSON from CloudWatch Logs, and lists the "
        "pairs of addresses with the most bytes. Files are read in pieces, so they may be larger than memory.",
        epilog="Exit codes: 0 done, 1 the records can't be read, or some lines don't fit, 2 wrong usage.",
    )
    parser.add_argument("paths", nargs="+", type=_named, metavar="PATH", help="files, folders, or - for standard input")
    parser.add_argument("--top", type=_positive, default=10, metavar="N", help="rows to show (default: 10)")
    parser.add_argument("--format", metavar="FORMAT", help="the flow log's format, '${version} ${account-id} …'")
    example = "such as \"dstport = 443 AND srcaddr = '10.1.15.80'\": text and times want single quotes"
    parser.add_argument("--where", default="true", metavar="SQL", help=f"a condition, {example}")
    parser.add_argument(
        "--unanswered", action="store_true", help="list traffic that was accepted and to which nothing came back"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="write one JSON object per row")
    output.add_argument("--csv", action="store_true", help="write CSV")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Answer the question, and print the lines that do not fit.

    Returns:
        The exit code: 0, or 1 if there are lines that do not fit.

    Raises:
        OSError: A file cannot be read.
        LabError: The format or the condition makes no sense, or the records have another format.
    """
    from labkit import flowlogs

    bad = _First()
    sources = [path if path == "-" else Path(path) for path in options.paths]
    with Status(QUIET_SECONDS, sys.stderr) as status:
        records = flowlogs.scan(sources, options.format, bad=bad, advance=_advance(status, options.paths))
        if options.unanswered:
            answer = flowlogs.accepted_but_never_answered(records, where=options.where, n=options.top)
        else:
            answer = flowlogs.top_talkers(records, options.top, where=options.where)
    _show(answer, options)
    for line in bad:
        print(f"labkit: {printable(str(line))}", file=sys.stderr)
    if bad:
        print(f"labkit: {bad.total:,} lines don't fit the format and were left out.", file=sys.stderr)
    return 1 if bad else 0


class _First(list["BadLine"]):
    """The first lines that do not fit, and the count of all: a file may have millions."""

    total = 0

    def append(self, line: BadLine) -> None:
        self.total += 1
        if len(self) < SHOWN:
            super().append(line)

    def extend(self, lines: Iterable[BadLine]) -> None:
        for line in lines:
            self.append(line)


def _named(path: str) -> str:
    if not path:
        raise argparse.ArgumentTypeError("a path is empty, as where a variable of the shell is not set")
    return path


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(text)


def _show(answer: pd.DataFrame, options: argparse.Namespace) -> None:
    if options.json:
        text = answer.to_json(orient="records", lines=True, date_format="iso", date_unit="s")
    elif options.csv:
        text = answer.to_csv(index=False, lineterminator="\n")
    elif answer.empty:
        text = "No record fits.\n"
    else:
        text = answer.to_string(index=False, formatters=dict.fromkeys(("packets", "bytes"), "{:,}".format)) + "\n"
    # What the output's encoding lacks is written as an escape, as on standard error.
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(printable(text).encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _advance(status: Status, paths: list[str]) -> Callable[[int], None]:
    """Return what shows how many bytes of the files have been read, and of how many."""
    total, done = sum(map(_size, paths)), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        of = f" of {total / 1e6:,.0f}" if total else ""
        status.say(f"{bar(done, total)} {done / 1e6:,.0f}{of} MB", "reading flow logs")

    return advance


def _size(path: str) -> int:
    from labkit.flowlogs.sources import paths

    try:
        return 0 if path == "-" else sum(file.stat().st_size for file in paths(Path(path)))
    except OSError:
        return 0  # the reading reports it
