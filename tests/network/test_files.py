"""A network read from files: the AWS CLI's answers and Batfish's folders, and what is said of files that are neither.

Examples: https://docs.aws.amazon.com/vpc/latest/peering/peering-configurations-full-access.html,
https://docs.aws.amazon.com/vpc/latest/peering/peering-configurations-partial-access.html,
https://docs.aws.amazon.com/vpc/latest/userguide/vpc-example-private-subnets-nat.html,
https://docs.aws.amazon.com/vpc/latest/userguide/nacl-examples.html

Forms: https://docs.aws.amazon.com/cli/latest/reference/ec2/ and https://github.com/batfish/batfish (its test networks).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.network import Network, Packet, SnapshotError, echo_request, tcp
from tests.networks import (
    ALL_ICMP,
    OPERATIONS,
    TO_1,
    TO_2,
    Build,
    connected,
    entry,
    from_group,
    passed,
    ports,
    route,
    tcp_from,
    two_vpcs,
)

Write = Callable[[Path, dict[str, list[Any]]], None]


def write(file: Path, content: Any, **form: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=4), **({"encoding": "utf-8"} | form))


def described(parts: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What there is to write: no file is needed for a kind of which there is none."""
    return {kind: some for kind, some in parts.items() if some}


def as_the_cli(folder: Path, parts: dict[str, list[Any]]) -> None:
    """`aws ec2 describe-vpcs > describe-vpcs.json`, and a file named after each prefix list."""
    for kind, some in described(parts).items():
        if kind == "PrefixLists":  # the answer to get-managed-prefix-list-entries doesn't name the list
            for part in some:
                write(folder / f"{part['PrefixListId']}.json", {"Entries": part["Entries"]})
        else:
            write(folder / f"{OPERATIONS[kind]}.json", {kind: some})


def as_the_cli_in_short(folder: Path, parts: dict[str, list[Any]]) -> None:
    """`aws ec2 describe-vpcs > vpcs.json`, with describe-prefix-lists, which has the blocks in another form."""
    as_the_cli(folder, {**parts, "PrefixLists": []})
    for file in folder.glob("describe-*"):
        file.rename(folder / file.name.removeprefix("describe-"))
    lists = [
        {"PrefixListId": part["PrefixListId"], "Cidrs": [one["Cidr"] for one in part["Entries"]]}
        for part in parts["PrefixLists"]
    ]
    write(folder / "prefix-lists.json", {"PrefixLists": lists})


def as_bare_lists(folder: Path, parts: dict[str, list[Any]]) -> None:
    """`--query Vpcs`: the list alone, so that only the file's name tells what it is; instances out of reservations."""
    for kind, some in described(parts).items():
        if kind == "Reservations":
            write(folder / "instances.json", [one for part in some for one in part["Instances"]])
        else:
            write(folder / f"{OPERATIONS.get(kind, 'prefix-lists').replace('-', '_')}.json", some)


def as_pages(folder: Path, parts: dict[str, list[Any]]) -> None:
    """`--no-paginate`: a page a file, and the first page once more."""
    for kind, some in described(parts).items():
        for number, part in enumerate([*some, some[0]]):
            write(folder / f"{kind}-{number}.json", {kind: [part], "NextToken": "more"})
    write(folder / "Vpcs-all.json", [{"Vpcs": [part]} for part in parts["Vpcs"]])  # jq --slurp


def as_batfish(folder: Path, parts: dict[str, list[Any]]) -> None:
    """`aws_configs/accounts/<account>/<region>/Vpcs.json`, an account a VPC; both see the peering connections."""
    for number, vpc in enumerate(part["VpcId"] for part in parts["Vpcs"]):
        account = folder / "snapshot" / "aws_configs" / "accounts" / f"11111111111{number}" / "us-east-1"
        for kind, some in described(parts).items():
            own = [part for part in some if owner(part) in (vpc, None)]
            write(account / f"{kind}.json", {kind: own})
        write(account / "Addresses.json", {"Addresses": []})  # of a kind that Batfish has and this doesn't need


