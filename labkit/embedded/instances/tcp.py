"""A TCP client as Linux plays it: the handshake with its retransmissions, data, and the close; nc and curl use it.

Each segment is sent as one packet, so that capture can count packets, bytes and flags in both directions. A
lost SYN is sent again after 1, 3, 7, 15, 31 and 63 seconds, net.ipv4.tcp_syn_retries = 6
(https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html), each timer up to its wheel's next slot later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

from labkit.embedded.dataplane.transmission import ACK, FIN, PSH, SYN, Reply, syn_reply, tcp_reply, tcp_segment
from labkit.embedded.instances.process import Process
from labkit.embedded.instances.services import Service
from labkit.network.packet import TCP, Address, Packet, tcp

_SYN_RETRIES = 6
#: Data in one segment: Linux within a VPC has 8,949 bytes (MTU 9001); through an internet gateway 1,448 (MTU 1500).
_SEGMENT = 1448


class Failure(Enum):
    """Why an attempt to connect failed."""

    REFUSED = auto()
    #: The kernel gave up, after all its retransmissions.
    TIMED_OUT = auto()
    #: The program gave up earlier.
    GIVEN_UP = auto()
    #: The host has no address of that version.
    NO_ROUTE = auto()


class NotConnected(Exception):
    """An attempt to connect failed.

    Attributes:
        failure: Why.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.name)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection.

    Attributes:
        process: The program that opened it.
        packet: A packet from the client to the server.
        service: What listens at the far end.
    """

    process: Process
    packet: Packet
    service: Service

    def request(self, sent: int, received: int) -> None:
        """Send one segment, receive as many as the response takes, and acknowledge them.

        Args:
            sent: The length of the request, in bytes.
            received: The length of the response, in bytes.
        """
        parts = [_SEGMENT] * (received // _SEGMENT) + [received % _SEGMENT] * (received % _SEGMENT > 0)
        replies = [tcp_reply(self.packet, PSH | ACK, part) for part in parts]
        self._send(PSH | ACK, sent, tcp_reply(self.packet, ACK), *replies)
        for _ in parts:
            self._send(ACK)

    def close(self) -> None:
        """Close from this side; the server closes at once too."""
        self._send(FIN | ACK, 0, tcp_reply(self.packet, FIN | ACK))
        self._send(ACK)

    def _send(self, flags: int, data: int = 0, *replies: Reply) -> None:
        exchange = self.process.send(tcp_segment(self.packet, flags, data, *replies))
        self.process.sleep(exchange.round_trip)


def connect(process: Process, destination: Address, port: int, give_up_after: float = math.inf) -> Connection:
    """Open a connection; virtual time passes until it is open, refused, or given up.

    Args:
        process: The program.
        destination: The server's address.
        port: The server's port.
        give_up_after: Seconds; the kernel itself gives up after about 130.

    Raises:
        NotConnected: The attempt failed, for one of the reasons in `Failure`.
    """
    source = process.source_for(destination)
    if source is None:
        raise NotConnected(Failure.NO_ROUTE)
    packet = tcp(source, destination, port, process.ephemeral_port(destination, port))
    service = process.service(destination, TCP, port)
    syn = tcp_segment(packet, SYN, 0, syn_reply(packet, listens=service is not None))
    end = process.now() + give_up_after
    for attempt in range(_SYN_RETRIES + 1):
        exchange = process.send(syn)
        wait = exchange.round_trip if exchange.replied else process.kernel_timer(2.0**attempt)
        if process.now() + wait > end:
            process.sleep_until(end)
            raise NotConnected(Failure.GIVEN_UP)
        process.sleep(wait)
        if exchange.replied:
            if service is None:
                raise NotConnected(Failure.REFUSED)
            process.send(tcp_segment(packet, ACK))
            return Connection(process, packet, service)
    raise NotConnected(Failure.TIMED_OUT)
