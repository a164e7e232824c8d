"""Chapter 06, flow logs in pandas: when the backup of one day runs, and how much it moves."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any

from labkit.folders import course_folder
from labkit.learn.chapter import Chapter, Facts
from labkit.learn.counts import counts
from labkit.learn.judging import Judgment, number, single
from labkit.learn.view import View
from labkit.network import Network


def _folder() -> Path:
    return course_folder() / "data" / "nimbus-day"


@cache
def _network() -> Network:
    return Network.from_files(_folder())


def _own_addresses() -> str:
    """Return Nimbus's own addresses as SQL lists them."""
    return ", ".join(f"'{address}'" for each in _network().interfaces.values() for address in each.addresses)


@cache
def _day() -> Any:
    """Add up the bytes of the day by hour, source, and whether backup-1 receives them.

    Returns:
        A table with the columns `hour`, `srcaddr`, `backup`, `recorded` (bytes, counting each record) and `once`
        (bytes, counting each packet once although both ends recorded it).
    """
    from labkit import flowlogs

    network = _network()
    own = {str(address): each for each in network.interfaces.values() for address in each.addresses}
    instances = {each.id: each.name for each in network.instances.values()}
    backup = next(address for address, each in own.items() if instances.get(each.instance or "") == "backup-1")
    addresses = _own_addresses()
    return flowlogs.ask(
        flowlogs.scan(_folder() / "parquet", columns=["srcaddr", "dstaddr", "flow_direction", "start", "bytes"]),
        f"""SELECT hour(start) AS hour, srcaddr, dstaddr = '{backup}' AS backup, sum(bytes)::BIGINT AS recorded,
                   (sum(bytes) FILTER (flow_direction = 'egress' OR srcaddr NOT IN ({addresses})))::BIGINT AS once
            FROM records WHERE srcaddr IS NOT NULL GROUP BY ALL""",
    )


@cache
def _sums(key: str, value: str, condition: str = "true") -> dict[str, int]:
    """Add up a column of the day's records by another one."""
    from labkit import flowlogs

    table = flowlogs.ask(
        flowlogs.scan(_folder() / "parquet"),
        f"""SELECT {key} AS key, sum({value})::BIGINT AS value FROM records
            WHERE srcaddr IS NOT NULL AND {condition} GROUP BY ALL""",
    )
    return dict(zip(table["key"].astype(str), table["value"].astype(int), strict=True))


def bytes_by_protocol(view: View, answer: object) -> Judgment:
    """How many bytes each protocol moved in the day, by all records."""
    sums, names = _sums("protocol", "bytes"), {"icmp": "1", "tcp": "6", "udp": "17"}
    foreign = 'No record of the day has the protocol {}: group day by "protocol".'.format
    return counts(answer, sums, "protocol", "bytes", names=names, foreign=foreign)


def packets_by_port(view: View, answer: object) -> Judgment:
    """How many TCP packets from the internet were refused for each destination port."""
    refused = f"action = 'REJECT' AND protocol = 6 AND srcaddr NOT IN ({_own_addresses()})"
    foreign = 'None of the knocks has the dstport {}: group knocks by "dstport".'.format
    return counts(answer, _sums("dstport", "packets", refused), "port", "packets", most=8, foreign=foreign)


def _backup() -> Any:
    return _day()[_day()["backup"]]


#: A time of day in an answer, and the words around it that do not change it.
_CLOCK = re.compile(r"(?P<hour>\d{1,2})(?::\d\d)*(?:\.0+)?\s*(?:(?P<half>[ap])\.?\s?m\b\.?)?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]?|\+00:00")
_AROUND = {
    "and", "at", "between", "clock", "from", "gmt", "h", "hour", "hours", "hrs", "in", "is", "it", "o", "the", "to",
    "until", "utc", "z",
}  # fmt: skip


#: What exercise 6.1 is answered with.
_HOUR_WANTED = "the hour as a number from 0 to 23"


def _hour(answer: Any) -> Any:
    """Return the hour that an answer means; as it is if it is no time of day."""
    if type(answer).__name__ == "datetime64":
        answer = answer.astype("datetime64[s]").item()
    if hasattr(answer, "columns") or isinstance(answer, dict):
        return answer
    if hasattr(answer, "hour"):
        aware = getattr(answer, "tzinfo", None) and hasattr(answer, "astimezone")
        with suppress(OverflowError):  # a time in UTC before the first year, or after the last
            return (answer.astimezone(UTC) if aware else answer).hour
        return answer
    found = single(answer)
    if not isinstance(found, str):
        return found
    text = _DATE.sub("", found)
    hours = [int(each["hour"]) % 12 + 12 * (each["half"] in "pP") if each["half"] else int(each["hour"])
             for each in _CLOCK.finditer(text)]  # fmt: skip
    beside = re.findall(r"[^\W\d_]+", _CLOCK.sub(" ", text).lower())
    is_one_hour = len(hours) == 1 or (len(hours) == 2 and (hours[1] - hours[0]) % 24 <= 1)
    return hours[0] if is_one_hour and _AROUND.issuperset(beside) else found


def hour_of_backup(view: View, answer: object) -> Judgment:
    """The hour in which backup-1 receives most of its bytes."""
    by_hour = _backup().groupby("hour")["once"].sum()
    near = {"That is how much it moves; when?": by_hour.max() / 1e9}
    return number(_hour(answer), int(by_hour.idxmax()), "hours", near=near, wanted=_HOUR_WANTED)


def gigabytes_of_backup(view: View, answer: object) -> Judgment:
    """How many gigabytes backup-1 receives in the day."""
    backup = _backup()
    total = int(backup["once"].sum())
    near = {
        "That is in bytes; a gigabyte is 10⁹ of them.": total,
        "That is in megabytes; a gigabyte is 1000 of them.": total / 1e6,
        "That is in gibibytes (2³⁰ bytes); a gigabyte is 10⁹ bytes.": total / 2**30,
        "That counts each packet at both ends: use once, not day.": backup["recorded"].sum() / 1e9,
        "That is the busiest hour; the question is the whole day.": backup.groupby("hour")["once"].sum().max() / 1e9,
        "That is db-1's alone; others send to backup-1, too.": backup.groupby("srcaddr")["once"].sum().max() / 1e9,
    }
    return number(answer, total / 1e9, "GB", digits=1, near=near)


def quiz_facts(view: View) -> Facts:
    """How much moved in the day, by all records and with each packet counted once."""
    recorded, once = (_day()[column].sum() / 1e9 for column in ("recorded", "once"))
    return {"total": f"{recorded:.0f}", "once": f"{once:.0f}", "doubled": f"{2 * recorded:.0f}"}


CHAPTER = Chapter(
    "06",
    checks=(),
    judges={
        "6.a": bytes_by_protocol,
        "6.b": packets_by_port,
        "6.1": hour_of_backup,
        "6.2": gigabytes_of_backup,
    },
    quiz_facts=quiz_facts,
)
