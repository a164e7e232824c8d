"""VPC networks as data: `describe_*` → a `Network` → `trace(packet)` → a `Path`.

This room needs no account of the lab: give `Network.from_ec2` any boto3 EC2 client that may describe, or
`Network.from_files` a folder of what the AWS CLI printed.
"""

from labkit.errors import NetworkError, PacketError, SnapshotError
from labkit.network.model import Network
from labkit.network.packet import Packet, echo_request, tcp, udp
from labkit.network.parts import Interface
from labkit.network.path import Hop, Leg, Path, Sighting

__all__ = [
    "Hop",
    "Interface",
    "Leg",
    "Network",
    "NetworkError",
    "Packet",
    "PacketError",
    "Path",
    "Sighting",
    "SnapshotError",
    "echo_request",
    "tcp",
    "udp",
]
