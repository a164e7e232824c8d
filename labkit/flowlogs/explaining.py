"""What one record says, field by field, in words.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from labkit.flowlogs.checks import fault
from labkit.flowlogs.enrich import FLAGS, PRIVATE, PROTOCOLS, SERVICES, WITH_PORTS
from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS
from labkit.flowlogs.format import Format
from labkit.flowlogs.lines import BadLine, format_error, likely, names_of

Values = Mapping[str, str]

_PATHS = {
    "1": "to something else in the same VPC",
    "2": "through an internet gateway or a gateway endpoint",
    "3": "through a virtual private gateway",
    "4": "over a peering connection within the Region",
    "5": "over a peering connection to another Region",
    "6": "through a local gateway",
    "7": "through a gateway endpoint",
    "8": "through an internet gateway",
}
_FIXED = {
    ("type", "IPv4"): "The packets are IPv4.",
    ("type", "IPv6"): "The packets are IPv6.",
    ("type", "EFA"): "The traffic is that of an Elastic Fabric Adapter.",
    ("flow-direction", "ingress"): "The traffic came into the interface.",
    ("flow-direction", "egress"): "The traffic went out of the interface.",
    ("action", "ACCEPT"): "Security groups and network ACLs let the traffic pass at this interface. "
    "It does not say that the traffic arrived.",
    ("action", "REJECT"): "The traffic was not let pass at this interface: a security group or a network ACL did not "
    "allow it, or it came after its connection was closed.",
    ("log-status", "OK"): "Records were logged as they should be.",
    ("log-status", "NODATA"): "The interface had no traffic in this interval.",
    ("log-status", "SKIPDATA"): "Records of this interval were lost; this one may stand for many.",
    ("reject-reason", "BPA"): "VPC Block Public Access rejected the traffic.",
    ("reject-reason", "EC"): "VPC encryption controls rejected the traffic.",
    ("encryption-status", "0"): "The traffic was not encrypted.",
    ("encryption-status", "1"): "The Nitro system encrypted the traffic.",
    ("encryption-status", "2"): "The application encrypted the traffic.",
    ("encryption-status", "3"): "Both the Nitro system and the application encrypted the traffic.",
}


def explain(line: str, format: str | Format | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """What each field of a record says: a table with the field's name, its value, and what that value means.

    Parameters: `line`, one record as text; `format` as in `read`, the default format without it.
    Raises FlowLogFormatError where the line is no record of the format; if it is one of another usual format, the
    error says which.

    >>> table = explain("2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK")
    >>> for row in table.loc[6:9].itertuples():
    ...     print(row.field, row.value, "·", row.meaning)
    dstport 0 · ICMP has no ports.
    protocol 1 · Protocol 1 is ICMP.
    packets 5 · 5 packets in the interval.
    bytes 420 · 420 bytes in the interval, IP headers included: 84 a packet on average.
    """
    names = names_of(DEFAULT_FORMAT if format is None else format)
    words = line.split()
    reason = fault(words, names)
    if reason is not None:
        bad = [BadLine("The record", 1, reason, line)]
        advice = "If its flow log has another format, pass it as format=…: its LogFormat is in describe_flow_logs()."
        raise format_error(bad, likely(bad), advice)
    values = dict(zip(names, words, strict=True))
    rows = [(name, word, says(name, values)) for name, word in values.items()]
    return pd.DataFrame(rows, columns=["field", "value", "meaning"])


def says(name: str, values: Values) -> str:
    """What one field of a record says, in a sentence or two. Parameters: `values` of the whole record, by AWS's names.

    >>> says("protocol", {"protocol": "6"})
    'Protocol 6 is TCP.'
    """
    word = values[name]
    if word == "-":
        status = values.get("log-status")
        if status in ("NODATA", "SKIPDATA"):
            return f"A dash: a {status} record describes no flow."
        return "A dash: the field does not apply to this traffic, or could not be computed."
    if (name, word) in _FIXED:
        return _FIXED[name, word]
    own = _SAYS.get(name)
    return own(word, values) if own else FIELDS[name].meaning


def _account(word: str, _: Values) -> str:
    if word.isdigit():
        return "The interface belongs to this account."
    return "The account is not told: an AWS service made the interface."


def _address(packets: str, verb: str) -> Callable[[str, Values], str]:
    """What an end of the flow says; `packets` is the field with the packets' own end."""

    def says_of(word: str, values: Values) -> str:
        address = ipaddress.ip_address(word)
        private = any(address in ipaddress.ip_network(each) for each in PRIVATE)
        behind = values.get(packets, "-")
        more = "" if behind in (word, "-") else f" It is an address in between: the packets' own is {behind}."
        return f"The traffic {verb} {word}, a {'private' if private else 'public'} address.{more}"

    return says_of


