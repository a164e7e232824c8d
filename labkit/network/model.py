"""`Network`: what an engineer reads from an account or from files, and traces packets through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

from labkit.errors import NetworkError
from labkit.network import endpoints, files, read
from labkit.network.packet import Packet
from labkit.network.path import Path
from labkit.network.topology import Topology
from labkit.network.trace import trace

#: How often a network is read that is changed meanwhile, so that one answer names what another lacks.
_READINGS = 5


class Network(Topology):
    """A snapshot of every VPC of an account and region, and what connects them; it makes no call itself.

    Make one with `Network.from_ec2(client)`, `Network.from_files(folder)` or `Network.from_answers(answers)`.
    """

    @classmethod
    def from_ec2(cls, client: Any, own: read.Json | None = None) -> Network:
        """Read a network through an EC2 client with `describe_*` calls alone, page by page.

        Args:
            client: A boto3 EC2 client of any account; it needs permission for `ec2:Describe*` and
                `ec2:GetManagedPrefixListEntries`.
            own: A tag that marks what is one's own, such as `{"Key": "Team", "Value": "network"}`. The names that
                others in the account have given then mean nothing; their parts are known by their ids. Unless given, a
                name that several have means none of them.

        Raises:
            botocore.exceptions.ClientError: AWS refuses a call.
            NetworkError: The network changes all the time, so that its parts don't fit together.
        """
        missing: set[tuple[str, str]] = set()
        for _ in range(_READINGS):
            network, before = cls(**read.parts_of(read.answers_of(client), own)), missing
            missing = set(files.gaps(network))
            if not missing or missing == before:  # what is missing twice is not described to this identity
                return network
        raise NetworkError(
            f"AWS describes a network without {min(missing)[1]}: it changed each time while it was read. Read it again."
        )

    @classmethod
    def from_answers(cls, answers: Mapping[str, list[read.Json]]) -> Network:
        """Make a network of the lists in EC2's answers.

        Args:
            answers: Lists of parts in the API's own shapes, keyed as the API keys them: `Vpcs`, `Subnets`,
                `RouteTables`, `InternetGateways`, `EgressOnlyInternetGateways`, `VpcPeeringConnections`,
                `SecurityGroups`, `NetworkAcls`, `NetworkInterfaces`, `Reservations`, `NatGateways` and, if routes or
                rules name prefix lists, `PrefixLists`.

        Raises:
            KeyError: A list, or what a part must have, is missing.
        """
        return cls(**read.parts_of(answers))

    @classmethod
    def from_files(cls, folder: str | PathLike[str]) -> Network:
        r"""Read a network from a folder of `describe-*` answers in JSON, without a call. To make such a folder:

            mkdir my-network
            for what in vpcs subnets route-tables internet-gateways egress-only-internet-gateways \
                vpc-peering-connections security-groups network-acls network-interfaces instances nat-gateways
            do aws ec2 describe-$what --output json > my-network/$what.json; done

        and, for each prefix list that a route or a rule names, `aws ec2 get-managed-prefix-list-entries
        --prefix-list-id pl-… --output json > my-network/pl-….json`.

        Gateways and peering connections that no file describes are taken not to exist, and instances that no file
        describes to be running. A subnet always has a network ACL and a route table, associated with it or the main one
        of its VPC, so it is an error where no file describes them.

        Args:
            folder: The folder, which is searched with its subfolders, so that those of several accounts and regions
                make one network. A file may have any name and hold one page of an answer, several answers, or a list
                alone (then its name says of what: `vpcs.json`). Batfish's `aws_configs` are such folders.

        Raises:
            SnapshotError: A file is not such an answer, or the files are not a whole network; it names the file and
                says what to do.

        >>> sorted(vpc.name for vpc in Network.from_files("data/nimbus-day").vpcs.values())
        ['vpc-1', 'vpc-2']
        """
        return cls(**files.read_files(folder))

    def reread(self, client: Any, operations: Iterable[str]) -> Network | None:
        """Return the network after calls of some operations: what they can have changed is read again, the rest kept.

        Args:
            client: The boto3 EC2 client of the account.
            operations: The names of the operations, such as `CreateRoute`; each must be `read.is_partial`.

        Returns:
            The network; None where more has changed, so that everything must be read again.

        Raises:
            KeyError: An operation is not `read.is_partial`.
        """
        changed = read.changed_parts(client, operations, self.prefix_lists)
        network = None if changed is None else replace(self, **self._with_names(changed))
        return None if network is None or any(files.gaps(network)) else network

    def _with_names(self, changed: read.Parts) -> read.Parts:
        """Give parts the names that they have in this network: the operations that are read again change no name."""
        return {
            field: {id: replace(part, name=getattr(self, field).get(id, part).name) for id, part in parts.items()}
            for field, parts in changed.items()
        }

    def trace(self, packet: Packet, start: str | None = None) -> Path:
        """Follow a packet to its destination and the reply back, hop by hop.

        Args:
            packet: What is sent. A source outside every VPC is a host on the internet.
            start: The id of the interface that sends it, needed only where two interfaces have the packet's source
                address.

        Raises:
            NetworkError: `start` or the sender is unknown, or the sender is not the only one.
        """
        return trace(self, packet, start)

    def trace_between(self, source: str, destination: str, protocol: str = "icmp", port: int | None = None) -> Path:
        """Follow a packet from one end to the other and back, hop by hop.

        Args:
            source: The sender's name, id or address.
            destination: The receiver's. An instance's name or id means its private address.
            protocol: `icmp`, `tcp` or `udp`.
            port: The destination's port, needed for TCP and UDP.

        Raises:
            NetworkError: An end is not there, or is not the only one.
            PacketError: The protocol or the port is not one that labkit sends.
        """
        return trace(self, *endpoints.packet_between(self, source, destination, protocol, port))
