"""A running program on an instance: it writes, waits, looks names up and sends packets, until it exits or is killed."""

from __future__ import annotations

import getopt
from collections.abc import Sequence
from ipaddress import ip_address
from typing import NoReturn

from labkit.embedded.hosts import timing
from labkit.embedded.hosts.host import DEFAULT_TTL, Answer, Exchange, Host, OutputLine
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


class OptionError(Exception):
    """A command-line option that the program does not know, in the C library's words."""

    def __init__(self, problem: str, option: str) -> None:
        super().__init__(f"{problem} -- '{option}'")
        self.option = option


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
        self._write("stdout", text + end)

    def err(self, text: str, end: str = "\n") -> None:
        self._write("stderr", text + end)

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

    def _write(self, stream: str, text: str) -> None:
        self.lines.append(OutputLine(self.now(), stream, text))


def is_address(name: str) -> bool:
    """Whether a destination is written as an address, and not as a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def options(arguments: Sequence[str], short: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Split a command line as the C library's getopt does: options first wherever they stand, then the rest.

    Raises OptionError for an unknown option, or one that lacks its argument.

    >>> options(["10.2.0.126", "-c5"], "c:")
    ([('-c', '5')], ['10.2.0.126'])
    """
    try:
        return getopt.gnu_getopt(list(arguments), short)
    except getopt.GetoptError as error:
        problem = "option requires an argument" if "requires" in error.msg else "invalid option"
        raise OptionError(problem, error.opt[:1] or "-") from None
