"""Read Parquet files of records: only columns of the types that AWS gives them, and no more at once than fits memory.

`stream` calls this.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html#flow-logs-s3-file-format
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from labkit.errors import FlowLogFormatError
from labkit.flowlogs.fields import FIELDS
from labkit.flowlogs.lines import Parsed, schema

#: The most bytes of one column in a row group, and of the words of one column that are made at once. Writers make row
#: groups of up to 128 MB or a million rows: https://parquet.apache.org/docs/file-format/configurations/
_MOST = 1 << 27
_ROWS = 1 << 16
#: The most columns; AWS has 40 fields or so.
_COLUMNS = 500
_NAMES = {field.column: name for name, field in FIELDS.items()}


def fields_of(path: Path) -> tuple[str, ...]:
    """Return the fields of a file's columns, in order.

    Raises:
        FlowLogFormatError: There are too many columns, one cannot be a field of records, or two have one name.
        pyarrow.ArrowException: The file is damaged.
    """
    found = pq.read_schema(path)
    if len(found) > _COLUMNS:
        raise FlowLogFormatError(f"it has {len(found):,} columns, more than any record")
    names = tuple(_NAMES.get(name, name) for name in found.names)
    if twice := [name for name in names if names.count(name) > 1]:
        raise FlowLogFormatError(f"it has more than one column {twice[0]}")
    for field, wanted in zip(found, schema(names), strict=True):
        if not _fits(field.type, wanted.type):
            raise FlowLogFormatError(f"its column {field.name} holds {field.type}, and not {wanted.type}")
    return names


def _fits(type: pa.DataType, wanted: pa.DataType) -> bool:
    is_, found = pa.types, type.value_type if pa.types.is_dictionary(type) else type
    if is_.is_string(wanted):
        tests = [is_.is_string, is_.is_large_string, is_.is_binary, is_.is_large_binary, is_.is_primitive, is_.is_null]
    else:
        tests = [is_.is_integer, is_.is_null, *([is_.is_timestamp] if is_.is_timestamp(wanted) else [])]
    return any(test(found) for test in tests)


def batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of some columns, words as dictionaries.

    Raises:
        FlowLogFormatError: A column is too long to be read.
        pyarrow.ArrowException: The file is damaged.
        OSError: The file is damaged.
    """
    words = [field.name for field in pq.read_schema(path) if not pa.types.is_primitive(field.type)]
    with pq.ParquetFile(path, read_dictionary=words, buffer_size=1 << 20) as file:
        for group in range(file.metadata.num_row_groups):
            part = file.metadata.row_group(group)
            for at in range(part.num_columns):
                column = part.column(at)
                if column.path_in_schema in columns and column.total_uncompressed_size > _MOST:
                    raise FlowLogFormatError(
                        f"its column {column.path_in_schema} has {column.total_uncompressed_size:,} bytes in one row "
                        f"group, which is more than {_MOST:,}: write smaller row groups"
                    )
        yield from file.iter_batches(_ROWS, columns=columns)


def rows(batch: pa.RecordBatch) -> Parsed:
    """Return the rows of a batch in the types of records, with null for a dash in a column of words."""
    names = batch.schema.names
    wanted = schema(_NAMES.get(name, name) for name in names)
    try:
        batch.validate(full=True)
        columns = [_column(found, field.type) for found, field in zip(batch.columns, wanted, strict=True)]
    except (pa.ArrowException, FlowLogFormatError) as error:
        return Parsed(wanted.empty_table(), 0, damage=str(error))
    return Parsed(pa.table(columns, schema=wanted), len(batch))


def _column(found: pa.Array, type: pa.DataType) -> pa.Array:
    if not pa.types.is_dictionary(found.type):
        return found.cast(type)
    words = found.dictionary.cast(type)
    sizes = pc.binary_length(words)
    if len(words) and (pc.max(sizes).as_py() or 0) * len(found) > _MOST:
        raise FlowLogFormatError(f"its words are longer than {_MOST:,} bytes together")
    return pc.if_else(pc.equal(words, "-"), None, words).take(found.indices)
