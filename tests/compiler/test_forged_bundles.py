"""A bundle that was made up is refused as one, or decides and tells like any other: no crash."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clausal
from clausal.compiler import ir
from clausal.compiler.bundle import BundleError, assemble, describe, pack
from clausal.compiler.ir import Corpus
from clausal.compiler.pipeline import compile_sources
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from clausal.engine.evaluator import Bundle
from clausal.engine.problem import EventError
from tests.strategies.forged import Forger, sealed
from tests.support.every_slot import LIBRARY, RULES

SOUND = compile_sources([LIBRARY, RULES])
SEEDS = Path(__file__).parents[1] / "fuzz" / "seeds" / "event"
EVENTS = [seed.read_bytes() for seed in sorted(SEEDS.glob("*.json"))]

replace = msgspec.structs.replace


def use(bundle: Bundle) -> None:
    """Do with a bundle all that can be done."""
    for event in EVENTS:
        for at in (None, "2254-12-31T00:00:00Z"):
            try:
                decision = bundle.evaluate_json(event, at=at, bounds=True)
                explanation = bundle.explain(json.loads(event.replace(b"1e400", b"1")), at=at)
            except EventError:
                continue
            json.loads(decision.to_json())
            json.loads(explanation.to_json())
    bundle.in_force("2024-05-01T00:00:00Z")
    bundle.event_model.model_json_schema()
    assert bundle.artifact.sources is not None
    assert bundle.artifact.profile is not None


@given(st.integers(0, 2**32))
def test_any_forged_bundle_is_refused_or_works(seed: int) -> None:
    data = Forger(SOUND).forge(Random(seed))
    with contextlib.suppress(BundleError):
        use(clausal.load(data))


def with_corpus(corpus: Corpus) -> bytes:
    """The sound bundle with another corpus, and all that is said of it."""
    payload = msgspec.msgpack.decode(bytes(SOUND.payload))
    payload["corpus"] = msgspec.msgpack.encode(corpus)
    payload["meta"] = msgspec.msgpack.encode(describe(corpus))
    return sealed(msgspec.msgpack.encode(payload))


def first(corpus: Corpus, field: str, **changes: object) -> Corpus:
    """The corpus with the first of its rules, ladders, ... changed."""
    items = getattr(corpus, field)
    return replace(corpus, **{field: (replace(items[0], **changes), *items[1:])})


def rule_of(corpus: Corpus, **changes: object) -> Corpus:
    """The corpus with the first measure of its first rule changed."""
    measure = replace(corpus.rules[0].measures[0], **changes)
    return first(corpus, "rules", measures=(measure,))


def deep(corpus: Corpus) -> Corpus:
    condition: ir.Condition = corpus.rules[0].when
    for _ in range(300):
        condition = ir.Negation(condition)
    return first(corpus, "rules", when=condition)


def shared(corpus: Corpus) -> Corpus:
    """Forty conditions, each of which has the one before twice in it: a trillion altogether."""
    doubled = [ir.All((ir.Shared(at), ir.Shared(at))) for at in range(40)]
    conditions = (corpus.rules[0].when, *doubled)
    return replace(first(corpus, "rules", when=ir.Shared(40)), shared=conditions)


def every_combination(corpus: Corpus) -> Corpus:
    names = tuple(f"v{number}" for number in range(60))
    kind = SetOf(Enum(tuple([EnumValue(name) for name in names])))
    params = tuple([ir.SanctionParam(name, kind) for name in "abcd"])
    law = ir.Law("union")
    sanctions = list(corpus.sanctions)
    number = corpus.rules[0].measures[0].sanction
    sanctions[number] = replace(sanctions[number], params=params, law=law)
    return rule_of(replace(corpus, sanctions=tuple(sanctions)), arguments=(names,) * 4)


FORGED: dict[str, Callable[[Corpus], Corpus]] = {
    "a zone that is not known": lambda c: first(c, "versions", zone="Mars/Phobos"),
    "a zone that is a path": lambda c: first(c, "versions", zone="../../etc/passwd"),
    "a version that ends before it begins": lambda c: first(c, "versions", start=2, end=1),
    "a sanction that implies itself": lambda c: first(c, "sanctions", implies=(0,)),
    "sanctions that imply each other": lambda c: replace(
        c, sanctions=(c.sanctions[0], replace(c.sanctions[1], implies=(0,)))
    ),
    "a target of a measure that is none": lambda c: rule_of(c, target="moon"),
    "an argument of another type": lambda c: rule_of(c, arguments=("x", ("front",))),
    "an element that the enum lacks": lambda c: rule_of(c, arguments=(ir.Constant(0.5), ("moon",))),
    "a share beyond 1": lambda c: rule_of(c, arguments=(ir.Constant(1e308), ("front",))),
    "a period without length": lambda c: rule_of(c, duration=-5),
    "a period without end": lambda c: rule_of(c, duration=2**63),
    "a trillion combinations": every_combination,
    "a ladder without steps": lambda c: first(c, "ladders", steps=()),
    "a ladder on nothing": lambda c: first(c, "ladders", target="moon"),
    "a ladder that counts something else": lambda c: first(c, "ladders", slot=c.time_slot),
    "a rollout that is no share": lambda c: first(c, "rules", rollout=float("nan")),
    "a hole for nothing": lambda c: first(c, "rules", because_zh=(ir.Hole(999),)),
    "a rule of another version": lambda c: first(c, "rules", version=1),
    "a condition nested deep": deep,
    "conditions that double": shared,
    "a pattern that is none": lambda c: first(c, "rules", when=ir.Pattern(text_slot(c), "(")),
    "a zone of a clock that is none": lambda c: first(
        c, "rules", when=ir.WallClock(c.time_slot, "Mars/Phobos", 0, 60)
    ),
    "a field without a path": lambda c: first(c, "fields", path=()),
    "a field inside of another": lambda c: first(c, "fields", path=("post", "id", "x")),
    "an enum without values": lambda c: first(c, "fields", type=Enum(())),
    "two targets of one name": lambda c: replace(c, targets=c.targets * 2),
    "fewer rules than the program": lambda c: replace(c, rules=c.rules[1:]),
}


def text_slot(corpus: Corpus) -> int:
    return next(i for i, slot in enumerate(corpus.slots) if slot.type == Scalar("text"))


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_corpus_that_no_checker_made_is_refused(forge: Callable[[Corpus], Corpus]) -> None:
    forged = forge(SOUND.corpus)
    assert forged != SOUND.corpus
    with pytest.raises(
        BundleError, match=r"^the bundle is malformed: section `(corpus|meta|program)`"
    ):
        use(clausal.load(with_corpus(forged)))


def test_the_program_is_in_force_when_the_versions_are() -> None:
    never = replace(
        SOUND.program, segment_count=b"\0" * 12, segment_versions=b"", segment_first=b"\0" * 12
    )
    with pytest.raises(BundleError, match="not in force when the versions are"):
        clausal.load(pack(assemble(SOUND.corpus, never, ())))


def test_a_program_that_the_core_cannot_run_is_refused_as_a_bundle() -> None:
    for changes in (
        {"zones": ("Mars/Phobos",)},
        {"patterns": (("(", True),)},
        {"terms": (("\u200b",),)},
    ):
        broken = replace(SOUND.program, **changes)
        with pytest.raises(BundleError, match="section `program`"):
            clausal.load(pack(assemble(SOUND.corpus, broken, ())))
