"""All contestants, by the names that the command line knows them by."""

from __future__ import annotations

from typing import Final

from benchmarks.peers.blazerules_batch import Batches
from benchmarks.peers.cedar import PolicySet
from benchmarks.peers.cel_list import Program
from benchmarks.peers.clausal_ways import Arrow, ArrowThreads, Json, Objects
from benchmarks.peers.floors import Buffers, Msgspec, Orjson, Reading
from benchmarks.peers.frames import Interned, Select
from benchmarks.peers.generated import Dispatch, StraightLine
from benchmarks.peers.json_logic import Filter
from benchmarks.peers.navrules_set import Compiled
from benchmarks.peers.numpy_masks import Bits, Masks
from benchmarks.peers.peer import Peer
from benchmarks.peers.rego import Module
from benchmarks.peers.rule_engine_rules import Rules
from benchmarks.peers.sql import Union, Wide
from benchmarks.peers.zen_table import DecisionTable

PEERS: Final[dict[str, type[Peer]]] = {
    "clausal": Objects,
    "floor-read": Reading,
    "python": StraightLine,
    "python-dispatch": Dispatch,
    "navrules": Compiled,
    "json-logic": Filter,
    "zen": DecisionTable,
    "cedar": PolicySet,
    "cel": Program,
    "rego": Module,
    "rule-engine": Rules,
    "clausal-json": Json,
    "floor-orjson": Orjson,
    "floor-msgspec": Msgspec,
    "clausal-arrow": Arrow,
    "clausal-arrow-2": ArrowThreads,
    "floor-arrow": Buffers,
    "numpy": Masks,
    "numpy-bits": Bits,
    "polars": Select,
    "polars-interned": Interned,
    "duckdb": Wide,
    "duckdb-union": Union,
    "blazerules": Batches,
}
