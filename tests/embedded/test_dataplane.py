"""Flow logs over a network that changes: what is recorded, where, and when.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
"""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from ipaddress import ip_address

import pytest

from labkit.embedded import EmbeddedAws, start
from labkit.embedded.dataplane.transmission import Exchange, Transmission
from labkit.network import tcp
from tests.embedded.site import Site
from tests.embedded.support import client

HERE, THERE = "10.1.0.10", "10.1.0.20"


# Which interfaces


def test_interfaces_that_appear_under_a_flow_log_are_recorded_from_then_on(site: Site) -> None:
    site.record(site.vpc)
    instance, interface = site.launch("10.1.0.30")
    site.send("ping -c 2 10.1.0.10", to=instance)
    site.settle()
    assert site.flows("10.1.0.30", HERE) == {
        (interface, "10.1.0.30", "ACCEPT"): (2, 168), (interface, HERE, "ACCEPT"): (2, 168),
        (site.eni_here, "10.1.0.30", "ACCEPT"): (2, 168), (site.eni_here, HERE, "ACCEPT"): (2, 168),
    }  # fmt: skip


def test_an_interface_that_goes_leaves_its_last_records_with_their_place_and_then_none(site: Site) -> None:
    site.record(site.vpc, "places", LogFormat="interface-id vpc-id subnet-id instance-id az-id pkt-dstaddr log-status")
    site.send("ping -c 2 10.1.0.20")
    site.ec2.terminate_instances(InstanceIds=[site.there])
    gone = site.aws.clock.now()
    site.settle()
    zone = site.ec2.describe_subnets(SubnetIds=[site.subnet])["Subnets"][0]["AvailabilityZoneId"]
    place = [site.eni_there, site.vpc, site.subnet, site.there, zone]
    assert sorted(site.lines("places", "OK", site.eni_there)) == [[*place, HERE, "OK"], [*place, THERE, "OK"]]
    count = len(site.lines("places", site.eni_there))
    site.aws.clock.jump_to(gone + timedelta(hours=1))
    assert len(site.lines("places", site.eni_there)) == count


def test_an_interface_without_an_instance_is_silent(site: Site) -> None:
    made = site.ec2.create_network_interface(SubnetId=site.subnet, PrivateIpAddress="10.1.0.40", Groups=[site.group])
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    site.record(interface)
    site.send("ping -c 1 -W 1 10.1.0.40")
    site.settle()
    site.settle()
    assert site.flows() == {}
    assert {words[13] for words in site.lines()} == {"NODATA"}


def test_a_flow_log_on_an_empty_vpc_or_on_one_that_is_deleted_waits_for_nothing(site: Site) -> None:
    vpc = site.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    flow_log = site.record(vpc)
    before = site.aws.clock.now()
    site.settle()
    assert site.aws.clock.now() == before
    site.ec2.delete_vpc(VpcId=vpc)
    site.aws.clock.advance(3600)
    site.settle()
    assert site.logs.describe_log_groups()["logGroups"] == []
    site.ec2.delete_flow_logs(FlowLogIds=[flow_log])


# Several flow logs


def test_flow_logs_on_vpc_subnet_and_interface_share_a_groups_streams(site: Site) -> None:
    """Each writes its own records, and each interface has one stream in a group:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
    """
    for resource, traffic in ((site.vpc, "ALL"), (site.subnet, "ACCEPT"), (site.eni_here, "ALL")):
        site.record(resource, TrafficType=traffic)
    site.send("ping -c 1 10.1.0.20")
    site.settle()
    streams = {each["logStreamName"] for each in site.logs.describe_log_streams(logGroupName="g")["logStreams"]}
    assert streams == {f"{site.eni_here}-all", f"{site.eni_there}-all"}
    assert site.flows(HERE, THERE) == {
        (site.eni_here, HERE, "ACCEPT"): (3, 252), (site.eni_here, THERE, "ACCEPT"): (3, 252),
        (site.eni_there, HERE, "ACCEPT"): (2, 168), (site.eni_there, THERE, "ACCEPT"): (2, 168),
    }  # fmt: skip
    events = site.logs.get_log_events(logGroupName="g", logStreamName=f"{site.eni_here}-all", startFromHead=True)
    times = [event["timestamp"] for event in events["events"]]
    assert times == sorted(times)


def test_a_deleted_flow_log_writes_no_more_and_the_others_go_on(site: Site) -> None:
    first, _ = site.record(site.vpc, "a"), site.record(site.vpc, "b")
    site.settle()
    site.ec2.delete_flow_logs(FlowLogIds=[first])
    before = len(site.lines("a"))
    site.send("ping -c 1 10.1.0.20")
    site.settle()
    assert len(site.lines("a")) == before
    assert len(site.lines("b", HERE, THERE)) == 4


def test_a_flow_log_made_later_knows_nothing_of_before(site: Site) -> None:
    site.send("ping -c 1 10.1.0.20")
    site.record(site.vpc)
    site.send("ping -c 2 10.1.0.20")
    site.settle()
    assert set(site.flows(HERE, THERE).values()) == {(2, 168)}


