"""The fields of a flow log record, as AWS documents them: names, versions, types and meanings.

Every other module of the room uses them, and so do the embedded AWS, the exercises and notebook 05.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

FieldType = Literal["int32", "int64", "string"]

FIELD_LIST = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"
_METADATA_2026 = "https://aws.amazon.com/about-aws/whats-new/2026/06/amazon-flow-logs-metadata"

# CloudWatch Logs Insights spells these differently; every other field is the camelCase of its name.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
_INSIGHTS_WORDS = {"srcaddr": "srcAddr", "dstaddr": "dstAddr", "srcport": "srcPort", "dstport": "dstPort"}
_INSIGHTS_NAMES = {"start": "startTime", "end": "endTime"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field that a flow log record can have.

    Attributes:
        name: The name as AWS writes it, with hyphens.
        version: The version of VPC Flow Logs that introduced it, from 2 to 11.
        type: The type in AWS's Parquet files. In text files every field is text.
        meaning: One sentence.
        source: The URL of AWS's documentation.

    >>> FIELDS["log-status"].column, FIELDS["log-status"].insights_name
    ('log_status', 'logStatus')
    """

    name: str
    version: int
    type: FieldType
    meaning: str
    source: str = FIELD_LIST

    @property
    def column(self) -> str:
        """The field's name in a table: underscores for hyphens."""
        return column(self.name)

    @property
    def token(self) -> str:
        """The field as a custom format writes it, such as `${srcaddr}`."""
        return f"${{{self.name}}}"

    @property
    def insights_name(self) -> str:
        """The name under which CloudWatch Logs Insights discovers the field.

        AWS documents the names of the version 2 fields. The camelCase names of the later fields follow their pattern.

        >>> FIELDS["end"].insights_name, FIELDS["srcaddr"].insights_name, FIELDS["tcp-flags"].insights_name
        ('endTime', 'srcAddr', 'tcpFlags')
        """
        if self.name in _INSIGHTS_NAMES:
            return _INSIGHTS_NAMES[self.name]
        first, *rest = (_INSIGHTS_WORDS.get(word, word) for word in self.name.split("-"))
        return first + "".join(word[0].upper() + word[1:] for word in rest)


def column(name: str) -> str:
    """Return the name of a field's column in a table: AWS's name with underscores for hyphens.

    >>> column("interface-id")
    'interface_id'
    """
    return name.replace("-", "_")


