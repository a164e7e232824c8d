"""Bad input, as a student gives it: a sentence says what to do, and the lab stays as it is.

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
from labkit.learn.notebooks import notebooks
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


def row(*words: str, of: str, to: tuple[Any, ...] = (), **more: Any) -> Any:
    """A call of the lab, `of` with the arguments `to` and `more`, and words of the sentence that answers it."""
    return pytest.param(of, to, more, words, id=f"{of}{to}{more or ''}")


KNOWN = "instance-1, instance-2"
REFUSED = [
    # Things that do not exist
    *(
        row(
            f"There is no instance, interface or address '{name}'", f"The instances are: {KNOWN}.",
            of="shell", to=(name, "x"),
        )
        for name in ("instance-9", "", "i-0123456789abcdef0", "10.2.0.127")
    ),
    *(
        row(f"'{end}'", KNOWN, of="trace", to=ends)
        for end in ("10.2.0.999", "example.com", "10.2.0.0/16", "instance 2", "")
        for ends in (("instance-1", end), (end, "instance-1"))
    ),
    row("There is no log group 'Nimbus'. Notebook 02 creates it", of="records", log_group="Nimbus"),
    *(
        row(f"There is no chapter {chapter!r}; the chapters are 00, 01", of="catch_up", to=(chapter,))
        for chapter in ("4", 4, "11", "vpcs")
    ),
    *(
        row(f"Did you mean {guess!r}?", of="find", to=("vpc-1", kind))
        for kind, guess in (("vpcs", "vpc"), ("flow-log", "vpc-flow-log"), ("roles", "role"))
    ),
    *(row(f"{name!r} is not a name", of="find", to=(name,)) for name in (None, "", 5)),
    # Commands
    *(
        row(
            "There is no command to run. Give one, such as lab.shell('instance-1', 'hostname').",
            of="shell", to=("instance-1", command),
        )
        for command in ("", "  \n ")
    ),
    # Ports and protocols
    *(
        row(words, of="trace", to=("instance-1", "10.2.0.126"), **more)
        for words, more in (
            ("'sctp' is not a protocol that labkit sends: use 'icmp', 'tcp' or 'udp'.", {"protocol": "sctp"}),
            ("'TCP' is not a protocol", {"protocol": "TCP", "port": 22}),
            ("A TCP packet goes to a port: give one, such as port=22.", {"protocol": "tcp"}),
            ("A UDP packet goes to a port", {"protocol": "udp"}),
            ("70000 is not a port: ports run from 0 to 65535.", {"protocol": "tcp", "port": 70000}),
            ("-1 is not a port", {"protocol": "tcp", "port": -1}),
            ("'22' is not a port: give a number, such as port=22.", {"protocol": "tcp", "port": "22"}),
        )
    ),
    row("has no IPv6 address, so it cannot send to 2600::1", of="trace", to=("instance-1", "2600::1")),
    # Other values
    row("'instance-1' is not a path: give what lab.trace gives", of="map", to=("instance-1",)),
    *(
        row("is not a moment with a time zone. Take one from lab.clock", of="records", since=since)
        for since in (datetime(2025, 12, 3, 14, 41), "14:41", 0.5)
    ),
    # Connecting
    *(row(f"There is no AWS called {where!r}", of="connect", to=(where,)) for where in ("azure", "AWS", "")),
    row("leave profile and region out, or connect('aws', …)", of="connect", to=("embedded",), profile="prod"),
    row("leave profile and region out, or connect('aws', …)", of="connect", to=("embedded",), region="eu-west-1"),
]  # fmt: skip


@pytest.mark.parametrize(("of", "to", "more", "words"), REFUSED)
def test_bad_input_is_answered_with_one_sentence(
    same_lab: Lab, of: str, to: tuple[Any, ...], more: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(LabError) as caught:
        getattr(labkit if of == "connect" else same_lab, of)(*to, **more)
    (line,) = caught.value._render_traceback_()
    assert line == f"{caught.type.__name__}: {caught.value}" and "\n" not in line
    assert line.endswith((".", "?")), line
    assert all(each in line for each in words), line


@pytest.mark.parametrize("name", ["vpc-*", "vpc-?", "VPC-1", "instance-3"])
def test_a_name_means_itself_and_what_does_not_bear_it_is_not_found(same_lab: Lab, name: str) -> None:
    """EC2's filters take * and ? for other characters, which a name is not to be.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
    """
    assert same_lab.find(name) is None


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("ping -c 1 10.2.0.999", 2, "ping: 10.2.0.999: Name or service not known"),
        ("ping -c 1 nowhere.example", 2, "ping: nowhere.example: Name or service not known"),
        ("pnig -c 1 10.2.0.126", 127, "pnig: command not found"),
    ],
)
def test_a_wrong_command_fails_as_on_the_instance(
    story: Built, capsys: pytest.CaptureFixture[str], command: str, code: int, words: str
) -> None:
    network = story.lab.network
    output = story.lab.shell("instance-1", command)
    assert output.exit_code == code and words in output.stderr
    assert capsys.readouterr().out == output.stderr
    assert story.lab.network == network


def test_words_of_records_may_be_numbers_addresses_or_several_at_once(same_lab: Lab, story: Built) -> None:
    found = same_lab.records(story.interface_1, "NODATA")
    assert found
    assert same_lab.records(f"{story.interface_1} NODATA") == found
    assert same_lab.records(int(found[0].split()[10]), story.interface_1) == found[:1]


def test_a_notebook_that_is_broken(same_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00-start-here.ipynb").write_text("<<<<<<< HEAD")
    (tmp_path / "notebooks" / "01-two-vpcs.ipynb").write_text("{}")
    monkeypatch.setattr("labkit.folders.__file__", str(tmp_path / "labkit" / "folders.py"))
    with pytest.raises(
        LabError, match=r"01-two-vpcs.ipynb cannot be read as a notebook. Get it back .* git restore notebooks/01-two"
    ):
        same_lab.catch_up("01")


def test_connecting_again_finds_the_same_lab(same_lab: Lab) -> None:
    vpc, now = same_lab.find("vpc-1"), same_lab.clock
    again = labkit.connect()
    assert (again.find("vpc-1"), again.clock) == (vpc, now)
    assert again.account == same_lab.account
    assert same_lab.find("vpc-1") == vpc  # and what was made before goes on working


def test_a_custom_format_with_an_unknown_field_is_refused_with_the_nearest_one(same_lab: Lab, story: Built) -> None:
    with pytest.raises(ClientError, match=r"no field 'src-addr'\. Did you mean srcaddr"):
        story.ec2.create_flow_logs(
            ResourceType="VPC", ResourceIds=[story.vpc_1], TrafficType="ALL", LogGroupName="g",
            DeliverLogsPermissionArn=story.role, LogFormat="${version} ${src-addr}",
        )  # fmt: skip


def test_a_build_cell_of_04_without_the_chapters_before_makes_nothing(lab: Lab) -> None:
    cells = list(next(each for each in notebooks() if each.number == "04").build_cells())
    names: dict[str, Any] = {"lab": lab}
    with pytest.raises(NameError, match="boto3"):  # the notebook's first cell imports it
        exec(cells[0], names)
    names["boto3"] = __import__("boto3")
    exec(cells[0], names)
    before = everything(lab)
    with pytest.raises(ParamValidationError, match="VpcId, value: None"):
        exec(cells[1], names)
    assert everything(lab) == before
