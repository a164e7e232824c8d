"""VPC networks as data: `describe_*` → a `Network` → `trace(packet)` → a `Path` of typed hops.

An engineer needs no lab for this: `Network.from_ec2` takes any boto3 EC2 client that may describe, and
`Network.from_files` a folder of what the AWS CLI printed.
"""

from labkit.errors import NetworkError, PacketError, SnapshotError
from labkit.network.filters import entry_text, permission_text
from labkit.network.model import Network
from labkit.network.outcomes import ComponentKind, Outcome
from labkit.network.packet import Packet, echo_request, tcp, udp
from labkit.network.parts import AclEntry, Interface, Permission, Route, Translation
from labkit.network.path import Hop, Leg, Path, Sighting

__all__ = [
    "AclEntry",
    "ComponentKind",
    "Hop",
    "Interface",
    "Leg",
    "Network",
    "NetworkError",
    "Outcome",
    "Packet",
    "PacketError",
    "Path",
    "Permission",
    "Route",
    "Sighting",
    "SnapshotError",
    "Translation",
    "echo_request",
    "entry_text",
    "permission_text",
    "tcp",
    "udp",
]
