from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, Self

from pyarrow import RecordBatch, Schema, Table

class FileMetaData:
    num_rows: int

class ParquetFile:
    metadata: FileMetaData
    schema_arrow: Schema
    def __init__(self, source: str | BinaryIO) -> None: ...
    def iter_batches(self, batch_size: int = ...) -> Iterator[RecordBatch]: ...

class ParquetWriter:
    def __init__(
        self,
        where: str | IO[bytes],
        schema: Schema,
        *,
        compression: str = ...,
        use_dictionary: bool | Sequence[str] = ...,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def write_batch(self, batch: RecordBatch, row_group_size: int | None = ...) -> None: ...

def read_table(source: str | Path | BinaryIO) -> Table: ...
def write_table(table: Table, where: str | Path) -> None: ...
