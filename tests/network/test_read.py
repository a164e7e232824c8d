"""From `describe_*` answers to a Network, and finding one part from another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from labkit.network import Network, NetworkError, echo_request
from labkit.network.endpoints import packet_between
from tests.networks import ALL_TRAFFIC, OPERATIONS, Build, connected, route, two_vpcs

KEYS = {operation.replace("-", "_"): key for key, operation in OPERATIONS.items()}


class OnePartAPage:
    """An EC2 client that only answers questions, in pages of one part, with an empty page between."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.asked: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        self.asked.append(operation)
        parts = self.build.parts

        class Paginator:
            def paginate(self, PrefixListId: str = "") -> Iterator[dict[str, Any]]:
                if operation == "get_managed_prefix_list_entries":
                    found = next(part for part in parts["PrefixLists"] if part["PrefixListId"] == PrefixListId)
                    for one in found["Entries"]:
                        yield {"Entries": [one]}
                    return
                for part in parts[KEYS[operation]]:
                    yield {KEYS[operation]: [part]}
                    yield {KEYS[operation]: []}

        return Paginator()


def test_it_reads_every_page_with_describe_calls_alone() -> None:
    build = connected().prefix_list("pl-1", "192.0.2.0/24", "198.51.100.0/24")
    build.routes("subnet-1", route("pl-1", "pcx-12"))
    client = OnePartAPage(build)
    network = Network.from_ec2(client)
    assert network == build.network()
    assert len(network.vpcs) == len(network.interfaces) == 2
    assert [str(cidr) for cidr in network.prefix_lists["pl-1"]] == ["192.0.2.0/24", "198.51.100.0/24"]
    assert set(client.asked) == {*KEYS, "get_managed_prefix_list_entries"}


def test_blocks_that_are_no_longer_associated_do_not_count() -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcCidrBlockState.html"""
    build = two_vpcs()
    gone = {"CidrBlock": "10.8.0.0/16", "CidrBlockState": {"State": "disassociated"}}
    build.part("vpc-1")["CidrBlockAssociationSet"].append(gone)
    assert [str(cidr) for cidr in build.network().vpcs["vpc-1"].cidrs] == ["10.1.0.0/16"]


def test_an_interface_of_an_ipv6_only_subnet_has_no_private_ipv4_address() -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html"""
    build = Build().vpc("vpc", "10.0.0.0/16", "2001:db8::/56").group("sg", "vpc", [ALL_TRAFFIC])
    build.subnet("s", "vpc", "10.0.0.0/24", ipv6="2001:db8::/64")
    for n in (1, 2):
        build.instance(f"six-{n}", "s", "10.0.0.9", ["sg"], ipv6=f"2001:db8::{n}")
        interface = build.part(f"eni-six-{n}")
        del interface["PrivateIpAddress"], interface["PrivateIpAddresses"]
    del build.part("s")["CidrBlock"]
    path = build.trace(echo_request("2001:db8::1", "2001:db8::2"))
    assert path.replied
    assert str(path.forward.sightings[1].packet.dst) == "2001:db8::2"


def test_the_primary_address_comes_first_and_each_keeps_its_public_one() -> None:
    build = two_vpcs()
    interface = build.part("eni-instance-1")
    interface["PrivateIpAddresses"].insert(
        0, {"PrivateIpAddress": "10.1.0.50", "Primary": False, "Association": {"PublicIp": "54.1.1.50"}}
    )
    found = build.network().interfaces["eni-instance-1"]
    assert [str(address) for address in found.addresses] == ["10.1.15.80", "10.1.0.50"]
    assert {str(own): str(public) for own, public in found.public.items()} == {
        "10.1.15.80": "54.1.1.1",
        "10.1.0.50": "54.1.1.50",
    }
    path = build.trace(echo_request("10.1.0.50", "198.51.100.7"))
    assert str(path.forward.hops[-1].packet.src) == "54.1.1.50"


@pytest.mark.parametrize("key", ["instance-1", "i-instance-1", "eni-instance-1", "10.1.15.80", "54.1.1.1"])
def test_an_interface_is_found_by_name_id_and_address(key: str) -> None:
    assert two_vpcs().network().interface_of(key).id == "eni-instance-1"


def test_what_is_not_there_or_there_twice() -> None:
    build = two_vpcs()
    network = build.network()
    with pytest.raises(NetworkError, match=r"'instance-3'.*The instances are: instance-1, instance-2"):
        network.interface_of("instance-3")
    build.parts["Reservations"][1]["Instances"][0]["Tags"] = [{"Key": "Name", "Value": "instance-1"}]
    with pytest.raises(NetworkError, match="is the name or address of 2 interfaces: eni-instance-1, eni-instance-2"):
        build.network().interface_of("instance-1")
    with pytest.raises(NetworkError, match="no instance yet"):
        Build().network().interface_of("instance-1")


def test_the_ends_of_a_path_as_a_person_names_them() -> None:
    network = two_vpcs().network()
    packet, start = packet_between(network, "instance-1", "instance-2")
    assert (str(packet), start) == ("ICMP echo request 10.1.15.80 → 10.2.0.126", "eni-instance-1")
    packet, start = packet_between(network, "203.0.113.12", "54.2.2.2", "tcp", 22)
    assert (str(packet), start) == ("TCP 203.0.113.12:32768 → 54.2.2.2:22", None)
    with pytest.raises(ValueError, match="'gre' is not a protocol"):
        packet_between(network, "instance-1", "instance-2", "gre")
    with pytest.raises(ValueError, match="give one"):
        packet_between(network, "instance-1", "instance-2", "tcp")
    with pytest.raises(NetworkError, match="no IPv6 address"):
        packet_between(network, "instance-1", "2001:db8::1")
    with pytest.raises(NetworkError, match=r"10\.1\.0\.99"):
        packet_between(network, "10.1.0.99", "instance-2")


def test_where_one_marks_ones_own_parts_the_names_that_others_gave_mean_nothing() -> None:
    """Names are tags, and any number of things may have the same one:
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
    """
    build, own = connected(), {"Key": "Team", "Value": "network"}
    name = {"Key": "Name", "Value": "home"}
    build.part("vpc-1")["Tags"] = [name, {"Key": "Team", "Value": "other"}]
    build.part("vpc-2")["Tags"] = [name, own]
    build.part("subnet-1")["Tags"] = [name]
    client = OnePartAPage(build)
    network = Network.from_ec2(client, own=own)
    assert {vpc.id: vpc.name for vpc in network.vpcs.values()} == {"vpc-1": "vpc-1", "vpc-2": "home"}
    assert network.subnets["subnet-1"].name == "subnet-1"
    assert {vpc.name for vpc in Network.from_ec2(client).vpcs.values()} == {"home"}
    build.part("vpc-1")["Tags"] = [name, own]
    assert {vpc.name for vpc in Network.from_ec2(client, own=own).vpcs.values()} == {"home"}
