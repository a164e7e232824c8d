"""The fields of a flow log record, as AWS documents them: names, versions, types and meanings.

Every other module of the room uses them, and so do the embedded AWS, the exercises and notebook 05.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

FieldType = Literal["int32", "int64", "string"]

FIELD_LIST = "https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html"

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
        values: What some of its values mean, a sentence each.

    >>> FIELDS["log-status"].column, FIELDS["log-status"].insights_name
    ('log_status', 'logStatus')
    """

    name: str
    version: int
    type: FieldType
    meaning: str
    source: str = FIELD_LIST
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

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


_TABLE = tomllib.loads((Path(__file__).parent / "fields.toml").read_text(encoding="utf-8"))
#: Every field of versions 2 to 11 by name, in AWS's order.
FIELDS: Mapping[str, Field] = MappingProxyType({name: Field(name, **row) for name, row in _TABLE.items()})

#: The format of a flow log that was created without one: the 14 fields of version 2.
DEFAULT_FORMAT = " ".join(field.token for field in FIELDS.values() if field.version == 2)
