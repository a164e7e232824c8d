"""`ip addr` and `ip route`, as iproute2 6.10 prints them on a Nitro instance of Amazon Linux 2023.

The interface is ens5, configured by systemd-networkd with metric 512
(https://docs.aws.amazon.com/linux/al2023/ug/networking-service.html); the forms follow public captures. The lines
that iproute2 ends with a space end with one here. Modelled: how much of the DHCP lease of an hour is left.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import NoReturn

from labkit.embedded.hosts import timing
from labkit.embedded.hosts.host import Host
from labkit.embedded.hosts.process import Process

_DEVICE = "ens5"
_METRIC = 512
#: The lease lasts 3600 s and is renewed half-way.
_LEASE, _RENEWED = 3600, 1800
_OBJECTS = {"address": "a", "route": "r", "link": "l", "neighbour": "n", "rule": "ru", "netns": "netn", "monitor": "m"}
_FOREVER = "       valid_lft forever preferred_lft forever"


def ip(process: Process, arguments: list[str]) -> int:
    """Run `ip [-4|-6] {addr|route} [show] [ens5]`; the exit code is 1 for a wrong object, 255 for a wrong verb."""
    family = 0
    while arguments and arguments[0].startswith("-"):
        option, *arguments = arguments
        match option:
            case "-4" | "-6":
                family = int(option[1])
            case (
                "-br"
                | "-brief"
                | "-c"
                | "-color"
                | "-o"
                | "-s"
                | "-j"
                | "-d"
                | "-a"
                | "-all"
                | "-oneline"
                | "-json"
                | "-details"
            ):
                process.fail(f"labkit: the embedded ip lacks the option {option}; it has -4 -6.", 1)
            case _:
                process.fail(f'Option "{option}" is unknown, try "ip -help".', 255)
    if not arguments:
        process.fail("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }", 255)
    word, *rest = arguments
    name = _object(process, word)
    if name not in ("address", "route"):
        process.fail(f"labkit: the embedded ip shows addr and route; it lacks {name}.", 1)
    device = _device(process, name, rest)
    if name == "route":
        if family == 6:
            process.fail("labkit: the embedded ip shows IPv4 routes only.", 1)
        lines = _routes(process.host) if device != "lo" else []
    else:
        lines = _addresses(process, device, family)
    for line in lines:
        process.out(line)
    return 0


def _object(process: Process, word: str) -> str:
    for name, shortest in _OBJECTS.items():
        if name.startswith(word) and word.startswith(shortest):
            return name
    if word == "help":
        process.fail("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }", 255)
    process.fail(f'Object "{word}" is unknown, try "ip help".', 1)


def _device(process: Process, name: str, words: list[str]) -> str | None:
    """The one device asked for, if any."""
    if words and words[0] in ("show", "list", "sh", "s", "ls", "l", "lst"):
        words = words[1:]
    elif words and words[0] in ("add", "del", "delete", "change", "replace", "flush", "get"):
        process.fail(
            f"labkit: the embedded ip only shows; it lacks {words[0]}. The lab's routes are in its route tables.", 1
        )
    if words and words[0] == "dev":
        words = words[1:]
    if not words:
        return None
    if len(words) > 1 or (name == "route" and words[0] not in (_DEVICE, "lo")):
        _unknown(process, name, words[-1])
    if words[0] not in (_DEVICE, "lo", "enp0s5"):
        process.fail(f'Device "{words[0]}" does not exist.', 1)
    return "lo" if words[0] == "lo" else _DEVICE


def _unknown(process: Process, name: str, word: str) -> NoReturn:
    process.fail(f'Command "{word}" is unknown, try "ip {name} help".', 255)


def _addresses(process: Process, device: str | None, family: int) -> list[str]:
    host, lines = process.host, list[str]()
    if device != _DEVICE:
        lines.append("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000")
        lines += ["    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00"] if not family else []
        lines += ["    inet 127.0.0.1/8 scope host lo", _FOREVER] if family != 6 else []
        lines += ["    inet6 ::1/128 scope host noprefixroute ", _FOREVER] if family != 4 else []
    if device == "lo":
        return lines
    since = int(process.now() + _RENEWED * timing.uniform("lease", host.instance_id)) % _RENEWED
    left = _LEASE - since
    lines.append(f"2: {_DEVICE}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 9001 qdisc mq state UP group default qlen 1000")
    if not family:
        lines.append(f"    link/ether {host.interface_mac} brd ff:ff:ff:ff:ff:ff")
    lines += ["    altname enp0s5", f"    altname {host.interface_id}", "    altname device-number-0.0"]
    if family != 6:
        subnet = host.subnet
        lines.append(
            f"    inet {host.address}/{subnet.prefixlen} metric {_METRIC} brd {subnet.broadcast_address}"
            f" scope global dynamic {_DEVICE}"
        )
        lines.append(f"       valid_lft {left}sec preferred_lft {left}sec")
    if family != 4:
        if host.ipv6:
            lines.append(f"    inet6 {host.ipv6}/128 scope global dynamic noprefixroute ")
            lines.append(f"       valid_lft {left // 8}sec preferred_lft {left // 26}sec")
        lines += [f"    inet6 {link_local(host.interface_mac)}/64 scope link proto kernel_ll ", _FOREVER]
    return lines


def _routes(host: Host) -> list[str]:
    """The main table: the default route, then by destination, as the kernel lists them."""
    router, end = host.subnet.network_address + 1, f"src {host.address} metric {_METRIC} "
    on_link = f"dev {_DEVICE} proto dhcp scope link {end}"
    through = f"via {router} dev {_DEVICE} proto dhcp {end}"
    rows = {
        (int(host.subnet.network_address), 0): f"{host.subnet} dev {_DEVICE} proto kernel scope link {end}",
        (int(router), 1): f"{router} {on_link}",
        (int(host.dns_server), 1): f"{host.dns_server} {on_link if host.dns_server in host.subnet else through}",
    }
    return [f"default {through}", *(rows[key] for key in sorted(rows))]


def link_local(mac: str) -> IPv6Address:
    """The address that an interface gives itself, from its hardware address (RFC 4291, appendix A).

    >>> link_local("06:e6:fc:f5:ba:77")
    IPv6Address('fe80::4e6:fcff:fef5:ba77')
    """
    octets = [int(part, 16) for part in mac.split(":")]
    identifier = bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]])
    return IPv6Address(bytes.fromhex("fe80000000000000") + identifier)