# Windows


def test_a_ping_over_three_windows_is_split_and_none_of_it_lost(site: Site) -> None:
    site.record(site.eni_here)
    site.send("ping -c 130 10.1.0.20")
    site.settle()
    for source in (HERE, THERE):
        records = [words for words in site.lines("g", HERE, THERE) if words[3] == source]
        assert len(records) in (3, 4)
        assert sum(int(words[8]) for words in records) == 130
        assert sum(int(words[9]) for words in records) == 130 * 84
        ends = [int(words[11]) for words in records]
        starts = [int(words[10]) for words in records]
        assert starts[1:] == ends[:-1]
        assert all(end - start == 60 for start, end in zip(starts, ends, strict=True))


@pytest.mark.parametrize("interval", [60, 600])
def test_a_jump_over_days_leaves_a_window_for_each_minute(site: Site, interval: int) -> None:
    """Nitro instances aggregate for a minute at most, whatever was asked for.

    https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    _, interface = site.launch("10.1.0.30", public=False)
    site.record(interface, MaxAggregationInterval=interval)
    site.aws.clock.jump_to(site.aws.clock.now() + timedelta(days=2))
    starts = [int(words[10]) for words in site.lines()]
    assert starts == list(range(starts[0], starts[0] + 60 * len(starts), 60))
    assert len(starts) == pytest.approx(2 * 24 * 60 - 5, abs=1)
    events = site.logs.filter_log_events(logGroupName="g")["events"]
    assert all(event["ingestionTime"] - event["timestamp"] == (60 + 300) * 1000 for event in events)


def test_small_steps_and_one_jump_give_the_same_records(aws: EmbeddedAws, image: str) -> None:
    port = int(aws.endpoint_url.rpartition(":")[2])
    found = []
    for step in (7.3, 1168.0):
        aws.stop()
        with start(port) as again:
            site = Site(again, image)
            site.record(site.vpc)
            for _ in range(round(1168 / step)):
                again.clock.advance(step)
            site.settle()
            found.append(site.lines())
    assert len(found[0]) > 40 and found[0] == found[1]


# What was counted is what was sent


def test_an_instance_finds_its_own_web_page_on_localhost(site: Site) -> None:
    for host in ("localhost", "127.0.0.1", "10.1.0.10"):
        answer = site.send(f"curl -s http://{host}/")
        assert answer["StandardOutputContent"] == "<h1>Hello from ip-10-1-0-10.ec2.internal</h1>\n"


def lengths(site: Site, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """The lengths of all packets that a host sends from now on, and of the answers it gets."""
    sent: dict[str, list[int]] = {"out": [], "in": []}
    exchange = site.aws.dataplane.exchange

    def note(sender: str, transmission: Transmission) -> Exchange:
        result = exchange(sender, transmission)
        sent["out"].append(transmission.length)
        sent["in"] += [reply.length for reply in transmission.replies if result.replied]
        return result

    monkeypatch.setattr(site.aws.dataplane, "exchange", note)
    return sent


@pytest.mark.parametrize("open_port", [True, False])
def test_packets_and_bytes_add_up_to_what_a_tool_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch, open_port: bool
) -> None:
    if open_port:
        site.allow("tcp", 80, 80)
    site.record(site.vpc)
    sent = lengths(site, monkeypatch)
    answer = site.send("curl -s -m 20 http://10.1.0.20/")
    assert answer["StandardOutputContent"] == ("<h1>Hello from ip-10-1-0-20.ec2.internal</h1>\n" if open_port else "")
    site.settle()
    out, back = (len(sent["out"]), sum(sent["out"])), (len(sent["in"]), sum(sent["in"]))
    if open_port:
        assert site.flows(HERE, THERE) == {
            (site.eni_here, HERE, "ACCEPT"): out, (site.eni_here, THERE, "ACCEPT"): back,
            (site.eni_there, HERE, "ACCEPT"): out, (site.eni_there, THERE, "ACCEPT"): back,
        }  # fmt: skip
    else:
        assert site.flows(HERE, THERE) == {
            (site.eni_here, HERE, "ACCEPT"): out, (site.eni_there, HERE, "REJECT"): out,
        }  # fmt: skip


def test_answers_that_come_out_of_order_keep_a_records_times_in_order(site: Site) -> None:
    """traceroute sends its probes at once, and their answers take their own times."""
    site.record(site.vpc)
    site.send("traceroute -n 10.1.0.20", "curl -s -m 3 http://93.184.215.14/")
    site.settle()
    assert site.lines("g", "OK")
    assert all(int(words[10]) <= int(words[11]) for words in site.lines())


# NAT gateways


def test_a_nat_gateways_interface_shows_both_sides_of_its_translation(site: Site) -> None:
    """The packet's own addresses tell the client from the gateway:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    ec2 = site.ec2
    private = ec2.create_subnet(VpcId=site.vpc, CidrBlock="10.1.1.0/24")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=site.subnet, AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[made])
    gateway = ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"][0]["NatGatewayAddresses"][0]
    table = ec2.create_route_table(VpcId=site.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=private)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=made)
    instance, interface = site.launch("10.1.1.10", subnet=private, public=False)
    fields = "interface-id instance-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr flow-direction traffic-path packets"
    site.record(site.vpc, LogFormat=f"{fields} log-status")
    site.send("ping -c 2 8.8.8.8", to=instance)
    site.settle()
    nat, eni, client_, far = gateway["PrivateIp"], gateway["NetworkInterfaceId"], "10.1.1.10", "8.8.8.8"
    assert sorted(site.lines("g", far, "2")) == sorted(
        line.split()
        for line in (
            f"{interface} {instance} {client_} {far} {client_} {far} egress 1 2 OK",
            f"{eni} - {client_} {nat} {client_} {far} ingress - 2 OK",
            f"{eni} - {nat} {far} {nat} {far} egress 8 2 OK",
            f"{eni} - {far} {nat} {far} {nat} ingress - 2 OK",
            f"{eni} - {nat} {client_} {far} {client_} egress 1 2 OK",
            f"{interface} {instance} {far} {client_} {far} {client_} ingress - 2 OK",
        )
    )