def _own_address(between: str) -> Callable[[str, Values], str]:
    def says_of(word: str, values: Values) -> str:
        if values.get(between, word) == word:
            return f"The packets' own address, the same as {between}."
        return f"The packets' own address; {between} is that of something in between, such as a NAT gateway."

    return says_of


def _port(word: str, values: Values) -> str:
    protocol = int(values.get("protocol", "6").replace("-", "6"))
    if word == "0" and protocol not in WITH_PORTS:
        return f"{PROTOCOLS.get(protocol, f'Protocol {protocol}')} has no ports."
    service = SERVICES.get(int(word))
    if service:
        return f"Port {word}, where {service} usually listens."
    if int(word) >= 32768:
        return f"Port {word}, of the range from which clients take one for a connection (an ephemeral port)."
    return f"Port {word}, at which no common service listens."


def _protocol(word: str, _: Values) -> str:
    name = PROTOCOLS.get(int(word))
    return f"Protocol {word} is {name}." if name else f"Protocol {word}, by IANA's list of protocol numbers."


def _packets(word: str, _: Values) -> str:
    return f"{int(word):,} packet{'' if word == '1' else 's'} in the interval."


def _bytes(word: str, values: Values) -> str:
    text = f"{int(word):,} bytes in the interval, IP headers included"
    packets = values.get("packets", "-")
    if packets in ("-", "0", "1"):
        return f"{text}."
    return f"{text}: {int(word) / int(packets):,.0f} a packet on average."


def _moment(word: str, values: Values, flow: str, silence: str) -> str:
    when = f"{datetime.fromtimestamp(int(word), UTC):%Y-%m-%d at %H:%M:%S} UTC"
    return f"{silence if values.get('log-status') in ('NODATA', 'SKIPDATA') else flow} {when}"


def _start(word: str, values: Values) -> str:
    return _moment(word, values, "The first packet was seen on", "The interval began on") + "."


def _end(word: str, values: Values) -> str:
    text = _moment(word, values, "The last packet was seen on", "The interval ended on")
    start = values.get("start", "-")
    return f"{text}, {int(word) - int(start)} s after the start." if start != "-" else f"{text}."


def _flags(word: str, _: Values) -> str:
    bits = int(word)
    said = []
    if bits & 2:
        said.append("agreed to open a connection (SYN-ACK)" if bits & 16 else "asked to open a connection (SYN)")
    if bits & 1:
        said.append("closed one (FIN)")
    if bits & 4:
        said.append("refused or broke one off (RST)")
    others = [f"sent {FLAGS[bit]}" for bit in (8, 32) if bits & bit] + (["sent ACK"] if bits & 18 == 16 else [])
    said += others
    if not said:
        return "None of the flags that are recorded was seen; a lone ACK counts as none."
    return f"In this interval the sender {' and '.join(said)}."


def _path(word: str, _: Values) -> str:
    way = _PATHS.get(word)
    return f"The traffic left {way}." if way else FIELDS["traffic-path"].meaning


def _service(word: str, _: Values) -> str:
    return f"The address is in AWS's published ranges for {word}."


_SAYS: dict[str, Callable[[str, Values], str]] = {
    "version": lambda word, _: f"The record's newest field came with version {word} of VPC Flow Logs.",
    "account-id": _account,
    "interface-id": lambda _, __: "The record is of what this network interface saw.",
    "srcaddr": _address("pkt-srcaddr", "came from"),
    "dstaddr": _address("pkt-dstaddr", "went to"),
    "pkt-srcaddr": _own_address("srcaddr"),
    "pkt-dstaddr": _own_address("dstaddr"),
    "srcport": _port,
    "dstport": _port,
    "protocol": _protocol,
    "packets": _packets,
    "bytes": _bytes,
    "start": _start,
    "end": _end,
    "tcp-flags": _flags,
    "traffic-path": _path,
    "pkt-src-aws-service": _service,
    "pkt-dst-aws-service": _service,
}
