"""The floors: what reading the events costs, whatever is then done with them."""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.peers.peer import About, EachEvent, Event, Peer, Task, Unavailable
from benchmarks.workload import ENUMS, FIELDS, FLAGS, NUMBERS, SCORES

arrow: Any = import_module("pyarrow")  # it ships no types

SOURCE = Path(__file__).with_name("reading.pyx")
BUILT = SOURCE.parents[2] / "build" / "benchmarks"


def reader() -> Any:
    """What reads a dictionary's fields from C, built when it is first asked for.

    Raises:
        Unavailable: without Cython or a C compiler.
    """
    built = BUILT / f"reading{sysconfig.get_config_var('EXT_SUFFIX')}"
    try:
        if not built.exists() or built.stat().st_mtime < SOURCE.stat().st_mtime:
            _build()
    except Exception as error:  # a build can fail in any way
        raise Unavailable(f"it could not be built: {error}") from error
    spec = spec_from_file_location("reading", built)
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Reader([field.split(".") for field in FIELDS])


def _build() -> None:
    """Build `reading.pyx` into the folder for what is built."""
    cython, tools = import_module("Cython.Build"), import_module("setuptools")
    extension = tools.Extension("reading", [str(SOURCE)], extra_compile_args=["-O3"])
    modules = cython.cythonize([extension], build_dir=str(BUILT), quiet=True)
    command = tools.Distribution({"ext_modules": modules}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(BUILT), str(BUILT / "objects")
    command.ensure_finalized()
    command.run()


class _Floor(EachEvent):
    def decide(self, event: Any) -> Any:
        raise NotImplementedError("each runs over all events by itself")

    def answers(self, result: list[Any]) -> list[set[str]]:
        raise NotImplementedError("a floor decides nothing")


class Reading(_Floor):
    """Every field of a nested dictionary, looked up from C."""

    about = About(
        title="floor: reading the fields from C",
        way="objects",
        floor=True,
        how="a Cython loop that looks up every field and turns numbers into doubles",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._read = reader().read

    def run(self, events: list[Any]) -> list[Any]:
        read = self._read
        return [read(event) for event in events]


class _Bytes(_Floor):
    def prepare(self, events: Sequence[Event]) -> list[Any]:
        return [msgspec.json.encode(event) for event in events]


class Orjson(_Bytes):
    """The fastest parser into dictionaries."""

    about = About(
        title="floor: orjson.loads",
        way="JSON",
        floor=True,
        library="orjson",
        module="orjson",
        how="parsing the bytes into dictionaries, and nothing else",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._loads = self.imported().loads

    def run(self, events: list[Any]) -> list[Any]:
        loads = self._loads
        return [loads(event) for event in events]


def decoder() -> Any:
    """A decoder into objects that have the fields that rules read, and none else."""
    groups: dict[str, list[tuple[str, Any, Any]]] = {}
    kinds: dict[str, Any] = (
        dict.fromkeys(ENUMS, str)
        | dict.fromkeys(NUMBERS, int)
        | dict.fromkeys(SCORES, float)
        | dict.fromkeys(FLAGS, bool)
    )
    for field in FIELDS:
        group, name = field.rsplit(".", 1)
        kind = kinds.get(field, list[str])
        groups.setdefault(group, []).append((name, kind | None, None))
    scores = msgspec.defstruct("Scores", groups.pop("content.score"))
    groups["content"].append(("score", scores | None, None))
    event = msgspec.defstruct(
        "Event", [(name, msgspec.defstruct(name, fields)) for name, fields in groups.items()]
    )
    return msgspec.json.Decoder(event)


class Msgspec(_Bytes):
    """A typed decoder of the fields that are needed."""

    about = About(
        title="floor: msgspec into a Struct of the fields",
        way="JSON",
        floor=True,
        library="msgspec",
        how="decoding the bytes into objects of exactly the fields that rules read",
    )

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._decode = decoder().decode

    def run(self, events: list[Any]) -> list[Any]:
        decode = self._decode
        return [decode(event) for event in events]


class Buffers(Peer):
    """Every byte of the columns, once."""

    about = About(
        title="floor: reading the Arrow buffers",
        way="columns",
        library="pyarrow",
        floor=True,
        batch=16_384,
        how="the sum of the bytes of every buffer of the columns that rules read, eight at a time",
    )

    def prepare(self, events: Sequence[Event]) -> Any:
        return table(events).select(list(FIELDS)).combine_chunks()

    def run(self, events: Any) -> int:
        total = 0
        for column in events.columns:
            for chunk in column.chunks:
                for buffer in chunk.buffers():
                    if buffer is not None:
                        whole = buffer.size // 8 * 8
                        words = np.frombuffer(buffer.slice(0, whole), np.uint64)
                        total += int(np.add.reduce(words))
        return total

    def answers(self, result: Any) -> list[set[str]]:
        raise NotImplementedError("a floor decides nothing")


def table(events: Sequence[Event]) -> Any:
    """Events as a pipeline would hold them: nested records flattened, names dictionary-encoded."""
    rows = [_leaves(event) for event in events]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, Any] = {}
    for name in names:
        column = arrow.array([row.get(name) for row in rows])
        columns[name] = column.dictionary_encode() if name in ENUMS else column
    return arrow.table(columns)


def _leaves(event: Event) -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for name, value in event.items():
        if isinstance(value, dict):
            leaves |= {f"{name}.{inner}": leaf for inner, leaf in _leaves(value).items()}
        else:
            leaves[name] = value
    return leaves
