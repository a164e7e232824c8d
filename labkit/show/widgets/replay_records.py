"""Which interface sees a packet at which step of its path, and which flow log records it leaves: for the replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labkit.network import Interface, Network, Path
from labkit.network.packet import Address

#: Where the default format has the number of packets, and how many fields it has.
#: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-default
_PACKETS, _FIELDS = 8, 14


@dataclass(frozen=True, slots=True)
class Seen:
    """What an interface sees of the packets of one flow in one direction.

    Attributes:
        interface: The interface's id.
        direction: `ingress` or `egress`, seen from the interface.
        src: The source address in a record.
        dst: The destination address in a record.
        action: `ACCEPT` or `REJECT`; empty where the packets never come so far.
        at: The number of the step at which it sees them, there and back, from 0; None where they never come so far.
    """

    interface: str
    direction: str
    src: str
    dst: str
    action: str
    at: int | None

    def records(self, lines: Iterable[str], protocol: int, port: int) -> list[str]:
        """Return the records of this flow. A record names the sender before the receiver, in AWS's own formats.

        Args:
            lines: Flow log records.
            protocol: IANA's protocol number.
            port: The server's port, 0 where the protocol has none.
        """
        wanted = {self.interface, self.src, self.dst, self.action, str(protocol), *([str(port)] if port else [])} - {""}
        found = []
        for line in lines:
            words = line.split()
            if wanted <= set(words) and words.index(self.src) < words.index(self.dst):
                found.append(line)
        return found


def packets_of(lines: Sequence[str]) -> int | None:
    """Return how many packets records count together; None where they are not in the default format."""
    rows = [line.split() for line in lines]
    if not all(len(row) == _FIELDS and row[_PACKETS].isdigit() for row in rows):
        return None
    return sum(int(row[_PACKETS]) for row in rows)


def seen_on(network: Network, path: Path) -> list[Seen]:
    """Return what the interfaces see of a packet and its reply, in order; then what those at the ends never see.

    Args:
        network: The network that the path was traced through.
        path: The path.
    """
    hops = [hop for leg in path.legs.values() for hop in leg.hops]
    found = [
        Seen(one.interface, one.direction, str(one.packet.src), str(one.packet.dst), one.action, at)
        for at, hop in enumerate(hops)
        for one in hop.sightings
    ]
    known = {(one.interface, one.direction) for one in found}
    return found + [one for one in _expected(network, path) if (one.interface, one.direction) not in known]


def _expected(network: Network, path: Path) -> list[Seen]:
    """What the interfaces at the two ends see of a packet that is answered, by private addresses all the way."""
    sender, receiver = (_interface_at(network, address) for address in (path.packet.src, path.packet.dst))
    src, dst = str(path.packet.src), str(path.packet.dst)
    own = str(receiver.primary) if receiver else ""
    found = [
        (sender, "egress", src, dst),
        (receiver, "ingress", src, own),
        (receiver, "egress", own, src),
        (sender, "ingress", dst, src),
    ]
    return [Seen(interface.id, direction, a, b, "", None) for interface, direction, a, b in found if interface]


def _interface_at(network: Network, address: Address) -> Interface | None:
    paired = network.public_interface(address)
    return paired[0] if paired else next(iter(network.interfaces_with(address)), None)
