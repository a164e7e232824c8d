"""Measure 1,000 traces over 50 VPCs, 200 subnets and 1,000 interfaces. Run: python -m tests.benchmarks.trace_1000

Each VPC is peered with the next four; each group has ten rules. The pairs are drawn from a fixed seed: near and far,
over peering, to the internet and to public addresses, so that some arrive and some do not.
"""

from __future__ import annotations

from random import Random

from labkit.network import Network, Packet, Path, echo_request, tcp
from tests.benchmarks.timing import spent
from tests.networks import ALL_ICMP, Build, entry, from_group, ports, tcp_from

VPCS, SUBNETS_EACH, INTERFACES_EACH, PEERS, TRACES = 50, 4, 5, 4, 1000


def networks() -> Network:
    build = Build()
    for n in range(VPCS):
        build.vpc(f"vpc-{n}", f"10.{n}.0.0/16")
        build.internet_gateway(f"igw-{n}", f"vpc-{n}")
        ingress = [tcp_from(f"10.{m}.0.0/16", 80) for m in range(n, n + 8)] + [from_group(f"sg-{n}"), ALL_ICMP]
        build.group(f"sg-{n}", f"vpc-{n}", ingress)
        routes = {"0.0.0.0/0": f"igw-{n}"}
        for step in range(1, PEERS + 1):
            routes[f"10.{(n + step) % VPCS}.0.0/16"] = f"pcx-{n}-{(n + step) % VPCS}"
            routes[f"10.{(n - step) % VPCS}.0.0/16"] = f"pcx-{(n - step) % VPCS}-{n}"
        acl = [
            entry(90, "deny", protocol="6", **ports(23, 23)), entry(100, "allow"),
            entry(90, "deny", egress=True, protocol="6", **ports(25, 25)), entry(100, "allow", egress=True),
        ]  # fmt: skip
        for m in range(SUBNETS_EACH):
            build.subnet(f"subnet-{n}-{m}", f"vpc-{n}", f"10.{n}.{m}.0/24", routes, acl=acl)
            for k in range(INTERFACES_EACH):
                public = f"54.{n}.{m}.{k}" if k < 2 else None
                build.instance(f"{n}-{m}-{k}", f"subnet-{n}-{m}", f"10.{n}.{m}.{10 + k}", [f"sg-{n}"], public)
    for n in range(VPCS):
        for step in range(1, PEERS + 1):
            far = (n + step) % VPCS
            build.peering(f"pcx-{n}-{far}", f"vpc-{n}", f"vpc-{far}")
    return build.network()


def packets() -> list[Packet]:
    random = Random(1)
    found = []
    for _ in range(TRACES):
        n = random.randrange(VPCS)
        source = f"10.{n}.{random.randrange(SUBNETS_EACH)}.{10 + random.randrange(INTERFACES_EACH)}"
        far = (n + random.randrange(PEERS + 2)) % VPCS
        inside = f"10.{far}.{random.randrange(SUBNETS_EACH)}.{10 + random.randrange(INTERFACES_EACH)}"
        public = f"54.{far}.{random.randrange(SUBNETS_EACH)}.{random.randrange(2)}"
        destination = random.choices([inside, public, "198.51.100.7"], [6, 1, 1])[0]
        found.append(random.choice([echo_request(source, destination), tcp(source, destination, 80)]))
    return found


def main() -> None:
    network, to_send = networks(), packets()
    sizes = f"{len(network.vpcs)} VPCs, {len(network.subnets)} subnets, {len(network.interfaces)} interfaces"
    paths: list[Path] = []
    seconds = spent(lambda: paths.extend(map(network.trace, to_send))).seconds
    replied = sum(path.replied for path in paths)
    rate = len(paths) / seconds
    print(f"{len(paths)} traces over {sizes}: {seconds:.3f} s, {rate:,.0f} traces a second; {replied} got a reply")


if __name__ == "__main__":
    main()
