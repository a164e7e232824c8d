"""What the course builds, by the names and ranges that its notebooks use; the checks of every chapter compare to it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two VPCs and what is in it.

    Attributes:
        cidr: The VPC's range.
        address: The private address of its instance.
        vpc, subnet, gateway, table, group, instance: The Name tags that notebook 01 gives.
    """

    cidr: IPv4Network
    address: IPv4Address
    vpc: str
    subnet: str
    gateway: str
    table: str
    group: str
    instance: str


SIDES = tuple(
    Side(
        IPv4Network(cidr), IPv4Address(address), f"vpc-{n}", f"subnet-{n}", f"igw-{n}", f"route-table-{n}",
        f"allow-icmp-{n}", f"instance-{n}",
    )
    for n, cidr, address in ((1, "10.1.0.0/16", "10.1.15.80"), (2, "10.2.0.0/16", "10.2.0.126"))
)  # fmt: skip

#: Where the pings of the course start, and where they go.
HERE, THERE = SIDES

#: The ping of notebooks 03 and 04, as a cell runs it.
PING = f"lab.shell('{HERE.instance}', 'ping -c 5 {THERE.address}')"

PEERING = "peering-1-2"
INSTANCE_POLICY = "AmazonSSMManagedInstanceCore"


def other(side: Side) -> Side:
    """Return the side that this one is peered with."""
    return SIDES[1 - SIDES.index(side)]