def owner(part: dict[str, Any]) -> str | None:
    """The VPC that a part belongs to, None for what every account sees."""
    if "Instances" in part:
        return part["Instances"][0]["VpcId"]  # type: ignore[no-any-return]
    if "Attachments" in part:
        return part["Attachments"][0]["VpcId"]  # type: ignore[no-any-return]
    return part.get("VpcId")


def as_one_file(folder: Path, parts: dict[str, list[Any]]) -> None:
    write(folder / "network.json", parts)


FORMS = [as_the_cli, as_the_cli_in_short, as_bare_lists, as_pages, as_batfish, as_one_file]


def everything() -> Build:
    """A network with a part of each kind."""
    build = two_vpcs(TO_2 | {"pl-1": "pcx-12"}, TO_1).prefix_list("pl-1", "10.2.0.0/24", "10.2.1.0/24")
    build.egress_only_gateway("eigw-1", "vpc-1")
    build.nat_gateway("nat-1", "subnet-1", "10.1.0.200", "54.3.3.3")
    return build


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_network_that_ec2_describes(form: Write, tmp_path: Path) -> None:
    build = everything()
    form(tmp_path, build.parts)
    assert Network.from_files(tmp_path) == build.network()
    assert Network.from_files(str(tmp_path)) == build.network()


def test_one_file_may_be_named(tmp_path: Path) -> None:
    as_one_file(tmp_path, everything().parts)
    assert Network.from_files(tmp_path / "network.json") == everything().network()


def test_files_that_a_windows_shell_wrote_and_hidden_ones_of_a_mac(tmp_path: Path) -> None:
    """`>` in Windows PowerShell writes UTF-16; macOS puts `._…` beside a file on a foreign disk."""
    as_the_cli(tmp_path, everything().parts)
    write(tmp_path / "describe-vpcs.json", {"Vpcs": everything().parts["Vpcs"]}, encoding="utf-16")
    (tmp_path / "._describe-vpcs.json").write_bytes(b"\0\5\26\7")
    assert Network.from_files(tmp_path) == everything().network()


# Small snapshots, each with the path that AWS's page gives for it.


def longest_prefix() -> Build:
    """VPC A peered with B and C, which have the same block; 10.0.0.77 alone is to be reached in B."""
    build = Build().vpc("vpc-a", "172.16.0.0/16")
    build.subnet("a", "vpc-a", "172.16.0.0/24", {"10.0.0.77/32": "pcx-ab", "10.0.0.0/16": "pcx-ac"})
    for name in "bc":
        build.vpc(f"vpc-{name}", "10.0.0.0/16")
        build.subnet(name, f"vpc-{name}", "10.0.0.0/24", {"172.16.0.0/16": f"pcx-a{name}"})
    for name in "abc":
        build.group(f"sg-{name}", f"vpc-{name}", [ALL_ICMP])
    build.instance("a", "a", "172.16.0.88", ["sg-a"])
    for name in "bc":
        build.peering(f"pcx-a{name}", "vpc-a", f"vpc-{name}")
        build.instance(f"{name}-77", name, "10.0.0.77", [f"sg-{name}"])
        build.instance(f"{name}-88", name, "10.0.0.88", [f"sg-{name}"])
    return build


def in_a_row() -> Build:
    """A peered with B and B with C, with routes all the way."""
    build = Build()
    for n, name in enumerate("abc"):
        build.vpc(f"vpc-{name}", f"10.{n}.0.0/16")
        build.subnet(name, f"vpc-{name}", f"10.{n}.0.0/24")
        build.group(f"sg-{name}", f"vpc-{name}", [ALL_ICMP])
        build.instance(name, name, f"10.{n}.0.9", [f"sg-{name}"])
    build.peering("pcx-ab", "vpc-a", "vpc-b")
    build.peering("pcx-bc", "vpc-b", "vpc-c")
    build.routes("a", route("10.1.0.0/16", "pcx-ab"), route("10.2.0.0/16", "pcx-ab"))
    build.routes("b", route("10.0.0.0/16", "pcx-ab"), route("10.2.0.0/16", "pcx-bc"))
    build.routes("c", route("10.1.0.0/16", "pcx-bc"), route("10.0.0.0/16", "pcx-bc"))
    return build


