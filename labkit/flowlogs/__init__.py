"""Flow log records as tables: read them from anywhere, write them, ask questions, and explain their fields.

Notebooks and engineers use the names in `__all__`. The other rooms of labkit use the modules, too.

>>> from labkit import flowlogs
>>> table = flowlogs.read(["2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK"])
>>> flowlogs.top_talkers(table)
      srcaddr     dstaddr  packets  bytes
0  10.1.15.80  10.2.0.126        5    420
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from labkit.errors import FlowLogFormatError, QuestionError, UnknownFieldError
from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS, Field, column
from labkit.flowlogs.format import Format

if TYPE_CHECKING:
    from labkit.flowlogs.duck import open_duckdb
    from labkit.flowlogs.enrich import with_interface_names, with_services
    from labkit.flowlogs.explaining import explain
    from labkit.flowlogs.lines import BadLine
    from labkit.flowlogs.questions import accepted_but_never_answered, ask, top_talkers
    from labkit.flowlogs.reading import read, scan
    from labkit.flowlogs.stream import RecordStream
    from labkit.flowlogs.writing import write

__all__ = [
    "DEFAULT_FORMAT",
    "FIELDS",
    "BadLine",
    "Field",
    "FlowLogFormatError",
    "Format",
    "QuestionError",
    "RecordStream",
    "UnknownFieldError",
    "accepted_but_never_answered",
    "ask",
    "column",
    "explain",
    "open_duckdb",
    "read",
    "scan",
    "top_talkers",
    "with_interface_names",
    "with_services",
    "write",
]

_HOMES = ("reading", "stream", "lines", "writing", "questions", "duck", "enrich", "explaining")


def __getattr__(name: str) -> object:
    # pandas, pyarrow and DuckDB are loaded on first use: the fields and formats alone need none of them.
    if name in __all__:
        for home in _HOMES:
            module = importlib.import_module(f"labkit.flowlogs.{home}")
            if hasattr(module, name):
                return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