# Living long, and with others


def test_paths_are_kept_but_not_without_end(site: Site) -> None:
    plane = site.aws.dataplane
    for port in range(1, 2500):
        plane.path(tcp(HERE, THERE, port), site.eni_here)
    assert plane._trace.cache_info().currsize <= 1000
    site.record(site.vpc)
    site.aws.clock.advance(86400)
    assert plane._trace.cache_info().currsize <= 1000


def test_windows_are_not_kept_once_they_are_delivered(site: Site) -> None:
    flow_log = site.record(site.vpc)
    site.send("ping -c 200 10.1.0.20")
    site.settle()
    site.aws.clock.advance(3600)
    capture = site.aws.dataplane.flow_logs._recordings[flow_log].capture
    assert all(number >= capture._next[interface] for interface, number in capture._open)
    assert len(capture._open) <= 2 * 7


def test_students_in_two_kernels_lose_nothing(site: Site) -> None:
    """Calls, commands and jumps of the clock at once: each packet is in one record."""
    site.record(site.vpc)
    failures: list[BaseException] = []

    def work(instance: str, to: str) -> None:
        try:
            ssm, ec2 = client(site.aws, "ssm"), client(site.aws, "ec2")
            for _ in range(4):
                script = {"commands": [f"ping -c 3 {to}"]}
                ssm.send_command(InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters=script)
                made = ec2.create_key_pair(KeyName=f"{instance}-{_}")
                ec2.delete_key_pair(KeyName=made["KeyName"])
                with site.aws.lock:
                    site.settle()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=ends) for ends in ((site.here, THERE), (site.there, HERE))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    site.settle()
    assert set(site.flows(HERE, THERE).values()) == {(24, 24 * 84)}


def test_a_server_that_is_asked_by_its_public_name_or_address(site: Site) -> None:
    """Over the internet gateway the receiver sees the sender's public address, and its own private one:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    public_here, public_there = site.public(site.here), site.public(site.there)
    site.record(site.vpc)
    answer = site.send(f"ping -c 1 {public_there}")
    assert re.search(rf"64 bytes from {public_there}: icmp_seq=1 ttl=126", answer["StandardOutputContent"])
    site.settle()
    assert site.flows(THERE, public_here) == {
        (site.eni_there, public_here, "ACCEPT"): (1, 84), (site.eni_there, THERE, "ACCEPT"): (1, 84),
    }  # fmt: skip
    assert site.flows(HERE, public_there) == {
        (site.eni_here, HERE, "ACCEPT"): (1, 84), (site.eni_here, public_there, "ACCEPT"): (1, 84),
    }  # fmt: skip
    assert ip_address(public_there).is_global


def test_the_aggregation_interval_is_600_seconds_unless_60_are_asked_for(site: Site) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"""
    made = site.record(site.vpc), site.record(site.subnet, MaxAggregationInterval=60)
    found = {one["FlowLogId"]: one["MaxAggregationInterval"] for one in site.ec2.describe_flow_logs()["FlowLogs"]}
    assert [found[one] for one in made] == [600, 60]


def test_a_ping_makes_four_records_where_both_interfaces_are_recorded_and_two_where_one_is(site: Site) -> None:
    """A record is of a 5-tuple at one interface: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html

    Four echoes are 336 bytes, as in AWS's example of a ping:
    https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    site.record(site.vpc, "both")
    site.record(site.eni_here, "one")
    site.send("ping -c 4 10.1.0.20")
    site.settle()
    assert site.flows(HERE, THERE, group="both") == {
        (eni, source, "ACCEPT"): (4, 336) for eni in (site.eni_here, site.eni_there) for source in (HERE, THERE)
    }
    assert site.flows(HERE, THERE, group="one") == {
        (site.eni_here, source, "ACCEPT"): (4, 336) for source in (HERE, THERE)
    }
