"""What the lab costs on AWS, by a dated table of prices: an hour, a day, a forgotten month, and so far.

`lab.costs` says it of what runs now, and the look before a real account is used says it of what will be made. In the
embedded AWS it is what the same things would cost on AWS.

Counted is what the notebooks make: instances, their disks and public addresses, and the flow logs. VPCs, subnets,
gateways, peering connections, roles and Run Command cost nothing by themselves.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from labkit.folders import course_folder
from labkit.names import LAB_TAG
from labkit.session.kinds import Part
from labkit.session.paging import all_of

#: The region whose prices stand for those of a region that the table does not have.
FALLBACK = "us-east-1"

HOURS_A_DAY = 24
#: AWS's pricing pages count 730 hours for a month.
HOURS_A_MONTH = 730

#: The root volume of Amazon Linux 2023's image, in GB; the notebooks ask for no other disk.
ROOT_VOLUME_GB = 8

#: Modeled: what the two idle instances' flow logs write, with scanners from the internet: 20 records a minute.
EXPECTED_LOG_BYTES_AN_HOUR = 20 * 60 * 150

_GB = 1024**3

#: When an instance was stopped or terminated: "User initiated (2025-12-03 14:41:00 GMT)".
#: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
_ENDED = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of one region, in USD.

    Attributes:
        date: The day on which they were looked up.
        region: The region whose prices they are.
        instance_hour: A t3.micro with Linux, on demand, for an hour.
        volume_gb_month: A GB of disk (gp3) for a month.
        address_hour: A public IPv4 address for an hour.
        ingestion_gb: A GB of flow log records delivered to CloudWatch Logs.
        storage_gb_month: A GB of records kept for a month.
        scanning_gb: A GB of records that a query of Logs Insights reads.
    """

    date: date
    region: str
    instance_hour: float
    volume_gb_month: float
    address_hour: float
    ingestion_gb: float
    storage_gb_month: float
    scanning_gb: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What is billed.

    Attributes:
        running: How many instances run.
        disks: How many root volumes there are; a stopped instance keeps its own.
        addresses: How many public IPv4 addresses there are.
        instance_hours: For how many hours instances have run so far, all together.
        disk_hours: For how many hours there have been root volumes so far, all together.
        address_hours: For how many hours there have been public addresses so far, all together.
        ingested: How many bytes the flow logs have delivered so far.
        stored: How many bytes of them are kept.
        log_hours: For how many hours there has been a log group.
        bytes_an_hour: How many bytes the flow logs deliver in an hour.
    """

    running: int = 0
    disks: int = 0
    addresses: int = 0
    instance_hours: float = 0.0
    disk_hours: float = 0.0
    address_hours: float = 0.0
    ingested: int = 0
    stored: int = 0
    log_hours: float = 0.0
    bytes_an_hour: float = 0.0


#: What runs once all notebooks have built the lab.
WHOLE_LAB = Usage(running=2, disks=2, addresses=2, bytes_an_hour=EXPECTED_LOG_BYTES_AN_HOUR)


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind of thing costs, in USD.

    Attributes:
        what: The things, in words.
        hour: What they cost in an hour from now on.
        spent: What they have cost so far.
    """

    what: str
    hour: float
    spent: float


@dataclass(frozen=True, slots=True)
class Quote:
    """What things cost, in USD; printed, it is a small table.

    Attributes:
        prices: The prices.
        region: The region in which the things are.
        rows: What each kind of thing costs.
        has_spent: Whether the things exist already, so that they have cost something.
    """

    prices: Prices
    region: str
    rows: tuple[Row, ...]
    has_spent: bool = field(default=True)

    @property
    def hour(self) -> float:
        """What all of it costs in an hour."""
        return sum(row.hour for row in self.rows)

    @property
    def day(self) -> float:
        """What all of it costs in a day."""
        return self.hour * HOURS_A_DAY

    @property
    def month(self) -> float:
        """What all of it costs in a month of 730 hours, if it is forgotten."""
        return self.hour * HOURS_A_MONTH

    @property
    def spent(self) -> float:
        """What all of it has cost so far."""
        return sum(row.spent for row in self.rows)

    def __str__(self) -> str:
        rows = [*self.rows, Row("all together", self.hour, self.spent)]
        width = max(len(row.what) for row in rows)
        so_far = f"{'so far':>10}" if self.has_spent else ""
        lines = [f"{'USD':{width}}{'an hour':>10}{'a day':>8}{'a month':>10}{so_far}"]
        for row in rows:
            day, month = row.hour * HOURS_A_DAY, row.hour * HOURS_A_MONTH
            spent = f"{row.spent:10.4f}" if self.has_spent else ""
            lines.append(f"{row.what:{width}}{row.hour:10.4f}{day:8.2f}{month:10.2f}{spent}")
        other = "" if self.region == self.prices.region else f", which does not have {self.region}"
        lines.append(
            f"List prices of {self.prices.region} by the price table of {self.prices.date}{other}; without free tier "
            f"and taxes. Logs Insights: {self.prices.scanning_gb} for each GB that a query reads."
        )
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))


def read_prices(region: str) -> Prices:
    """Read the prices of a region from `data/prices.toml`; those of us-east-1 if the table does not have the region.

    Raises:
        LabError: The course's folder is not here.
    """
    table = tomllib.loads((course_folder() / "data" / "prices.toml").read_text(encoding="utf-8"))
    known = region if region in table["regions"] else FALLBACK
    return Prices(date=table["date"], region=known, **table["regions"][known])


