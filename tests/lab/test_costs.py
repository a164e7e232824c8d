"""What the lab costs: by AWS's list prices, from what exists, and always with the date of the prices."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import LabError
from labkit.lab import Lab
from labkit.names import LOG_GROUP
from labkit.session.costs import (
    EXPECTED_LOG_BYTES_AN_HOUR,
    WHOLE_LAB,
    Prices,
    Usage,
    costs,
    quote,
    read_prices,
    read_usage,
)
from tests.lab.conftest import Built, aws_of, refusal

TABLE = tomllib.loads((Path(__file__).parents[2] / "data" / "prices.toml").read_text(encoding="utf-8"))
PRICES = read_prices("us-east-1")
GB = 1024**3


def usage(lab: Lab, now: datetime | None = None) -> Usage:
    return read_usage(lab.client, LOG_GROUP, now or lab.clock)


# The table


def test_every_price_of_every_region_is_there_and_has_its_source() -> None:
    numbers = {*Prices.__dataclass_fields__} - {"date", "region"}
    assert set(TABLE["sources"]) == numbers
    assert all(source.startswith("https://aws.amazon.com/") for source in TABLE["sources"].values())
    for region, prices in TABLE["regions"].items():
        assert set(prices) == numbers, region
        assert all(0 < price < 1 for price in prices.values()), region


def test_prices_of_us_east_1() -> None:
    """https://aws.amazon.com/ec2/pricing/on-demand/, …/ebs/pricing/, …/vpc/pricing/, …/cloudwatch/pricing/"""
    assert (PRICES.instance_hour, PRICES.volume_gb_month, PRICES.address_hour) == (0.0104, 0.08, 0.005)
    assert (PRICES.ingestion_gb, PRICES.storage_gb_month, PRICES.scanning_gb) == (0.5, 0.03, 0.005)


def test_a_public_address_costs_the_same_everywhere() -> None:
    """https://aws.amazon.com/blogs/aws/new-aws-public-ipv4-address-charge-public-ip-insights/"""
    assert {prices["address_hour"] for prices in TABLE["regions"].values()} == {0.005}


def test_a_region_that_the_table_lacks_is_quoted_as_us_east_1_and_the_quote_says_so() -> None:
    prices = read_prices("ap-south-2")
    assert prices == PRICES
    shown = str(quote(prices, "ap-south-2", WHOLE_LAB))
    assert f"List prices of us-east-1 by the price table of {TABLE['date']}, which does not have ap-south-2" in shown
    assert "does not have" not in str(quote(PRICES, "us-east-1", WHOLE_LAB))


def test_without_the_course_there_are_no_prices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("labkit.folders.__file__", str(tmp_path / "labkit" / "folders.py"))
    with pytest.raises(LabError, match="Work in the project's folder my-notebooks/"):
        read_prices("us-east-1")


# The sum


def test_a_forgotten_lab_costs_about_24_dollars_a_month() -> None:
    """Two of 0.0104 and 0.005 USD an hour, and 16 GB for 0.08 USD a month; a month has 730 hours."""
    whole = quote(PRICES, "us-east-1", WHOLE_LAB)
    logs = EXPECTED_LOG_BYTES_AN_HOUR * 730 / GB * 0.5
    assert whole.month == pytest.approx(2 * 730 * (0.0104 + 0.005) + 16 * 0.08 + logs)
    assert whole.day == pytest.approx(whole.month / 730 * 24)
    assert whole.hour == pytest.approx(whole.month / 730)
    assert 23.5 < whole.month < 24.5 and logs < 0.1


def test_each_gigabyte_is_paid_for_on_arrival_and_while_it_is_kept() -> None:
    paid = quote(PRICES, "us-east-1", Usage(ingested=2 * GB, stored=GB, log_hours=730))
    assert paid.spent == pytest.approx(2 * 0.5 + 0.03)
    assert paid.month == pytest.approx(0.03)


def test_the_table_shows_hour_day_month_and_what_was_spent() -> None:
    lines = str(quote(PRICES, "us-east-1", Usage(running=2, instance_hours=10))).splitlines()
    assert lines[0].split() == ["USD", "an", "hour", "a", "day", "a", "month", "so", "far"]
    assert lines[1].split() == ["2", "running", "t3.micro", "0.0208", "0.50", "15.18", "0.1040"]
    assert lines[5].split()[-4:] == ["0.0208", "0.50", "15.18", "0.1040"]
    assert f"by the price table of {TABLE['date']}" in lines[-1] and "without free tier" in lines[-1]
    planned = str(quote(PRICES, "us-east-1", WHOLE_LAB, has_spent=False))
    assert "so far" not in planned


