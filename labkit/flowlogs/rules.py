"""Which rules of security groups let traffic in or out, and which never did."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from labkit.flowlogs.questions import exchanges
from labkit.flowlogs.records import Records

_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}


def rules_used(
    records: pd.DataFrame | Records, rules: Iterable[Mapping[str, Any]], interfaces: Iterable[Mapping[str, Any]]
) -> pd.DataFrame:
    """What each rule of the security groups has let through: exchanges, bytes, and when; none where `exchanges` is 0.

    A security group is stateful, so requests count, and not their replies. An exchange that several rules allow counts
    for each. A rule for a prefix list can't be judged from this: its figures are null.

    Parameters: `rules`, as ec2.describe_security_group_rules()["SecurityGroupRules"] has them; `interfaces`, as
    ec2.describe_network_interfaces()["NetworkInterfaces"] has them.

    >>> from labkit.flowlogs.examples import ping
    >>> rules = [
    ...     {"SecurityGroupRuleId": "sgr-1", "GroupId": "sg-1", "IsEgress": True, "IpProtocol": "-1",
    ...      "CidrIpv4": "0.0.0.0/0"},
    ...     {"SecurityGroupRuleId": "sgr-2", "GroupId": "sg-1", "IsEgress": False, "IpProtocol": "tcp", "FromPort": 22,
    ...      "ToPort": 22, "CidrIpv4": "0.0.0.0/0"},
    ... ]
    >>> eni = {"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.1.15.80", "Groups": [{"GroupId": "sg-1"}]}
    >>> rules_used(ping, rules, [eni])[["rule", "is_egress", "protocol", "peer", "exchanges", "bytes"]]
        rule is_egress protocol       peer  exchanges  bytes
    0  sgr-1      True       -1  0.0.0.0/0          1   1260
    1  sgr-2     False      tcp  0.0.0.0/0          0      0

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
    """
    interfaces = list(interfaces)
    members: dict[str, set[str]] = {}
    places = []
    for eni in interfaces:
        for group in (group["GroupId"] for group in eni["Groups"]):
            members.setdefault(group, set()).add(eni["PrivateIpAddress"])
            places.append((eni["NetworkInterfaceId"], group, eni["PrivateIpAddress"]))
    place = pd.DataFrame(places, columns=["interface_id", "group_id", "own"], dtype=pd.ArrowDtype(pa.string()))
    passed = exchanges(records)
    passed = passed[passed["action"] == "ACCEPT"].merge(place, on="interface_id")
    passed["is_egress"] = passed["srcaddr"] == passed["own"]
    passed["peer"] = passed["dstaddr"].where(passed["is_egress"], passed["srcaddr"])
    return pd.DataFrame([_used(rule, passed, members) for rule in rules]).convert_dtypes(dtype_backend="pyarrow")


def _used(rule: Mapping[str, Any], passed: pd.DataFrame, members: Mapping[str, set[str]]) -> dict[str, Any]:
    protocol, low, high = rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    cidr = rule.get("CidrIpv4") or rule.get("CidrIpv6")
    row = {
        "rule": rule["SecurityGroupRuleId"],
        "group_id": rule["GroupId"],
        "is_egress": rule["IsEgress"],
        "protocol": protocol,
        "from_port": low,
        "to_port": high,
        "peer": cidr or group or rule.get("PrefixListId"),
    }
    if not cidr and not group:
        return row | {"exchanges": None, "bytes": None, "first": None, "last": None}
    here = passed[(passed["group_id"] == rule["GroupId"]) & (passed["is_egress"] == rule["IsEgress"])]
    if protocol != "-1":
        number = _NUMBERS.get(protocol) or int(protocol)
        here = here[here["protocol"] == number]
        # For ICMP the two are a type and a code, which flow logs don't record.
        if number in (_NUMBERS["tcp"], _NUMBERS["udp"]) and low is not None and low != -1:
            here = here[here["dstport"].between(low, high)]
    if cidr:
        network = ipaddress.ip_network(cidr)
        meant = {peer for peer in here["peer"].unique() if ipaddress.ip_address(peer) in network}
    else:
        meant = members.get(str(group), set())
    here = here[here["peer"].isin(list(meant))]
    return row | {
        "exchanges": len(here),
        "bytes": int((here["bytes"] + here["reply_bytes"]).sum()),
        "first": here["first"].min() if len(here) else None,
        "last": here["last_of_both"].max() if len(here) else None,
    }
