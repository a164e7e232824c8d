"""A TCP client as Linux plays it: the handshake with its retransmissions, data, and the close.

Each segment is sent as a packet of its own, so that capture can count packets, bytes and flags in both directions.
Lengths are those of Linux with timestamps: 60 bytes for a SYN or SYN-ACK over IPv4, 52 for a bare ACK or FIN, 40 for a
reset; IPv6 adds 20. A lost SYN is sent again after 1, 3, 7, 15, 31 and 63 seconds, net.ipv4.tcp_syn_retries = 6
(https://www.kernel.org/doc/html/latest/networking/ip-sysctl.html), each timer up to its wheel's next slot later.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

from labkit.embedded.instances.host import ACK, FIN, PSH, RST, SYN, Answer
from labkit.embedded.instances.process import Process
from labkit.embedded.instances.services import Service
from labkit.network.packet import TCP, Address, Packet, tcp

_SYN_RETRIES = 6
_HANDSHAKE, _BARE, _RESET = 60, 52, 40
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


class NotConnectedError(Exception):
    """An attempt to connect failed, for this reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.name)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection; `service` is what listens at the far end."""

    process: Process
    packet: Packet
    service: Service

    def request(self, sent: int, received: int) -> None:
        """Send `sent` bytes in one segment and receive `received` bytes in as many as it takes; acknowledge them."""
        parts = [_SEGMENT] * (received // _SEGMENT) + [received % _SEGMENT] * (received % _SEGMENT > 0)
        self._send(PSH | ACK, sent, self._answer(ACK), *(self._answer(PSH | ACK, part) for part in parts))
        for _ in parts:
            self._send(ACK)

    def close(self) -> None:
        """Close from this side; the server closes at once too."""
        self._send(FIN | ACK, 0, self._answer(FIN | ACK))
        self._send(ACK)

    def _answer(self, flags: int, data: int = 0) -> Answer:
        return Answer(_length(self.packet, _BARE) + data, flags)

    def _send(self, flags: int, data: int = 0, *answers: Answer) -> None:
        exchange = self.process.send(self.packet, _length(self.packet, _BARE) + data, flags, answers=answers)
        self.process.sleep(exchange.round_trip)


def connect(process: Process, destination: Address, port: int, give_up_after: float = math.inf) -> Connection:
    """Open a connection, or raise NotConnectedError; virtual time passes until it is open, refused, or given up.

    Parameters: `give_up_after` is in seconds; the kernel itself gives up after about 130.
    """
    source = process.source_for(destination)
    if source is None:
        raise NotConnectedError(Failure.NO_ROUTE)
    packet = tcp(source, destination, port, process.ephemeral_port(destination, port))
    service = process.host.service(destination, TCP, port)
    answer = Answer(_length(packet, _HANDSHAKE), SYN | ACK) if service else Answer(_length(packet, _RESET), RST | ACK)
    end = process.now() + give_up_after
    for attempt in range(_SYN_RETRIES + 1):
        exchange = process.send(packet, _length(packet, _HANDSHAKE), SYN, answers=(answer,))
        wait = exchange.round_trip if exchange.replied else process.kernel_timer(2.0**attempt)
        if process.now() + wait > end:
            process.sleep_until(end)
            raise NotConnectedError(Failure.GIVEN_UP)
        process.sleep(wait)
        if exchange.replied:
            if service is None:
                raise NotConnectedError(Failure.REFUSED)
            process.send(packet, _length(packet, _BARE), ACK)
            return Connection(process, packet, service)
    raise NotConnectedError(Failure.TIMED_OUT)


def _length(packet: Packet, ipv4: int) -> int:
    return ipv4 if packet.dst.version == 4 else ipv4 + 20
