"""A running instance as its own programs see it: the `Host` of `hosts`, on the data plane."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from labkit.embedded.dataplane.transport import DataPlane
from labkit.embedded.instances import services
from labkit.embedded.instances.host import DEFAULT_TTL, Answer, Exchange
from labkit.embedded.instances.services import Service
from labkit.network import Interface, Packet
from labkit.network.packet import Address

#: The only names outside the VPCs that the embedded resolver knows (modelled; real ones have many addresses that
#: change).
_INTERNET_NAMES = {
    "amazon.com": "205.251.242.103",
    "example.com": "93.184.215.14",
    "google.com": "142.250.72.14",
}


class InstanceHost:
    """One instance's view of its data plane. Made for one command, while it runs."""

    def __init__(self, plane: DataPlane, instance_id: str) -> None:
        self._plane = plane
        self.instance_id = instance_id

    @property
    def _interface(self) -> Interface:
        interface = self._plane.network.primary_interface(self.instance_id)
        if interface is None:
            raise LookupError(f"{self.instance_id} has no network interface.")
        return interface

    @property
    def interface_id(self) -> str:
        return self._interface.id

    @property
    def interface_mac(self) -> str:
        return self._interface.mac

    @property
    def hostname(self) -> str:
        return self._plane.network.instances[self.instance_id].private_dns_name

    @property
    def address(self) -> IPv4Address:
        return next(a for a in self._interface.addresses if isinstance(a, IPv4Address))

    @property
    def ipv6(self) -> IPv6Address | None:
        return next((a for a in self._interface.addresses if isinstance(a, IPv6Address)), None)

    @property
    def subnet(self) -> IPv4Network:
        cidrs = self._plane.network.subnets[self._interface.subnet].cidrs
        return next(cidr for cidr in cidrs if isinstance(cidr, IPv4Network))

    @property
    def dns_server(self) -> IPv4Address:
        cidrs = self._plane.network.vpcs[self._interface.vpc].cidrs
        return next(cidr.network_address + 2 for cidr in cidrs if isinstance(cidr, IPv4Network))

    def now(self) -> float:
        return self._plane.clock.time()

    def sleep(self, seconds: float) -> None:
        self._plane.clock.advance(seconds)

    def resolve(self, name: str) -> Address | None:
        """An instance's private name gives its private address; its public name gives that too within the VPC,
        outside it the public one.
        """
        name = name.rstrip(".").lower()
        network = self._plane.network
        for instance in network.instances.values():
            interface = network.primary_interface(instance.id)
            if interface is None:
                continue
            if name == instance.private_dns_name:
                return interface.primary
            public = interface.public.get(interface.primary)
            if public is not None and name == instance.public_dns_name:
                return interface.primary if interface.vpc == self._interface.vpc else public
        return ip_address(_INTERNET_NAMES[name]) if name in _INTERNET_NAMES else None

    def reverse(self, address: Address) -> str | None:
        network = self._plane.network
        for instance in network.instances.values():
            interface = network.primary_interface(instance.id)
            if interface is not None and address in interface.addresses:
                return instance.private_dns_name
            if interface is not None and address in interface.public.values():
                return instance.public_dns_name
        return next((name for name, text in _INTERNET_NAMES.items() if ip_address(text) == address), None)

    def service(self, address: Address, protocol: int, port: int) -> Service | None:
        network = self._plane.network
        if address.is_loopback or address in self._interface.addresses:
            return services.on_instance(self.hostname, protocol, port)
        found = network.public_interface(address)
        interface = found[0] if found else next(iter(network.interfaces_with(address)), None)
        if interface is None:
            return services.on_internet(str(address), protocol, port)
        if interface.instance is None:
            return None
        return services.on_instance(network.instances[interface.instance].private_dns_name, protocol, port)

    def send(
        self, packet: Packet, length: int, flags: int = 0, *, ttl: int = DEFAULT_TTL, answers: tuple[Answer, ...] = ()
    ) -> Exchange:
        return self._plane.exchange(self.interface_id, packet, length, flags, ttl, answers)
