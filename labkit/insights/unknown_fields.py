"""Find the fields that a query names and no flow log record has. Logs Insights itself is silent about them.

There, a field that no record has is absent, and an absent value is neither shown nor equal to anything.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html

`lab.insights` and the Insights box call this.
"""

from __future__ import annotations

from collections.abc import Iterable

from labkit.errors import QueryError
from labkit.insights.compiler import compile
from labkit.insights.events import EVENT_FIELDS


def unknown_fields(query: str, columns: Iterable[str]) -> list[str]:
    """Return a sentence for each field that a query names and no flow log record of any format has.

    Args:
        query: The query, which Logs Insights has accepted.
        columns: The columns of its answer; what is among them is a field after all.

    Returns:
        The sentences, each with what may have been meant.

    >>> unknown_fields("filter srcaddr = action | stats sum(byte) as total", ["total"])[1]
    'There is no field byte. Did you mean bytes?'
    >>> unknown_fields("filter action = REJECT", [])
    ['There is no field REJECT. Put text in quotes: action = "REJECT".']
    """
    try:
        absent = compile(query, EVENT_FIELDS).absent
    except QueryError:  # AWS accepts more than labkit knows
        return []
    shown = {*columns, "@ptr"}  # each event has a pointer, which tables leave out
    return [each.message for each in absent if query[each.start : each.end].strip("`") not in shown]