# What is there


def test_an_empty_account_costs_nothing(lab: Lab) -> None:
    assert usage(lab) == Usage()
    assert lab.costs().month == lab.costs().spent == 0


def test_the_whole_lab_as_it_runs(built: Built) -> None:
    now = usage(built.lab)
    assert (now.running, now.disks, now.addresses) == (2, 2, 2)
    aws_of(built.lab).clock.advance(10 * 3600)
    later = usage(built.lab)
    assert later.instance_hours - now.instance_hours == pytest.approx(2 * 10)
    assert later.stored > 0, "records came, the internet's noise among them"
    assert later.bytes_an_hour == pytest.approx(later.stored / later.log_hours)
    shown = built.lab.costs()
    assert shown.spent == pytest.approx(20 * (0.0104 + 0.005 + 8 * 0.08 / 730), rel=0.02)
    assert "2 running t3.micro" in str(shown)


def test_what_others_run_is_not_counted(lab: Lab) -> None:
    ec2 = lab.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.run_instances(ImageId=_image(lab), InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet)
    ec2.allocate_address()
    assert usage(lab) == Usage()


def test_a_stopped_instance_costs_its_disk_only(built: Built) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html#stop-instance-cost"""
    built.lab.client("ec2").stop_instances(InstanceIds=[built.instance_1, built.instance_2])
    before = usage(built.lab)
    aws_of(built.lab).clock.advance(3600)
    after = usage(built.lab)
    assert (after.running, after.disks, after.addresses) == (0, 2, 0)
    assert after.instance_hours == pytest.approx(before.instance_hours)
    assert after.disk_hours == pytest.approx(before.disk_hours + 2)


def test_what_was_spent_is_known_for_a_while_after_the_lab_is_gone(built: Built) -> None:
    aws_of(built.lab).clock.advance(3600)
    built.lab.clean_up()
    gone = usage(built.lab)
    assert (gone.running, gone.disks, gone.addresses) == (0, 0, 0)
    assert gone.instance_hours == pytest.approx(2, rel=0.05)
    spent, aws = built.lab.costs().spent, aws_of(built.lab)
    aws.clock.advance(1800)
    assert built.lab.costs().spent == pytest.approx(spent), "what is gone costs no more"


def test_an_address_that_is_kept_costs_though_nothing_uses_it(lab: Lab) -> None:
    lab.client("ec2").allocate_address(TagSpecifications=lab.tags("elastic-ip", "address-1"))
    assert usage(lab).addresses == 1
    assert lab.costs().month == pytest.approx(0.005 * 730)


class Metrics:
    """CloudWatch's metrics."""

    def __init__(self, points: list[float] | Exception) -> None:
        self.points = points

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        assert asked["Dimensions"] == [{"Name": "LogGroupName", "Value": LOG_GROUP}]
        assert (asked["Namespace"], asked["MetricName"]) == ("AWS/Logs", "IncomingBytes")
        if isinstance(self.points, Exception):
            raise self.points
        return {"Datapoints": [{"Sum": point} for point in self.points]}


@pytest.mark.parametrize(
    ("metrics", "ingested"),
    [
        ([600.0, 400.0], 1000),  # more than is kept: retention has deleted the rest
        ([], 0),  # metrics come some minutes late
        (refusal("AccessDenied", "not authorized to perform: cloudwatch:GetMetricStatistics"), 0),
    ],
)
def test_what_was_delivered_comes_from_the_metric_or_else_from_what_is_kept(
    lab: Lab, metrics: Any, ingested: int
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html"""
    lab.client("logs").create_log_group(logGroupName=LOG_GROUP)
    now = lab.clock + timedelta(hours=2)
    read = read_usage(
        lambda service: Metrics(metrics) if service == "cloudwatch" else lab.client(service), LOG_GROUP, now
    )
    assert (read.ingested, read.stored) == (ingested, 0)
    assert read.bytes_an_hour == pytest.approx(ingested / 2, rel=0.01)


def test_costs_are_those_of_the_region(lab: Lab) -> None:
    lab.client("ec2").allocate_address(TagSpecifications=lab.tags("elastic-ip", "address-1"))
    shown = costs(lab.client, LOG_GROUP, "eu-central-1", datetime(2026, 1, 1, tzinfo=UTC))
    assert shown.prices.region == "eu-central-1" and shown.month == pytest.approx(3.65)


def _image(lab: Lab) -> str:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    return str(lab.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
