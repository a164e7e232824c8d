"""The whole text of a file is read, however it is packed and cut, as zlib reads it.

Source: RFC 1952, section 2.2 (a file is a series of members), https://www.rfc-editor.org/rfc/rfc1952
"""

from __future__ import annotations

import gzip
import tempfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.flowlogs import sources

_LINES = st.lists(st.text("0123456789. -", max_size=60).map(lambda text: f"{text}\n".encode()), max_size=60)
_MEMBERS = st.lists(_LINES.map(b"".join), min_size=1, max_size=4)


def blocks(packed: bytes, size: int, chunk: int) -> tuple[list[bytes], Exception | None]:
    """Return the blocks of a file, and the error that ended them."""
    found: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(sources, "FIRST", size)
        patch.setattr(sources, "CHUNK", chunk)
        path = Path(folder, "a.log.gz")
        path.write_bytes(packed)
        try:
            for file in sources.inputs(path):
                found.extend(map(bytes, file.blocks(size, lambda count: None)))
        except sources.BROKEN as error:
            return found, error
    return found, None


@given(_MEMBERS, st.integers(0, 3), st.integers(1, 500), st.integers(2, 400))
def test_several_gzip_members_hold_one_text(members: list[bytes], padding: int, size: int, chunk: int) -> None:
    packed = b"".join(gzip.compress(member) + b"\0" * padding for member in members)
    found, error = blocks(packed, size, chunk)
    assert error is None
    assert b"".join(found) == b"".join(members)
    assert all(block.endswith(b"\n") for block in found if block)


@given(_LINES.map(b"".join), st.integers(1, 10_000), st.integers(1, 500), st.integers(2, 400))
def test_whole_lines_of_a_file_that_is_cut_come_before_the_error(text: bytes, cut: int, size: int, chunk: int) -> None:
    packed = gzip.compress(text)
    packed = packed[: max(4, len(packed) - cut)]
    found, error = blocks(packed, size, chunk)
    held = zlib.decompressobj(31).decompress(packed)
    assert isinstance(error, EOFError)
    assert b"".join(found) == held[: held.rfind(b"\n") + 1]
