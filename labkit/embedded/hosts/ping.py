"""`ping`, as iputils 20210202 on Amazon Linux 2023 prints it, with its arithmetic and its timing.

Source: ping/ping.c and ping/ping_common.c, https://github.com/iputils/iputils/tree/20210202. The interval between
echoes follows the program's own loop: after a reply of under a millisecond, or none, it sleeps on a coarse kernel
timer (about 1024 ms for one second); after a slower reply it polls for the rest of the second (about 1001 ms).

Modelled: an echo larger than the MTU counts as one packet; a router on the internet that drops an echo whose time to
live is used up says nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NoReturn

from labkit.embedded.hosts import timing
from labkit.embedded.hosts.host import DEFAULT_TTL, Answer, Exchange
from labkit.embedded.hosts.process import Exit, OptionError, Process, is_address, options
from labkit.network.packet import Address, Packet, echo_request

_OPTIONS = "46Oc:hi:nqs:t:W:w:"
#: Options of the real program that this one lacks.
_LACKING = "aAbBdDfFIlLmMNpQrRSTUvV"

_USAGE = """\

Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -a                 use audible ping
  -A                 use adaptive ping
  -B                 sticky source address
  -c <count>         stop after <count> replies
  -D                 print timestamps
  -d                 use SO_DEBUG socket option
  -f                 flood ping
  -h                 print help and exit
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -L                 suppress loopback of multicast packets
  -l <preload>       send <preload> number of packages while waiting replies
  -m <mark>          tag the packets going out
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution
  -O                 report outstanding replies
  -p <pattern>       contents of padding byte
  -q                 quiet output
  -Q <tclass>        use quality of service <tclass> bits
  -s <size>          use <size> as number of data bytes to be sent
  -S <size>          use <size> as SO_SNDBUF socket option value
  -t <ttl>           define time to live
  -U                 print user-to-user latency
  -v                 verbose output
  -V                 print version and exit
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response

IPv4 options:
  -4                 use IPv4
  -b                 allow pinging broadcast
  -R                 record route
  -T <timestamp>     define timestamp, can be one of <tsonly|tsandaddr|tsprespec>

IPv6 options:
  -6                 use IPv6
  -F <flowlabel>     define flow label, default is random
  -N <nodeinfo opt>  use icmp6 node info query, try <help> as argument

