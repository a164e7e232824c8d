"""`traceroute` 2.1.3 of Amazon Linux 2023's standard AMI: which routers answer on the path.

Source: traceroute/traceroute.c, https://traceroute.sourceforge.net. It sends up to 16 probes at once. AWS's own
routers never show: within a VPC or over a peering connection the destination is hop 1. With the default UDP probes
the far end's group must let UDP ports from 33434 in, and its answer is an ICMP error; -I sends echoes.

Modeled: routers between an internet gateway and a host on the internet are there, and silent; sixteen probes at a
time are sent and awaited, where the program sends the next as soon as one of them is answered or given up.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.embedded.dataplane.transmission import Reply, Transmission, port_unreachable
from labkit.embedded.instances.process import Process
from labkit.network.packet import Address, echo_request, udp

_AT_ONCE = 16
_QUERIES = 3
_FIRST_PORT = 33434
#: Waiting for a probe: at most MAX seconds, HERE times a reply from the same hop, NEAR times one from a later hop.
_MAX_WAIT, _HERE, _NEAR, _PRECISION = 5.0, 3, 10, 0.001


@dataclass(frozen=True, slots=True)
class _Probe:
    """A probe that was sent.

    Attributes:
        sent_at: When, in seconds since the epoch.
        source: The address that answered it, or None.
        round_trip: Seconds to its answer.
    """

    sent_at: float
    source: Address | None
    round_trip: float


def traceroute(process: Process, arguments: list[str]) -> int:
    """Run `traceroute [-In] [-m HOPS] HOST`; the exit code is 0 whatever it finds."""
    given, operands = process.options("traceroute", arguments, "Im:n")
    max_hops = _max_hops(process, given.get("-m", "30"))
    if not operands:
        process.fail('Specify "host" missing argument.', 2)
    if len(operands) > 1:
        process.fail("labkit: the embedded traceroute takes one host and no packet length.", 2)
    name = operands[0]
    destination = process.resolve(name)
    if destination is None:
        process.err(f"{name}: Name or service not known")
        process.fail(f'Cannot handle "host" cmdline arg `{name}\' on position 1 (argc {arguments.index(name) + 1})', 2)
    source = process.source_for(destination)
    if source is None:
        process.fail("connect: Network is unreachable", 1)
    length = 60 if destination.version == 4 else 80
    process.out(f"traceroute to {name} ({destination}), {max_hops} hops max, {length} byte packets", end="")

    probes: list[_Probe] = []
    end = max_hops * _QUERIES
    while len(probes) < end:
        batch = range(len(probes), min(len(probes) + _AT_ONCE, end))
        probes += [_send(process, source, destination, index, "-I" in given) for index in batch]
        # Only the destination ever answers: its hop is the last.
        end = next((index - index % _QUERIES + _QUERIES for index in batch if probes[index].source), end)
        for index in batch[: max(end - batch.start, 0)]:
            process.sleep_until(probes[index].sent_at + _patience(probes, index))
            _print(process, probes, index, "-n" in given)
    process.out("")
    return 0


def _send(process: Process, source: Address, destination: Address, index: int, as_echo: bool) -> _Probe:
    length = 60 if destination.version == 4 else 80
    if as_echo:
        packet = echo_request(source, destination)
        reply = Reply(length)
    else:
        packet = udp(source, destination, _FIRST_PORT + index, process.ephemeral_port(destination, index))
        reply = port_unreachable(packet, length)
    exchange = process.send(Transmission(packet, length, ttl=index // _QUERIES + 1, replies=(reply,)))
    return _Probe(process.now(), destination if exchange.replied else None, exchange.round_trip)


def _patience(probes: list[_Probe], index: int) -> float:
    """How long to wait for a probe: until its answer, or as long as the times of other probes suggest."""
    if probes[index].source:
        return probes[index].round_trip
    hop = index - index % _QUERIES
    same = next((probe.round_trip for probe in probes[hop : hop + _QUERIES] if probe.source), None)
    if same is not None:
        return min((same + _PRECISION) * _HERE, _MAX_WAIT)
    later = next((probe.round_trip for probe in probes[index + 1 :] if probe.source), None)
    if later is not None:
        return min((later + _PRECISION) * _NEAR, _MAX_WAIT)
    return _MAX_WAIT


def _print(process: Process, probes: list[_Probe], index: int, numeric: bool) -> None:
    probe, number = probes[index], index % _QUERIES
    text = f"\n{index // _QUERIES + 1:2} " if number == 0 else ""
    if probe.source is None:
        process.out(f"{text} *", end="")
        return
    if not any(earlier.source for earlier in probes[index - number : index]):
        text += f" {probe.source}" if numeric else f" {process.reverse(probe.source)} ({probe.source})"
    process.out(f"{text}  {probe.round_trip * 1000:.3f} ms", end="")


def _max_hops(process: Process, text: str) -> int:
    if not text.isdecimal():
        process.fail(f"Cannot handle `-m' option with arg `{text}' (argc 2)", 2)
    if int(text) < 1:
        process.fail("first hop out of range", 2)
    if int(text) > 255:
        process.fail("max hops cannot be more than 255", 2)
    return int(text)
