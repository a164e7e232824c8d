"""Columns that make records easier to read: names for numbers, addresses and interfaces.

Each function takes a table, and returns it with a column more.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

#: https://www.iana.org/assignments/protocol-numbers
PROTOCOLS = {
    0: "HOPOPT", 1: "ICMP", 2: "IGMP", 4: "IPv4", 6: "TCP", 8: "EGP", 17: "UDP", 27: "RDP", 33: "DCCP", 41: "IPv6",
    46: "RSVP", 47: "GRE", 50: "ESP", 51: "AH", 58: "IPv6-ICMP", 88: "EIGRP", 89: "OSPF", 94: "IPIP", 103: "PIM",
    108: "IPComp", 112: "VRRP", 115: "L2TP", 132: "SCTP", 136: "UDPLite", 137: "MPLS-in-IP",
}  # fmt: skip

#: https://www.iana.org/assignments/service-names-port-numbers, and a few that are registered under older names.
SERVICES = {
    20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "domain", 67: "dhcp", 68: "dhcp", 69: "tftp",
    80: "http", 110: "pop3", 111: "sunrpc", 123: "ntp", 135: "msrpc", 137: "netbios-ns", 138: "netbios-dgm",
    139: "netbios-ssn", 143: "imap", 161: "snmp", 162: "snmptrap", 179: "bgp", 389: "ldap", 443: "https", 445: "smb",
    465: "smtps", 500: "isakmp", 514: "syslog", 587: "submission", 631: "ipp", 636: "ldaps", 853: "domain-s",
    873: "rsync", 989: "ftps-data", 990: "ftps", 993: "imaps", 995: "pop3s", 1433: "ms-sql-s", 1521: "oracle",
    1883: "mqtt", 2049: "nfs", 2181: "zookeeper", 2375: "docker", 2376: "docker-s", 3128: "squid", 3306: "mysql",
    3389: "rdp", 4500: "ipsec-nat-t", 5060: "sip", 5061: "sips", 5353: "mdns", 5432: "postgresql", 5601: "kibana",
    5671: "amqps", 5672: "amqp", 5900: "vnc", 5985: "winrm", 5986: "winrm-s", 6379: "redis", 6443: "kubernetes",
    8080: "http-alt", 8443: "https-alt", 8883: "mqtts", 9042: "cassandra", 9092: "kafka", 9200: "elasticsearch",
    10250: "kubelet", 11211: "memcached", 27017: "mongodb",
}  # fmt: skip

FLAGS = {1: "FIN", 2: "SYN", 4: "RST", 8: "PSH", 16: "ACK", 32: "URG"}
_STRING = pd.ArrowDtype(pa.string())
WITH_PORTS = (6, 17, 33, 132, 136)
#: RFC 1918, 6598, 3927 and 4193, 4291: addresses that no one routes on the internet.
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10")


def with_protocol_names(table: pd.DataFrame) -> pd.DataFrame:
    """Adds `protocol_name`, such as TCP; null for numbers that have no common name.

    >>> from labkit.flowlogs.examples import ping
    >>> with_protocol_names(ping)["protocol_name"].tolist()
    ['ICMP', 'ICMP', 'ICMP']
    """
    return table.assign(protocol_name=_map(table["protocol"], PROTOCOLS.get))


def with_services(table: pd.DataFrame) -> pd.DataFrame:
    """Adds `service`, the name of the lower of two ports that has one, such as https; null where neither has.

    It is what usually listens there, and no more than that.

    >>> from labkit.flowlogs.examples import knocks
    >>> with_services(knocks)["service"].tolist()
    ['ssh', 'ssh', 'https']
    """
    source, target = (_map(table[side], SERVICES.get) for side in ("srcport", "dstport"))
    lower = target.isna() | (table["srcport"] < table["dstport"])
    named = target.mask(lower & source.notna(), source)
    return table.assign(service=named.where(table["protocol"].isin(WITH_PORTS)))


def with_tcp_flags(table: pd.DataFrame) -> pd.DataFrame:
    """Adds `tcp_flag_names`: the flags that were seen in the window, such as `SYN ACK`; empty for none.

    A lone ACK is recorded as none. Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html

    >>> with_tcp_flags(pd.DataFrame({"tcp_flags": [2, 18, 3, 0]}))["tcp_flag_names"].tolist()
    ['SYN', 'SYN ACK', 'FIN SYN', '']
    """
    return table.assign(
        tcp_flag_names=_map(
            table["tcp_flags"], lambda bits: " ".join(name for bit, name in FLAGS.items() if int(bits) & bit)
        )
    )


def with_direction(table: pd.DataFrame, addresses: Mapping[str, str]) -> pd.DataFrame:
    """Adds `direction`: ingress or egress, seen from the interface, for formats that lack flow-direction.

    Parameters: `addresses`, each interface's primary private address, which its records always show. Null where the
    interface isn't among them.

    >>> from labkit.flowlogs.examples import ping
    >>> with_direction(ping, {"eni-1": "10.1.15.80"})["direction"].tolist()
    ['egress', 'egress', 'ingress']
    """
    own = _map(table["interface_id"], addresses.get)
    egress, ingress = (table[side].eq(own).fillna(False) for side in ("srcaddr", "dstaddr"))
    direction = pd.Series(pd.NA, table.index, dtype=_STRING)
    return table.assign(direction=direction.mask(ingress, "ingress").mask(egress, "egress"))


def with_scopes(table: pd.DataFrame, networks: Mapping[str, Iterable[str]]) -> pd.DataFrame:
    """Adds `src_scope` and `dst_scope`: the name of the network that the address is in, or else internet or private.

    Parameters: `networks`, CIDRs by name; where they overlap, the narrower one counts.

    >>> from labkit.flowlogs.examples import ping
    >>> seen = with_scopes(ping, {"internal": ["10.1.0.0/16"], "peer": ["10.2.0.0/16"]})
    >>> seen[["src_scope", "dst_scope"]].drop_duplicates()
      src_scope dst_scope
    0  internal      peer
    2      peer  internal
    """
    known = [(ipaddress.ip_network(cidr), name) for name, cidrs in networks.items() for cidr in cidrs]
    known.sort(key=lambda pair: pair[0].prefixlen, reverse=True)
    known += [(ipaddress.ip_network(cidr), "private") for cidr in PRIVATE]

    def scope(word: str) -> str:
        address = ipaddress.ip_address(word)
        return next((name for network, name in known if address in network), "internet")

    return table.assign(src_scope=_map(table["srcaddr"], scope), dst_scope=_map(table["dstaddr"], scope))


def with_interface_names(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Adds `interface_name`. Parameters: `names` by interface id; null where there is none.

    >>> from labkit.flowlogs.examples import ping
    >>> with_interface_names(ping, {"eni-1": "instance-1"})["interface_name"].unique().tolist()
    ['instance-1']
    """
    return table.assign(interface_name=_map(table["interface_id"], names.get))


