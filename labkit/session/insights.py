"""Asking CloudWatch Logs Insights through boto3, with the answer as a table.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.session.waiting import poll

if TYPE_CHECKING:
    import pandas as pd

#: How Insights writes a moment: `2025-12-03 14:47:38.000`, in UTC.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")

_UNFINISHED = ("Scheduled", "Running")

#: Seconds to wait for an answer; Insights itself gives up on a query after an hour.
_PATIENCE = 3600.0


def ask(logs: Any, text: str, log_group: str, start: datetime, end: datetime) -> pd.DataFrame:
    """Run a query over a time range and give its rows as a table, numbers as numbers and times as times.

    Parameters: `logs` is a CloudWatch Logs client; `text` is the query; `start` and `end` are moments, both inclusive.
    How much was searched is in the table's `attrs["statistics"]`, as GetQueryResults says it.
    Raises LabError where the query is malformed, with the offending word marked, or too long, where the log group is
    not there, and where the query fails.
    """
    from labkit.insights import explain_error

    try:
        query_id = logs.start_query(
            logGroupName=log_group,
            startTime=int(start.timestamp()),
            endTime=int(end.timestamp()),
            queryString=text,
        )["queryId"]
    except logs.exceptions.MalformedQueryException as error:
        raise LabError(explain_error(text, error.response)) from None
    except logs.exceptions.ResourceNotFoundException:
        raise LabError(f"There is no log group {log_group!r}. Notebook 02 creates it; flow logs fill it.") from None
    except logs.exceptions.InvalidParameterException as error:
        raise LabError(f"Logs Insights refuses that: {error.response['Error']['Message']}") from None

    def answer() -> dict[str, Any] | None:
        found: dict[str, Any] = logs.get_query_results(queryId=query_id)
        return None if found["status"] in _UNFINISHED else found

    done = poll(answer, patience=_PATIENCE, every=1, awaited=lambda: "Logs Insights")
    if done is None or done["status"] != "Complete":
        raise LabError(f"The query ended as {done['status'] if done else 'Timeout'}. Ask for a shorter time range.")
    found = table(done["results"])
    found.attrs["statistics"] = done.get("statistics") or {}
    return found


def table(results: list[list[dict[str, str]]]) -> pd.DataFrame:
    """The rows of GetQueryResults as a table: a column that holds only numbers, or only times, becomes one of them.

    >>> table([[{"field": "srcAddr", "value": "10.1.15.80"}, {"field": "sum(bytes)", "value": "420"}]])
          srcAddr  sum(bytes)
    0  10.1.15.80         420
    """
    import pandas as pd

    rows = [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in results]
    frame = pd.DataFrame(rows)
    for column in frame.columns:
        values = frame[column].dropna()
        if len(values) and values.map(lambda value: bool(_MOMENT.fullmatch(value))).all():
            frame[column] = pd.to_datetime(frame[column], utc=True)
        elif not values.str.match(r"-?0\d").any():  # an account id with a leading zero is no number
            numbers = pd.to_numeric(frame[column], errors="coerce")
            if numbers.notna().sum() == len(values):
                frame[column] = numbers.astype("Int64") if (numbers.dropna() % 1 == 0).all() else numbers
    return frame
