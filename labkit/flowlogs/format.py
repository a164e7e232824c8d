"""The format of a flow log: which fields its records have, and in which order.

Readers and writers of records use it, and the embedded AWS writes records with it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labkit.errors import FlowLogFormatError, UnknownFieldError
from labkit.flowlogs.fields import FIELD_LIST, FIELDS
from labkit.status import quoted

_TOKEN = re.compile(r"\$\{([^{}\s]*)\}")


@dataclass(frozen=True, slots=True)
class Format:
    """The fields of a flow log's records, in order.

    AWS requires at least one field. What it does with a field that is named twice is not documented; labkit refuses
    it, because such a record cannot become a table.

    Attributes:
        names: AWS's field names, in order.

    Raises:
        UnknownFieldError: AWS has no field of a name.
        FlowLogFormatError: There is no field, or one is named twice.

    >>> print(Format(("version", "srcaddr", "vpc-id")))
    ${version} ${srcaddr} ${vpc-id}

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-custom
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise FlowLogFormatError("A flow log format needs at least one field, such as ${srcaddr}.")
        for name in self.names:
            _check(name)
        twice = [name for name in dict.fromkeys(self.names) if self.names.count(name) > 1]
        if twice:
            raise FlowLogFormatError(f"The format names {', '.join(twice)} more than once; name each field once.")

    @classmethod
    def parse(cls, text: str) -> Format:
        """Read a format as `create_flow_logs(LogFormat=…)` takes it.

        Args:
            text: `${field}` tokens separated by spaces. AWS answers that a text with a space at either end "has an
                invalid format", https://github.com/aws-cloudformation/rain/issues/288

        Raises:
            UnknownFieldError: AWS has no field of a name.
            FlowLogFormatError: A part of the text is not a token, or there is a space at either end; or as the class.

        >>> Format.parse("${version} ${srcaddr} ${tcp-flags}").version
        3
        """
        if text != text.strip():
            raise FlowLogFormatError(
                "AWS refuses a flow log format that begins or ends with a space; take the space away."
            )
        return cls(tuple(_token_name(part) for part in text.split()))

    @classmethod
    def of_header(cls, line: str) -> Format:
        """Read the header line of a text file that AWS delivered to S3.

        Args:
            line: Field names separated by spaces.

        Raises:
            UnknownFieldError: AWS has no field of a name.
            FlowLogFormatError: As the class.

        >>> Format.of_header("version account-id interface-id").names
        ('version', 'account-id', 'interface-id')
        """
        return cls(tuple(line.split()))

    @property
    def version(self) -> int:
        """The value of the records' `version` field: the highest version among the fields, so 2 for the default."""
        return max(FIELDS[name].version for name in self.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields as the columns of a table, in order."""
        return tuple(FIELDS[name].column for name in self.names)

    def line(self, values: Mapping[str, object]) -> str:
        """Return a record as text: the values in the format's order.

        Args:
            values: The values by AWS's field names. None, and a field without a value, become `-`, except `version`,
                which the format knows. Values of fields outside the format are left out.

        Raises:
            UnknownFieldError: AWS has no field of a name.
            FlowLogFormatError: A value is not one word.

        >>> Format.parse("${version} ${srcaddr} ${action}").line({"srcaddr": "10.1.15.80", "action": None})
        '2 10.1.15.80 -'
        """
        for name in values:
            _check(name)
        known = {"version": self.version, **values}
        return " ".join(_word(name, known.get(name)) for name in self.names)

    def __str__(self) -> str:
        return " ".join(FIELDS[name].token for name in self.names)


def _check(name: str) -> None:
    if not isinstance(name, str):
        raise FlowLogFormatError(f"The name of a field is text such as srcaddr, and not {quoted(name)}.")
    if name not in FIELDS:
        near = tuple(difflib.get_close_matches(name.lower().replace("_", "-"), FIELDS, n=3))
        guess = f" Did you mean {' or '.join(near)}?" if near else ""
        message = f"Flow log records have no field {name!r}.{guess} All the fields are listed at {FIELD_LIST}"
        raise UnknownFieldError(message, name, near)


def _token_name(part: str) -> str:
    match = _TOKEN.fullmatch(part)
    if match:
        return match[1]
    names = _TOKEN.findall(part)
    if "".join(f"${{{name}}}" for name in names) == part:
        raise FlowLogFormatError(f"Put a space between the fields of a flow log format: {_tokens(names)}, not {part}.")
    if part in FIELDS:
        raise FlowLogFormatError(f"Write the field {part} as {_tokens([part])} in a flow log format.")
    raise FlowLogFormatError(
        f"{part!r} is not part of a flow log format: write fields as ${{srcaddr}}, separated by spaces."
    )


def _tokens(names: Iterable[str]) -> str:
    return " ".join(f"${{{name}}}" for name in names)


def _word(name: str, value: object) -> str:
    word = "-" if value is None else str(value)
    if word.split() != [word]:
        raise FlowLogFormatError(f"The value of {name} must be one word without spaces, not {word!r}.")
    return word
