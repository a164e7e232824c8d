"""Explain a record field by field, in sentences.

Notebook 05 and the record decoder call this.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd

from labkit.errors import FlowLogFormatError
from labkit.flowlogs.enrich import PROTOCOLS, SERVICES, WITH_PORTS
from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS
from labkit.flowlogs.format import Format
from labkit.flowlogs.lines import LONGEST_SHOWN, BadLine, format_error, likely, names_of
from labkit.flowlogs.validation import fault
from labkit.status import quoted

#: The words of a record by AWS's field names.
Values = Mapping[str, str]

#: RFC 1918, 6598, 3927, 4193 and 4291: addresses that are not routed on the internet.
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10")


def explain(line: str, format: str | Format | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Explain each field of a record.

    Args:
        line: The record as text.
        format: As in `read`; the default format if None.

    Returns:
        A row per field: its name, its value and what the value means.

    Raises:
        FlowLogFormatError: The line is not a record of the format. If it is one of another usual format, the error
            says which.

    >>> table = explain("2 123456789012 eni-1 10.1.15.80 10.2.0.126 0 0 1 5 420 1764774316 1764774376 ACCEPT OK")
    >>> for row in table.loc[6:9].itertuples():
    ...     print(row.field, row.value, "·", row.meaning)
    dstport 0 · ICMP has no ports.
    protocol 1 · Protocol 1 is ICMP.
    packets 5 · 5 packets in the interval.
    bytes 420 · 420 bytes in the interval, IP headers included: 84 a packet on average.
    """
    names = names_of(DEFAULT_FORMAT if format is None else format)
    if not isinstance(line, str) or len(line) > LONGEST_SHOWN:
        raise FlowLogFormatError(f"A record is a line of up to {LONGEST_SHOWN:,} characters, and not {quoted(line)}.")
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
    """Return what one field of a record means, in a sentence or two.

    Args:
        name: AWS's name of the field.
        values: The words of the whole record, by AWS's names.

    >>> says("protocol", {"protocol": "6"})
    'Protocol 6 is TCP.'
    """
    word = values[name]
    if word == "-":
        if _is_silent(values):
            return f"A dash: a {values['log-status']} record describes no flow."
        return "A dash: the field does not apply to this traffic, or could not be computed."
    if word in FIELDS[name].values:
        return FIELDS[name].values[word]
    sentence = _SENTENCES.get(name, FIELDS[name].meaning)
    return sentence.format(word) if isinstance(sentence, str) else sentence(word, values)


def _is_silent(values: Values) -> bool:
    return values.get("log-status") in ("NODATA", "SKIPDATA")


def _address(word: str, values: Values, verb: str, packets: str) -> str:
    """Explain an end of the flow. `packets` is the field with the packets' own end."""
    address = ipaddress.ip_address(word)
    scope = "private" if any(address in ipaddress.ip_network(each) for each in _PRIVATE) else "public"
    own = values.get(packets, "-")
    more = "" if own in (word, "-") else f" It is an intermediate address: the packets' own is {own}."
    return f"The traffic {verb} {word}, a {scope} address.{more}"


def _own_address(word: str, values: Values, end: str) -> str:
    if values.get(end, word) == word:
        return f"The packets' own address, the same as {end}."
    return f"The packets' own address; {end} is an intermediate one, such as that of a NAT gateway."


def _port(word: str, values: Values) -> str:
    protocol = int(values.get("protocol", "6").replace("-", "6"))
    if word == "0" and protocol not in WITH_PORTS:
        return f"{PROTOCOLS.get(protocol, f'Protocol {protocol}')} has no ports."
    if service := SERVICES.get(int(word)):
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


#: AWS defines start and end by the flow's packets; published records, such as the original lab's two, read like this.
_SHARED = "In published records, all records of an interface and interval share it."


def _start(word: str, values: Values) -> str:
    if _is_silent(values):
        return f"The interval began on {_moment(word)}."
    return f"By AWS's definition, when the first packet was seen: {_moment(word)}. {_SHARED}"


def _end(word: str, values: Values) -> str:
    start = values.get("start", "-")
    after = f", {int(word) - int(start)} s after the start" if start != "-" else ""
    if _is_silent(values):
        return f"The interval ended on {_moment(word)}{after}."
    return f"By AWS's definition, when the last packet was seen: {_moment(word)}{after}. {_SHARED}"


def _moment(word: str) -> str:
    return f"{datetime.fromtimestamp(int(word), UTC):%Y-%m-%d at %H:%M:%S} UTC"


def _flags(word: str, _: Values) -> str:
    bits = int(word)
    opened = "agreed to open a connection (SYN-ACK)" if bits & 16 else "asked to open a connection (SYN)"
    seen = {2: opened, 1: "closed one (FIN)", 4: "refused or aborted one (RST)", 8: "sent PSH", 32: "sent URG"}
    said = [text for bit, text in seen.items() if bits & bit]
    if bits & 18 == 16:
        said.append("sent ACK")
    if not said:
        return "None of the flags that are recorded was seen; a lone ACK counts as none."
    return f"In this interval the sender {' and '.join(said)}."


_SERVICE = "The address is in AWS's published ranges for {}."

#: What each field means: a sentence with a place for the word, or a function of the word and the record.
_SENTENCES: dict[str, str | Callable[[str, Values], str]] = {
    "version": "The record's newest field came with version {} of VPC Flow Logs.",
    "account-id": "The interface belongs to this account.",
    "interface-id": "The record is of what this network interface saw.",
    "srcaddr": partial(_address, verb="came from", packets="pkt-srcaddr"),
    "dstaddr": partial(_address, verb="went to", packets="pkt-dstaddr"),
    "pkt-srcaddr": partial(_own_address, end="srcaddr"),
    "pkt-dstaddr": partial(_own_address, end="dstaddr"),
    "srcport": _port,
    "dstport": _port,
    "protocol": _protocol,
    "packets": _packets,
    "bytes": _bytes,
    "start": _start,
    "end": _end,
    "tcp-flags": _flags,
    "pkt-src-aws-service": _SERVICE,
    "pkt-dst-aws-service": _SERVICE,
}
