"""The report of a campaign: its figures, what they leave out, and the page that shows them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.campaign import Campaign, campaign_period, of_decisions, of_ledger
from clausal.compiler.ir import Bilingual, Corpus, VersionDef
from clausal.compiler.pipeline import compile_sources
from clausal.coverage import measure_coverage
from clausal.dsl.source import Source
from clausal.duties import Period
from clausal.enforcement import facts
from clausal.engine.evaluator import Bundle
from clausal.pages import charts
from clausal.pages.campaign import campaign_json, campaign_page
from clausal.testing import run_tests
from tests.support.cli import clausal
from tests.support.golden import assert_golden
from tests.support.pages import read_page
from tests.support.shop import CLEAN, EVENTS, LIBRARY, offer, project, write_events

POLICY = CLEAN + """
duty prices_checked {
  title  zh "价格核查率"  en "Prices checked"
  cites  1
  measure share of checked
  in     offers
  time   at_time
  at least 90%
}
"""  # fmt: skip
MAY = Period(date(2024, 5, 1), date(2024, 6, 1))


def bundle_of(policy: str = POLICY) -> Bundle:
    sources = [Source("shop.policy", policy), Source("fields.policy", LIBRARY)]
    return Bundle(compile_sources(sources))


BUNDLE = bundle_of()
CORPUS: Corpus = BUNDLE.artifact.corpus
CLAUSES = measure_coverage(CORPUS, run_tests(BUNDLE)).clauses


def plain(found: Campaign) -> dict[str, Any]:
    """The figures as JSON, without the ids, which are never the same."""
    value: dict[str, Any] = json.loads(json.dumps(campaign_json(found, CLAUSES, ())))
    for kind in value["typical_cases"]:
        assert len(kind.pop("id")) == 10
    return value


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with policies, decisions and a table; the current one."""
    project(tmp_path / "policies", POLICY)
    write_events(tmp_path / "events.ndjson", EVENTS)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/offers.csv").write_text(
        "at_time,checked\n2024-05-02,true\n2024-05-03,false\n"
    )
    monkeypatch.chdir(tmp_path)
    assert clausal("run", "policies", "events.ndjson", "-o", "decisions.ndjson").code == 0
    return tmp_path


# ── Figures ──────────────────────────────────────────────────────────────────────────────────────


def test_the_report_as_json(shop: Path) -> None:
    command = ("report", "policies", "decisions.ndjson", "--period", "2024-05", "--tables", "tables", "--json")  # fmt: skip
    ran, again = clausal(*command), clausal(*command)
    assert (ran.code, ran.err) == (0, "")
    value = json.loads(ran.out)
    ids = [kind.pop("id") for kind in value["typical_cases"]]
    assert ids
    # The salt is another one each time.
    assert ids != [kind["id"] for kind in json.loads(again.out)["typical_cases"]]
    assert_golden("pages/campaign.json", json.dumps(value, ensure_ascii=False, indent=2))


STAMPS = st.sampled_from(
    ["2024-04-30T23:59:59+08:00", "2024-05-01T00:00:00+08:00", "2024-05-31T15:59:59Z",
     "2024-05-31T16:00:00Z", "2024-05-10T10:00:00-07:00", "2024-05-10T23:30:00Z"]
)  # fmt: skip
OFFERS = st.builds(
    offer,
    st.uuids().map(str),
    time=STAMPS,
    score=st.sampled_from([0.1, 0.9]),
    kind=st.sampled_from(["sale", "gift"]),
    labelled=st.booleans(),
    note=st.sampled_from(["new", "全城最低价"]),
)


