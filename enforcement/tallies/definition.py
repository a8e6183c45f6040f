"""What a tally counts, as a store remembers it: editing it is a choice, never an accident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from clausal.compiler import ir
from clausal.compiler.checking.numbering import terms_in
from clausal.compiler.conditions import map_leaves
from clausal.compiler.dump import condition_text

Kind = Literal["count", "distinct", "sum", "rate"]

Choice = Literal["keep", "reset"]
"""What becomes of the figures of a tally whose definition changed: go on with them, or begin anew."""


class Definition(msgspec.Struct, frozen=True):
    """What a tally counts. Two that are equal count the same events.

    Attributes:
        kind: What is made of the events.
        of: The path of what is summed or told apart; empty for the other kinds.
        by: The path of what says whose events are taken together.
        over: The length of the window, in microseconds.
        where: Which events count, as text, params by their values.
        terms: The lists of terms that the condition searches for.
    """

    kind: Kind
    of: str
    by: str
    over: int
    where: str
    terms: tuple[ir.TermsDef, ...] = ()


_KEPT_APART: Final = frozenset({"kind", "of", "by"})
"""Entries that were taken up under another of these say nothing about the new one."""


class Changed(msgspec.Struct, frozen=True):
    """A tally that a bundle defines otherwise than a store remembers."""

    name: str
    before: Definition
    after: Definition

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what differs."""
        return tuple(
            field
            for field in Definition.__struct_fields__
            if getattr(self.before, field) != getattr(self.after, field)
        )

    @property
    def can_be_kept(self) -> bool:
        """Whether the old entries are of the kind that the new definition counts."""
        return _KEPT_APART.isdisjoint(self.fields)

    def __str__(self) -> str:
        differences = [
            f"`{field}` was `{_shown(getattr(self.before, field))}` "
            f"and is `{_shown(getattr(self.after, field))}`"
            for field in self.fields
        ]
        choice = "`keep` or `reset`" if self.can_be_kept else "`reset`: it counts something else"
        return f"tally `{self.name}`: {', '.join(differences)}; choose {choice}"


class TallyChanged(Exception):  # noqa: N818 - it is a question to whoever runs the bundle
    """Tallies are defined otherwise than when they were counted, and nobody said what to do.

    Attributes:
        changed: The tallies, sorted by name.
    """

    def __init__(self, changed: tuple[Changed, ...]) -> None:
        super().__init__("\n".join(map(str, changed)))
        self.changed = changed


def define(tally: ir.TallyDef, corpus: ir.Corpus) -> Definition:
    """The definition of a tally in words that do not depend on the bundle that it stands in."""
    names = {number: corpus.terms[number] for number in terms_in(tally.where)}
    where = map_leaves(tally.where, lambda leaf: _bound(leaf, corpus.params))
    return Definition(
        tally.kind,
        ".".join(tally.of or ()),
        ".".join(tally.by),
        tally.over,
        condition_text(where, corpus),
        tuple(names[number] for number in sorted(names)),
    )


def settle(
    known: Mapping[str, Definition],
    wanted: Mapping[str, Definition],
    choices: Mapping[str, Choice],
) -> frozenset[str]:
    """Hold definitions against those that a store remembers.

    Returns:
        The tallies that begin anew.

    Raises:
        TallyChanged: with each that changed and about which no choice was made that can be had.
        ValueError: if a choice names no tally of the bundle.
    """
    unknown = sorted(choices.keys() - wanted.keys())
    if unknown:
        raise ValueError(f"the bundle has no tally `{unknown[0]}`")
    open_: list[Changed] = []
    reset: set[str] = set()
    for name in sorted(wanted.keys() & known.keys()):
        changed = Changed(name, known[name], wanted[name])
        choice = choices.get(name)
        if choice == "reset":
            reset.add(name)
        elif changed.fields and (choice is None or not changed.can_be_kept):
            open_.append(changed)
    if open_:
        raise TallyChanged(tuple(open_))
    return frozenset(reset)


def _bound(leaf: ir.Condition, params: tuple[ir.ParamDef, ...]) -> ir.Condition:
    """A condition with the values of params in place of their names."""
    if not isinstance(leaf, ir.Comparison):
        return leaf
    return ir.Comparison(
        leaf.operator, _bound_quantity(leaf.left, params), _bound_quantity(leaf.right, params)
    )


def _bound_quantity(quantity: ir.Quantity, params: tuple[ir.ParamDef, ...]) -> ir.Quantity:
    match quantity:
        case ir.Param(index=index):
            return ir.Constant(params[index].value)
        case ir.Arithmetic(operator=operator, left=left, right=right):
            sides = _bound_quantity(left, params), _bound_quantity(right, params)
            return ir.Arithmetic(operator, *sides)
        case _:
            return quantity


def _shown(value: object) -> str:
    if isinstance(value, int):
        return f"{value / 1_000_000:g} s"
    if isinstance(value, tuple):
        return ", ".join(f"{one.name}: {len(one.terms)} terms" for one in value)
    return str(value) or "nothing"
