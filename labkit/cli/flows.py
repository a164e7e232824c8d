"""`labkit flows`: who talks to whom in flow logs of any size, and what was accepted but never answered."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import CommandError
from labkit.status import QUIET_SECONDS, Status, bar

if TYPE_CHECKING:
    import pandas as pd

    from labkit.flowlogs import BadLine

#: So many lines that don't fit are shown; all of them are counted.
SHOWN = 5


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="labkit flows",
        description="Reads VPC flow logs, in text, gzip, zstd, Parquet, or JSON from CloudWatch Logs, and lists the "
        "pairs of addresses with the most bytes. Files are read in pieces, so they may be larger than memory.",
        epilog="Exit codes: 0 done, 1 the records can't be read, or some lines don't fit, 2 wrong usage.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="files, folders, or - for standard input")
    parser.add_argument("--top", type=_positive, default=10, metavar="N", help="rows to show (default: 10)")
    parser.add_argument("--format", metavar="FORMAT", help="the flow log's format, '${version} ${account-id} …'")
    parser.add_argument(
        "--where", default="true", metavar="SQL", help='a condition, such as "dstport = 443 AND bytes > 1000"'
    )
    parser.add_argument(
        "--unanswered", action="store_true", help="list traffic that was accepted and to which nothing came back"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="write one JSON object per row")
    output.add_argument("--csv", action="store_true", help="write CSV")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    from labkit import flowlogs

    bad: list[BadLine] = []
    sources = [path if path == "-" else Path(path) for path in options.paths]
    try:
        with _Bar(options.paths) as bar:
            records = flowlogs.scan(sources, options.format, bad=bad, advance=bar.advance)
            if options.unanswered:
                answer = flowlogs.accepted_but_never_answered(records, where=options.where, n=options.top)
            else:
                answer = flowlogs.top_talkers(records, options.top, where=options.where)
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error
    _show(answer, options)
    for line in bad[:SHOWN]:
        print(f"labkit: {line}", file=sys.stderr)
    if bad:
        print(f"labkit: {len(bad):,} lines don't fit the format and were left out.", file=sys.stderr)
    return 1 if bad else 0


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return int(text)


def _show(answer: pd.DataFrame, options: argparse.Namespace) -> None:
    if options.json:
        text = answer.to_json(orient="records", lines=True, date_format="iso", date_unit="s")
    elif options.csv:
        text = answer.to_csv(index=False)
    elif answer.empty:
        text = "No record fits.\n"
    else:
        text = answer.to_string(index=False, formatters=dict.fromkeys(("packets", "bytes"), "{:,}".format)) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()


class _Bar:
    """How much of the files is read: a bar in a terminal, a line elsewhere, once the work has taken a second."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._total = sum(_size(path) for path in paths)
        self._count = 0
        self._status = Status(QUIET_SECONDS, sys.stderr)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *what: Any) -> None:
        self._status.__exit__()

    def advance(self, count: int) -> None:
        self._count += count
        of = f" of {self._total / 1e6:,.0f}" if self._total else ""
        text = f"{bar(self._count, self._total)} {self._count / 1e6:,.0f}{of} MB"
        self._status.say(text, plain=f"reading{of.removeprefix(' of')} MB of flow logs" if of else "reading flow logs")


def _size(path: str) -> int:
    from labkit.flowlogs.sources import paths

    if path == "-":
        return 0
    try:
        return sum(file.stat().st_size for file in paths(Path(path)))
    except OSError:
        return 0  # what is wrong with it is said when it is read
