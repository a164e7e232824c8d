"""The Linux kernel as a judge of paths and of flow log records.

Random networks are built twice: in the embedded AWS with boto3, and as network namespaces with routes and nftables
rules. The same probes go through both, and each must have the same fate: reached or not, answered or not, stopped by
the same component on the same leg. And what the flow logs recorded at each interface (direction, verdict, addresses,
ports, packets, bytes) must be what the kernel's own counters say of it.

Not judged: IPv6, NAT gateways, appliances, ICMP errors, the end of a TCP connection.

    LABKIT_KERNEL_NETWORKS=2000 python -m pytest tests/kernel -n 0     judges more networks than the usual 120
"""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable, Iterator

import pytest

from labkit.embedded import EmbeddedAws, start
from tests.kernel import aws, linux
from tests.kernel.description import (
    OUTSIDE,
    Entry,
    Fate,
    Group,
    Host,
    Outcome,
    Peering,
    Probe,
    Route,
    Rule,
    Site,
    Subnet,
    Vpc,
)
from tests.kernel.generator import site
from tests.kernel.judge import differences, judge_all, smallest
from tests.kernel.mutations import MUTATIONS, Mutation
from tests.kernel.namespaces import isolated

#: The ways in which a probe can end, each of which the networks must show.
FATES = {"answered"} | {
    f"{leg} {component}"
    for leg in ("there", "back")
    for component in ("sg-out", "acl-out", "route", "peering", "gateway", "internet", "nobody", "acl-in", "sg-in")
} - {
    "back sg-out", "back sg-in",  # a group lets an answer pass
    "back peering", "back internet", "back nobody",  # who has sent is there
}  # fmt: skip


def test_labkit_and_the_kernel_agree_about_every_packet(
    networks: range, record_property: Callable[[str, object], None]
) -> None:
    figures, found, seconds = judge_all(networks, workers=min(len(os.sched_getaffinity(0)), 8))
    record_property(
        "figures",
        "The Linux kernel judged {networks:,} networks, {probes:,} probes, {packets:,} packets at interfaces in "
        "{records:,} flows: ".format_map(figures)
        + f"{len(found)} differences, {seconds:.0f} s.",
    )
    assert not found, "\n\n".join(found)
    if len(networks) >= 100:
        assert figures.keys() >= FATES


# The judge itself


def test_the_judge_works_where_no_link_leads_out() -> None:
    before = socket.if_nameindex()
    with isolated():
        assert [name for _, name in socket.if_nameindex()] == ["lo"]
    assert socket.if_nameindex() == before


#: A route that leads nowhere, and a shorter one that would lead there: that is rare in the random ones.
BLACKHOLE = Site(
    vpcs=(Vpc("v0", "10.0.0.0/16", "attached"), Vpc("v1", "10.1.0.0/16", "none")),
    peerings=(Peering("p0", "v0", "v1", "deleted"),),
    subnets=(Subnet("s0", "v0", "10.0.1.0/24", (Route(f"{OUTSIDE[0]}/32", "p0"), Route("0.0.0.0/0", "igw"))),),
    groups=(Group("g0", "v0", (Rule(True, "all", "0.0.0.0/0"),)),),
    hosts=(Host("h0", "s0", "10.0.1.10", ("g0",), public=True),),
    probes=(Probe("h0", OUTSIDE[0], "icmp", 40000), Probe("h0", OUTSIDE[1], "icmp", 40001)),
)


@pytest.fixture(scope="module")
def account() -> Iterator[EmbeddedAws]:
    with start() as running:
        gc.collect()
        yield running


@pytest.fixture(scope="module")
def judged(account: EmbeddedAws) -> list[tuple[aws.Built, Outcome]]:
    """Networks built in the account, and what the kernel says of each; labkit unbroken agrees."""
    built = aws.build(account, [BLACKHOLE, *map(site, range(10))])
    found = [(one, linux.outcome(one.site, one.public)) for one in built]
    assert not found_in(account, found)
    return found


def found_in(account: EmbeddedAws, judged: list[tuple[aws.Built, Outcome]]) -> list[str]:
    account.dataplane._trace.cache_clear()
    ours = aws.outcomes(account, [one for one, _ in judged])
    pairs = zip(judged, ours, strict=True)
    return [each for (one, kernel), outcome in pairs for each in differences(one.site, outcome, kernel)]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_the_judge_notices(
    mutation: Mutation,
    account: EmbeddedAws,
    judged: list[tuple[aws.Built, Outcome]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mutation(monkeypatch)
    assert found_in(account, judged)


def test_a_difference_shrinks_to_what_it_needs() -> None:
    big = site(3)
    probe = next(one for one in big.probes if one.source not in OUTSIDE)

    def differs(site: Site) -> bool:
        return probe in site.probes and any(subnet.acl for subnet in site.subnets)

    small = smallest(big, differs)
    assert differs(small)
    assert small.probes == (probe,)
    assert sum(len(subnet.acl or ()) for subnet in small.subnets) == 1
    assert not any(vpc.routes for vpc in small.vpcs) and not any(group.rules for group in small.groups)
    assert len(str(small).splitlines()) <= 16


def test_the_kernel_says_what_the_documentation_says_of_an_acl_that_denies_the_reply() -> None:
    """Ping in, ACL denies out: one record ACCEPT, one REJECT, of 4 packets and 336 bytes each.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    everything = Rule(True, "all", "0.0.0.0/0")
    acl = (Entry(100, False, True, "all", "0.0.0.0/0"), Entry(100, True, False, "icmp", "0.0.0.0/0"))
    documented = Site(
        vpcs=(Vpc("v0", "172.31.0.0/16", "none"),),
        subnets=(Subnet("s0", "v0", "172.31.1.0/24"), Subnet("s1", "v0", "172.31.16.0/24", acl=acl)),
        groups=(Group("g0", "v0", (everything, Rule(False, "icmp", "0.0.0.0/0"))),),
        hosts=(Host("h0", "s0", "172.31.1.12", ("g0",)), Host("h1", "s1", "172.31.16.139", ("g0",))),
        probes=(Probe("h0", "172.31.16.139", "icmp", 40000, count=4),),
    )
    kernel = linux.outcome(documented, {})
    assert kernel.fates == {40000: Fate(reached=True, replied=False, stop="back acl-out")}
    there, back = ("icmp", "172.31.1.12", 0, "172.31.16.139", 0), ("icmp", "172.31.16.139", 0, "172.31.1.12", 0)
    assert kernel.records == {
        ("h0", "egress", "ACCEPT", *there): (4, 336),
        ("h1", "ingress", "ACCEPT", *there): (4, 336),
        ("h1", "egress", "REJECT", *back): (4, 336),
    }