def private_servers() -> Build:
    """Servers in a private subnet, a NAT gateway in a public one, and a gateway endpoint for a prefix list."""
    build = Build().vpc("vpc", "10.0.0.0/16").internet_gateway("igw-1", "vpc")
    build.subnet("public", "vpc", "10.0.0.0/20", {"0.0.0.0/0": "igw-1"})
    build.subnet("private", "vpc", "10.0.128.0/20", {"0.0.0.0/0": "nat-1"})
    build.prefix_list("pl-1", "192.0.2.0/24")
    build.routes("private", route("pl-1", "vpce-1"))
    build.group("sg", "vpc", [])
    build.instance("server", "private", "10.0.128.9", ["sg"])
    build.nat_gateway("nat-1", "public", "10.0.0.220", "54.3.3.3")
    return build


def from_one_computer() -> Build:
    """Instances reached from 172.31.1.2 alone: its address in the groups' rules, and again in the network ACL's."""
    build = Build().vpc("vpc", "172.31.0.0/16")
    build.group("sg", "vpc", [from_group("sg"), tcp_from("0.0.0.0/0", 22)])  # "accidentally too permissive"
    build.group("remote", "vpc", [])
    acl = [
        entry(100, "allow", protocol="6", cidr="172.31.1.2/32", **ports(22, 22)),
        entry(100, "allow", egress=True, protocol="6", cidr="172.31.1.2/32", **ports(1024, 65535)),
        entry(32767, "deny"),
        entry(32767, "deny", egress=True),
    ]
    build.subnet("servers", "vpc", "172.31.16.0/20", acl=acl)
    build.subnet("remote", "vpc", "172.31.0.0/20")
    build.instance("one", "servers", "172.31.16.11", ["sg"])
    build.instance("two", "servers", "172.31.16.12", ["sg"])
    build.instance("trusted", "remote", "172.31.1.2", ["remote"])
    build.instance("other", "remote", "172.31.1.3", ["remote"])
    return build


USER_GUIDE = "https://docs.aws.amazon.com/vpc/latest/userguide/"
PEERING = "https://docs.aws.amazon.com/vpc/latest/peering/"

#: What is asked of a snapshot, whether the reply comes, where it ends (the destination's interface or the code), and
#: the page that says so.
DOCUMENTED: list[tuple[Callable[[], Build], Packet, bool, str | None, str]] = [
    (connected, echo_request("10.1.15.80", "10.2.0.126"), True, "eni-instance-2",
     PEERING + "peering-configurations-full-access.html"),
    (longest_prefix, echo_request("172.16.0.88", "10.0.0.77"), True, "eni-b-77",
     PEERING + "peering-configurations-partial-access.html"),
    (longest_prefix, echo_request("172.16.0.88", "10.0.0.88"), True, "eni-c-88",
     PEERING + "peering-configurations-partial-access.html"),
    (in_a_row, echo_request("10.0.0.9", "10.1.0.9"), True, "eni-b", PEERING + "vpc-peering-basics.html"),
    (in_a_row, echo_request("10.0.0.9", "10.2.0.9"), False, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR",
     PEERING + "vpc-peering-basics.html"),
    (private_servers, tcp("10.0.128.9", "198.51.100.7", 443), True, None,
     USER_GUIDE + "vpc-example-private-subnets-nat.html"),
    (private_servers, tcp("198.51.100.7", "54.3.3.3", 443), False, "NO_POSSIBLE_DESTINATION",
     USER_GUIDE + "vpc-example-private-subnets-nat.html"),
    # AWS's packet goes through the gateway endpoint; labkit says that it doesn't follow it there, and nothing else.
    (private_servers, tcp("10.0.128.9", "192.0.2.7", 443), False, "UNSUPPORTED_COMPONENT",
     USER_GUIDE + "vpc-example-private-subnets-nat.html"),
    (from_one_computer, tcp("172.31.1.2", "172.31.16.11", 22), True, "eni-one", USER_GUIDE + "nacl-examples.html"),
    (from_one_computer, tcp("172.31.1.3", "172.31.16.11", 22), False, "SUBNET_ACL_RESTRICTION",
     USER_GUIDE + "nacl-examples.html"),
    (from_one_computer, tcp("172.31.1.2", "172.31.16.11", 80), False, "SUBNET_ACL_RESTRICTION",
     USER_GUIDE + "nacl-examples.html"),
    (from_one_computer, echo_request("172.31.16.11", "172.31.16.12"), True, "eni-two",
     USER_GUIDE + "nacl-examples.html"),
]  # fmt: skip


