"""Building and rewriting conditions: what every pass needs and no pass owns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from clausal.compiler.ir import ALWAYS, NEVER, All, Any, Condition, Negation, Truth


def conjunction(items: Iterable[Condition]) -> Condition:
    """All of ``items``, flat, each once, in the order of their first occurrence.

    ``p and not p`` stays as it is: where p is unknown so is the whole, and it is not false.

    >>> from clausal.compiler.ir import Flag
    >>> conjunction([Flag(0), All((Flag(1), Flag(0))), ALWAYS])
    All(items=(Flag(slot=0), Flag(slot=1)))
    >>> conjunction([Flag(0), NEVER])
    Truth(value=False)
    """
    return _combine(All, items, neutral=ALWAYS, absorbing=NEVER)


def disjunction(items: Iterable[Condition]) -> Condition:
    """Any of ``items``, flat, each once, in the order of their first occurrence.

    >>> from clausal.compiler.ir import Flag
    >>> disjunction([Flag(0), NEVER, Flag(0)])
    Flag(slot=0)
    """
    return _combine(Any, items, neutral=NEVER, absorbing=ALWAYS)


def _combine(
    kind: type[All | Any], items: Iterable[Condition], *, neutral: Truth, absorbing: Truth
) -> Condition:
    flat: dict[Condition, None] = {}
    for item in items:
        if isinstance(item, kind):
            flat.update(dict.fromkeys(item.items))
        else:
            flat[item] = None
    if absorbing in flat:
        return absorbing
    flat.pop(neutral, None)
    if not flat:
        return neutral
    if len(flat) == 1:
        return next(iter(flat))
    return kind(tuple(flat))


def map_leaves(condition: Condition, change: Callable[[Condition], Condition]) -> Condition:
    """The condition with each part that is not a join or a negation replaced by its change."""
    match condition:
        case All(items=items):
            return All(tuple([map_leaves(item, change) for item in items]))
        case Any(items=items):
            return Any(tuple([map_leaves(item, change) for item in items]))
        case Negation(item=item):
            return Negation(map_leaves(item, change))
        case _:
            return change(condition)
