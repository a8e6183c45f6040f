"""What is made of figures: ratios, goals, and a page that says where Clausal loses."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks import goals, plot, report, results
from benchmarks.peers.race import ratio, spread
from benchmarks.peers.registry import PEERS

SIZES = (10, 100, 1_000, 10_000)


def figures(**costs: float) -> dict[str, Any]:
    """Results of a race in which everybody takes 1 µs an event, except who is named."""
    rng = random.Random(1)
    race = {}
    for rules in SIZES:
        peers = {}
        for name, peer in PEERS.items():
            about = peer.about
            cost = costs.get(name.replace("-", "_"), 1.0)
            peers[name] = {
                "title": about.title,
                "way": about.way,
                "floor": about.floor,
                "library": about.library,
                "version": "1",
                "how": about.how,
                "us": [cost * rng.uniform(0.999, 1.001) for _ in range(9)],
            }
        race[str(rules)] = {
            "fires": 2.0,
            "checked": 9,
            "machine": results.machine(),
            "peers": peers,
        }
    return race


def test_ratios_are_those_within_rounds() -> None:
    # Every second round was disturbed, for both alike.
    assert ratio([2, 20, 2, 20, 2], [1, 10, 1, 10, 1]) == 2
    assert ratio([2, 2, 2], [1, 1]) == 2
    assert spread([1, 2, 3, 4, 5]) == (3, 2, 4)
    assert spread([7]) == (7, 7, 7)


def test_goals_are_reached_and_missed_by_their_own_figures() -> None:
    peers = figures(clausal=2.0, floor_read=1.0, python=150.0, clausal_arrow=0.2, numpy=4.0)
    found = {(title, at): value for title, at, value, _, _ in goals.reached(peers, {}, {}, {})}
    approx = pytest.approx
    fast = "Dictionaries in: times as fast as generated Python"
    assert found[fast, "10,000 rules"] == approx(75, rel=0.01)
    read = "Dictionaries in: times what reading the fields from C takes"
    assert found[read, "1,000 rules"] == approx(2, rel=0.01)
    page = "\n".join(goals.section(peers, {}, {}, {}))
    assert f"| {fast} | 1,000 rules | ≥ 25 | 75 | reached |" in page
    assert f"| {fast} | 10,000 rules | ≥ 100 | 75 | **missed** |" in page
    assert "not measured" in page


def test_the_page_says_where_clausal_loses() -> None:
    peers = figures(clausal=2.0, python=1.0)
    page = "\n".join(report.peer_section(peers))
    assert "- Dictionaries in, 10 rules: generated Python takes 50% of Clausal's time." in page
    assert "At none of these sizes" in "\n".join(
        report.peer_section(
            figures(**dict.fromkeys(("clausal", "clausal_json", "clausal_arrow"), 0.5))
        )
    )


def test_who_is_out_is_named_with_the_reason() -> None:
    peers = figures()
    one = peers["10000"]["peers"]["rego"]
    del one["us"]
    one["refused"] = "too slow: `build` took more than 60 s"
    page = "\n".join(report.peer_section(peers))
    assert "1. Rego (rego-cpp): too slow: `build` took more than 60 s" in page


def test_the_plot_names_everybody(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    target = tmp_path / plot.NAME
    assert plot.draw(figures(), target)
    picture = target.read_text(encoding="utf-8")
    for peer in PEERS.values():
        assert peer.about.title in picture
    assert not plot.draw({"10": figures()["10"]}, target)
