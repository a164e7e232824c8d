"""A running program on an instance: it writes, waits, looks names up and sends packets, until it exits or is killed."""

from __future__ import annotations

import getopt
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import NoReturn

from labkit.embedded.instances import timing
from labkit.embedded.instances.host import DEFAULT_TTL, Answer, Exchange, Host, OutputLine
from labkit.network.packet import FIRST_EPHEMERAL_PORT, Address, Packet

#: The size of Linux's range of ephemeral ports, 32768–60999.
_EPHEMERAL_PORTS = 60999 - FIRST_EPHEMERAL_PORT + 1


class Exit(Exception):
    """The program ends here, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Killed(Exception):
    """The time that Run Command gave the script is over."""


class Process:
    """The script's process on a host; the tools run in it one after the other.

    Parameters: `stop_at` is the virtual time at which it is killed.
    """

    def __init__(self, host: Host, stop_at: float) -> None:
        self.host = host
        self.lines: list[OutputLine] = []
        self._stop_at = stop_at

    def now(self) -> float:
        return self.host.now()

    def out(self, text: str, end: str = "\n") -> None:
        self.lines.append(OutputLine(self.now(), "stdout", text + end))

    def err(self, text: str, end: str = "\n") -> None:
        self.lines.append(OutputLine(self.now(), "stderr", text + end))

    def fail(self, message: str, code: int) -> NoReturn:
        """Say `message` on stderr and exit."""
        self.err(message)
        raise Exit(code)

    def sleep(self, seconds: float) -> None:
        """Wait; raises Killed when the script's time is over before that."""
        left = self._stop_at - self.now()
        if seconds >= left:
            self.host.sleep(max(left, 0.0))
            raise Killed
        if seconds > 0:
            self.host.sleep(seconds)

    def sleep_until(self, moment: float) -> None:
        self.sleep(moment - self.now())

    def resolve(self, name: str) -> Address | None:
        """The address that `name` is or has; None for an unknown name. 10.2.0.999 is a name, and an unknown one."""
        if is_address(name):
            return ip_address(name)
        if name == "localhost":
            return ip_address("127.0.0.1")
        if name in (self.host.hostname, self.host.hostname.partition(".")[0]):
            return self.host.address
        return self.host.resolve(name)

    def reverse(self, address: Address) -> str:
        """The name of an address, or the address itself where it has none."""
        if address.is_loopback:
            return "localhost"
        return self.host.reverse(address) or str(address)

    def kernel_timer(self, seconds: float) -> float:
        """How long a coarse timer of the kernel takes from now; its wheel has turned since the instance booted."""
        booted = 1000 * timing.uniform("boot", self.host.instance_id)
        return timing.kernel_timer(self.now() + booted, seconds)

    def source_for(self, destination: Address) -> Address | None:
        """The address that the host sends from; None where it has none of that version."""
        if destination.is_loopback:
            return destination
        return self.host.address if destination.version == 4 else self.host.ipv6

    def ephemeral_port(self, *about: object) -> int:
        """A client's port, other each time but the same on every run."""
        share = timing.uniform("port", self.host.instance_id, self.now(), *about)
        return FIRST_EPHEMERAL_PORT + int(share * _EPHEMERAL_PORTS)

    def send(
        self, packet: Packet, length: int, flags: int = 0, *, ttl: int = DEFAULT_TTL, answers: tuple[Answer, ...] = ()
    ) -> Exchange:
        """`Host.send`, except that what a host sends to itself never leaves it, and no flow log sees it."""
        if packet.dst.is_loopback or packet.dst in (self.host.address, self.host.ipv6):
            microseconds = 20 + int(40 * timing.uniform("self", self.now(), packet))
            return Exchange(True, bool(answers), packet.dst, microseconds / 1e6, DEFAULT_TTL, self.host.instance_id)
        return self.host.send(packet, length, flags, ttl=ttl, answers=answers)

    def options(
        self, tool: str, arguments: Sequence[str], short: str, long: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], list[str]]:
        """The options of a command line with their values, and the operands; what the tool lacks is refused by name.

        Parameters: `short` is as for the C library's getopt, such as "c:n"; `long` gives for each long option, such as
        "max-time=", the short one that it means, or itself.
        """
        long = long or {}
        try:
            given, operands = getopt.gnu_getopt(list(arguments), short, list(long))
        except getopt.GetoptError as error:
            if "requires" in error.msg:
                self.fail(f"{tool}: option requires an argument -- '{error.opt}'", 2)
            option = f"-{error.opt}" if len(error.opt) == 1 else f"--{error.opt}"
            has = [f"-{letter}" for letter in short.replace(":", "")] + [f"--{name.rstrip('=')}" for name in long]
            self.fail(f"labkit: the embedded {tool} lacks the option {option}; it has {' '.join(has) or 'none'}.", 2)
        meant = {f"--{name.rstrip('=')}": option for name, option in long.items()}
        return {meant.get(option, option): value for option, value in given}, operands


def is_address(name: str) -> bool:
    """Whether a destination is written as an address, and not as a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
