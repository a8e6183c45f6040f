"""Where randomness comes from: known answers, and distributions that are what they are called."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from clausal.generator import draws
from clausal.generator.draws import QUARTER, Draws, survival

MANY = 200_000


@pytest.fixture(scope="module")
def draw() -> Draws:
    return Draws(42, np.arange(MANY))


def test_words_are_those_of_splitmix64(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first outputs for the seed 1234567, which other implementations are tested against."""
    monkeypatch.setattr(draws, "_start", lambda _seed, _name: 1234567)
    assert Draws(0, np.arange(5)).words("any").tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_a_row_has_the_same_numbers_alone(draw: Draws) -> None:
    alone = Draws(42, np.array([17, 17, 99_999]))
    assert alone.words("a").tolist() == draw.words("a")[[17, 17, 99_999]].tolist()


def test_names_and_seeds_are_independent(draw: Draws) -> None:
    first, second = draw.shares("a"), draw.shares("b")
    other = Draws(43, np.arange(MANY)).shares("a")
    for left, right in ((first, second), (first, other), (first[:-1], first[1:])):
        assert abs(float(np.corrcoef(left, right)[0, 1])) < 4 / math.sqrt(MANY)


def test_quarters_and_shares_are_uniform(draw: Draws) -> None:
    """Chi-squared over 256 cells: 99.99 % lie below 350."""
    quarters = [quarter / QUARTER for quarter in draw.quarters("q")]
    for values in (*quarters, draw.shares("s")):
        counts = np.bincount((values * 256).astype(np.int64), minlength=256)
        expected = MANY / 256
        assert float(((counts - expected) ** 2 / expected).sum()) < 350


@pytest.mark.parametrize(("a", "b"), [(8, 2), (1.2, 9)])
def test_scores_follow_beta(a: float, b: float, draw: Draws) -> None:
    values = draws.beta(a, b)[draw.quarters("q")[0]]
    mean = a / (a + b)
    spread = math.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
    assert float(values.mean()) == pytest.approx(mean, abs=5 * spread / math.sqrt(MANY))
    assert float(values.std()) == pytest.approx(spread, rel=0.02)


def test_a_share_of_the_scores_is_missing() -> None:
    table = draws.beta(8, 2, 0.04)
    assert float(np.isnan(table).mean()) == pytest.approx(0.04, abs=1e-4)


def test_exponential_and_normal_and_lognormal(draw: Draws) -> None:
    exponential = draws.exponential()[survival(draw.words("e"))]
    assert float(exponential.mean()) == pytest.approx(1, abs=0.015)
    normal = draws.normal()[draw.quarters("n")[0]]
    assert (float(normal.mean()), float(normal.std())) == pytest.approx((0, 1), abs=0.015)
    hours = draws.lognormal(9, 1.1)[survival(draw.words("l"))]
    assert float(np.median(hours)) == pytest.approx(9, rel=0.02)
    assert float(np.log(hours).std()) == pytest.approx(1.1, rel=0.02)


def test_gamma_has_its_mean_and_its_tail(draw: Draws) -> None:
    values = draws.gamma(0.4)[survival(draw.words("g"))]
    assert float(values.mean()) == pytest.approx(0.4, rel=0.02)
    assert float(values.var()) == pytest.approx(0.4, rel=0.04)


@pytest.mark.parametrize("mean", [0.001, 0.3, 2.5, 12.0, 80.0])
def test_poisson_has_its_mean_and_variance(mean: float, draw: Draws) -> None:
    deviates = draws.normal()[draw.quarters("d")[0]]
    values = draws.poisson(np.full(MANY, mean), draw.shares("p"), deviates)
    error = 5 * math.sqrt(mean / MANY)
    assert float(values.mean()) == pytest.approx(mean, abs=error + 0.002 * mean)
    assert float(values.var()) == pytest.approx(mean, rel=0.03 + 5 * error)


def test_choices_are_as_frequent_as_their_weights(draw: Draws) -> None:
    table = draws.choice([60, 25, 15])
    counts = np.bincount(table[draw.quarters("c")[0]]) / MANY
    assert counts.tolist() == pytest.approx([0.60, 0.25, 0.15], abs=0.006)


def test_normal_table_is_symmetric_and_reaches_far() -> None:
    table = draws.normal()
    assert table.tolist() == [-value for value in reversed(table.tolist())]
    assert table[-1] == pytest.approx(NormalDist().inv_cdf(1 - 0.5 / QUARTER), abs=1e-3)
