"""The nearest name that exists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.dsl.diagnostics import nearest

NAMES = st.text(st.sampled_from("abAB_-.转发量ａ1"), max_size=9)


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("limit_reech", ["limit_reach", "mute", "warn"], "limit_reach"),
        ("limti_reach", ["limit_reach"], "limit_reach"),
        ("wran", ["warn", "mute"], "warn"),
        ("limitreach", ["limit_reach"], "limit_reach"),
        ("Limit-Reach", ["limit_reach"], "limit_reach"),
        ("ｍｕｔｅ", ["mute"], "mute"),
        ("reach_limit", ["limit_reach", "reach_line"], "limit_reach"),
        ("topic", ["content.topic", "content.text"], "content.topic"),
        ("content.topik", ["content.topic", "content.text"], "content.topic"),
        ("转发亮", ["转发量", "点赞量"], "转发量"),
        ("转法", ["转发", "点赞"], "转发"),
        ("views", ["view", "VIEWS"], "VIEWS"),
        ("views_2h", ["sales_2h", "views_1h"], "views_1h"),
        ("colour", ["color", "mute"], "color"),
    ],
)
def test_what_was_meant(name: str, known: list[str], expected: str) -> None:
    assert nearest(name, known) == expected
    assert nearest(name, reversed(known)) == expected


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("mute", []),
        ("mute", ["mute"]),
        ("mute", ["blacklist_subject", "remove_content"]),
        ("ab", ["cd", "ac"]),
        ("转", ["赞"]),
        ("", ["mute", "content.topic", "a."]),
        ("x" * 5000, ["x" * 5001]),
    ],
)
def test_nothing_is_near(name: str, known: list[str]) -> None:
    assert nearest(name, known) is None


@given(NAMES, st.lists(NAMES, max_size=8))
def test_the_answer_is_known_and_does_not_depend_on_the_order(name: str, known: list[str]) -> None:
    found = nearest(name, known)
    assert found is None or (found in known and found != name)
    assert nearest(name, sorted(known, reverse=True)) == found


@given(st.text(st.sampled_from("abcdefgh_"), min_size=3, max_size=12), st.data())
def test_one_slip_in_a_name_is_forgiven(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 1))
    slip = data.draw(
        st.sampled_from(
            [
                name[:at] + name[at + 1 :],
                name[:at] + "z" + name[at:],
                name[:at] + "z" + name[at + 1 :],
            ]
        )
    )
    # A third of what was written may be wrong, so two characters have no slip to give.
    if len(slip) >= 3:
        assert nearest(slip, [name, "qqqqqqqqqqqqqqqqq"]) == name
