"""Query CloudWatch Logs Insights through boto3 and give the rows as a table; `lab.insights` calls this.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.session.given import require_text
from labkit.session.waiting import poll

if TYPE_CHECKING:
    import pandas as pd

#: How Insights writes a time: `2025-12-03 14:47:38.000`, in UTC.
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}")

_UNFINISHED = ("Scheduled", "Running")

#: Seconds to wait for the rows; Insights itself stops a query after an hour.
_PATIENCE = 3600.0

#: What an end means that is no answer, and what to do next. Insights itself gives no reason.
_ENDED = {
    "Timeout": ": it took too long. Ask for a shorter time range, or filter first; a regular expression with many * or "
    "counts such as {100} makes it slow.",
    "Failed": ": it needs too much memory, or a value of it cannot be computed. Ask for a shorter time range or fewer "
    "fields, filter first, and use fewer concat and replace of long texts.",
    "Cancelled": ": someone has stopped it. Run it again.",
}


def ask(logs: Any, text: str, log_group: str, start: datetime, end: datetime) -> pd.DataFrame:
    """Run a query over a time range.

    Args:
        logs: A CloudWatch Logs client.
        text: The query.
        log_group: The name of the log group to search.
        start: The first moment of the time range.
        end: The last moment of the time range.

    Returns:
        The rows, with numbers as numbers and times as times. `attrs["statistics"]` of the table says how much was
        searched, as GetQueryResults does.

    Raises:
        LabError: The query is malformed (the error shows the wrong word underlined) or too long, the log group does not
            exist, or the query fails.
    """
    from labkit.insights import explain_error

    require_text(text, "a query", "lab.insights('fields @message')")
    require_text(log_group, "the name of a log group", "lab.insights('fields @message', log_group='…')")
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

    def finished() -> dict[str, Any] | None:
        found: dict[str, Any] = logs.get_query_results(queryId=query_id)
        return None if found["status"] in _UNFINISHED else found

    done = poll(finished, patience=_PATIENCE, every=1, awaited=lambda: "Logs Insights")
    if done is None or done["status"] != "Complete":
        status = done["status"] if done else "Timeout"
        raise LabError(f"The query ended as {status}{_ENDED.get(status, '.')}")
    found = table(done["results"])
    found.attrs["statistics"] = done.get("statistics") or {}
    return found


def table(results: list[list[dict[str, str]]]) -> pd.DataFrame:
    """Return the rows of GetQueryResults as a table.

    A column that holds only numbers becomes numbers, and one that holds only times becomes times in UTC.

    >>> table([[{"field": "srcAddr", "value": "10.1.15.80"}, {"field": "sum(bytes)", "value": "420"}]])
          srcAddr  sum(bytes)
    0  10.1.15.80         420
    """
    import pandas as pd

    rows = [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in results]
    frame = pd.DataFrame(rows)
    for column in frame.columns:
        values = frame[column].dropna()
        if len(values) and values.map(lambda value: bool(_TIME.fullmatch(value))).all():
            frame[column] = pd.to_datetime(frame[column], utc=True)
        elif not values.str.match(r"-?0\d").any():  # an account ID with a leading zero is not a number
            numbers = pd.to_numeric(frame[column], errors="coerce")
            if numbers.notna().sum() == len(values):
                frame[column] = numbers.astype("Int64") if (numbers.dropna() % 1 == 0).all() else numbers
    return frame