@pytest.mark.parametrize("form", [as_the_cli, as_batfish])
@pytest.mark.parametrize(
    ("build", "packet", "replied", "end", "page"), DOCUMENTED, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_snapshots_paths_are_those_of_awss_pages(
    form: Write, build: Callable[[], Build], packet: Packet, replied: bool, end: str | None, page: str, tmp_path: Path
) -> None:
    form(tmp_path, build().parts)
    network = Network.from_files(tmp_path)
    sender = next((i.id for i in network.interfaces.values() if packet.src in i.addresses), None)
    path = network.trace(packet, sender)
    assert (path.replied, path.destination or path.code) == (replied, end), f"{page}\n{path}"


def test_the_way_of_awss_private_server_hop_by_hop(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/vpc-example-private-subnets-nat.html"""
    as_the_cli(tmp_path, private_servers().parts)
    path = Network.from_files(tmp_path).trace(tcp("10.0.128.9", "198.51.100.7", 443))
    assert passed(path.forward) == [
        "instance", "security group", "network ACL", "route table",
        "network ACL", "NAT gateway", "network ACL", "route table", "internet gateway", "internet",
    ]  # fmt: skip


# What is missing.


def test_gateways_peerings_and_instances_may_be_missing(tmp_path: Path) -> None:
    """Nothing described of what need not be there means that it isn't; an interface's instance is taken to run."""
    as_the_cli(tmp_path, two_vpcs().parts)
    for kind in ("vpc-peering-connections", "internet-gateways", "instances"):
        (tmp_path / f"describe-{kind}.json").unlink()
    network = Network.from_files(tmp_path)
    path = network.trace(echo_request("10.1.15.80", "10.2.0.126"))
    assert (path.reached, path.code) == (False, "BAD_STATE_ATTACHMENT")
    assert str(path.forward.hops[0]).startswith("✓ instance i-instance-1: sends")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Vpcs", "vpc-1, the VPC of subnet-1 (and 1 more). Add the answer of aws ec2 describe-vpcs"),
        ("Subnets", "subnet-1, the subnet of eni-instance-1"),
        ("RouteTables", "the route table of subnet-1: its own, or the main one of vpc-1 (and 1 more). Add the answer"),
        ("NetworkAcls", "the network ACL of subnet-1 (and 1 more). Add the answer of aws ec2 describe-network-acls"),
        ("SecurityGroups", "sg-1, a security group of eni-instance-1"),
        ("PrefixLists", "the blocks of the prefix list pl-1. Add the answer of aws ec2 get-managed-prefix-list-entries "
                        "--prefix-list-id pl-1 --output json"),
    ],
)  # fmt: skip
def test_what_a_network_always_has_must_be_described(kind: str, words: str, tmp_path: Path) -> None:
    """Each subnet has a route table and a network ACL.

    https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
    https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html
    """
    parts = everything().parts
    parts["NatGateways"] = []
    as_one_file(tmp_path, {**parts, kind: []})
    with pytest.raises(SnapshotError, match="are not a whole network: none describes") as error:
        Network.from_files(tmp_path)
    assert words in str(error.value) and str(tmp_path) in str(error.value)


def test_a_main_route_table_is_enough_for_all_subnets_without_one_of_their_own(tmp_path: Path) -> None:
    build = two_vpcs()
    for table in build.parts["RouteTables"]:
        table["Associations"] = [{"Main": True}]
    as_the_cli(tmp_path, build.parts)
    assert Network.from_files(tmp_path).route_table_of("subnet-1").id == "rtb-subnet-1"


def test_an_interface_of_an_available_nat_gateway_must_be_described(tmp_path: Path) -> None:
    parts = everything().parts
    parts["NetworkInterfaces"] = [one for one in parts["NetworkInterfaces"] if one["NetworkInterfaceId"] != "eni-nat-1"]
    as_one_file(tmp_path, parts)
    with pytest.raises(SnapshotError, match="eni-nat-1, the interface of nat-1"):
        Network.from_files(tmp_path)
    parts["NatGateways"][0]["State"] = "deleted"  # its interface is gone with it
    as_one_file(tmp_path, parts)
    assert Network.from_files(tmp_path).nat_gateways["nat-1"].state == "deleted"


# What is wrong.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty: the command that should have filled it failed"),
        (b"-----\n| DescribeVpcs |", "is not JSON"),
        (b'{"Vpcs": [{"CidrBlock": "10.0.0.0/16"}]}', r"Vpcs\[0\] lacks VpcId"),
        (b'{"Vpcs": ["vpc-1"]}', r"Vpcs\[0\] is 'vpc-1', not an object with members"),
        (b'{"RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [], '
         b'"Routes": [{"DestinationCidrBlock": "10.0.0.0/99"}]}]}',
         r"RouteTables\[0\].Routes\[0\].DestinationCidrBlock is '10.0.0.0/99', not an IPv4 CIDR block"),
        (b'{"PrefixLists": [{"Cidrs": ["10.0.0.0/8"]}]}', r"PrefixLists\[0\] lacks PrefixListId"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    as_the_cli(tmp_path, two_vpcs().parts)
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(content)
    with pytest.raises(SnapshotError, match=words) as error:
        Network.from_files(tmp_path)
    assert str(error.value).startswith(str(wrong))


def test_two_files_that_contradict_each_other_are_both_named(tmp_path: Path) -> None:
    as_the_cli(tmp_path / "monday", two_vpcs().parts)
    as_the_cli(tmp_path / "tuesday", two_vpcs(TO_2).parts)
    with pytest.raises(SnapshotError, match="rtb-subnet-1 is described in .*monday.* and differently in .*tuesday"):
        Network.from_files(tmp_path)


def test_a_name_that_only_one_account_gives_is_no_contradiction(tmp_path: Path) -> None:
    """Tags are an account's own: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html"""
    as_batfish(tmp_path, two_vpcs().parts)
    for number, file in enumerate(sorted(tmp_path.rglob("VpcPeeringConnections.json"))):
        (peering,) = json.loads(file.read_text())["VpcPeeringConnections"]
        tags = [{"Key": "Name", "Value": "to-the-other"}] if number else []
        write(file, {"VpcPeeringConnections": [{**peering, "Tags": tags}]})
    assert Network.from_files(tmp_path).name("pcx-12") == "to-the-other"


@pytest.mark.parametrize("content", [None, {"Users": []}, {"Entries": []}, []])
def test_a_folder_without_a_network_says_how_to_fill_it(content: Any, tmp_path: Path) -> None:
    if content is not None:
        write(tmp_path / "users.json", content)
    with pytest.raises(SnapshotError, match="There is no JSON file in .* that describes a network"):
        Network.from_files(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="There is no folder .*nowhere"):
        Network.from_files(tmp_path / "nowhere")