def quote(prices: Prices, region: str, usage: Usage, has_spent: bool = True) -> Quote:
    """Work out what something costs.

    Args:
        prices: The prices.
        region: The region in which it is.
        usage: What is billed.
        has_spent: Whether it exists already.

    >>> prices = Prices(date(2026, 11, 28), "us-east-1", 0.0104, 0.08, 0.005, 0.5, 0.03, 0.005)
    >>> whole = quote(prices, "us-east-1", Usage(running=2, addresses=2))
    >>> round(whole.hour, 4), round(whole.day, 2), round(whole.month, 2)
    (0.0308, 0.74, 22.48)
    """
    disk_hour = ROOT_VOLUME_GB * prices.volume_gb_month / HOURS_A_MONTH
    storage_hour = usage.stored / _GB * prices.storage_gb_month / HOURS_A_MONTH
    rows = (
        Row(
            f"{usage.running} running t3.micro",
            usage.running * prices.instance_hour,
            usage.instance_hours * prices.instance_hour,
        ),
        Row(f"{usage.disks} disks of {ROOT_VOLUME_GB} GB", usage.disks * disk_hour, usage.disk_hours * disk_hour),
        Row(
            f"{usage.addresses} public IPv4 addresses",
            usage.addresses * prices.address_hour,
            usage.address_hours * prices.address_hour,
        ),
        Row(
            "flow logs",
            usage.bytes_an_hour / _GB * prices.ingestion_gb + storage_hour,
            # Simplified: as if all that is stored had been so since the log group was made.
            usage.ingested / _GB * prices.ingestion_gb + usage.log_hours * storage_hour,
        ),
    )
    return Quote(prices, region, rows, has_spent)


def costs(client: Callable[[str], Any], log_group: str, region: str, now: datetime) -> Quote:
    """Work out what the lab costs, from what AWS says of it.

    Args:
        client: Makes a boto3 client of a service.
        log_group: The name of the lab's log group.
        region: The region.
        now: The current time of this AWS.

    Raises:
        LabError: The course's folder, which has the prices, is not here.
    """
    return quote(read_prices(region), region, read_usage(client, log_group, now))


def read_usage(client: Callable[[str], Any], log_group: str, now: datetime) -> Usage:
    """Read what of the lab is billed. The arguments are those of `costs`.

    Simplified: an instance counts from its last start, since AWS tells no earlier one. It counts with the disk and the
    public address that the notebooks give it. Of a terminated instance AWS knows for about an hour.
    """
    ec2 = client("ec2")
    tagged = [{"Name": f"tag:{LAB_TAG['Key']}", "Values": [LAB_TAG["Value"]]}]
    instances = all_of(ec2, "describe_instances", "Reservations[].Instances[]", Filters=tagged)
    live = [each for each in instances if each["State"]["Name"] not in ("shutting-down", "terminated")]
    awake = [each for each in live if each["State"]["Name"] in ("pending", "running")]
    addresses = sum(1 for each in live for _ in _addresses(each))
    elastic = all_of(ec2, "describe_addresses", "Addresses[]", Filters=tagged)
    awake_hours = sum(_hours(each["LaunchTime"], _ended(each) or now) for each in instances)
    kept = [each for each in live if each not in awake]
    incoming, stored, log_hours = _logs(client, log_group, now)
    return Usage(
        running=len(awake),
        disks=len(live),
        addresses=addresses + sum("AssociationId" not in each for each in elastic),
        instance_hours=awake_hours,
        disk_hours=awake_hours + sum(_hours(_ended(each) or now, now) for each in kept),
        address_hours=awake_hours,
        ingested=max(incoming, stored),
        stored=stored,
        log_hours=log_hours,
        bytes_an_hour=max(incoming, stored) / log_hours if log_hours else 0.0,
    )


def _addresses(instance: Part) -> Iterator[str]:
    for interface in instance["NetworkInterfaces"]:
        if "Association" in interface:
            yield interface["Association"]["PublicIp"]


def _ended(instance: Part) -> datetime | None:
    """When an instance was stopped or terminated; None while it runs."""
    if instance["State"]["Name"] in ("pending", "running"):
        return None
    found = _ENDED.search(instance.get("StateTransitionReason", ""))
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else None


def _hours(begin: datetime, end: datetime) -> float:
    return max((end - begin) / timedelta(hours=1), 0.0)


def _logs(client: Callable[[str], Any], log_group: str, now: datetime) -> tuple[int, int, float]:
    """Return how many bytes a log group has received and keeps, and for how many hours it has existed.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
    """
    groups = all_of(client("logs"), "describe_log_groups", "logGroups[]", logGroupNamePrefix=log_group)
    group = next((each for each in groups if each["logGroupName"] == log_group), None)
    if group is None:
        return 0, 0, 0.0
    since = datetime.fromtimestamp(group["creationTime"] / 1000, UTC)
    try:
        answer = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Logs", MetricName="IncomingBytes", Dimensions=[{"Name": "LogGroupName", "Value": log_group}],
            StartTime=since, EndTime=now, Period=24 * 60 * 60, Statistics=["Sum"],
        )  # fmt: skip
        incoming = sum(int(each["Sum"]) for each in answer["Datapoints"])
    except (ClientError, BotoCoreError):  # not allowed, or the embedded AWS, which does not have metrics
        incoming = 0
    return incoming, int(group.get("storedBytes", 0)), _hours(since, now)
