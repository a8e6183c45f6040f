"""The parties of events, read without deciding them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.types import Scalar
from clausal.enforcement import reading
from clausal.enforcement.plan import Plan
from clausal.enforcement.proceeding import decided, parties_of
from clausal.enforcement.reading import Names, digest, raw
from tests.support.enforced import event, forum

NAMES = Names(
    [
        ("content", ("content", "id"), Scalar("string")),
        ("account", ("account", "id"), Scalar("string")),
        ("subject", ("account", "subject_id"), Scalar("string")),
    ]
)

ids = st.none() | st.text(max_size=4) | st.sampled_from(["a", "b", '"', "\\", "ä", "\ud800"])
anything = st.none() | st.integers() | st.lists(st.text(max_size=2)) | st.text() | st.floats(0, 1)
groups = st.fixed_dictionaries({}, optional={"id": ids, "subject_id": ids, "other": anything})
events = st.fixed_dictionaries(
    {}, optional={"content": groups | anything, "account": groups, "text": st.text()}
)


def written(value: object, escaped: bool) -> bytes:
    """An event as JSON; no JSON in UTF-8 holds a lone surrogate but as an escape."""
    text = json.dumps(value, ensure_ascii=escaped)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value).encode()


@given(events, st.booleans())
def test_the_parties_of_json_are_those_of_the_object(value: object, escaped: bool) -> None:
    assert isinstance(value, dict)
    assert NAMES.of(written(value, escaped)) == NAMES.of(value)


@given(events, st.booleans())
def test_no_event_about_a_party_is_overlooked(value: object, escaped: bool) -> None:
    assert isinstance(value, dict)
    data = written(value, escaped)
    for party in NAMES.of(value):
        assert NAMES.likely(data, {raw(party)})


@pytest.mark.parametrize("key", [r'"\u0069d"', '"id"', '"id" \n'])
def test_names_may_be_written_with_escapes(key: str) -> None:
    data = ('{"account": {' + key + ': "a"}}').encode()
    assert NAMES.of(data) == ["account:a"]
    assert NAMES.likely(data, {raw("account:a")})
    assert not NAMES.likely(b'{"account": {"id": "a"}}', {raw("account:b")})


def test_values_may_be_written_with_escapes() -> None:
    data = rb'{"account": {"id": "a\/b"}}'
    assert NAMES.of(data) == ["account:a/b"]
    assert NAMES.likely(data, {raw("account:a/b")})
    assert NAMES.likely(rb'{"account": {"id": "\u00e4"}}', {raw("account:ä")})


def test_one_kind_of_target_is_read_like_several() -> None:
    names = Names([("account", ("account", "id"), Scalar("string"))])
    assert (
        names.of(b'{"account": {"id": "a"}}') == names.of({"account": {"id": "a"}}) == ["account:a"]
    )
    assert Names([]).of(b"{}") == []


def test_the_parties_are_those_that_the_engine_finds() -> None:
    plan = Plan(forum())
    for data in (
        event("1", 0, content__spam=0.9, org__id="o"),
        event("2", 0, account=None, content__spam=0.9),
    ):
        case = decided(forum().evaluate_json(data))
        assert tuple(sorted(plan.names.of(data))) == parties_of(plan, case)


def test_equal_events_have_equal_digests() -> None:
    one = {"a": {"b": 1, "c": [True, None]}, "d": "ä"}
    other = json.loads(json.dumps({"d": "ä", "a": {"c": [True, None], "b": 1}}))
    assert digest(one) == digest(other) == digest(one | {"$history": {}})
    assert digest(one) != digest(one | {"d": "a"})


def test_keys_of_other_forms_are_read_in_full() -> None:
    names = Names(
        [("a", ("a",), Scalar("integer")), ("b", ("x", "b"), Scalar("string"))],
    )
    assert names.of(b'{"a": 5, "x": {"b": "c"}}') == ["a:5", "b:c"]
    assert names.of(b'{"a": "five", "x": []}') == []
    assert names.likely(b'{"a": 5}', set())


def test_values_are_found_wherever_they_are() -> None:
    assert reading.value_at({"a": {"b": 1}}, ("a", "b")) == 1
    assert reading.value_at({"a": 1}, ("a", "b")) is None
    assert reading.typed_at({"a": "x"}, ("a",), Scalar("number")) is None
    given: list[object] = [True, 1.0, "x", None, []]
    assert [reading.text(one) for one in given] == ["true", "1", "x", None, None]
