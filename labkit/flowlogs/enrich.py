"""Add columns of names to a table of records, and keep the tables of names that other modules use.

Notebooks and the flow explorer call this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

#: The protocols that have ports: TCP, UDP, DCCP, SCTP and UDPLite.
WITH_PORTS = (6, 17, 33, 132, 136)


def with_services(table: pd.DataFrame) -> pd.DataFrame:
    """Add a column `service`: what usually listens on the lower of the two ports that has a name, such as https.

    Args:
        table: Records with the columns protocol, srcport and dstport.

    Returns:
        The table with the column `service`, which is null where neither port has a name.

    >>> from labkit.flowlogs.examples import knocks
    >>> with_services(knocks)["service"].tolist()
    ['ssh', 'ssh', 'https']
    """
    source, target = (_map(table[side], SERVICES.get) for side in ("srcport", "dstport"))
    lower = target.isna() | (table["srcport"] < table["dstport"])
    named = target.mask(lower & source.notna(), source)
    return table.assign(service=named.where(table["protocol"].isin(WITH_PORTS)))


def with_interface_names(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Add a column `interface_name`.

    Args:
        table: Records with the column interface_id.
        names: The name of each interface, by its id.

    Returns:
        The table with the column `interface_name`, which is null for an interface without a name.

    >>> from labkit.flowlogs.examples import ping
    >>> with_interface_names(ping, {"eni-1": "instance-1"})["interface_name"].unique().tolist()
    ['instance-1']
    """
    return table.assign(interface_name=_map(table["interface_id"], names.get))


def _map(values: pd.Series, name: Callable[[Any], str | None]) -> pd.Series:
    """Name each value. Each distinct value is looked up once."""
    coded = pa.Table.from_pandas(values.to_frame(), preserve_index=False).column(0).combine_chunks().dictionary_encode()
    names = pa.array([name(value) for value in coded.dictionary.to_pylist()], pa.string())
    return pd.Series(pd.array(names.take(coded.indices), pd.ArrowDtype(pa.string())), values.index)
