"""`ip addr` and `ip route`, as iproute2 6.10 prints them on a Nitro instance of Amazon Linux 2023.

The interface is ens5, configured by systemd-networkd with metric 512
(https://docs.aws.amazon.com/linux/al2023/ug/networking-service.html); the forms follow public captures. The lines
that iproute2 ends with a space end with one here. Modeled: how much of the DHCP lease of an hour is left.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from labkit.embedded.dataplane import timing
from labkit.embedded.instances.process import Process

_DEVICE = "ens5"
_METRIC = 512
#: The lease lasts 3600 s and is renewed half-way.
_LEASE, _RENEWED = 3600, 1800
_FOREVER = "       valid_lft forever preferred_lft forever"


def ip(process: Process, arguments: list[str]) -> int:
    """Run `ip [-4|-6] {addr|route} [show] [[dev] DEVICE]`; each word may be shortened, and the exit code is 0."""
    family = ""
    while arguments and arguments[0].startswith("-"):
        option, *arguments = arguments
        if option not in ("-4", "-6"):
            process.fail(f"labkit: the embedded ip lacks the option {option}; it has -4 -6.", 1)
        family = option[1]
    if not arguments:
        process.fail("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }", 255)
    word, *rest = arguments
    device = _device(process, rest)
    if "address".startswith(word):
        lines = [
            line
            for on, about, line in _addresses(process)
            if device in (None, on) and (not family or about in ("", family))
        ]
    elif "route".startswith(word):
        if family == "6":
            process.fail("labkit: the embedded ip shows IPv4 routes only.", 1)
        lines = _routes(process) if device != "lo" else []
    else:
        process.fail(f"labkit: the embedded ip shows addr and route; it lacks {word}.", 1)
    for line in lines:
        process.out(line)
    return 0


def _device(process: Process, words: list[str]) -> str | None:
    """The one device asked for, if any."""
    if words and ("show".startswith(words[0]) or "list".startswith(words[0])):
        words = words[1:]
    if words and words[0] == "dev":
        words = words[1:]
    if len(words) > 1:
        process.fail(f"labkit: the embedded ip only shows; it lacks {words[0]}. Routes are in the route tables.", 1)
    if words and words[0] not in (_DEVICE, "lo"):
        process.fail(f'Device "{words[0]}" does not exist.', 1)
    return words[0] if words else None


def _addresses(process: Process) -> list[tuple[str, str, str]]:
    """All lines of `ip addr`: each with its device, and with the family that it is about: 4, 6, link or any ("")."""
    since = int(process.now() + _RENEWED * timing.uniform("lease", process.instance_id)) % _RENEWED
    left = _LEASE - since
    ipv4 = f"{process.address}/{process.subnet.prefixlen} metric {_METRIC} brd {process.subnet.broadcast_address}"
    flags = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP group default qlen 1000"
    lines = [
        ("lo", "", "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000"),
        ("lo", "link", "    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00"),
        ("lo", "4", f"    inet 127.0.0.1/8 scope host lo\n{_FOREVER}"),
        ("lo", "6", f"    inet6 ::1/128 scope host noprefixroute \n{_FOREVER}"),
        (_DEVICE, "", f"2: {_DEVICE}: {flags}"),
        (_DEVICE, "link", f"    link/ether {process.mac} brd ff:ff:ff:ff:ff:ff"),
        (_DEVICE, "", f"    altname enp0s5\n    altname {process.interface_id}\n    altname device-number-0.0"),
        (_DEVICE, "4", f"    inet {ipv4} scope global dynamic {_DEVICE}"),
        (_DEVICE, "4", f"       valid_lft {left}sec preferred_lft {left}sec"),
    ]
    if process.ipv6:
        lines.append((_DEVICE, "6", f"    inet6 {process.ipv6}/128 scope global dynamic noprefixroute "))
        lines.append((_DEVICE, "6", f"       valid_lft {left // 8}sec preferred_lft {left // 26}sec"))
    own = _link_local(process.mac)
    return [*lines, (_DEVICE, "6", f"    inet6 {own}/64 scope link proto kernel_ll \n{_FOREVER}")]


def _routes(process: Process) -> list[str]:
    """The main table: the default route, then by destination, as the kernel lists them."""
    subnet, resolver = process.subnet, process.dns_server
    router, end = subnet.network_address + 1, f"src {process.address} metric {_METRIC} "
    on_link = f"dev {_DEVICE} proto dhcp scope link {end}"
    through = f"via {router} dev {_DEVICE} proto dhcp {end}"
    rows = {
        (int(subnet.network_address), 0): f"{subnet} dev {_DEVICE} proto kernel scope link {end}",
        (int(router), 1): f"{router} {on_link}",
        (int(resolver), 1): f"{resolver} {on_link if resolver in subnet else through}",
    }
    return [f"default {through}", *(rows[key] for key in sorted(rows))]


def _link_local(mac: str) -> IPv6Address:
    """The address that an interface chooses itself, from its hardware address (RFC 4291, appendix A).

    >>> _link_local("06:e6:fc:f5:ba:77")
    IPv6Address('fe80::4e6:fcff:fef5:ba77')
    """
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return IPv6Address(bytes.fromhex("fe80000000000000") + identifier)
