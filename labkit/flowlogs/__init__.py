"""Flow log records: their fields, their formats, and the text of a record."""

from labkit.flowlogs.fields import DEFAULT_FORMAT, FIELDS, Field, column
from labkit.flowlogs.format import Format, UnknownField

__all__ = ["DEFAULT_FORMAT", "FIELDS", "Field", "Format", "UnknownField", "column"]
