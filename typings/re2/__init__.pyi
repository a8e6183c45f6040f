# What Clausal uses of google-re2, which ships no types.

class error(Exception):
    # RE2's message, as the library gives it: UTF-8, and cut where RE2 cuts it.
    args: tuple[bytes, ...]

class Options:
    case_sensitive: bool
    log_errors: bool
    max_mem: int
    never_capture: bool

class _Match:
    def span(self, group: int = 0) -> tuple[int, int]: ...

class _Regexp:
    @property
    def pattern(self) -> str | bytes: ...
    @property
    def programsize(self) -> int: ...
    def search(self, text: str | bytes) -> _Match | None: ...

def compile(pattern: str | bytes, options: Options | None = None) -> _Regexp: ...

class Set:
    @classmethod
    def SearchSet(cls, options: Options | None = None) -> Set: ...
    def Add(self, pattern: str | bytes) -> int: ...
    def Compile(self) -> None: ...
    # In no order; None for none.
    def Match(self, text: str | bytes) -> list[int] | None: ...
