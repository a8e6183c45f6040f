"""JSON bytes read straight into slots, without dictionaries in between."""

from typing import final

from clausal.engine.layout import Layout

__all__ = ("JsonReader", "count_keys", "scan_json")

@final
class JsonReader:
    """Reads the events of a table of slots. Threads that hold the interpreter's lock may share it."""

    def __new__(cls, layout: Layout) -> JsonReader:
        """Make a reader for the slots that were laid out."""

    def regular(self, data: bytes | bytearray | memoryview) -> bool:
        """Whether an event is read here, and not in the plain way."""

def scan_json(data: bytes | bytearray | memoryview) -> tuple[int, int]:
    """How deep objects and lists are nested in JSON, and how many pairs of key and value it has.

    The numbers are right for what is JSON. For anything else they are some numbers.
    """

def count_keys(value: object) -> int:
    """How many keys all dictionaries in a tree of dictionaries and lists have together.

    The caller knows that the tree is not deep: this recurses.
    """
