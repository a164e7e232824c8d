"""What EC2's answers look like, as far as a network is made of them, and the check of a file's content against it.

`labkit.network.files` calls `checked` with all that it has read, so that `labkit.network.read` meets the forms that it
expects. A form is written as the JSON that it stands for: a dictionary of members (`?` marks those that may be missing,
and `|` names some of which one must be there), a list of one form for all its items, or a kind of value.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Types.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from labkit.errors import SnapshotError
from labkit.network.read import PROTOCOLS, TARGETS


@dataclass(frozen=True, slots=True)
class Value:
    """A kind of value.

    Attributes:
        what: Its name in a sentence, such as `an IPv4 address`.
        fits: Whether a value of JSON is one; a ValueError means no, too.
    """

    what: str
    fits: Callable[[Any], bool]


Form = Value | list[Any] | dict[str, Any]
#: Where a value is: the place of what holds it, and its key or number there; outermost a text.
Place = str | tuple[Any, str | int]


def _block(what: str, version: int | None, *, strict: bool, longest: int = 128) -> Value:
    def fits(value: Any) -> bool:
        if not isinstance(value, str) or "%" in value:
            return False
        network = ip_network(value, strict=strict)
        return version in (None, network.version) and network.prefixlen <= longest

    return Value(what, fits)


def _address(version: int) -> Value:
    return Value(
        f"an IPv{version} address",
        lambda value: isinstance(value, str) and "%" not in value and ip_address(value).version == version,
    )


def _number(low: int, high: int) -> Value:
    return Value(f"a whole number from {low} to {high}", lambda value: type(value) is int and low <= value <= high)


def _is_protocol(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value == "-1" or value in PROTOCOLS or (value.isascii() and value.isdecimal() and int(value) < 256)


ID = Value("an id", lambda value: isinstance(value, str) and value != "" and value.isprintable())
WORD = Value("a word", lambda value: isinstance(value, str) and value.isprintable())
TEXT = Value("text", lambda value: isinstance(value, str) and value.encode() is not None)
FLAG = Value("true or false", lambda value: isinstance(value, bool))
PORT = _number(-1, 65535)
PROTOCOL = Value("a protocol, such as tcp, or its number", _is_protocol)
IPV4, IPV6 = _address(4), _address(6)
#: A VPC's or subnet's own block: /28 is the smallest. https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
OWN_BLOCK = _block("an IPv4 CIDR block of /28 or larger", 4, strict=True, longest=28)
BLOCK, IPV4_BLOCK = _block("a CIDR block", None, strict=True), _block("an IPv4 CIDR block", 4, strict=True)
IPV6_BLOCK = _block("an IPv6 CIDR block", 6, strict=True)
ANY_IPV4, ANY_IPV6 = _block("an IPv4 CIDR block", 4, strict=False), _block("an IPv6 CIDR block", 6, strict=False)

_TAGS = [{"Key": TEXT, "Value": TEXT}]
_TAGGED = {"Tags?": _TAGS, "TagSet?": _TAGS}
_BLOCKS = {
    "CidrBlock?": OWN_BLOCK,
    "CidrBlockAssociationSet?": [{"CidrBlock": OWN_BLOCK, "CidrBlockState": {"State": WORD}}],
    "Ipv6CidrBlockAssociationSet?": [{"Ipv6CidrBlock": IPV6_BLOCK, "Ipv6CidrBlockState": {"State": WORD}}],
}
_ROUTE = {
    "DestinationCidrBlock?": ANY_IPV4,
    "DestinationIpv6CidrBlock?": ANY_IPV6,
    "DestinationPrefixListId?": ID,
    "|": ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"),
    **{f"{target}?": ID for target in TARGETS},
    "State?": WORD,
    "Origin?": WORD,
}
_ATTACHMENTS = [{"VpcId": ID, "State": WORD}]
_PEER = {
    "VpcId": ID,
    "CidrBlock?": IPV4_BLOCK,
    "CidrBlockSet?": [{"CidrBlock": IPV4_BLOCK}],
    "Ipv6CidrBlockSet?": [{"Ipv6CidrBlock": IPV6_BLOCK}],
}
_PERMISSION = {
    "IpProtocol": PROTOCOL,
    "FromPort?": PORT,
    "ToPort?": PORT,
    "IpRanges?": [{"CidrIp": ANY_IPV4}],
    "Ipv6Ranges?": [{"CidrIpv6": ANY_IPV6}],
    "UserIdGroupPairs?": [{"GroupId": ID}],
    "PrefixListIds?": [{"PrefixListId": ID}],
}
_ENTRY = {
    "RuleNumber": _number(0, 65535),
    "Egress": FLAG,
    "RuleAction": WORD,
    "Protocol": PROTOCOL,
    "CidrBlock?": ANY_IPV4,
    "Ipv6CidrBlock?": ANY_IPV6,
    "|": ("CidrBlock", "Ipv6CidrBlock"),
    "IcmpTypeCode?": {"Type?": PORT, "Code?": PORT},
    "PortRange?": {"From?": PORT, "To?": PORT},
}
_ASSOCIATION = {"PublicIp?": IPV4}
_INSTANCE = {
    "InstanceId": ID,
    **_TAGGED,
    "State": {"Name": WORD},
    "PrivateDnsName?": WORD,
    "PublicDnsName?": WORD,
    "IamInstanceProfile?": {"Arn?": WORD},
}

#: The form of an entry of each list, by the list's key.
FORMS: dict[str, Form] = {
    "Vpcs": {"VpcId": ID, **_TAGGED, **_BLOCKS},
    "Subnets": {
        "SubnetId": ID,
        **_TAGGED,
        **_BLOCKS,
        "VpcId": ID,
        "AvailabilityZone": WORD,
        "AvailabilityZoneId?": WORD,
    },
    "RouteTables": {
        "RouteTableId": ID,
        **_TAGGED,
        "VpcId": ID,
        "Routes": [_ROUTE],
        "Associations": [{"Main?": FLAG, "SubnetId?": ID, "GatewayId?": ID}],
    },
    "InternetGateways": {"InternetGatewayId": ID, **_TAGGED, "Attachments": _ATTACHMENTS},
    "EgressOnlyInternetGateways": {"EgressOnlyInternetGatewayId": ID, **_TAGGED, "Attachments": _ATTACHMENTS},
    "VpcPeeringConnections": {
        "VpcPeeringConnectionId": ID,
        **_TAGGED,
        "Status": {"Code": WORD},
        "RequesterVpcInfo": _PEER,
        "AccepterVpcInfo": _PEER,
    },
    "SecurityGroups": {
        "GroupId": ID,
        **_TAGGED,
        "GroupName": TEXT,
        "VpcId": ID,
        "IpPermissions": [_PERMISSION],
        "IpPermissionsEgress": [_PERMISSION],
    },
    "NetworkAcls": {"NetworkAclId": ID, **_TAGGED, "Entries": [_ENTRY], "Associations": [{"SubnetId": ID}]},
    "NetworkInterfaces": {
        "NetworkInterfaceId": ID,
        **_TAGGED,
        "VpcId": ID,
        "SubnetId": ID,
        "PrivateIpAddress?": IPV4,
        "Association?": _ASSOCIATION,
        "PrivateIpAddresses?": [{"PrivateIpAddress": IPV4, "Association?": _ASSOCIATION}],
        "Ipv6Addresses?": [{"Ipv6Address": IPV6}],
        "|": ("PrivateIpAddress", "PrivateIpAddresses", "Ipv6Addresses"),
        "Attachment?": {"InstanceId?": ID},
        "Groups": [{"GroupId": ID}],
        "SourceDestCheck": FLAG,
        "MacAddress?": WORD,
        "Status?": WORD,
    },
    "Reservations": {"Instances": [_INSTANCE]},
    "NatGateways": {
        "NatGatewayId": ID,
        **_TAGGED,
        "VpcId": ID,
        "SubnetId?": ID,
        "State": WORD,
        "NatGatewayAddresses?": [{"NetworkInterfaceId?": ID}],
        "AvailabilityMode?": WORD,
    },
    "PrefixLists": {"PrefixListId": ID, "Cidrs?": [BLOCK], "Entries?": [{"Cidr": BLOCK}]},
}


def checked(value: Any, form: Form, place: Place = "") -> Any:
    """Return what a form knows of a value of JSON: other members are left out, and so are empty ones that may be.

    Args:
        value: The value.
        form: Its form.
        place: Where the value is.

    Raises:
        SnapshotError: The value has another form; the error says where.

    >>> checked({"PrefixListId": "pl-1", "Cidrs": ["10.0.0.0/8"], "Version": 1}, FORMS["PrefixLists"])
    {'PrefixListId': 'pl-1', 'Cidrs': ['10.0.0.0/8']}
    """
    if isinstance(form, Value):
        if not _fits(value, form):
            raise _wrong(place, f"is {_shown(value)}, not {form.what}")
        return value
    if isinstance(form, list):
        if not isinstance(value, list):
            raise _wrong(place, f"is {_shown(value)}, not a list")
        return [checked(item, form[0], (place, number)) for number, item in enumerate(value)]
    if not isinstance(value, dict):
        raise _wrong(place, f"is {_shown(value)}, not an object with members")
    found: dict[str, Any] = {}
    for key, member in form.items():
        name = key.removesuffix("?")
        if key == "|":
            if not any(map(found.get, member)):
                raise _wrong(place, f"lacks {' and '.join(member)}: it must have one of them")
        elif key == name:
            if key not in value:
                raise _wrong(place, f"lacks {key}")
            found[key] = checked(value[key], member, (place, key))
        elif (given := value.get(name)) not in (None, "", [], {}):
            found[name] = checked(given, member, (place, name))
    return found


def _fits(value: Any, form: Value) -> bool:
    try:
        return form.fits(value)
    except ValueError:
        return False


def _wrong(place: Place, what: str) -> SnapshotError:
    return SnapshotError(
        f"{_text(place)} {what}: this is not what EC2 answers. Save the whole answer again, with --output json."
    )


def _text(place: Place) -> str:
    if isinstance(place, str):
        return place
    outer, key = place
    return f"{_text(outer)}[{key}]" if isinstance(key, int) else f"{_text(outer)}.{key}"


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
