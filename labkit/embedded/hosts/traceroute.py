"""`traceroute` 2.1.3 of Amazon Linux 2023's standard AMI: which routers answer on the way.

Source: traceroute/traceroute.c, https://traceroute.sourceforge.net. Up to 16 probes are under way at once. AWS's own
routers never show: within a VPC or over a peering connection the destination is hop 1. With the default UDP probes
the far end's group must let UDP ports from 33434 in, and its answer is an ICMP error; -I sends echoes, -T SYNs.

Modelled: routers between an internet gateway and a host on the internet are there, and silent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NoReturn

from labkit.embedded.hosts.host import ACK, RST, SYN, Answer
from labkit.embedded.hosts.process import OptionError, Process, options
from labkit.network.packet import TCP, Address, echo_request, tcp, udp

_AT_ONCE = 16
_FIRST_UDP_PORT = 33434
_TCP_PORT = 80
_LENGTH = 60
#: Waiting for a probe: at most MAX seconds, HERE times a reply from the same hop, NEAR times one from a later hop.
_MAX_WAIT, _HERE, _NEAR, _PRECISION = 5.0, 3, 10, 0.001
_LACKING = "dFfgiNptlrszeAMOUDPV"


@dataclass
class _Settings:
    method: str = "udp"
    max_hops: int = 30
    queries: int = 3
    wait: float = _MAX_WAIT
    here: int = _HERE
    near: int = _NEAR
    numeric: bool = False
    version: int = 0


@dataclass
class _Probe:
    sent_at: float | None = None
    reply_at: float = math.inf
    source: Address | None = None
    done: bool = False

    @property
    def taken(self) -> float:
        return self.reply_at - self.sent_at if self.source and self.sent_at is not None else 0.0


def traceroute(process: Process, arguments: list[str]) -> int:
    """Run `traceroute [-46InT] [-m HOPS] [-q QUERIES] [-w SECONDS] HOST`; the exit code is 0 whatever it finds."""
    settings, name = _parse(process, arguments)
    destination = process.resolve(name)
    if destination is None or (settings.version and destination.version != settings.version):
        reason = "Name or service not known" if destination is None else "Address family for hostname not supported"
        process.err(f"{name}: {reason}")
        process.fail(f'Cannot handle "host" cmdline arg `{name}\' on position 1 (argc {arguments.index(name) + 1})', 2)
    if process.source_for(destination) is None:
        process.fail("connect: Network is unreachable", 1)
    length = _LENGTH if destination.version == 4 else _LENGTH + 20
    process.out(f"traceroute to {name} ({destination}), {settings.max_hops} hops max, {length} byte packets", end="")
    _trace(process, settings, destination, length)
    process.out("")
    return 0


def _trace(process: Process, settings: _Settings, destination: Address, length: int) -> None:
    """The program's main loop: keep 16 probes under way, print them in order, stop after the hop that is the end."""
    probes = [_Probe() for _ in range(settings.max_hops * settings.queries)]
    start, end = 0, len(probes)
    while start < end:
        now = process.now()
        wake = math.inf
        under_way = 0
        for index in range(start, end):
            if index >= end or under_way >= _AT_ONCE:
                break
            probe = probes[index]
            if probe.sent_at is None:
                _send(process, settings, destination, length, index, probe)
            assert probe.sent_at is not None
            expires = probe.sent_at + _patience(settings, probes, index)
            if not probe.done and (probe.reply_at <= now or (index == start and expires <= now)):
                probe.done = True
                probe.source = probe.source if probe.reply_at <= now else None
            if probe.done:
                if index == start:
                    _print(process, settings, probes, index)
                    start += 1
                if probe.source is not None:
                    end = (index // settings.queries + 1) * settings.queries
                continue
            wake = min(wake, probe.reply_at, expires if index == start else math.inf)
            under_way += 1
        if start < end and wake < math.inf:
            process.sleep_until(wake)


def _send(process: Process, settings: _Settings, destination: Address, length: int, index: int, probe: _Probe) -> None:
    source = process.source_for(destination)
    assert source is not None
    port = process.ephemeral_port(destination, index)
    header = length - 40
    match settings.method:
        case "icmp":
            packet, flags, answer = echo_request(source, destination), 0, Answer(length)
        case "tcp":
            packet, flags = tcp(source, destination, _TCP_PORT, port), SYN
            is_open = process.host.service(destination, TCP, _TCP_PORT) is not None
            answer = Answer(header + 24, SYN | ACK) if is_open else Answer(header + 20, RST | ACK)
        case _:
            packet, flags = udp(source, destination, _FIRST_UDP_PORT + index, port), 0
            # Linux quotes the whole probe behind the ICMP header.
            answer = Answer(header + 8 + length, icmp=(3, 3) if destination.version == 4 else (1, 4))
    probe.sent_at = process.now()
    exchange = process.send(packet, length, flags, ttl=index // settings.queries + 1, answers=(answer,))
    if exchange.replied:
        probe.source, probe.reply_at = exchange.reply_source, probe.sent_at + exchange.round_trip
        if answer.flags & SYN:
            process.send(packet, header + 20, RST)  # the kernel knows of no such connection


def _patience(settings: _Settings, probes: list[_Probe], index: int) -> float:
    """How long to wait for a probe, given what other probes took."""
    hop = index - index % settings.queries
    same = next((p.taken for p in probes[hop : hop + settings.queries] if p.done and p.taken), 0.0)
    if settings.here and same:
        return min((same + _PRECISION) * settings.here, settings.wait)
    later = next((p.taken for p in probes[index + 1 :] if p.done and p.taken), 0.0)
    if settings.near and later:
        return min((later + _PRECISION) * settings.near, settings.wait)
    return settings.wait


def _print(process: Process, settings: _Settings, probes: list[_Probe], index: int) -> None:
    probe, number = probes[index], index % settings.queries
    text = f"\n{index // settings.queries + 1:2} " if number == 0 else ""
    if probe.source is None:
        process.out(text + " *", end="")
        return
    earlier = [p.source for p in probes[index - number : index] if p.source]
    if not earlier or earlier[-1] != probe.source:
        text += f" {probe.source}" if settings.numeric else f" {process.reverse(probe.source)} ({probe.source})"
    process.out(f"{text}  {probe.taken * 1000:.3f} ms", end="")


def _parse(process: Process, arguments: list[str]) -> tuple[_Settings, str]:
    settings = _Settings()
    try:
        given, operands = options(arguments, "46InTm:q:w:")
    except OptionError as error:
        if error.option in _LACKING:
            has = "-4 -6 -I -m -n -q -T -w"
            process.fail(f"labkit: the embedded traceroute lacks the option -{error.option}; it has {has}.", 2)
        process.fail(f"Bad option `-{error.option}' (argc 1)", 2)
    for option, value in given:
        match option:
            case "-4" | "-6":
                settings.version = int(option[1])
            case "-I":
                settings.method = "icmp"
            case "-T":
                settings.method = "tcp"
            case "-n":
                settings.numeric = True
            case "-m":
                settings.max_hops = int(_number(process, option, value))
            case "-q":
                settings.queries = int(_number(process, option, value))
            case "-w":
                settings.wait, settings.here, settings.near = _number(process, option, value), 0, 0
    if settings.max_hops < 1:
        process.fail("first hop out of range", 2)
    if settings.max_hops > 255:
        process.fail("max hops cannot be more than 255", 2)
    if not 1 <= settings.queries <= 10:
        process.fail("no more than 10 probes per hop", 2)
    if len(operands) != 1:
        _usage(process, operands)
    return settings, operands[0]


def _number(process: Process, option: str, text: str) -> float:
    try:
        value = float(text) if option == "-w" else int(text)
    except ValueError:
        value = -1
    if value < 0:
        process.fail(f"Cannot handle `{option}' option with arg `{text}' (argc 2)", 2)
    return value


def _usage(process: Process, operands: list[str]) -> NoReturn:
    if operands:
        process.fail("labkit: the embedded traceroute takes one host and no packet length.", 2)
    process.fail('Specify "host" missing argument.', 2)
