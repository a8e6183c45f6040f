"""Binding params anew gives what compiling with the new values would have given."""

from __future__ import annotations

import math
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clausal.compiler import ir
from clausal.compiler.emit import emit
from clausal.compiler.ir import (
    NEVER,
    Arithmetic,
    Comparison,
    Constant,
    Corpus,
    ExpectedMeasure,
    MeasureDef,
    Param,
    ParamDef,
    Quantity,
    Reading,
)
from clausal.compiler.pipeline import optimise
from clausal.compiler.program import Program, floats
from clausal.compiler.rebind import BindingError, rebind, rebind_corpus
from tests.strategies.events import EventWriter
from tests.strategies.ir import SANCTIONS, corpora, write_corpus
from tests.support.walk import Walk


def compiled(corpus: Corpus) -> Program:
    return emit(optimise(corpus))


@given(corpora(), st.data())
def test_binding_anew_is_compiling_anew(corpus: Corpus, data: st.DataObject) -> None:
    assume(corpus.params)
    values = {}
    for param in corpus.params:
        low = -10.0 if param.low is None else param.low
        high = 1e6 if param.high is None else param.high
        if data.draw(st.booleans()):
            values[param.name] = data.draw(st.floats(low, high) | st.sampled_from([low, high]))
    program = compiled(corpus)
    try:
        rebound, bound = rebind(program, corpus, values)
    except BindingError as error:
        # A division by a param that became 0: compiling would find the comparison unknown.
        assume("not a finite number" not in str(error))
        raise
    assert bound == rebind_corpus(corpus, values)
    fresh = compiled(bound)
    if fresh.op == rebound.op and fresh.code == rebound.code:
        assert fresh == rebound
    writer = EventWriter(Random(data.draw(st.integers(0, 2**32))), bound)
    for _ in range(3):
        slots = writer.values()
        one, other = Walk(rebound, slots), Walk(fresh, slots)
        for rule in range(len(corpus.rules)):
            assert one.rule(rule) is other.rule(rule)


@given(corpora())
def test_the_values_that_params_have_change_nothing(corpus: Corpus) -> None:
    program = compiled(corpus)
    values = {param.name: param.value for param in corpus.params}
    assert rebind(program, corpus, values) == (program, corpus)
    assert rebind(program, corpus, {}) == (program, corpus)


# ── By hand ──────────────────────────────────────────────────────────────────────────────────────

PARAMS = (
    ParamDef("cn.a.cutoff", "share", 0.5, 0.25, 0.75),
    ParamDef("cn.a.limit", "duration", 1e6),
    ParamDef("cn.b.limit", "duration", 2e6),
    ParamDef("cn.b.most", "integer", 3.0, 0.0, None),
)
CUTOFF, MOST = Param(0), Param(3)
LIMIT_REACH = [sanction.name for sanction in SANCTIONS].index("limit_reach")


def corpus_of(quantity: Quantity, argument: Constant) -> Corpus:
    """A corpus with one rule that compares a number with a quantity, and one ladder and test."""
    base = next(
        found
        for found in (write_corpus(Random(seed)) for seed in range(99))
        if found.rules and found.ladders and any(s.name == "traffic.ratio" for s in found.slots)
    )
    slot = next(i for i, found in enumerate(base.slots) if found.name == "traffic.ratio")
    measure = MeasureDef(LIMIT_REACH, "content", (argument,), 1)
    ladder = base.ladders[0]
    step = msgspec.structs.replace(ladder.steps[0], measures=(measure,))
    expected = ExpectedMeasure(LIMIT_REACH, arguments=(argument,))
    rule = msgspec.structs.replace(
        base.rules[0],
        version=0,
        when=Comparison(">=", Reading(slot), quantity),
        unless=NEVER,
        measures=(measure,),
    )
    return msgspec.structs.replace(
        base,
        params=PARAMS,
        rules=(rule,),
        ladders=(msgspec.structs.replace(ladder, steps=(step,)),),
        tests=(ir.TestDef("", 0, b"{}", b"{}", 0, 0, (expected,)),),
    )


def test_constants_and_arguments_follow_their_params() -> None:
    corpus = corpus_of(Arithmetic("*", CUTOFF, Constant(2.0)), Constant(0.5, CUTOFF))
    program, bound = rebind(compiled(corpus), corpus, {"cutoff": 0.75})
    assert list(floats(program.constants)) == [1.5]
    expected = (Constant(0.75, CUTOFF),)
    (rule,) = bound.rules
    assert rule.measures[0].arguments == expected
    assert bound.ladders[0].steps[0].measures[0].arguments == expected
    (test,) = bound.tests
    assert isinstance(test.expected[0], ExpectedMeasure)
    assert test.expected[0].arguments == expected
    assert bound.params[0].value == 0.75
    # What was given stays as it is.
    assert corpus.params[0].value == 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cutof": 0.5}, "there is no param `cutof`; did you mean `cutoff`?"),
        ({"cn.a.cutof": 0.5}, "did you mean `cn.a.cutoff`?"),
        ({"nothing": 0.5}, "there is no param `nothing`"),
        ({"limit": 1}, "`limit` could be any of `cn.a.limit`, `cn.b.limit`"),
        ({"cutoff": 0.5, "cn.a.cutoff": 0.5}, "`cn.a.cutoff` is given twice"),
        ({"cutoff": 0.2}, "`cn.a.cutoff` must be at least 0.25, not 0.2"),
        ({"cutoff": 0.9}, "`cn.a.cutoff` must be at most 0.75, not 0.9"),
        ({"cutoff": 1.5}, "`cn.a.cutoff` must be from 0 to 1, not 1.5"),
        ({"cutoff": math.nan}, "`cn.a.cutoff` must be a finite number, not nan"),
        ({"most": math.inf}, "`cn.b.most` must be a finite number, not inf"),
        ({"most": 10**400}, "`cn.b.most` must be a finite number"),
        ({"most": 1.5}, "`cn.b.most` must be a whole number"),
        ({"most": 2**53 + 2}, "`cn.b.most` must be a whole number"),
        ({"most": -1}, "`cn.b.most` must be at least 0, not -1"),
        ({"cutoff": True}, "`cn.a.cutoff` must be a number, not `True`"),
        ({"cutoff": "0.5"}, "`cn.a.cutoff` must be a number, not `'0.5'`"),
        ({"most": 0}, "a quantity made of params is not a finite number"),
        ({"most": 5}, "`cut` of `limit_reach` is 1.25; it must be from 0 to 1"),
    ],
)
def test_what_cannot_be_bound(values: dict[str, float], message: str) -> None:
    corpus = corpus_of(
        Arithmetic("/", CUTOFF, MOST), Constant(0.75, Arithmetic("/", MOST, Constant(4.0)))
    )
    with pytest.raises(BindingError) as caught:
        rebind(compiled(corpus), corpus, values)
    assert message in str(caught.value)


def test_whole_numbers_become_floats() -> None:
    corpus = corpus_of(MOST, Constant(0.5))
    program, bound = rebind(compiled(corpus), corpus, {"most": 7})
    assert list(floats(program.constants)) == [7.0]
    assert isinstance(bound.params[3].value, float)
