"""What the names of values stand for, once their declarations have been checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from clausal.compiler import ir
from clausal.compiler.checking.amounts import Dimension
from clausal.compiler.checking.operands import Amount, Lookup, Statement
from clausal.compiler.checking.schema import Parts
from clausal.compiler.checking.searches import Searches


@dataclass(frozen=True, slots=True)
class ParamInfo:
    """A param: its number in the corpus and what it measures."""

    index: int
    dimension: Dimension


@dataclass(frozen=True, slots=True)
class SamplesInfo:
    """A list of samples: its qualified name, and the field that is held against it."""

    name: str
    on: Parts


@dataclass(frozen=True, slots=True)
class TermsInfo:
    """A list of terms under its qualified name."""

    name: str
    terms: tuple[str, ...]


@dataclass(slots=True)
class Definitions:
    """Every declared value of the bundle, by the identity of its node.

    A declaration in error is mapped to None: it has been reported, and what uses it is not blamed.

    Attributes:
        params: The params of the corpus, in their final order.
        values: Lets and tables: conditions, numbers, or the rows of a table.
        histories: Qualified names of tallies.
        strikes: The names under which strikes of ladders are counted.
        ladders: The numbers of ladders in the corpus.
        fingerprints: What pins the text of each clause.
        rules: The names of the rules of each policy, in any of its versions.
        searches: What the conditions search texts for.
        extents: How deep and how large the value of a let or table is, all names in it resolved.
    """

    params: Sequence[ir.ParamDef] = ()
    param_infos: dict[int, ParamInfo | None] = field(default_factory=dict)
    values: dict[int, Amount | Statement | Lookup | None] = field(default_factory=dict)
    terms: dict[int, TermsInfo | None] = field(default_factory=dict)
    samples: dict[int, SamplesInfo | None] = field(default_factory=dict)
    tallies: dict[int, str] = field(default_factory=dict)
    strikes: dict[int, str] = field(default_factory=dict)
    ladders: dict[int, int] = field(default_factory=dict)
    fingerprints: dict[int, str] = field(default_factory=dict)
    rules: dict[str, set[str]] = field(default_factory=dict)
    searches: Searches = field(default_factory=Searches)
    extents: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def param_values(self) -> list[float]:
        """The values of the params as declared."""
        return [param.value for param in self.params]

    @property
    def param_ranges(self) -> list[tuple[float, float] | None]:
        """The bounds of the params, where they were given."""
        return [
            None if param.low is None or param.high is None else (param.low, param.high)
            for param in self.params
        ]
