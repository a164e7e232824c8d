"""`ping`, as iputils 20210202 on Amazon Linux 2023 prints it, with its arithmetic and its timing.

Source: ping/ping.c and ping/ping_common.c, https://github.com/iputils/iputils/tree/20210202. The interval between
echoes follows the program's own loop: after a reply of under a millisecond, or none, it sleeps on a coarse kernel
timer (about 1024 ms for one second); after a slower reply it polls for the rest of the second (about 1001 ms).

Modeled: an echo larger than the MTU counts as one packet; a router on the internet that drops an echo whose time to
live is used up says nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from labkit.embedded.dataplane import timing
from labkit.embedded.dataplane.transmission import DEFAULT_TTL, Exchange, Reply, Transmission
from labkit.embedded.instances.process import Process, is_address
from labkit.network.packet import Address, Packet, echo_request

_LONG_MAX = 2**63 - 1
_INT_MAX = 2**31 - 1
#: The largest echo that fits one IP packet: 65535 − 20 − 8.
_MAX_DATA = 65507
_ICMP_HEADER = 8
#: An echo with less data than this has no room for the time at which it was sent.
_TIMESTAMP = 16
#: A poll() may be up to a thousandth late; the program's own work takes some 0.1 ms.
_POLL_LATE = (0.0009, 0.0005)


@dataclass
class _Ping:
    """One run of the program: its options, and what has happened so far.

    Attributes:
        count: How many echoes to send; 0 for no end.
        interval: Seconds between two echoes.
        data: Bytes of data in an echo.
        ttl: The echoes' time to live.
        linger: Seconds to wait for the last reply where none has come.
        quiet: Whether it prints nothing for a reply.
        numeric: Whether it prints addresses without names.
        sent: How many echoes were sent.
        received: How many replies came.
        times: The replies' round trips, in whole microseconds as iputils keeps them.
    """

    count: int
    interval: float
    data: int
    ttl: int
    linger: float
    quiet: bool
    numeric: bool
    sent: int = 0
    received: int = 0
    times: list[int] = field(default_factory=list)


def ping(process: Process, arguments: list[str]) -> int:
    """Run `ping [-nq] [-c COUNT] [-i SECONDS] [-s BYTES] [-t TTL] [-W SECONDS] HOST`.

    The exit code is 0 if a reply came, 1 if none did, 2 for any other error.
    """
    run, name = _parse(process, arguments)
    destination = process.resolve(name)
    if destination is None:
        process.fail(f"ping: {name}: Name or service not known", 2)
    source = process.source_for(destination)
    if source is None:
        process.fail("ping: connect: Network is unreachable", 2)
    if destination.version == 4:
        process.out(f"PING {name} ({destination}) {run.data}({run.data + 28}) bytes of data.")
    else:
        process.out(f"PING {name}({destination}) {run.data} data bytes")
    start = process.now()
    last = _echoes(process, run, echo_request(source, destination))
    _statistics(process, run, name, last - start)
    return 0 if run.received else 1


def _echoes(process: Process, run: _Ping, packet: Packet) -> float:
    """Send until the count is reached; return the time of the last echo."""
    length = run.data + _ICMP_HEADER + (20 if packet.dst.version == 4 else 40)
    echo = Transmission(packet, length, ttl=run.ttl, replies=(Reply(length),))
    while True:
        sent_at = process.now()
        exchange = process.send(echo)
        run.sent += 1
        is_last = run.sent == run.count
        patience = _patience(run) if is_last else math.inf
        if exchange.replied and exchange.round_trip < patience:
            process.sleep(exchange.round_trip)
            _reply(process, run, packet.dst, exchange)
        if is_last:
            if run.received < run.count:
                process.sleep_until(sent_at + patience)
            return sent_at
        process.sleep_until(sent_at + _gap(process, run, sent_at, exchange))


def _patience(run: _Ping) -> float:
    """How long the program waits after its last echo: two of the longest round trips, or -W if nothing ever came."""
    return max(2 * max(run.times, default=0) / 1e6, run.interval) if run.received else run.linger


def _gap(process: Process, run: _Ping, sent_at: float, exchange: Exchange) -> float:
    """The time between this echo and the next."""
    elapsed = process.now() - sent_at
    if exchange.replied and exchange.round_trip >= 0.001:
        least, spread = _POLL_LATE
        late = least + spread * timing.uniform("poll", process.instance_id, sent_at)
        return max(run.interval, elapsed) + late
    return elapsed + process.kernel_timer(run.interval)


def _reply(process: Process, run: _Ping, address: Address, exchange: Exchange) -> None:
    run.received += 1
    time = ""
    if run.data >= _TIMESTAMP:
        microseconds = round(exchange.round_trip * 1e6)
        run.times.append(microseconds)
        time = f" time={_milliseconds(microseconds)} ms"
    if run.quiet:
        return
    sender = str(address) if run.numeric else f"{process.reverse(address)} ({address})"
    process.out(f"{run.data + _ICMP_HEADER} bytes from {sender}: icmp_seq={run.sent} ttl={exchange.ttl}{time}")


def _milliseconds(microseconds: int) -> str:
    """A round trip as iputils prints it: three significant digits.

    >>> [_milliseconds(value) for value in (747, 1170, 1174, 10349, 105499)]
    ['0.747', '1.17', '1.17', '10.3', '105']
    """
    if microseconds >= 100000 - 50:
        return str((microseconds + 500) // 1000)
    if microseconds >= 10000 - 5:
        return f"{(microseconds + 50) // 1000}.{(microseconds + 50) % 1000 // 100}"
    if microseconds >= 1000:
        return f"{(microseconds + 5) // 1000}.{(microseconds + 5) % 1000 // 10:02}"
    return f"0.{microseconds:03}"


def _statistics(process: Process, run: _Ping, name: str, elapsed: float) -> None:
    loss = f"{(run.sent - run.received) * 100 / run.sent:g}"
    process.out("")
    process.out(f"--- {name} ping statistics ---")
    counts = f"{run.sent} packets transmitted, {run.received} received"
    process.out(f"{counts}, {loss}% packet loss, time {round(elapsed * 1000)}ms")
    process.out(_spread(run.times) if run.times else "")


def _spread(times: list[int]) -> str:
    """The line of minimum, average, maximum and mean deviation, in iputils' integer arithmetic.

    >>> _spread([747, 475, 1170])
    'rtt min/avg/max/mdev = 0.475/0.797/1.170/0.285 ms'
    """
    total, count = sum(times), len(times)
    variance = (sum(time * time for time in times) - total * total // count) // count
    # iputils' own integer root is one too large just below a square.
    deviation = math.isqrt(variance + 1) if variance else 0
    values = (min(times), total // count, max(times), deviation)
    return "rtt min/avg/max/mdev = " + "/".join(f"{value // 1000}.{value % 1000:03}" for value in values) + " ms"


def _parse(process: Process, arguments: list[str]) -> tuple[_Ping, str]:
    """The run that the arguments ask for, and the name of its destination."""
    given, operands = process.options("ping", arguments, "c:i:nqs:t:W:")
    run = _Ping(
        count=_integer(process, given["-c"], 1, _LONG_MAX) if "-c" in given else 0,
        interval=_seconds(process, given.get("-i", "1"), "bad timing interval"),
        data=_integer(process, given.get("-s", "56"), 0, _INT_MAX),
        ttl=_integer(process, given.get("-t", "0"), 0, 255) or DEFAULT_TTL,
        linger=_seconds(process, given.get("-W", "10"), "bad linger time"),
        quiet="-q" in given,
        numeric="-n" in given or any(map(is_address, operands)),
    )
    if run.interval < 0.01:
        process.fail("labkit: the embedded ping does not flood; give -i at least 0.01 seconds.", 2)
    if run.data > _MAX_DATA:
        process.fail(f"ping: packet size {run.data} is too large. Maximum is {_MAX_DATA}", 2)
    if not operands:
        process.fail("ping: usage error: Destination address required", 1)
    if len(operands) > 1:
        process.fail("labkit: the embedded ping does not route through other hosts; give one destination.", 2)
    return run, operands[0]


def _integer(process: Process, text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        process.fail(f"ping: invalid argument: '{text}'", 1)
    if not low <= value <= high:
        process.fail(f"ping: invalid argument: '{text}': out of range: {low} <= value <= {high}", 1)
    return value


def _seconds(process: Process, text: str, complaint: str) -> float:
    """A time, to the millisecond below."""
    try:
        value = float(text)
    except ValueError:
        process.err(f"ping: option argument contains garbage: {text}")
        process.fail(f"ping: {complaint}: {text}", 2)
    if not 0 <= value <= _INT_MAX / 1000:
        process.fail(f"ping: {complaint}: {text}", 2)
    return int(value * 1000) / 1000