def through_nat_once(table: pd.DataFrame) -> pd.DataFrame:
    """The records with the packets' own ends as `srcaddr` and `dstaddr`, and each passage of a NAT gateway once.

    So no byte counts twice in the questions; the same goes for transit gateways.

    An interface in between shows itself in `srcaddr` or `dstaddr` of one leg, and the far end in pkt-*; it belongs to
    no instance. Its other leg, from its own address to the far end, is the same packets again. Needs the fields
    pkt-srcaddr, pkt-dstaddr, interface-id and instance-id.

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html#flow-log-example-nat
    """
    other = (table["srcaddr"] != table["pkt_srcaddr"]) | (table["dstaddr"] != table["pkt_dstaddr"])
    near = other.fillna(False).astype(bool) & table["instance_id"].isna()
    between = table["interface_id"].isin(table.loc[near, "interface_id"].unique())
    kept = table[near | ~between | table["srcaddr"].isna()]
    return kept.assign(srcaddr=kept["pkt_srcaddr"], dstaddr=kept["pkt_dstaddr"])


def _map(values: pd.Series, name: Callable[[Any], str | None]) -> pd.Series:
    """The name of each value, found once for each different one."""
    coded = pa.Table.from_pandas(values.to_frame(), preserve_index=False).column(0).combine_chunks().dictionary_encode()
    names = pa.array([name(value) for value in coded.dictionary.to_pylist()], pa.string())
    return pd.Series(pd.array(names.take(coded.indices), _STRING), values.index)
