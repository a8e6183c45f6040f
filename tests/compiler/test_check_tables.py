"""Decision tables: what a comparison of one becomes, and that one row fits each combination."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.dump import condition_text
from tests.support.checking import check, codes, messages, policy, rule, when

POINTS = """
table points by offer.kind, offer.copies {
  sale, ..100 => 1
  sale, 100..500 => 2
  sale, 500.. => 4
  [auction, gift], any => 0
}
"""


LOW = "(offer.kind == sale and offer.copies < 100)"
MIDDLE = "(offer.kind == sale and offer.copies >= 100 and offer.copies < 500)"


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        ("points >= 4", "offer.kind == sale and offer.copies >= 500"),
        ("4 <= points", "offer.kind == sale and offer.copies >= 500"),
        (
            "points in [1]",
            "E0302",
        ),
        (
            "1 <= points < 4",
            (
                f"({LOW} or {MIDDLE} or (offer.kind == sale and offer.copies >= 500)) and "
                f"({LOW} or {MIDDLE} or offer.kind in [auction, gift])"
            ),
        ),
        (
            "points == 0 and offer.first",
            "offer.kind in [auction, gift] and offer.first",
        ),
    ],
)
def test_a_comparison_with_a_table_picks_its_rows(written: str, meaning: str) -> None:
    if meaning.startswith("E"):
        assert codes(policy(POINTS + rule(written))) == [meaning]
        return
    condition, found = when(written, declared=POINTS)
    assert condition_text(condition, found) == meaning


def test_a_comparison_with_a_param_stays_in_the_rows() -> None:
    condition, found = when("points >= bar", declared=POINTS + "param bar = 2 range 1 .. 4\n")
    assert condition_text(condition, found) == (
        "(offer.kind == sale and offer.copies < 100 and shop.rules.bar <= 1) or "
        "(offer.kind == sale and offer.copies >= 100 and offer.copies < 500 "
        "and shop.rules.bar <= 2) or "
        "(offer.kind == sale and offer.copies >= 500 and shop.rules.bar <= 4) or "
        "(offer.kind in [auction, gift] and shop.rules.bar <= 0)"
    )


WRONG = [
    ("sale, any => 1\n[auction], any => 2", "E0312"),
    ("any, ..5 => 1\nany, 6.. => 2", "E0312"),
    ("any, ..5 => 1\nany, 4.. => 2", "E0313"),
    ("any, any => 1\nsale, any => 2", "E0313"),
    ("any => 1", "E0314"),
    ("5, any => 1", "E0101"),
    ("true, any => 1", "E0314"),
    ("any, sale => 1", "E0314"),
    ("1..2, any => 1", "E0314"),
    ("any, 5..5 => 1", "E0305"),
    ("any, 5..4 => 1", "E0305"),
    ("any, 5%.. => 1\nany, ..5% => 2", "E0303"),
    ("sail, any => 1", "E0205"),
    ("sale, any => 1\n[auction, gift], any => 5%", "E0303"),
]


@pytest.mark.parametrize(("rows", "code"), WRONG)
def test_rows_that_do_not_fit_are_one_complaint(rows: str, code: str) -> None:
    body = f"table t by offer.kind, offer.copies {{\n{rows}\n}}\n" + rule("t > 1 and offer.first")
    found = codes(policy(body))
    assert set(found) == {code}


def test_a_share_column_ends_at_1() -> None:
    table = "table t by offer.doubt {{\n  ..0.8 => 1\n  {last} => 2\n}}\n"
    gap = policy(table.format(last="0.8..1") + rule("t > 1"))
    assert codes(gap) == ["E0312"]
    (diagnostic,) = check(gap)[1]
    assert diagnostic.primary.text == "`offer.doubt` from 1"
    assert codes(policy(table.format(last="0.8..") + rule("t > 1"))) == []


def test_what_is_named_must_lie_outside_of_every_row() -> None:
    assert messages(
        policy("table t by offer.labelled, offer.first {\n true, any => 1\n}\n" + rule("t > 0"))
    ) == ["E0312 no row fits some values"]


ROWS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["sale", "auction", "gift"]), min_size=1),
        st.sets(st.booleans(), min_size=1),
        st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(lambda pair: pair[0] < pair[1]),
    ),
    min_size=1,
    max_size=5,
)


@given(ROWS)
def test_gaps_and_overlaps_are_those_that_trying_every_combination_finds(
    rows: list[tuple[set[str], set[bool], tuple[int, int]]],
) -> None:
    """The piece from i to i + 1 of the numbers stands for the numbers in it; 0 and 3 are open."""
    combinations = list(product(["sale", "auction", "gift"], [False, True], range(3)))
    fitting = [
        sum(
            kind in kinds and flag in flags and low <= piece < high
            for kinds, flags, (low, high) in rows
        )
        for kind, flag, piece in combinations
    ]
    lines = [
        f"[{', '.join(sorted(kinds))}], [{', '.join(str(f).lower() for f in sorted(flags))}], "
        f"{low if low > 0 else ''}..{high if high < 3 else ''} => 1"
        if (low, high) != (0, 3)
        else f"[{', '.join(sorted(kinds))}], [{', '.join(str(f).lower() for f in sorted(flags))}], "
        "any => 1"
        for kinds, flags, (low, high) in rows
    ]
    table = "table t by offer.kind, offer.first, offer.price {\n" + "\n".join(lines) + "\n}\n"
    found = set(codes(policy(table + rule("t > 0 and offer.labelled"))))
    wanted = {"E0313"} if max(fitting) > 1 else {"E0312"} if min(fitting) < 1 else {"W0907"}
    assert found - {"W0904"} == wanted
