"""Prepares the trees that explanations tell: conditions as an author would write them.

What does not depend on an event is made JSON here, once. `clausal.engine._trees` tells the trees, and
`clausal.engine.explain` says what their parts are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Final

from clausal.compiler.ir import (
    NEVER,
    All,
    Any,
    Comparison,
    Condition,
    Constant,
    Corpus,
    Flag,
    Member,
    Mentions,
    Negation,
    Overlap,
    Param,
    Pattern,
    Reading,
    RuleDef,
    Truth,
)
from clausal.compiler.text.fold import fold, fold_with_offsets, original_span
from clausal.compiler.text.patterns import PatternSet
from clausal.compiler.text.terms import find_term
from clausal.compiler.types import MICROSECONDS, Enum, Scalar, SetOf, Type
from clausal.engine._trees import Field, Join, Not, Quick, RuleTree, Seen, Test, Tree
from clausal.engine.decision import encode
from clausal.engine.phrase import constant, params_of, phrase
from clausal.engine.reference import Evaluation, slots_of
from clausal.engine.render import clean, rfc3339
from clausal.engine.values import ABSENT, FAILED, Value

_LONGEST_VALUE: Final = 300
"""As many characters of a text are shown."""


class Trees:
    """Prepares the trees of the rules of one corpus."""

    def __init__(self, corpus: Corpus) -> None:
        """Take the corpus as the checker left it."""
        self._corpus = corpus
        self._fields: dict[tuple[int, str], Field] = {}

    def rule(self, rule: RuleDef) -> RuleTree:
        """The tree of a rule."""
        version = self._corpus.versions[rule.version]
        before = b'{"policy":%b,"version":%b,"rule":%b,"line":%d,"title":%b,' % (
            encode(version.policy),
            encode(version.version),
            encode(rule.name),
            rule.line,
            encode(rule.title),
        )
        unless = None if rule.unless == NEVER else self._tree(rule.unless, version.zone)
        return RuleTree(before, self._tree(rule.when, version.zone), unless)

    def _tree(self, condition: Condition, zone: str) -> Tree:
        """The tree of a condition, in which instants are told in a zone."""
        match condition:
            case All(items=items):
                before = b'{"kind":"all","text":"all of","verdict":"'
                return Join(before, [self._tree(item, zone) for item in items], any=False)
            case Any(items=items):
                before = b'{"kind":"any","text":"any of","verdict":"'
                return Join(before, [self._tree(item, zone) for item in items], any=True)
            case Negation(item=item):
                return Not(self._tree(item, zone))
            case _:
                return self._test(condition, zone)

    def _test(self, condition: Condition, zone: str) -> Tree:
        corpus = self._corpus
        slots = () if isinstance(condition, Truth) else tuple(dict.fromkeys(slots_of(condition)))
        fields = [self._field(slot, zone) for slot in slots]
        params = [corpus.params[index] for index in sorted(params_of(condition))]
        shown = [
            {"name": param.name, "value": constant(param.value, param.type, zone)}
            for param in params
        ]
        before = b'{"kind":"test","text":%b,"verdict":"' % encode(phrase(condition, corpus, zone))
        after = b'],"params":%b,"matches":' % encode(shown)
        if isinstance(condition, Mentions | Pattern):
            rest = partial(_matches, corpus, condition)
            return Test(_judge(corpus, condition), fields, before, after, rest)
        after += b"[]}"
        match condition:
            case Flag():
                return Quick("flag", None, fields[0], before, after)
            case Member(values=values):
                return Quick("member", values, fields[0], before, after)
            case Overlap(values=values, every=every):
                return Quick("every" if every else "some", values, fields[0], before, after)
            case Comparison(operator=name, left=Reading(), right=Constant(value=limit)):
                return Quick(name, limit, fields[0], before, after)
            case Comparison(operator=name, left=Reading(), right=Param(index=index)):
                return Quick(name, corpus.params[index].value, fields[0], before, after)
            case _:
                return Test(_judge(corpus, condition), fields, before, after)

    def _field(self, slot: int, zone: str) -> Field:
        known = self._fields.get((slot, zone))
        if known is None:
            definition = self._corpus.slots[slot]
            of = definition.type
            name = encode(definition.name)
            absent, failed = (
                b'{"field":%b,"state":%b,"value":null}' % (name, encode(why.value))
                for why in (ABSENT, FAILED)
            )
            names = of.item if isinstance(of, SetOf) else of
            known = self._fields[slot, zone] = Field(
                slot,
                absent,
                failed,
                b'{"field":%b,"state":"present","value":' % name,
                _shown(of, zone),
                few=isinstance(names, Enum) or names == Scalar("bool"),
            )
        return known


def _judge(corpus: Corpus, condition: Condition) -> Callable[[Seen], bool | None]:
    return lambda seen: Evaluation(corpus, seen).verdict(condition)


def _shown(type: Type, zone: str) -> Callable[[Value], bytes]:
    """Gives values of a type as JSON, each with the brace that ends the field."""
    if isinstance(type, Scalar) and type.name in {"number", "integer", "share"}:
        return lambda value: encode(value) + b"}"
    return lambda value: encode(_value(type, value, zone)) + b"}"


def _value(type: Type, value: Value, zone: str) -> float | bool | str | tuple[str, ...]:
    """A value as JSON has it."""
    match value:
        case bool():
            return value
        case str():
            return clean(value, _LONGEST_VALUE)
        case float():
            name = type.name if isinstance(type, Scalar) else ""
            if name == "instant":
                return rfc3339(int(value), zone)
            if name == "date":
                return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
            return value / MICROSECONDS if name == "duration" else value
        case _:
            return tuple(clean(item) for item in sorted(value))


# ── Where texts matched ──────────────────────────────────────────────────────────────────────────


def _matches(corpus: Corpus, condition: Mentions | Pattern, seen: Seen) -> bytes:
    found = _found(corpus, condition, seen[condition.slot])
    return encode(list(found)) + b"}"


def _found(
    corpus: Corpus, condition: Mentions | Pattern, text: object
) -> Iterator[dict[str, object]]:
    """Where the text matched: the first occurrence of each term, or of the pattern."""
    if not isinstance(text, str):
        return
    slot = corpus.slots[condition.slot]
    if isinstance(condition, Pattern):
        folded = slot.type == Scalar("text")
        span = PatternSet([(condition.pattern, folded)]).first(0, text)
        if span is not None:
            yield _match(slot.name, condition.pattern, *span, text)
        return
    haystack, offsets = fold_with_offsets(text)
    for term in corpus.terms[condition.terms].terms:
        form = fold(term)
        start = find_term(haystack, form)
        if start >= 0:
            place = original_span(offsets, start, start + len(form), len(text))
            yield _match(slot.name, term, *place, text)


def _match(field: str, what: str, start: int, end: int, text: str) -> dict[str, object]:
    return {
        "field": field,
        "what": what,
        "start": start,
        "end": end,
        "text": clean(text[start:end]),
    }
