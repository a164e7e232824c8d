"""Chapter 06, flow logs in pandas: when the backup of one day runs, and how much it moves."""

from __future__ import annotations

from functools import cache
from typing import Any

from labkit.folders import course_folder
from labkit.learn.chapter import Chapter, Facts
from labkit.learn.judging import Judgment, counts, number
from labkit.learn.view import View
from labkit.network import Network


@cache
def _day() -> Any:
    """Add up the bytes of the day by hour, source, and whether backup-1 receives them.

    Returns:
        A table with the columns `hour`, `srcaddr`, `backup`, `recorded` (bytes, counting each record) and `once`
        (bytes, counting each packet once although both ends recorded it).
    """
    from labkit import flowlogs

    folder = course_folder() / "data" / "nimbus-day"
    network = Network.from_files(folder)
    own = {str(address): each for each in network.interfaces.values() for address in each.addresses}
    instances = {each.id: each.name for each in network.instances.values()}
    backup = next(address for address, each in own.items() if instances.get(each.instance or "") == "backup-1")
    addresses = ", ".join(f"'{address}'" for address in own)
    return flowlogs.ask(
        flowlogs.scan(folder / "parquet", columns=["srcaddr", "dstaddr", "flow_direction", "start", "bytes"]),
        f"""SELECT hour(start) AS hour, srcaddr, dstaddr = '{backup}' AS backup, sum(bytes)::BIGINT AS recorded,
                   (sum(bytes) FILTER (flow_direction = 'egress' OR srcaddr NOT IN ({addresses})))::BIGINT AS once
            FROM records WHERE srcaddr IS NOT NULL GROUP BY ALL""",
    )


@cache
def _sums(key: str, value: str, condition: str = "true") -> dict[str, int]:
    """Add up a column of the day's records by another one."""
    from labkit import flowlogs

    network = Network.from_files(course_folder() / "data" / "nimbus-day")
    own = ", ".join(f"'{address}'" for each in network.interfaces.values() for address in each.addresses)
    table = flowlogs.ask(
        flowlogs.scan(course_folder() / "data" / "nimbus-day" / "parquet"),
        f"""SELECT {key} AS key, sum({value})::BIGINT AS value FROM records
            WHERE srcaddr IS NOT NULL AND {condition.format(own=own)} GROUP BY ALL""",
    )
    return dict(zip(table["key"].astype(str), table["value"].astype(int), strict=True))


def bytes_by_protocol(view: View, answer: object) -> Judgment:
    """How many bytes each protocol moved in the day, by all records."""
    return counts(answer, _sums("protocol", "bytes"), "protocol", "bytes")


def packets_by_port(view: View, answer: object) -> Judgment:
    """How many TCP packets from the internet were refused for each destination port."""
    refused = "action = 'REJECT' AND protocol = 6 AND srcaddr NOT IN ({own})"
    return counts(answer, _sums("dstport", "packets", refused), "port", "packets")


def _backup() -> Any:
    return _day()[_day()["backup"]]


def hour_of_backup(view: View, answer: object) -> Judgment:
    """The hour in which backup-1 receives most of its bytes."""
    by_hour = _backup().groupby("hour")["once"].sum()
    found: Any = answer
    if isinstance(found, str) and ":" in found:
        found = found.strip().removesuffix(" UTC").partition(":")[0].rpartition(" ")[2]
    elif hasattr(found, "hour") and not hasattr(found, "columns"):
        found = found.hour
    near = {"That is how much it moves; when?": by_hour.max() / 1e9}
    return number(found, int(by_hour.idxmax()), "hours", near=near)


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
