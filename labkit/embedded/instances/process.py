"""A script that runs on an instance: what it sees of the world and what it writes, until it exits or is killed.

The commands use a `Process` and nothing else. `InstanceProcess` is the one on the data plane; Run Command makes it.
"""

from __future__ import annotations

import getopt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import NoReturn

from labkit.embedded.clock import Clock
from labkit.embedded.dataplane import timing
from labkit.embedded.dataplane.transmission import DEFAULT_TTL, Exchange, Transmission
from labkit.embedded.dataplane.transport import DataPlane
from labkit.embedded.instances import services
from labkit.embedded.instances.services import Service
from labkit.network.packet import FIRST_EPHEMERAL_PORT, Address

#: The size of Linux's range of ephemeral ports, 32768–60999.
_EPHEMERAL_PORTS = 60999 - FIRST_EPHEMERAL_PORT + 1

#: The only names outside the VPCs that the embedded resolver knows (modeled; real ones have many addresses that
#: change).
_INTERNET_NAMES = {
    "amazon.com": ip_address("205.251.242.103"),
    "example.com": ip_address("93.184.215.14"),
    "google.com": ip_address("142.250.72.14"),
}


@dataclass(frozen=True, slots=True)
class OutputLine:
    """What a program wrote at one moment.

    Attributes:
        at: The virtual time, in seconds since the epoch.
        stream: `stdout` or `stderr`.
        text: The text as written, with its line feed.
    """

    at: float
    stream: str
    text: str


