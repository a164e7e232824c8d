"""Flow logs as data: records from anywhere to a typed table and back, names for what they hold, and questions.

>>> from labkit import flowlogs
>>> table = flowlogs.read(["2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK"])
>>> flowlogs.top_talkers(table)
      srcaddr     dstaddr  packets  bytes
0  10.1.15.80  10.2.0.126        5    420
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from labkit.errors import FlowLogFormatError, UnknownFieldError
from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS, Field, column
from labkit.flowlogs.format import Format

if TYPE_CHECKING:
    from labkit.flowlogs.enrich import (
        through_nat_once,
        with_direction,
        with_interface_names,
        with_protocol_names,
        with_scopes,
        with_services,
        with_tcp_flags,
    )
    from labkit.flowlogs.explaining import explain
    from labkit.flowlogs.lines import BadLine
    from labkit.flowlogs.questions import (
        accepted_but_never_answered,
        ask,
        bytes_over_time,
        conversations,
        first_and_last_seen,
        rejected_by_port,
        rejected_by_source,
        top_talkers,
    )
    from labkit.flowlogs.reading import read, scan
    from labkit.flowlogs.rules import rules_used
    from labkit.flowlogs.selection import Selection, select
    from labkit.flowlogs.writing import write, write_s3

__all__ = [
    "DEFAULT_FORMAT",
    "FIELDS",
    "BadLine",
    "Field",
    "FlowLogFormatError",
    "Format",
    "Selection",
    "UnknownFieldError",
    "accepted_but_never_answered",
    "ask",
    "bytes_over_time",
    "column",
    "conversations",
    "explain",
    "first_and_last_seen",
    "read",
    "rejected_by_port",
    "rejected_by_source",
    "rules_used",
    "scan",
    "select",
    "through_nat_once",
    "top_talkers",
    "with_direction",
    "with_interface_names",
    "with_protocol_names",
    "with_scopes",
    "with_services",
    "with_tcp_flags",
    "write",
    "write_s3",
]

_HOMES = ("reading", "writing", "questions", "rules", "enrich", "explaining", "selecting", "lines")


def __getattr__(name: str) -> object:
    # pandas, pyarrow and DuckDB are loaded on first use: the fields and formats alone need none of them.
    if name in __all__:
        for home in _HOMES:
            module = importlib.import_module(f"labkit.flowlogs.{home}")
            if hasattr(module, name):
                globals()[name] = getattr(module, name)
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
