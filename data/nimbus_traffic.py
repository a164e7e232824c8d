"""What Nimbus's hosts and the internet say to each other in one hour of 4 December 2025: one small function a source.

Each source takes the hour (0 to 23) and its own random generator, and yields the conversations that begin in that
hour and last at most one hour more. To add a source, write such a function and put it into `SOURCES`: no other source's
traffic changes. Numbers come from random() and whole-number arithmetic, so every machine makes the same ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from nimbus_network import HOSTS, NAT_PUBLIC_ADDRESS

from labkit.embedded.dataplane.noise import knocks
from labkit.network import Packet, echo_request, tcp, udp
from labkit.network.packet import TCP

#: 2025-12-04 00:00 UTC.
MIDNIGHT = 1764806400
HOUR = 3600

FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18

#: How busy the shop is in each hour (UTC), in percent of the busiest: its customers live on the American east coast.
BUSY = (60, 50, 38, 28, 20, 15, 12, 12, 15, 22, 34, 50, 66, 80, 90, 96, 100, 98, 94, 90, 86, 82, 78, 70)

#: Hosts outside, in the ranges kept for documentation (RFC 5737).
OFFICE, MAIL, MIRROR, PARTNER = "198.51.100.23", "192.0.2.25", "192.0.2.80", "192.0.2.200"
RESOLVERS = ("192.0.2.53", "192.0.2.54")
TIME_SERVERS = ("192.0.2.101", "192.0.2.102", "192.0.2.103")

#: A search server that was switched off in November; report-1's configuration still names it.
GONE = "10.1.16.99"


@dataclass(frozen=True, slots=True)
class Amount:
    """So many packets of so many bytes in all, with these TCP flags on the first and on the last."""

    packets: int
    bytes: int
    first_flags: int = 0
    last_flags: int = 0


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one 5-tuple carries, there and back, from second `at` for `seconds`, if the network lets it.

    `unanswered` is what the sender sends instead where no reply comes back, and `replies` what the other end then sends
    in vain; both from `at` for `gives_up` seconds.
    """

    label: str
    packet: Packet
    at: int
    seconds: int
    there: Amount
    back: Amount
    unanswered: Amount
    replies: Amount
    gives_up: int = 0


Source = Callable[[int, random.Random], Iterator[Conversation]]


def address(name: str) -> str:
    """The private address of a host."""
    return HOSTS[name][1]


def public_address(name: str) -> str:
    """The public address of a host, by which the internet knows it."""
    found = HOSTS[name][2]
    if found is None:
        raise ValueError(f"{name} has no public address: nobody on the internet can send to it.")
    return found


# How the protocols use packets