def _fields() -> Iterator[Field]:
    yield Field("version", 2, "int32", "The version of the record: the highest among the versions of its fields.")
    yield Field("account-id", 2, "string", "The account that owns the interface; unknown for some of AWS's own.")
    yield Field("interface-id", 2, "string", "The network interface whose traffic was recorded.")
    yield Field("srcaddr", 2, "string", "Where traffic came from; on the way out, the interface's private address.")
    yield Field("dstaddr", 2, "string", "Where traffic went; on the way in, the interface's private address.")
    yield Field("srcport", 2, "int32", "The source port, 0 where the protocol has no ports.")
    yield Field("dstport", 2, "int32", "The destination port, 0 where the protocol has no ports.")
    yield Field("protocol", 2, "int32", "The IANA number of the protocol: 1 is ICMP, 6 TCP, 17 UDP.")
    yield Field("packets", 2, "int64", "How many packets the flow had in the interval.")
    yield Field("bytes", 2, "int64", "How many bytes the flow had in the interval, IP headers included.")
    yield Field("start", 2, "int64", "When the interval's first packet was seen, in Unix seconds.")
    yield Field("end", 2, "int64", "When the interval's last packet was seen, in Unix seconds.")
    yield Field("action", 2, "string", "ACCEPT or REJECT: what security groups and network ACLs said of the traffic.")
    yield Field("log-status", 2, "string", "OK; NODATA if there was no traffic; SKIPDATA if records were lost.")

    yield Field("vpc-id", 3, "string", "The VPC that contains the interface.")
    yield Field("subnet-id", 3, "string", "The subnet that contains the interface.")
    yield Field("instance-id", 3, "string", "The instance that the interface is attached to, if it is one of yours.")
    yield Field("tcp-flags", 3, "int32", "The TCP flags, OR-ed over the interval: FIN 1, SYN 2, RST 4, SYN-ACK 18.")
    yield Field("type", 3, "string", "The type of traffic: IPv4, IPv6 or EFA.")
    yield Field("pkt-srcaddr", 3, "string", "The packet's own source, where srcaddr is an intermediate address.")
    yield Field("pkt-dstaddr", 3, "string", "The packet's own destination, where dstaddr is an intermediate address.")

    yield Field("region", 4, "string", "The Region that contains the interface.")
    yield Field("az-id", 4, "string", "The ID of the Availability Zone that contains the interface.")
    yield Field("sublocation-type", 4, "string", "The kind of sublocation: wavelength, outpost or localzone.")
    yield Field("sublocation-id", 4, "string", "The sublocation that contains the interface.")

    yield Field("pkt-src-aws-service", 5, "string", "The AWS service to whose address ranges pkt-srcaddr belongs.")
    yield Field("pkt-dst-aws-service", 5, "string", "The AWS service to whose address ranges pkt-dstaddr belongs.")
    yield Field("flow-direction", 5, "string", "The direction seen from the interface: ingress or egress.")
    yield Field("traffic-path", 5, "int32", "The number of the path that egress traffic takes: 1 within the VPC.")

    yield Field("ecs-cluster-arn", 7, "string", "The ARN of the ECS cluster whose task the traffic belongs to.")
    yield Field("ecs-cluster-name", 7, "string", "The name of the ECS cluster whose task the traffic belongs to.")
    yield Field("ecs-container-instance-arn", 7, "string", "The ARN of the ECS container instance, for tasks on EC2.")
    yield Field("ecs-container-instance-id", 7, "string", "The ID of the ECS container instance, for tasks on EC2.")
    yield Field("ecs-container-id", 7, "string", "The Docker ID of the ECS task's first container.")
    yield Field("ecs-second-container-id", 7, "string", "The Docker ID of the ECS task's second container.")
    yield Field("ecs-service-name", 7, "string", "The name of the ECS service that started the task.")
    yield Field("ecs-task-definition-arn", 7, "string", "The ARN of the ECS task's definition.")
    yield Field("ecs-task-arn", 7, "string", "The ARN of the running ECS task.")
    yield Field("ecs-task-id", 7, "string", "The ID of the running ECS task.")

    yield Field("reject-reason", 8, "string", "Why, if it was Block Public Access (BPA) or encryption controls (EC).")
    yield Field("resource-id", 9, "string", "The resource that the traffic belongs to, such as a regional NAT gateway.")
    yield Field("encryption-status", 10, "string", "Encryption in transit: 0 none, 1 Nitro, 2 application, 3 both.")

    for name, what in (("instance", "instance"), ("interface", "interface"), ("asg", "Auto Scaling group")):
        yield Field(f"{name}-tag", 11, "string", f"The value of the {what}'s first chosen tag.", _METADATA_2026)
        yield Field(f"{name}-tag-2", 11, "string", f"The value of the {what}'s second chosen tag.", _METADATA_2026)
    yield Field("interface-type", 11, "string", "The kind of the interface, such as nat_gateway.", _METADATA_2026)
    for name, what in (
        ("interface-id", "The next interface on the traffic's path"),
        ("subnet-id", "The subnet of the next interface on the traffic's path"),
        ("az-id", "The ID of the Availability Zone of the next interface on the traffic's path"),
        ("vpc-id", "The VPC of the next interface on the traffic's path"),
        ("interface-type", "The kind of the next interface on the traffic's path"),
    ):
        yield Field(f"next-hop-{name}", 11, "string", f"{what}.", _METADATA_2026)


#: Every field of versions 2 to 11 by name, in AWS's order.
FIELDS: Mapping[str, Field] = MappingProxyType({field.name: field for field in _fields()})

#: The format of a flow log that was created without one: the 14 fields of version 2.
DEFAULT_FORMAT = " ".join(field.token for field in FIELDS.values() if field.version == 2)