@given(events=st.lists(OFFERS, max_size=12), data=st.data())
def test_figures_are_those_of_a_plain_count_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, events: list[dict[str, Any]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("d")
    decisions = [BUNDLE.evaluate(event) for event in events]
    lines = [decision.to_json() + b"\n" for decision in decisions]
    (folder / "d.ndjson").write_bytes(b"".join(lines))
    shuffled = data.draw(st.permutations(lines))
    (folder / "s.ndjson").write_bytes(b"".join(shuffled))
    found = of_decisions(CORPUS, "shop.rules", MAY, [str(folder / "d.ndjson")])
    within = [
        decision
        for event, decision in zip(events, decisions, strict=True)
        if event["offer"]["time"] not in {"2024-04-30T23:59:59+08:00", "2024-05-31T16:00:00Z"}
    ]
    assert (found.events, found.bad) == (len(within), 0)
    assert found.cases == sum(bool(one.findings) for one in within)
    for rule in ("false_price", "watched"):
        fired = [f.mode for one in within for f in one.findings if f.rule == rule]
        figures = found.rules.get(rule)
        counted = (figures.fired, figures.shadow) if figures else (0, 0)
        assert counted == (fired.count("enforced"), fired.count("shadow"))
    measures = [m for one in within for m in one.measures]
    assert sum(one.total for one in found.measures.values()) == len(measures)
    days = [day for _, day in found.every_day()]
    assert sum(day.events for day in days) == found.events
    assert sum(day.cases for day in days) == found.cases
    assert sum(kind.count for kind in found.kinds) <= found.cases
    assert {rule for kind in found.kinds for rule in kind.rules} == {
        finding.rule for one in within for finding in one.findings
    }
    assert plain(found) == plain(
        of_decisions(CORPUS, "shop.rules", MAY, [str(folder / "s.ndjson")])
    )


def test_a_campaign_lasts_as_long_as_its_versions() -> None:
    def version(start: int, end: int | None) -> VersionDef:
        return VersionDef(policy="p", version="1", start=start, end=end, zone="Asia/Shanghai")

    eight, day = 8 * 3600 * 10**6, 24 * 3600 * 10**6
    assert campaign_period([version(-eight, day - eight)]) == Period(
        date(1970, 1, 1), date(1970, 1, 2)
    )
    assert campaign_period([version(-eight, day - eight + 1)]) == Period(
        date(1970, 1, 1), date(1970, 1, 3)
    )
    assert campaign_period([version(-eight, day - eight), version(0, 3 * day - eight)]) == Period(
        date(1970, 1, 1), date(1970, 1, 4)
    )
    assert campaign_period([version(0, None)]) is None


# ── A ledger ─────────────────────────────────────────────────────────────────────────────────────


def history() -> list[facts.AnyFact]:
    """Three cases; in two a proposal, reviewed; two appeals decided, one open."""
    at = 1_714_550_400_000_000  # 2024-05-01T16:00+08:00
    found: list[facts.AnyFact] = []
    for number in range(3):
        case, measure = f"case-{number}", f"measure-{number}"
        base: dict[str, Any] = {"at": at, "parties": ("account:s1",)}
        found += [
            facts.Case(id=case, event=f"e{number}", incident="i", acted_at=at, zone="Asia/Shanghai", bundle="b", **base),
            facts.Finding(id=f"finding-{number}", case=case, policy="shop.rules", version="1.0.0", rule="false_price", severity="high", mode="enforced", clauses=(), title=Bilingual(), reason=Bilingual("秘密", "secret"), **base),
            facts.Measure(id=measure, case=case, incident="i", sanction="mute", title=Bilingual(), grade=4, dsa="", target="account:s1", arguments={}, start=at, end=None, length=86_400_000_000, permanent=False, once=False, until_fixed=(), interim=False, review=1 if number else 0, deadline=None, findings=(f"finding-{number}",), strikes=(), steps=(), yields_to=None, notice=Bilingual("秘密", "secret"), **base),
            facts.Strike(id=f"strike-{number}", case=case, incident="i", ladder="shop.rules.pricing", on="account:s1", mode="enforced", family="", severity="high", points=1, expires=at + 1, active=0, counts=1, step=1 + (number > 0), next_at=None, findings=(f"finding-{number}",), **base),
            facts.Appealed(id=f"appeal-{number}", case=case, by="s1", text="秘密 secret", **base),
        ]  # fmt: skip
    tail: dict[str, Any] = {"at": at, "parties": ()}
    return [
        *found,
        facts.Reviewed(id="r1", measure="measure-1", reviewer="ann", verdict="approve", **tail),
        facts.Applied(id="a1", measure="measure-1", start=at, end=None, **tail),
        facts.Reviewed(id="r2", measure="measure-2", reviewer="bob", verdict="reject", **tail),
        facts.Ended(id="x2", measure="measure-2", why="rejected", **tail),
        facts.Judged(id="j0", appeal="appeal-0", case="case-0", reviewer="ann", outcome="upheld", **tail),
        facts.Judged(id="j1", appeal="appeal-1", case="case-1", reviewer="ann", outcome="overturned", **tail),
    ]  # fmt: skip


def test_a_ledger_tells_reviews_and_appeals() -> None:
    found = of_ledger(CORPUS, "shop.rules", MAY, history())
    assert (found.events, found.cases, found.rules["false_price"].fired) == (None, 3, 3)
    muted = found.measures["mute"]
    assert (muted.now, muted.review, muted.approved, muted.rejected, muted.applied) == (
        1,
        2,
        1,
        1,
        1,
    )
    assert muted.ended == {"rejected": 1}
    assert found.steps == {("shop.rules.pricing", 1): 1, ("shop.rules.pricing", 2): 2}
    assert found.appeals == {"open": 1, "upheld": 1, "overturned": 1}
    assert (found.appeals_stood.count, found.appeals_stood.of) == (1, 2)
    assert (found.reviews.count, found.reviews.of) == (1, 2)
    assert found.rules["false_price"].precision == found.appeals_stood
    page = campaign_page(found, CLAUSES, ()).decode()
    read_page(page)
    assert "50% (9–91) of 2" in page
    told = page + json.dumps(campaign_json(found, CLAUSES, ()), ensure_ascii=False)
    for hidden in ("秘密", "secret", "ann", "bob", "s1", "case-0", "e0<"):
        assert hidden not in told, hidden


def test_a_ledger_and_decisions_of_the_same_events_agree(shop: Path) -> None:
    ran = clausal("enforce", "-b", "policies", "-l", "ledger.db", "events.ndjson")
    assert ran.code == 0, ran.err
    ledger = clausal("report", "policies", "-l", "ledger.db", "--period", "2024-05", "--json")
    decided = clausal("report", "policies", "decisions.ndjson", "--period", "2024-05", "--json")
    one, other = json.loads(ledger.out), json.loads(decided.out)
    assert one["events"] is None
    assert [(r["rule"], r["fired"], r["shadow"]) for r in one["rules"]] == [
        (r["rule"], r["fired"], r["shadow"]) for r in other["rules"]
    ]
    assert one["cases"] == other["cases"]


# ── What is left out, and the page ───────────────────────────────────────────────────────────────


def test_no_name_and_no_text_of_an_event_is_told(tmp_path: Path) -> None:
    hidden = offer("item-7f3a", seller="seller-99c1", score=0.9, kind="sale", note="电话 13800138000 最低价")  # fmt: skip
    policy = POLICY.replace("价格不实（{offer.kind}）", "价格不实（{offer.id}）")
    bundle = bundle_of(policy)
    decision = bundle.evaluate(hidden)
    assert "item-7f3a" in str(decision.to_dict())
    (tmp_path / "d.ndjson").write_bytes(decision.to_json() + b"\n")
    found = of_decisions(bundle.artifact.corpus, "shop.rules", None, [str(tmp_path / "d.ndjson")])
    assert found.cases == 1
    told = campaign_page(found, CLAUSES, ()).decode() + json.dumps(
        campaign_json(found, CLAUSES, ()), ensure_ascii=False
    )
    for words in ("item-7f3a", "seller-99c1", "13800138000", "T12:00:00"):
        assert words not in told


def test_the_page_stands_alone(shop: Path) -> None:
    ran = clausal(
        "report", "policies", "decisions.ndjson", "--tables", "tables", "--period", "2024-05",
        "-o", "r.html",
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, "wrote r.html: 2 cases of shop.rules\n")
    page = read_page((shop / "r.html").read_bytes())
    assert page.tags.count("svg") == 3
    text = " ".join(page.text)
    for words in ("What it asks", "false_price", "50%", "≥ 90%", "breached", "Typical cases"):
        assert words in text, words


@pytest.mark.parametrize("payload", ["<script>x</script>", '"><b>', "{{ 1 }}", "$x^2$ & ]]>", "\u202e"])  # fmt: skip
def test_no_text_changes_the_page(payload: str) -> None:
    def made(text: str) -> list[str]:
        corpus = msgspec.json.decode(
            msgspec.json.encode(CORPUS).replace(
                "虚假价格".encode(), msgspec.json.encode(text)[1:-1]
            ),
            type=Corpus,
        )
        found = of_ledger(corpus, "shop.rules", MAY, history())
        found.rules[text] = found.rules["false_price"]
        found.measures[text] = found.measures["mute"]
        # Rules and measures stand in the order of their names.
        return sorted(read_page(campaign_page(found, CLAUSES, ())).tags)

    assert made(payload) == made("calm")


def test_charts_have_their_own_names_and_no_colour_of_ink() -> None:
    series = [("<a>", [1, 2]), ("b", [0, 3])]
    one = charts.bars("one", "what <it> shows", ["甲", "</svg>"], series)
    two = charts.columns("two", "days", [str(at) for at in range(40)], [("n", list(range(40)))])
    read_page(f"<main><h1>x</h1>{one}{two}</main>")
    assert "currentColor" in one
    assert "#010203" not in one + two
    assert 'aria-label="what &lt;it&gt; shows"' in one
    assert "&lt;/svg&gt;" in one


# ── The command ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("policies", "--json"), 2, "no decisions are named"),
        (("policies", "decisions.ndjson"), 2, "no output is named"),
        (("policies", "decisions.ndjson", "-l", "x.db", "--json"), 2, "a ledger stands alone"),
        (("policies", "-l", "x.db", "--json"), 4, "there is no ledger"),
        (("policies", "decisions.ndjson", "--json", "-o", "-"), 2, "two outputs"),
        (("policies", "decisions.ndjson", "-o", "decisions.ndjson"), 2, "written and read"),
        (("policies", "decisions.ndjson", "--json", "--policy", "shop.rule"), 2, "`shop.rules`"),
        (("decisions.ndjson", "--json"), 2, "there are several policies"),
        (("policies", "decisions.ndjson", "--json", "--period", "May"), 2, "is no period"),
        (("policies", "events.ndjson", "--json"), 4, "not one line is a decision"),
        (("policies", "none.ndjson", "--json"), 4, "no such file"),
    ],
)
def test_what_cannot_be_done_is_said(
    shop: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ran = clausal("report", *arguments)
    assert (ran.code, message in ran.err) == (code, True), ran.err


def test_lines_that_are_no_decisions_are_counted(shop: Path) -> None:
    with (shop / "decisions.ndjson").open("a") as file:
        file.write('{"x": 1}\nnonsense\n{"acted_at": "soon", "findings": [], "measures": []}\n')
    ran = clausal("report", "policies", "decisions.ndjson", "--json")
    assert ran.code == 0
    assert "3 lines are no decisions" in ran.err
    assert json.loads(ran.out)["bad"] == 3


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_what_lacks_is_named(shop: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    ran = clausal("report", "policies", "decisions.ndjson", "-o", "r.html")
    assert ran.code == 2
    assert "pip install 'clausal[report]'" in ran.err
    assert clausal("report", "policies", "decisions.ndjson", "--json").code == 0