def connection(
    label: str, src: str, dst: str, port: int, at: int, seconds: int, sent: int, got: int, rng: random.Random,
    mtu: int = 1500, src_port: int | None = None, opens: bool = True, closes: bool = True,
) -> Conversation:  # fmt: skip
    """A TCP connection, or a part of one, in which the client sends `sent` bytes and gets `got`."""
    full = mtu - 52  # what a packet carries: IPv4 and TCP headers with timestamps take 52 bytes
    out, back = -(-sent // full), -(-got // full)
    out, back = out + back // 2 + 2 * opens + closes, back + out // 2 + opens + 2 * closes
    first, last = (SYN, SYN_ACK) if opens else (0, 0), FIN if closes else 0
    return Conversation(
        label,
        tcp(src, dst, port, src_port or _port(rng)),
        at,
        seconds,
        Amount(max(out, 1), sent + 52 * max(out, 1) + 8 * opens, first[0], last),
        Amount(max(back, 1), got + 52 * max(back, 1) + 8 * opens, first[1], last),
        unanswered=Amount(4, 240, SYN, SYN),  # Linux tries again after 1, 3 and 7 seconds
        replies=Amount(4, 240, SYN_ACK, SYN_ACK),
        gives_up=7,
    )


def question(label: str, src: str, dst: str, port: int, at: int, sent: int, got: int, src_port: int) -> Conversation:
    """A UDP datagram and its answer; without one the client asks twice more, five seconds apart."""
    again = (Amount(3, 3 * (28 + sent)), Amount(3, 3 * (28 + got)))
    return Conversation(
        label, udp(src, dst, port, src_port), at, 0, Amount(1, 28 + sent), Amount(1, 28 + got), *again, gives_up=10
    )


def ping(label: str, src: str, dst: str, at: int, count: int) -> Conversation:
    """So many echoes of 84 bytes, one a second."""
    echoes = Amount(count, 84 * count)
    return Conversation(label, echo_request(src, dst), at, count - 1, echoes, echoes, echoes, echoes, count - 1)


def _port(rng: random.Random) -> int:
    return rng.randrange(32768, 61000)


def _within(hour: int, rng: random.Random, last: int = HOUR - 1) -> int:
    return MIDNIGHT + hour * HOUR + rng.randrange(last + 1)


def _every(hour: int, seconds: int, offset: int = 0) -> range:
    return range(MIDNIGHT + hour * HOUR + offset, MIDNIGHT + (hour + 1) * HOUR, seconds)


def _heavy(rng: random.Random, least: int, most: int) -> int:
    """A heavy-tailed size: half of them are above twice the least, one in a thousand above a thousand times it."""
    return min(most, int(least / (1 - rng.random())))


# Sources

_PAGES = [_heavy(random.Random(f"page/{n}"), 12_000, 40_000_000) for n in range(400)]


#: First octets under which every address is an ordinary public one; the customers are drawn from them and are nobody.
_FIRST_OCTETS = (23, 24, 47, 50, 63, 67, 68, 71, 73, 75, 76, 96, 98, 99, 108, 174)


def _customer(n: int) -> str:
    rng = random.Random(f"customer/{n}")
    return str(IPv4Address((rng.choice(_FIRST_OCTETS) << 24) + rng.getrandbits(24)))


def web(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """Customers on the web servers: visits of some pages each; few customers come often, many once."""
    for _ in range(9 * BUSY[hour]):
        customer = int(6000 * rng.random() * rng.random())
        server, src = public_address(("web-1", "web-2")[customer % 2]), _customer(customer)
        at = _within(hour, rng, HOUR - 400)
        if rng.random() < 0.15:  # typed without https: told to come again by TLS
            yield connection("web", src, server, 80, at, 0, 380, 420, rng)
        for _ in range(1 + min(9, int(1 / (1 - rng.random())))):
            page = _PAGES[int(len(_PAGES) * rng.random() * rng.random())]
            seconds = 1 + rng.randrange(4) + min(120, page // 400_000)
            yield connection("web", src, server, 443, at, seconds, 1_400, 4_200 + page, rng)
            at += seconds + rng.randrange(40)


def app(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """Each web server keeps a connection to each application server open and sends it the dynamic requests."""
    for server in ("web-1", "web-2"):
        for backend in ("app-1", "app-2"):
            yield from _pool("app", server, backend, 8080, hour, rng, 25, 900, 14_000)


def database(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """Each application server keeps a connection to the database open."""
    for client in ("app-1", "app-2"):
        yield from _pool("database", client, "db-1", 5432, hour, rng, 100, 1_900, 5_200)


def _pool(
    label: str, client: str, server: str, port: int, hour: int, rng: random.Random, at_most: int, sent: int, got: int
) -> Iterator[Conversation]:
    """An hour of one kept connection: up to about `at_most` requests a minute of `sent` bytes, answered by `got`."""
    src_port, begin = _port(rng), MIDNIGHT + hour * HOUR
    for minute in range(60):
        requests = max(1, at_most * BUSY[hour] * (80 + rng.randrange(41)) // 10_000)
        yield connection(
            label, address(client), address(server), port, begin + 60 * minute, 59, requests * sent, requests * got,
            rng, mtu=9001, src_port=src_port, opens=minute == 0, closes=minute == 59,
        )  # fmt: skip


def reports(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """report-1 reads the database over the peering connection: each quarter of an hour, in office hours."""
    if 13 <= hour < 23:
        for at in _every(hour, 900, 120):
            got = _heavy(rng, 3_000_000, 400_000_000)
            seconds = 5 + got // 8_000_000
            args = ("reports", address("report-1"), address("db-1"), 5432, at, seconds, 9_000, got, rng)
            yield connection(*args, mtu=8500)


def backup(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """To backup-1: at 02:00 the database in four streams, at 03:00 the web servers' files, each hour a journal."""

    def copy(host: str, at: int, seconds: int, size: int) -> Conversation:
        args = (address(host), address("backup-1"), 873, at, seconds, size, size // 4_000, rng)
        return connection("backup", *args, mtu=8500)

    begin = MIDNIGHT + hour * HOUR
    yield copy("db-1", begin + 300, 20, 4_000_000 + 300_000 * BUSY[hour] + rng.randrange(1_000_000))
    if hour == 2:
        for stream in range(4):
            yield copy("db-1", begin + 2 * stream, 2_400 + rng.randrange(300), 4_600_000_000 + rng.randrange(10**9))
    if hour == 3:
        for server in ("web-1", "web-2"):
            yield copy(server, begin + 30, 600 + rng.randrange(60), 900_000_000 + rng.randrange(10**8))


_NAMES = tuple((31 + 3 * n % 28, 47 + 16 * (7 * n % 12)) for n in range(40))  # bytes of a question and its answer


def dns(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """Hosts ask the company's resolver, which asks a public one for one name in three.

    Amazon's own resolver would be in no flow log: they leave that traffic out.
    """
    per_hour = {"app-1": 22, "app-2": 22, "web-1": 14, "web-2": 14, "report-1": 10, "monitor-1": 12, "db-1": 4}
    for host, times in per_hour.items():
        for _ in range(times):
            at, (sent, got) = _within(hour, rng), rng.choice(_NAMES)
            yield question("dns", address(host), address("dns-1"), 53, at, sent, got, _port(rng))
            if rng.random() < 0.33:
                server = RESOLVERS[rng.random() < 0.2]
                yield question("dns", address("dns-1"), server, 53, at, sent + 11, got + 11, _port(rng))


def nat(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """What private hosts fetch from outside through the NAT gateway: payments at a partner's, and software."""
    for _ in range(BUSY[hour]):
        host = address(rng.choice(("app-1", "app-2")))
        yield connection("nat", host, PARTNER, 443, _within(hour, rng), rng.randrange(3), 2_600, 6_100, rng)
    for n, name in enumerate(("app-1", "app-2", "dns-1", "db-1")):
        at = MIDNIGHT + hour * HOUR + 700 * n + rng.randrange(600)
        yield connection("nat", address(name), MIRROR, 443, at, 1, 1_100, 38_000, rng)
        if hour == 5:  # a day's updates
            size = 140_000_000 + rng.randrange(60_000_000)
            yield connection("nat", address(name), MIRROR, 443, at + 5, 90 + rng.randrange(60), 20_000, size, rng)


def time(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """Hosts that were set up by hand ask public time servers; the others ask Amazon's, which no flow log records."""
    for host in ("app-1", "app-2", "db-1"):
        for at in _every(hour, 1024, rng.randrange(500)):
            yield question("time", address(host), rng.choice(TIME_SERVERS), 123, at, 48, 48, _port(rng))


def monitoring(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """monitor-1 pings each host and fetches a page of each web server; instance-1 pings instance-2 once an hour."""
    for n, host in enumerate(("instance-1", "web-1", "web-2", "app-1", "app-2", "dns-1", "db-1", "instance-2")):
        for at in _every(hour, 300, 7 * n):
            yield ping("monitoring", address("monitor-1"), address(host), at, 3)
    for n, host in enumerate(("web-1", "web-2")):
        for at in _every(hour, 60, 15 + 30 * n):
            yield connection("monitoring", address("monitor-1"), address(host), 80, at, 0, 120, 310, rng)
    yield ping("monitoring", address("instance-1"), address("instance-2"), MIDNIGHT + hour * HOUR + 2460, 23)


#: Hour, minute, minutes and host of each session of the administrators.
_SESSIONS = (
    (14, 12, 35, "web-1"), (15, 41, 12, "app-2"), (16, 3, 44, "db-1"), (18, 20, 9, "instance-2"), (20, 55, 25, "app-1"),
)  # fmt: skip


def admin(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """SSH from the office to instance-1 and on from there."""
    for begins, minute, minutes, host in _SESSIONS:
        if begins == hour:
            at, seconds = MIDNIGHT + hour * HOUR + 60 * minute, 60 * minutes
            steps = [(OFFICE, public_address("instance-1"), 0), (address("instance-1"), address(host), 15)]
            for src, dst, later in steps:
                typed = minutes * (1_500 + rng.randrange(500))
                yield connection("admin", src, dst, 22, at + later, seconds - later, typed, 5 * typed, rng, mtu=180)


def denied(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """What security groups and network ACLs inside refuse, as somebody forgot or never knew: no attack."""
    begin = MIDNIGHT + hour * HOUR
    # An old job still looks for a MySQL database: the database subnet's ACL has no entry for its port.
    yield connection("denied", address("report-1"), address("db-1"), 3306, begin + 240, 0, 90, 90, rng)
    # Cron's mail from the web servers: their security group lets none out.
    yield connection("denied", address("web-1"), MAIL, 25, begin + 61, 0, 800, 400, rng)
    # A health check for which the applications' security group was never opened.
    for at in _every(hour, 300, 100):
        yield connection("denied", address("monitor-1"), address("app-1"), 8080, at, 0, 120, 310, rng)
    if hour == 16:  # an administrator tries psql from instance-1, then logs on to the database's host instead
        for later in (20, 45, 130):
            yield connection("denied", address("instance-1"), address("db-1"), 5432, begin + later, 0, 90, 90, rng)


def stale(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """report-1 looks for a search server that is no more: ACCEPT at the sender, and nothing ever comes back."""
    for at in _every(hour, 300, 30):
        yield connection("stale", address("report-1"), GONE, 9200, at, 0, 200, 900, rng)


def misrouted(hour: int, rng: random.Random) -> Iterator[Conversation]:
    """report-2's subnet has no route to vpc-1: its questions get nowhere, its answers are lost."""
    for at in _every(hour, 600, 200):
        yield question("misrouted", address("report-2"), address("dns-1"), 53, at, 34, 63, _port(rng))
        yield connection("misrouted", address("app-2"), address("report-2"), 8080, at + 31, 0, 700, 200, rng)


def noise(hour: int, _: random.Random) -> Iterator[Conversation]:
    """The internet's scanners, as the embedded AWS has them, at each public address."""
    begin = MIDNIGHT + hour * HOUR
    for public in sorted([*(host[2] for host in HOSTS.values() if host[2]), NAT_PUBLIC_ADDRESS]):
        for knock in knocks(IPv4Address(public), begin, begin + HOUR):
            is_tcp = knock.packet.protocol == TCP
            flags = (SYN, SYN_ACK) if is_tcp else (0, 0)
            there = Amount(knock.repeats, knock.repeats * knock.length, flags[0], flags[0])
            back = Amount(knock.repeats, knock.repeats * (52 if is_tcp else knock.length), flags[1], flags[1])
            yield Conversation("noise", knock.packet, min(int(knock.at), begin + HOUR - 1), 0, there, back, there, back)


SOURCES: tuple[Source, ...] = (
    web, app, database, reports, backup, dns, nat, time, monitoring, admin, denied, stale, misrouted, noise,
)  # fmt: skip


def conversations(hour: int) -> Iterator[Conversation]:
    """Everything that begins in an hour of the day; each source has its own generator for each hour."""
    for source in SOURCES:
        yield from source(hour, random.Random(f"nimbus/{source.__name__}/{hour}"))
