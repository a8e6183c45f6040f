"""The commands that measure: bench and profile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.dom import minidom

import pytest

from clausal.cli.plot import bars
from clausal.cli.shell import Exit
from tests.support.cli import clausal
from tests.support.golden import assert_golden
from tests.support.shop import project, write_events

QUICK = ("--seconds", "0.01")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with policies, their bundle and events, which is the current one."""
    project(tmp_path / "policies")
    monkeypatch.chdir(tmp_path)
    assert clausal("compile", "policies", "-o", "shop.clausal").code == Exit.FINE
    write_events(tmp_path / "events.ndjson")
    return tmp_path


def texts_of(drawn: str) -> set[str]:
    """Return the texts of an SVG document, which must be well-formed."""
    document = minidom.parseString(drawn)  # noqa: S318 - the document is our own
    return {
        "".join(str(part.nodeValue) for part in one.childNodes)
        for one in document.getElementsByTagName("text")
    }


# ── profile ──────────────────────────────────────────────────────────────────────────────────────


def test_profile_counts_what_rules_and_predicates_did(shop: Path) -> None:
    found = json.loads(clausal("profile", "shop.clausal", "events.ndjson", "--json").out)
    run = clausal("run", "shop.clausal", "events.ndjson", "--quiet", "--summary-json", "s.json")
    assert run.code == Exit.FINE
    summary = json.loads(Path("s.json").read_text(encoding="utf-8"))
    assert (found["events"], found["bad"]) == (4, 1)
    assert {rule["rule"]: rule["undetermined"] for rule in found["rules"]}
    fired = {rule["rule"]: rule["fired"] for rule in found["rules"] if rule["fired"]}
    counted = {
        rule["rule"]: rule["fired"] + rule.get("shadow", 0)
        for rule in summary["rules"]
        if rule["fired"] or rule.get("shadow")
    }
    assert fired == counted
    for predicate in found["predicates"]:
        assert predicate["true"] + predicate["false"] + predicate["unknown"] == 4
    assert {rule["rule"] for rule in found["never_fired"]}.isdisjoint(fired)
    assert all(rule["in_force"] == 4 for rule in found["rules"])


def test_profile_prints_tables(shop: Path) -> None:
    ran = clausal("profile", "policies", "events.ndjson", "--top", "3")
    assert ran.code == Exit.FINE
    # What was measured differs from run to run, and so does the order that depends on it.
    shown = re.sub(r"[\d.]+ (ns|µs)", "…", ran.out)
    for heading in ("Rules by cost", "Predicates by cost", "Missing most", "measured"):
        assert heading in shown
    assert "4 events, 1 bad event left out" in shown
    assert len(ran.err) == 0


def test_profile_takes_events_from_a_pipe(shop: Path) -> None:
    lines = Path("events.ndjson").read_bytes()
    found = json.loads(clausal("profile", "shop.clausal", "-", "--json", stdin=lines).out)
    assert found["events"] == 4


# ── bench ────────────────────────────────────────────────────────────────────────────────────────


def test_bench_tells_rates_latencies_memory_and_floors(shop: Path) -> None:
    ran = clausal(
        "bench", "shop.clausal", "events.ndjson", "--ways", "json,dict", "--threads", "1,2",
        "--json", "--plot", "rates.svg", *QUICK,
    )  # fmt: skip
    assert ran.code == Exit.FINE, ran.err
    found = json.loads(ran.out)
    assert [(rate["name"], rate["threads"]) for rate in found["rates"]] == [
        ("json", 1), ("json", 2), ("dict", 1), ("dict", 2),
    ]  # fmt: skip
    assert {floor["name"] for floor in found["floors"]} == {"json decode", "field read"}
    for rate in (*found["rates"], *found["floors"]):
        assert 0 < rate["slowest"] <= rate["events_per_second"] <= rate["fastest"]
    for latency in found["latencies"]:
        shares = ["p50_ns", "p90_ns", "p99_ns", "p99.9_ns", "max_ns"]
        assert [latency[share] for share in shares] == sorted(latency[share] for share in shares)
    assert found["events"] == 4
    if found["memory"] is not None:
        assert found["memory"]["loaded_bytes"] >= found["memory"]["before_bytes"] > 0
    assert {"json", "json, 2 threads", "dict", "dict, 2 threads", "field read"} <= texts_of(
        Path("rates.svg").read_text(encoding="utf-8")
    )


def test_bench_prints_tables(shop: Path) -> None:
    ran = clausal("bench", "policies", "events.ndjson", *QUICK)
    assert ran.code == Exit.FINE
    for word in ("Way in", "field read", "json decode", "p99.9", "bytes for each decision"):
        assert word in ran.out
    assert "4 events of" in ran.out


# ── Both ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", ["bench", "profile"])
def test_generated_events_do_as_well(command: str) -> None:
    more = QUICK if command == "bench" else ()
    found = json.loads(clausal(command, "--generate", "50", "--json", *more).out)
    assert (found["events"], found["bad"]) == (50, 0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["shop.clausal"], Exit.USAGE),
        (["shop.clausal", "events.ndjson", "--generate", "5"], Exit.USAGE),
        (["shop.clausal", "-", "-"], Exit.USAGE),
        (["shop.clausal", "none.ndjson"], Exit.INPUT),
        (["shop.clausal", "bad.ndjson"], Exit.INPUT),
        (["shop.clausal", "events.ndjson", "--param", "x"], Exit.USAGE),
        (["policies", "shop.clausal", "events.ndjson"], Exit.USAGE),
        (["broken.policy", "events.ndjson"], Exit.POLICY),
    ],
)
@pytest.mark.parametrize("command", ["bench", "profile"])
def test_what_cannot_be_measured(shop: Path, command: str, arguments: list[str], code: int) -> None:
    Path("bad.ndjson").write_text('{"offer": 1}\nno\n', encoding="utf-8")
    Path("broken.policy").write_text("policy\n", encoding="utf-8")
    ran = clausal(command, *arguments)
    assert ran.code == code
    assert "error" in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_complaints_of_bench_and_profile(shop: Path) -> None:
    Path("bad.ndjson").write_text('{"offer": 1}\nno\n', encoding="utf-8")
    told = [
        f"$ clausal {' '.join(arguments)}\n{clausal(*arguments).both}"
        for arguments in (
            ["bench", "shop.clausal"],
            ["profile", "shop.clausal", "events.ndjson", "--generate", "5"],
            ["bench", "shop.clausal", "events.ndjson", "--ways", "dict,jsn"],
            ["bench", "shop.clausal", "events.ndjson", "--threads", "0"],
            ["bench", "shop.clausal", "events.ndjson", "--threads", "many"],
            ["bench", "shop.clausal", "events.ndjson", "--plot", "events.ndjson"],
            ["profile", "shop.clausal", "bad.ndjson"],
        )
    ]
    assert_golden("cli/measuring_complaints.txt", "\n".join(told))


def test_a_picture_has_a_bar_for_each_row() -> None:
    drawn = bars("Events & more", [("one", 1.0), ("<two>", 2_500.0)])
    assert {"Events & more", "one", "<two>", "2,500"} <= texts_of(drawn)
    widths = [float(width) for width in re.findall(r'<rect [^>]* width="([\d.]+)"', drawn)]
    assert widths[0] < widths[1]
