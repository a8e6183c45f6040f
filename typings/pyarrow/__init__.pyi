class ArrowException(Exception): ...

class RecordBatch:
    def to_pylist(self, *, maps_as_pydicts: str | None = ...) -> list[dict[str, object]]: ...

class Schema:
    names: list[str]
