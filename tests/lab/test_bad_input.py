"""Bad input, as a student gives it: a sentence that says what to do, and nothing of the lab is lost.

The lab is built once: after each test it is compared with what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

import labkit
from labkit.errors import LabError
from labkit.lab import Lab
from labkit.learn.chapters import chapters
from labkit.network import Network
from tests.lab.conftest import Built, fresh_lab, inside


def everything(lab: Lab) -> Any:
    logs, ec2 = map(inside(lab), ("logs", "ec2"))
    groups = [(each["logGroupName"], each["storedBytes"]) for each in logs.describe_log_groups()["logGroups"]]
    return Network.from_ec2(ec2), ec2.describe_flow_logs()["FlowLogs"], ec2.describe_tags()["Tags"], groups


@pytest.fixture(scope="module")
def story() -> Iterator[Built]:
    """The lab after notebook 03, with some records delivered."""
    with fresh_lab() as lab:
        built = Built(lab, "04")
        lab.wait_for_flow_logs()
        yield built


@pytest.fixture
def same_lab(story: Built) -> Iterator[Lab]:
    before = everything(story.lab)
    yield story.lab
    assert everything(story.lab) == before


def sentence(caught: pytest.ExceptionInfo[Exception]) -> str:
    """What a student sees of a LabError: one line, which begins with the name of its class."""
    assert isinstance(caught.value, LabError)
    (line,) = caught.value._render_traceback_()
    assert line == f"{caught.type.__name__}: {caught.value}" and "\n" not in line
    assert line.endswith("."), line
    return line


# Things that are not there


@pytest.mark.parametrize("name", ["instance-9", "", "i-0123456789abcdef0", "10.2.0.127"])
def test_an_unknown_instance_is_named_and_the_known_ones_are_listed(same_lab: Lab, name: str) -> None:
    with pytest.raises(LabError) as caught:
        same_lab.shell(name, "hostname")
    assert f"There is no instance, interface or address '{name}'" in sentence(caught)
    assert "The instances are: instance-1, instance-2." in sentence(caught)


@pytest.mark.parametrize("end", ["10.2.0.999", "example.com", "10.2.0.0/16", "instance 2", ""])
@pytest.mark.parametrize("way", ["to", "from"])
def test_a_trace_names_the_end_that_is_not_there(same_lab: Lab, end: str, way: str) -> None:
    ends = ("instance-1", end) if way == "to" else (end, "instance-1")
    with pytest.raises(LabError) as caught:
        same_lab.trace(*ends)
    assert f"'{end}'" in sentence(caught) and "instance-1, instance-2" in sentence(caught)


def test_a_log_group_that_is_not_there(same_lab: Lab) -> None:
    with pytest.raises(LabError, match="There is no log group 'Nimbus'. Notebook 02 creates it"):
        same_lab.records(log_group="Nimbus")


def test_a_chapter_that_is_not_there(same_lab: Lab) -> None:
    for chapter in ("4", 4, "11", "vpcs"):
        with pytest.raises(LabError, match=rf"There is no chapter {chapter!r}; the chapters are 00, 01"):
            same_lab.catch_up(chapter)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["vpc-*", "vpc-?", "VPC-1", "instance-3"])
def test_a_name_means_itself_and_what_does_not_bear_it_is_not_found(same_lab: Lab, name: str) -> None:
    """EC2's filters take * and ? for other characters, which a name is not to be.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
    """
    assert same_lab.find(name) is None


@pytest.mark.parametrize(("kind", "guess"), [("vpcs", "vpc"), ("flow-log", "vpc-flow-log"), ("roles", "role")])
def test_a_kind_that_is_not_there_is_not_taken_for_a_thing_that_is_not_there(
    same_lab: Lab, kind: str, guess: str
) -> None:
    with pytest.raises(LabError) as caught:
        same_lab.find("vpc-1", kind)
    assert f"Did you mean {guess!r}?" in f"{caught.value}"


@pytest.mark.parametrize("name", [None, "", 5])
def test_what_is_no_name_is_said_to_be_none(same_lab: Lab, name: Any) -> None:
    with pytest.raises(LabError) as caught:
        same_lab.find(name)
    assert f"{name!r} is not a name" in sentence(caught)


# Commands


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("ping -c 1 10.2.0.999", 2, "ping: 10.2.0.999: Name or service not known"),
        ("ping -c 1 nowhere.example", 2, "ping: nowhere.example: Name or service not known"),
        ("pnig -c 1 10.2.0.126", 127, "pnig: command not found"),
    ],
)
def test_a_command_that_is_wrong_says_so_as_the_instance_would(
    story: Built, capsys: pytest.CaptureFixture[str], command: str, code: int, words: str
) -> None:
    network = story.lab.network
    output = story.lab.shell("instance-1", command)
    assert output.exit_code == code and words in output.stderr
    assert capsys.readouterr().out == output.stderr
    assert story.lab.network == network


@pytest.mark.parametrize("command", ["", "  \n "])
def test_no_command_at_all(same_lab: Lab, command: str) -> None:
    with pytest.raises(LabError) as caught:
        same_lab.shell("instance-1", command)
    assert "There is no command to run. Give one, such as lab.shell('instance-1', 'hostname')." in sentence(caught)


# Ports and protocols


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"protocol": "sctp"}, "'sctp' is not a protocol that labkit sends: use 'icmp', 'tcp' or 'udp'."),
        ({"protocol": "TCP", "port": 22}, "'TCP' is not a protocol"),
        ({"protocol": "tcp"}, "A TCP packet goes to a port: give one, such as port=22."),
        ({"protocol": "udp"}, "A UDP packet goes to a port"),
        ({"protocol": "tcp", "port": 70000}, "70000 is not a port: ports run from 0 to 65535."),
        ({"protocol": "tcp", "port": -1}, "-1 is not a port"),
        ({"protocol": "tcp", "port": "22"}, "'22' is not a port: give a number, such as port=22."),
    ],
)
def test_a_packet_that_cannot_be(same_lab: Lab, more: dict[str, Any], words: str) -> None:
    with pytest.raises(LabError) as caught:
        same_lab.trace("instance-1", "10.2.0.126", **more)
    assert words in sentence(caught)


def test_a_packet_between_an_ipv4_and_an_ipv6_address(same_lab: Lab) -> None:
    with pytest.raises(LabError, match="has no IPv6 address, so it cannot send to 2600::1"):
        same_lab.trace("instance-1", "2600::1")


def test_a_map_is_drawn_of_a_path_only(same_lab: Lab) -> None:
    with pytest.raises(LabError, match="'instance-1' is not a path: give what lab.trace gives"):
        same_lab.map("instance-1")  # type: ignore[arg-type]


@pytest.mark.parametrize("since", [datetime(2025, 12, 3, 14, 41), "14:41", 0.5])
def test_a_moment_without_a_time_zone(same_lab: Lab, since: Any) -> None:
    with pytest.raises(LabError) as caught:
        same_lab.records(since=since)
    assert "is not a moment with a time zone. Take one from lab.clock" in sentence(caught)


def test_words_of_records_may_be_numbers_addresses_or_several_at_once(same_lab: Lab, story: Built) -> None:
    found = same_lab.records(story.interface_1, "NODATA")
    assert found
    assert same_lab.records(f"{story.interface_1} NODATA") == found
    assert same_lab.records(int(found[0].split()[10]), story.interface_1) == found[:1]


def test_a_notebook_that_is_broken(same_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "00-start-here.ipynb").write_text("<<<<<<< HEAD")
    (tmp_path / "01-two-vpcs.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        LabError, match=r"00-start-here.ipynb cannot be read as a notebook. Get it back .* git checkout"
    ):
        same_lab.catch_up("01")


# Connecting


@pytest.mark.parametrize("where", ["azure", "AWS", ""])
def test_an_aws_that_is_not_there(same_lab: Lab, where: str) -> None:
    with pytest.raises(LabError) as caught:
        labkit.connect(where)
    assert f"There is no AWS called {where!r}" in sentence(caught)


@pytest.mark.parametrize("more", [{"profile": "prod"}, {"region": "eu-west-1"}])
def test_the_embedded_aws_has_no_profiles_or_regions(same_lab: Lab, more: dict[str, str]) -> None:
    with pytest.raises(LabError) as caught:
        labkit.connect("embedded", **more)
    assert "leave profile and region out, or connect('aws', …)" in sentence(caught)


def test_connecting_again_finds_the_same_lab(same_lab: Lab) -> None:
    vpc, now = same_lab.find("vpc-1"), same_lab.clock
    again = labkit.connect()
    assert (again.find("vpc-1"), again.clock) == (vpc, now)
    assert again.account == same_lab.account
    assert same_lab.find("vpc-1") == vpc  # and what was made before goes on working


# Calls of boto3 itself


def test_a_custom_format_with_an_unknown_field_is_refused_with_the_nearest_one(same_lab: Lab, story: Built) -> None:
    with pytest.raises(ClientError, match=r"no field 'src-addr'\. Did you mean srcaddr"):
        story.ec2.create_flow_logs(
            ResourceType="VPC", ResourceIds=[story.vpc_1], TrafficType="ALL", LogGroupName="g",
            DeliverLogsPermissionArn=story.role, LogFormat="${version} ${src-addr}",
        )  # fmt: skip


def test_a_build_cell_of_04_without_the_chapters_before_makes_nothing(lab: Lab) -> None:
    cells = list(next(each for each in chapters() if each.number == "04").build_cells())
    names: dict[str, Any] = {"lab": lab}
    with pytest.raises(NameError, match="boto3"):  # the notebook's first cell imports it
        exec(cells[0], names)
    names["boto3"] = __import__("boto3")
    exec(cells[0], names)
    before = everything(lab)
    with pytest.raises(ParamValidationError, match="VpcId, value: None"):
        exec(cells[1], names)
    assert everything(lab) == before
