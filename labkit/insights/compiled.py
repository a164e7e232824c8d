"""What a query becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labkit.errors import QueryError
from labkit.insights.values import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """One column of the answer."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Compiled:
    """A query as SQL over a table named `events`, with the macros of macros.sql.

    `fields` are its columns in order; `matched_sql` counts the events that come through the filters; `first` is quicker
    SQL, whose answer is the whole one if it has as many rows as stand beside it; `row` names a column that numbers the
    rows of `events`, where the SQL needs one beside the table's own; `absent` are the fields that the query names and
    the table doesn't have, each with its error; `source` are the options of a SOURCE command; `notes` are sentences on
    what a person may not expect.
    """

    sql: str
    fields: tuple[Field, ...]
    matched_sql: str
    first: tuple[str, int] | None
    row: str | None
    absent: tuple[QueryError, ...]
    source: Mapping[str, tuple[str, ...]] | None
    notes: tuple[str, ...]
