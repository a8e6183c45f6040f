# What Clausal and its tests use of pyarrow, which ships no types.

from collections.abc import Mapping, Sequence
from typing import Self

class ArrowException(Exception): ...

class RecordBatch:
    def to_pylist(self, *, maps_as_pydicts: str | None = ...) -> list[dict[str, object]]: ...

class Schema:
    names: list[str]

class Table:
    @classmethod
    def from_pylist(cls, mapping: Sequence[Mapping[str, object]]) -> Self: ...

def table(data: Mapping[str, Sequence[object]]) -> Table: ...
