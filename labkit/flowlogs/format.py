"""The format of a flow log: which fields its records have, and in which order."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labkit.errors import UnknownFieldError
from labkit.flowlogs.fields import FIELD_LIST, FIELDS

_TOKEN = re.compile(r"\$\{([^{}\s]*)\}")


@dataclass(frozen=True, slots=True)
class Format:
    """The fields of a flow log's records, in order.

    Parameters: `names`, AWS's field names. Raises UnknownFieldError for a name that AWS doesn't have, and ValueError
    where there is no field, or the same one twice. (AWS asks for at least one field; what it does with a field
    named twice isn't documented, and labkit refuses it because such a record can't become a table.)

    >>> print(Format(("version", "srcaddr", "vpc-id")))
    ${version} ${srcaddr} ${vpc-id}

    Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-custom
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names:
            raise ValueError("A flow log format needs at least one field, such as ${srcaddr}.")
        for name in self.names:
            _check(name)
        twice = [name for name in dict.fromkeys(self.names) if self.names.count(name) > 1]
        if twice:
            raise ValueError(f"The format names {', '.join(twice)} more than once; name each field once.")

    @classmethod
    def parse(cls, text: str) -> Format:
        """Read a format as `create_flow_logs(LogFormat=…)` takes it: `${field}` tokens separated by spaces.

        Raises ValueError where a part of the text isn't a token or a space stands at either end (AWS answers
        that it "has an invalid format", https://github.com/aws-cloudformation/rain/issues/288), and as the class does.

        >>> Format.parse("${version} ${srcaddr} ${tcp-flags}").version
        3
        """
        if text != text.strip():
            raise ValueError("AWS refuses a flow log format that begins or ends with a space; take the space away.")
        return cls(tuple(_token_name(part) for part in text.split()))

    @classmethod
    def of_header(cls, line: str) -> Format:
        """Read the header line of a text file that AWS delivered to S3: bare names separated by spaces.

        Raises as the class does.

        >>> Format.of_header("version account-id interface-id").names
        ('version', 'account-id', 'interface-id')
        """
        return cls(tuple(line.split()))

    @property
    def version(self) -> int:
        """What the records' `version` field says: the highest version among the fields, so 2 for the default."""
        return max(FIELDS[name].version for name in self.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The fields as the columns of a table, in order."""
        return tuple(FIELDS[name].column for name in self.names)

    def line(self, values: Mapping[str, object]) -> str:
        """One record as text: the values in the format's order, `-` for None.

        Parameters: `values` by AWS's field names. A field of the format without a value becomes `-` too, save
        `version`, which the format knows; values of other fields are left out. Raises UnknownFieldError for a name that
        AWS doesn't have, and ValueError for a value that would not stay one word.

        >>> Format.parse("${version} ${srcaddr} ${action}").line({"srcaddr": "10.1.15.80", "action": None})
        '2 10.1.15.80 -'
        """
        for name in values:
            _check(name)
        known = {"version": self.version, **values}
        return " ".join(_word(name, known.get(name)) for name in self.names)

    def header(self) -> str:
        """The header line of a text file in this format."""
        return " ".join(self.names)

    def __str__(self) -> str:
        return " ".join(FIELDS[name].token for name in self.names)


def _check(name: str) -> None:
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
        raise ValueError(f"Put a space between the fields of a flow log format: {_tokens(names)}, not {part}.")
    if part in FIELDS:
        raise ValueError(f"Write the field {part} as {_tokens([part])} in a flow log format.")
    raise ValueError(f"{part!r} is not part of a flow log format: write fields as ${{srcaddr}}, separated by spaces.")


def _tokens(names: Iterable[str]) -> str:
    return " ".join(f"${{{name}}}" for name in names)


def _word(name: str, value: object) -> str:
    word = "-" if value is None else str(value)
    if word.split() != [word]:
        raise ValueError(f"The value of {name} must be one word without spaces, not {word!r}.")
    return word
