from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pyarrow import RecordBatch, Schema, Table

class FileMetaData:
    num_rows: int

class ParquetFile:
    metadata: FileMetaData
    schema_arrow: Schema
    def __init__(self, source: str | BinaryIO) -> None: ...
    def iter_batches(self, batch_size: int = ...) -> Iterator[RecordBatch]: ...

def write_table(table: Table, where: str | Path) -> None: ...
