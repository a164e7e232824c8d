"""Files that would fill the memory: each is read, or refused, in a process that has little."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tests.hostile.test_records import parquet

resource = pytest.importorskip("resource", reason="no limit of memory on this system")

LINE = b"2 123456789012 eni-a 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774320 ACCEPT OK\n"
#: How much more memory than for a small file the child may take, and how much each bomb unpacks to, in bytes.
ROOM, SIZE = 500 << 20, 1 << 30
CHILD = f"""
import resource, sys
from pathlib import Path
from labkit import flowlogs
from labkit.cli.flows import _First

def ask(path):
    flowlogs.top_talkers(flowlogs.scan(path, bad=_First()))

small = Path(sys.argv[2])
ask(small)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {ROOM},) * 2)
try:
    ask(Path(sys.argv[1]))
    flowlogs.read(Path(sys.argv[1]))
except flowlogs.FlowLogFormatError as error:
    print(str(error)[:300])
"""


def packed(begin: bytes, unit: bytes, size: int = SIZE) -> bytes:
    """Return a gzip file of some text and then of much of a unit, packed in little time: its members repeat."""
    part = unit * (min(size, 16 << 20) // len(unit))
    member = gzip.compress(part, 1)
    return gzip.compress(begin) + member * (size // len(part))


def words(count: int, size: int) -> pa.Table:
    """Return records with long words, of which Parquet keeps one, and little memory."""
    long = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), ["x" * size])
    return pa.table({"srcaddr": long, "dstaddr": long, "bytes": [1] * count})


BOMBS = {
    "zeros.log.gz": lambda: packed(b"", b"\0"),
    "zeros after a record.log.gz": lambda: packed(LINE, b"\0"),
    "short lines.log.gz": lambda: packed(LINE, b"x\n", 4 << 20),
    "spaces.log.gz": lambda: packed(LINE, b" "),
    "zeros.zst": lambda: pa.compress(bytes(16 << 20), "zstd", asbytes=True) * (SIZE >> 24),
    "a text.json.gz": lambda: packed(b'{"events": [{"message": "', b"x"),
    "a number.json.gz": lambda: packed(b'{"events": [', b"9"),
    "brackets.json.gz": lambda: packed(b'{"events": [', b"["),
    "lists.json.gz": lambda: packed(b'{"nextToken": [', b"[],", 64 << 20),
    "a word.parquet": lambda: parquet(words(1, 140 << 20), compression="zstd"),
    "a word for all.parquet": lambda: parquet(words(100_000, 1 << 20)),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit needs /proc")
@pytest.mark.parametrize("name", BOMBS)
def test_memory_stays_bounded(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BOMBS[name]())
    (tmp_path / "small.log").write_bytes(LINE * 100_000)
    command = [sys.executable, "-c", CHILD, str(tmp_path / name), str(tmp_path / "small.log")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