class Exit(Exception):
    """The program ends here, with this exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Killed(Exception):
    """The time that Run Command gave the script is over."""


@dataclass
class Process(ABC):
    """A script's process on an instance; its commands run in it one after the other.

    Attributes:
        clock: The virtual clock.
        stop_at: The virtual time at which the process is killed, in seconds since the epoch.
        instance_id: The instance's id.
        interface_id: The id of its primary interface.
        mac: That interface's hardware address.
        hostname: The private DNS name, such as `ip-10-1-15-80.ec2.internal`.
        address: The primary private IPv4 address.
        subnet: The subnet's IPv4 block.
        dns_server: The VPC's resolver: the network address of the VPC's primary block plus two.
        ipv6: The IPv6 address, or None.
        user_data_ends: When the instance's user data is through, in seconds since the epoch.
        lines: What the process has written.
    """

    clock: Clock
    stop_at: float
    instance_id: str
    interface_id: str
    mac: str
    hostname: str
    address: IPv4Address
    subnet: IPv4Network
    dns_server: IPv4Address
    ipv6: IPv6Address | None = None
    user_data_ends: float = 0.0
    lines: list[OutputLine] = field(default_factory=list, init=False)

    # What the instance's kernel, its resolver and its wire do for a program

    @abstractmethod
    def look_up(self, name: str) -> Address | None:
        """Ask the VPC's resolver for the address of a name; None where it knows none."""

    @abstractmethod
    def look_up_name(self, address: Address) -> str | None:
        """Ask the VPC's resolver for the name of an address; None where it knows none."""

    @abstractmethod
    def service(self, address: Address, protocol: int, port: int) -> Service | None:
        """Return what listens at an address and port; None where nothing does. Asking sends no packet."""

    @abstractmethod
    def transmit(self, sent: Transmission) -> Exchange:
        """Put a packet on the wire now, and its replies a round trip later, while the clock doesn't move."""

    def resolve(self, name: str) -> Address | None:
        """Return the address that `name` is or has; None for an unknown name. 10.2.0.999 is an unknown name."""
        if is_address(name):
            return ip_address(name)
        if name == "localhost":
            return ip_address("127.0.0.1")
        if name in (self.hostname, self.hostname.partition(".")[0]):
            return self.address
        return self.look_up(name)

    def reverse(self, address: Address) -> str:
        """Return the name of an address, or the address itself where it has none."""
        return "localhost" if address.is_loopback else self.look_up_name(address) or str(address)

    def source_for(self, destination: Address) -> Address | None:
        """Return the address that the host sends from; None where it has none of that version."""
        if destination.is_loopback:
            return destination
        return self.address if destination.version == 4 else self.ipv6

    def send(self, sent: Transmission) -> Exchange:
        """Send a packet. What a host sends to itself never leaves it, and no flow log sees it.

        The clock doesn't move: the program itself sleeps for the round trip, or until it gives up.
        """
        destination = sent.packet.dst
        if destination.is_loopback or destination in (self.address, self.ipv6):
            microseconds = 20 + int(40 * timing.uniform("self", self.clock.time(), sent.packet))
            return Exchange(bool(sent.replies), microseconds / 1e6, DEFAULT_TTL)
        return self.transmit(sent)

    def kernel_timer(self, seconds: float) -> float:
        """Return how long a coarse timer of the kernel takes from now, in seconds; its wheel turns since the boot."""
        booted = 1000 * timing.uniform("boot", self.instance_id)
        return timing.kernel_timer(self.now() + booted, seconds)

    def ephemeral_port(self, *about: object) -> int:
        """Return a client's port: another one each time, but the same on every run."""
        share = timing.uniform("port", self.instance_id, self.now(), *about)
        return FIRST_EPHEMERAL_PORT + int(share * _EPHEMERAL_PORTS)

    # Time, output and options

    def now(self) -> float:
        """Return the virtual time, in seconds since the epoch."""
        return self.clock.time()

    def out(self, text: str, end: str = "\n") -> None:
        """Write on standard output."""
        self.lines.append(OutputLine(self.now(), "stdout", text + end))

    def err(self, text: str, end: str = "\n") -> None:
        """Write on standard error."""
        self.lines.append(OutputLine(self.now(), "stderr", text + end))

    def fail(self, message: str, code: int) -> NoReturn:
        """Write a message on standard error and exit with a code."""
        self.err(message)
        raise Exit(code)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass, in seconds; raise Killed where the script's time is over before that."""
        left = self.stop_at - self.now()
        if seconds >= left:
            self.clock.advance(max(left, 0.0))
            raise Killed
        if seconds > 0:
            self.clock.advance(seconds)

    def sleep_until(self, moment: float) -> None:
        """Let virtual time pass until a moment, unless it is past."""
        self.sleep(moment - self.now())

    def options(
        self, tool: str, arguments: Sequence[str], short: str, long: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], list[str]]:
        """Read a command line; exit where it has an option that the tool lacks, and name the option.

        Args:
            tool: The tool's name, for messages.
            arguments: The command line without the tool's name.
            short: The short options as the C library's getopt takes them, such as "c:n".
            long: For each long option, such as "max-time=", the short one that it means, or itself.

        Returns:
            The options with their values, and the operands.
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


class InstanceProcess(Process):
    """A process on an instance of a data plane. While it runs, the network doesn't change.

    Args:
        plane: The data plane.
        instance_id: The instance's id.
        timeout: Seconds after which the process is killed.
    """

    def __init__(self, plane: DataPlane, instance_id: str, timeout: float) -> None:
        self._plane = plane
        self._network = network = plane.network
        interface = network.primary_interface(instance_id)
        assert interface is not None, "Run Command asks only instances in reach."
        self._vpc = network.vpcs[interface.vpc]
        super().__init__(
            clock=plane.clock,
            stop_at=plane.clock.time() + timeout,
            instance_id=instance_id,
            interface_id=interface.id,
            mac=interface.mac,
            hostname=network.instances[instance_id].private_dns_name,
            address=next(each for each in interface.addresses if isinstance(each, IPv4Address)),
            subnet=next(cidr for cidr in network.subnets[interface.subnet].cidrs if isinstance(cidr, IPv4Network)),
            dns_server=next(cidr.network_address + 2 for cidr in self._vpc.cidrs if isinstance(cidr, IPv4Network)),
            ipv6=next((each for each in interface.addresses if isinstance(each, IPv6Address)), None),
            user_data_ends=plane.boot(instance_id).user_data_ends,
        )

    def look_up(self, name: str) -> Address | None:
        # A public name means the private address within the VPC, and the public one outside.
        name = name.rstrip(".").lower()
        for instance in self._network.instances.values():
            interface = self._network.primary_interface(instance.id)
            if interface is None:
                continue
            if name == instance.private_dns_name:
                return interface.primary
            public = interface.public.get(interface.primary)
            if public is not None and name == instance.public_dns_name:
                return interface.primary if interface.vpc == self._vpc.id else public
        return _INTERNET_NAMES.get(name)

    def look_up_name(self, address: Address) -> str | None:
        for instance in self._network.instances.values():
            interface = self._network.primary_interface(instance.id)
            if interface is not None and address in interface.addresses:
                return instance.private_dns_name
            if interface is not None and address in interface.public.values():
                return instance.public_dns_name
        return next((name for name, known in _INTERNET_NAMES.items() if known == address), None)

    def service(self, address: Address, protocol: int, port: int) -> Service | None:
        network = self._network
        if address.is_loopback or address in network.interfaces[self.interface_id].addresses:
            return self._plane.service(self.instance_id, protocol, port)
        found = network.public_interface(address)
        interface = found[0] if found else next(iter(network.interfaces_with(address)), None)
        if interface is None:
            return services.on_internet(str(address), protocol, port)
        return None if interface.instance is None else self._plane.service(interface.instance, protocol, port)

    def transmit(self, sent: Transmission) -> Exchange:
        return self._plane.exchange(self.interface_id, sent)


def is_address(name: str) -> bool:
    """Tell whether a destination is written as an address, and not as a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
