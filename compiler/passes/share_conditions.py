"""A join that occurs more than once is kept once, and settled at most once for an event."""

from __future__ import annotations

from collections import Counter

import msgspec

from clausal.compiler.ir import All, Any, Condition, Corpus, Shared

_Ref = int | Condition
"""A join by its number, any other condition by itself."""


def share_conditions(corpus: Corpus) -> Corpus:
    """Move each `All` and `Any` that is used twice or more to `Corpus.shared`.

    Afterwards no join occurs twice, and a shared condition refers only to shared ones before it.
    A join that occurs twice only because it is part of another that does stays inside that one.
    """
    # Joins made of references, so that equal ones are found without walking them again.
    # INVARIANT: a join has a greater number than the joins in it.
    numbers: dict[tuple[type[All | Any], tuple[_Ref, ...]], int] = {}

    def number(condition: Condition) -> _Ref:
        if not isinstance(condition, All | Any):
            return condition
        key = type(condition), tuple([number(item) for item in condition.items])
        return numbers.setdefault(key, len(numbers))

    roots = [number(rule.condition) for rule in corpus.rules]
    uses = Counter(ref for ref in roots if isinstance(ref, int))
    for _, items in numbers:
        uses.update(ref for ref in items if isinstance(ref, int))

    shared: list[Condition] = []
    conditions: list[Condition] = []
    for join, (kind, items) in enumerate(numbers):
        whole = kind(tuple([conditions[ref] if isinstance(ref, int) else ref for ref in items]))
        if uses[join] < 2:
            conditions.append(whole)
        else:
            conditions.append(Shared(len(shared)))
            shared.append(whole)

    rules = tuple(
        [
            msgspec.structs.replace(
                rule, condition=conditions[root] if isinstance(root, int) else root
            )
            for rule, root in zip(corpus.rules, roots, strict=True)
        ]
    )
    return msgspec.structs.replace(corpus, rules=rules, shared=tuple(shared))
