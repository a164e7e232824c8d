"""What an instance's programs see of the world: its names and addresses, the clock, the resolver and the wire.

The commands use a `Host` and nothing else. `InstanceHost` is the one on the data plane; Run Command makes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from labkit.embedded.clock import Clock
from labkit.embedded.dataplane import timing
from labkit.embedded.dataplane.transmission import DEFAULT_TTL, Exchange, Transmission
from labkit.embedded.dataplane.transport import DataPlane
from labkit.embedded.instances import services
from labkit.embedded.instances.services import Service
from labkit.network.packet import Address

#: The only names outside the VPCs that the embedded resolver knows (modelled; real ones have many addresses that
#: change).
_INTERNET_NAMES = {
    "amazon.com": ip_address("205.251.242.103"),
    "example.com": ip_address("93.184.215.14"),
    "google.com": ip_address("142.250.72.14"),
}


@dataclass
class Host(ABC):
    """A running instance, as its own programs see it.

    Attributes:
        clock: The virtual clock.
        instance_id: The instance's id.
        interface_id: The id of its primary interface.
        mac: That interface's hardware address.
        hostname: The private DNS name, such as `ip-10-1-15-80.ec2.internal`.
        address: The primary private IPv4 address.
        subnet: The subnet's IPv4 block.
        dns_server: The VPC's resolver: the network address of the VPC's primary block plus two.
        ipv6: The IPv6 address, or None.
    """

    clock: Clock
    instance_id: str
    interface_id: str
    mac: str
    hostname: str
    address: IPv4Address
    subnet: IPv4Network
    dns_server: IPv4Address
    ipv6: IPv6Address | None = None

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

        The clock doesn't move: the program sleeps for the round trip, or for as long as it waits in vain.
        """
        destination = sent.packet.dst
        if destination.is_loopback or destination in (self.address, self.ipv6):
            microseconds = 20 + int(40 * timing.uniform("self", self.clock.time(), sent.packet))
            return Exchange(bool(sent.replies), microseconds / 1e6, DEFAULT_TTL)
        return self.transmit(sent)


class InstanceHost(Host):
    """An instance on a data plane, for the time of one command, in which the network doesn't change.

    Args:
        plane: The data plane.
        instance_id: The instance's id.

    Raises:
        LookupError: The instance has no network interface.
    """

    def __init__(self, plane: DataPlane, instance_id: str) -> None:
        self._plane = plane
        self._network = network = plane.network
        interface = network.primary_interface(instance_id)
        if interface is None:
            raise LookupError(f"{instance_id} has no network interface.")
        self._vpc = network.vpcs[interface.vpc]
        super().__init__(
            plane.clock,
            instance_id,
            interface.id,
            interface.mac,
            network.instances[instance_id].private_dns_name,
            next(address for address in interface.addresses if isinstance(address, IPv4Address)),
            next(cidr for cidr in network.subnets[interface.subnet].cidrs if isinstance(cidr, IPv4Network)),
            next(cidr.network_address + 2 for cidr in self._vpc.cidrs if isinstance(cidr, IPv4Network)),
            next((address for address in interface.addresses if isinstance(address, IPv6Address)), None),
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
            return services.on_instance(self.hostname, protocol, port)
        found = network.public_interface(address)
        interface = found[0] if found else next(iter(network.interfaces_with(address)), None)
        if interface is None:
            return services.on_internet(str(address), protocol, port)
        if interface.instance is None:
            return None
        return services.on_instance(network.instances[interface.instance].private_dns_name, protocol, port)

    def transmit(self, sent: Transmission) -> Exchange:
        return self._plane.exchange(self.interface_id, sent)


def is_address(name: str) -> bool:
    """Tell whether a destination is written as an address, and not as a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