For more details see ping(8)."""

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
class _Settings:
    count: int = 0
    interval: float = 1.0
    data: int = 56
    ttl: int = DEFAULT_TTL
    linger: float = 10.0
    deadline: int = 0
    quiet: bool = False
    outstanding: bool = False
    numeric: bool = False
    version: int = 0


@dataclass
class _Tally:
    """What has happened so far; times of replies in whole microseconds, as iputils keeps them."""

    sent: int = 0
    times: list[int] = field(default_factory=list)
    received: int = 0


def ping(process: Process, arguments: list[str]) -> int:
    """Run `ping` with these arguments; the exit code is 0 if a reply came, 1 if none did, 2 for any other error."""
    settings, name = _parse(process, arguments)
    destination = process.resolve(name)
    if destination is None:
        process.fail(f"ping: {name}: Name or service not known", 2)
    if settings.version and destination.version != settings.version:
        process.fail(f"ping: {name}: Address family for hostname not supported", 2)
    source = process.source_for(destination)
    if source is None:
        process.fail("ping: connect: Network is unreachable", 2)
    settings.numeric = settings.numeric or is_address(name)
    if destination.version == 4:
        process.out(f"PING {name} ({destination}) {settings.data}({settings.data + 28}) bytes of data.")
    else:
        process.out(f"PING {name}({destination}) {settings.data} data bytes")

    tally, start = _Tally(), process.now()
    last = _echoes(process, settings, echo_request(source, destination), tally, start)
    _statistics(process, settings, name, tally, last - start)
    return int(not tally.received or bool(settings.deadline and tally.received < settings.count))


def _echoes(process: Process, settings: _Settings, packet: Packet, tally: _Tally, start: float) -> float:
    """Send until there is a reason to stop; the time of the last echo."""
    length = settings.data + _ICMP_HEADER + (20 if packet.dst.version == 4 else 40)
    alarm = start + settings.deadline if settings.deadline else math.inf
    answered = True
    while True:
        if settings.outstanding and not answered:
            process.out(f"no answer yet for icmp_seq={tally.sent % 65536}")
        sent_at = process.now()
        exchange = process.send(packet, length, ttl=settings.ttl, answers=(Answer(length),))
        tally.sent += 1
        complete = settings.count and tally.sent >= settings.count and not settings.deadline
        if complete:
            alarm = sent_at + _linger(settings, tally)
        answered = exchange.replied
        if answered and sent_at + exchange.round_trip < alarm:
            process.sleep(exchange.round_trip)
            _reply(process, settings, exchange, tally)
            if settings.count and tally.received >= settings.count:
                return sent_at
        following = math.inf if complete else sent_at + _gap(process, settings, sent_at, exchange)
        if following >= alarm:
            process.sleep_until(alarm)
            return sent_at
        process.sleep_until(following)


def _linger(settings: _Settings, tally: _Tally) -> float:
    """How long the program waits after its last echo: two of the longest round trips, or -W if nothing ever came."""
    return max(2 * max(tally.times, default=0) / 1e6, settings.interval) if tally.received else settings.linger


def _gap(process: Process, settings: _Settings, sent_at: float, exchange: Exchange) -> float:
    """The time between this echo and the next."""
    elapsed = process.now() - sent_at
    if exchange.replied and math.floor(exchange.round_trip * 1000) >= 1:
        least, spread = _POLL_LATE
        late = least + spread * timing.uniform("poll", process.host.instance_id, sent_at)
        return max(settings.interval, elapsed) + late
    return elapsed + process.kernel_timer(settings.interval)


def _reply(process: Process, settings: _Settings, exchange: Exchange, tally: _Tally) -> None:
    tally.received += 1
    timed = settings.data >= _TIMESTAMP
    microseconds = round(exchange.round_trip * 1e6)
    if timed:
        tally.times.append(microseconds)
    if settings.quiet or exchange.reply_source is None:
        return
    sender = _sender(process, settings, exchange.reply_source)
    time = f" time={_milliseconds(microseconds)} ms" if timed else ""
    size = settings.data + _ICMP_HEADER
    process.out(f"{size} bytes from {sender}: icmp_seq={tally.sent % 65536} ttl={exchange.ttl}{time}")


def _sender(process: Process, settings: _Settings, address: Address) -> str:
    if settings.numeric:
        return str(address)
    return f"{process.reverse(address)} ({address})"


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


def _statistics(process: Process, settings: _Settings, name: str, tally: _Tally, elapsed: float) -> None:
    loss = f"{(tally.sent - tally.received) * 100 / tally.sent:g}"
    process.out("")
    process.out(f"--- {name} ping statistics ---")
    counts = f"{tally.sent} packets transmitted, {tally.received} received"
    process.out(f"{counts}, {loss}% packet loss, time {round(elapsed * 1000)}ms")
    process.out(_spread(tally.times) if tally.times else "")


def _spread(times: list[int]) -> str:
    """The line of minimum, average, maximum and mean deviation, in iputils' integer arithmetic.

    >>> _spread([747, 475, 1170])
    'rtt min/avg/max/mdev = 0.475/0.797/1.170/0.285 ms'
    """
    total, count = sum(times), len(times)
    deviation = _root((sum(time * time for time in times) - total * total // count) // count)
    values = (min(times), total // count, max(times), deviation)
    return "rtt min/avg/max/mdev = " + "/".join(f"{value // 1000}.{value % 1000:03}" for value in values) + " ms"


def _root(value: int) -> int:
    """iputils' integer square root, which is one too large just below a square.

    >>> [_root(value) for value in (0, 1, 3, 4, 81771)]
    [0, 1, 2, 2, 285]
    """
    root, before = value, value + 1
    while 0 < root < before:
        root, before = (root + value // root) // 2, root
    return root


def _parse(process: Process, arguments: list[str]) -> tuple[_Settings, str]:
    settings = _Settings()
    try:
        given, operands = options(arguments, _OPTIONS)
    except OptionError as error:
        _bad_option(process, error)
    for option, value in given:
        match option:
            case "-h":
                _usage(process)
            case "-4" | "-6":
                if settings.version not in (0, int(option[1])):
                    process.fail("ping: only one -4 or -6 option may be specified", 2)
                settings.version = int(option[1])
            case "-c":
                settings.count = _integer(process, value, 1, _LONG_MAX)
            case "-s":
                settings.data = _integer(process, value, 0, _INT_MAX)
            case "-t":
                settings.ttl = _integer(process, value, 0, 255) or DEFAULT_TTL
            case "-w":
                settings.deadline = _integer(process, value, 0, _INT_MAX)
            case "-i":
                settings.interval = int(_seconds(process, value, "bad timing interval") * 1000) / 1000
            case "-W":
                settings.linger = int(_seconds(process, value, "bad linger time") * 1000) / 1000
            case "-q":
                settings.quiet = True
            case "-n":
                settings.numeric = True
            case "-O":
                settings.outstanding = True
    if settings.interval < 0.01:
        process.fail("labkit: the embedded ping does not flood; give -i at least 0.01 seconds.", 2)
    if settings.data > _MAX_DATA:
        process.fail(f"ping: packet size {settings.data} is too large. Maximum is {_MAX_DATA}", 2)
    if not operands:
        process.fail("ping: usage error: Destination address required", 1)
    if len(operands) > 1:
        process.fail("labkit: the embedded ping does not route through other hosts; give one destination.", 2)
    return settings, operands[0]


def _bad_option(process: Process, error: OptionError) -> NoReturn:
    if error.option in _LACKING:
        has = "-4 -6 -c -i -n -O -q -s -t -W -w"
        process.fail(f"labkit: the embedded ping lacks the option -{error.option}; it has {has}.", 2)
    process.err(f"ping: {error}")
    _usage(process)


def _usage(process: Process) -> NoReturn:
    process.err(_USAGE)
    raise Exit(2)


def _integer(process: Process, text: str, low: int, high: int) -> int:
    try:
        value = int(text)
    except ValueError:
        process.fail(f"ping: invalid argument: '{text}'", 1)
    if not low <= value <= high:
        process.fail(f"ping: invalid argument: '{text}': out of range: {low} <= value <= {high}", 1)
    return value


def _seconds(process: Process, text: str, complaint: str) -> float:
    try:
        value = float(text)
    except ValueError:
        process.err(f"ping: option argument contains garbage: {text}")
        process.fail(f"ping: {complaint}: {text}", 2)
    if not 0 <= value <= _INT_MAX / 1000:
        process.fail(f"ping: {complaint}: {text}", 2)
    return value
