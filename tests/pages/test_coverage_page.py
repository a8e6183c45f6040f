"""The page of coverage: what it shows, that it stands alone, and that no text breaks out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.pipeline import compile_sources
from clausal.coverage import measure_coverage
from clausal.dsl.render.visible import is_hidden, visible
from clausal.dsl.source import Source
from clausal.dsl.spelling import quoted
from clausal.engine.evaluator import Bundle
from clausal.notices import Notice
from clausal.pages.coverage import coverage_page
from clausal.testing import run_tests
from tests.support.cli import clausal
from tests.support.golden import assert_golden
from tests.support.pages import read_page
from tests.support.shop import CLEAN, LIBRARY, project

NOTICE = "# 公告\n\n**一、总则**\n\n本店规则如下。价格须真实。礼貌待客。\n\n本公告即日起施行。\n"


def made(policy: str = CLEAN, notice: str | None = NOTICE) -> bytes:
    sources = [Source("shop.policy", policy), Source("fields.policy", LIBRARY)]
    bundle = Bundle(compile_sources(sources))
    corpus = bundle.artifact.corpus
    notices = {} if notice is None else {corpus.versions[0].notice: Notice(notice)}
    return coverage_page(corpus, measure_coverage(corpus, run_tests(bundle)), notices)


def body(page: bytes) -> str:
    """What differs from page to page."""
    text = page.decode("utf-8")
    return text[text.index("<main") : text.index("</main>")]


def test_the_notice_stands_beside_its_rules() -> None:
    page = made()
    read_page(page)
    assert_golden("pages/coverage_with_notice.html", body(page))


def test_without_the_notice_the_clauses_stand_in_order() -> None:
    page = made(notice=None)
    read_page(page)
    assert_golden("pages/coverage_of_clauses.html", body(page))


def test_every_status_and_what_is_wrong_is_shown() -> None:
    clauses = 'clause 1.1 "须公示。"\nclause 1.2 "须开会。" pending zh "待定。" en "To come."\n'
    policy = CLEAN.replace('clause 2 "', clauses + 'clause 2 "')
    policy = policy.replace("0.9, offer.kind = sale, offer.labelled = false", "0.1")
    text = " ".join(read_page(made(policy)).text)
    for words in (
        "1.1 unaccounted for 未交代",
        "1.2 pending 待定",
        "2 not enforced 不执行",
        "No test makes one of these rules fire.",
        "Not in the text",
        "What no test reaches",
        "2 ladder steps",
    ):
        assert words in text, words


def test_a_notice_that_two_policies_quote_is_shown_once() -> None:
    other = CLEAN.replace("shop.rules", "shop.more").split("param")[0]
    sources = [Source("a.policy", CLEAN), Source("b.policy", other), Source("f.policy", LIBRARY)]
    bundle = Bundle(compile_sources(sources))
    corpus = bundle.artifact.corpus
    covered = measure_coverage(corpus, run_tests(bundle))
    page = read_page(coverage_page(corpus, covered, {"notice.txt": Notice(NOTICE)}))
    assert page.text.count("价格须真实。") == 1
    assert {"clause-shop.rules-1.0.0-1", "clause-shop.more-1.0.0-1"} <= set(page.ids)


# ── Attack ───────────────────────────────────────────────────────────────────────────────────────

HOSTILE = [
    "<script>alert(1)</script>",
    "</main></body><h1>x</h1>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% for x in y %}{# #}",
    "&lt;b&gt; &amp;amp;",
    "<!-- ]]> -->",
    "</style><style>@import url(//evil)",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "ab\x1b[31m\x7f",
    "javascript:alert(1)",
    "`</mark>` **bold** [x](http://evil)",
]
PAYLOADS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.sampled_from("<>&\"'/=- !{}%#\u202e\0axs;`"), min_size=1, max_size=12),
)


def laced(payload: str) -> tuple[str, str]:
    """A policy and its notice with the payload wherever somebody writes text."""
    text = quoted(f"甲{payload}")
    other = quoted(f"乙{payload}")
    policy = (
        CLEAN.replace('"商店规则"', text)
        .replace('"Rules of the shop"', text)
        .replace('"价格须真实。"', text)
        .replace('"礼貌待客。"', other)
        .replace('"属于评价。"', text)
        .replace('"A judgement."', text)
        .replace('"虚假价格"', text)
        .replace('"False price"', text)
        .replace('"a false price mutes"', text)
        .replace('"notice.txt"', text)
    )
    return policy, f"首{payload}\n甲{payload}尾"


@given(PAYLOADS)
def test_no_text_becomes_anything_else_than_text(payload: str) -> None:
    policy, notice = laced(payload)
    attacked = read_page(made(policy, notice))
    seen = "".join("".join(attacked.text).split())
    for begins in "甲乙":
        assert "".join(f"{begins}{visible(payload)}".split()) in seen
    assert not any(is_hidden(one) for one in "".join(attacked.text))


@given(PAYLOADS)
def test_no_text_changes_the_page(payload: str) -> None:
    calm, attacked = (read_page(made(laced(text)[0], None)) for text in ("calm", payload))
    assert attacked.tags == calm.tags


# ── The command ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project(tmp_path / "policies")
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices" / "notice.txt").write_text(NOTICE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_writes_the_page(shop: Path) -> None:
    ran = clausal("coverage", "policies", "--html", "c.html", "--notices", "notices")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("wrote c.html\n2 clauses")
    assert (shop / "c.html").read_bytes() == made()
    piped = clausal("coverage", "policies", "--html", "-", "--notices", "notices")
    assert piped.out.encode() == made()


def test_a_notice_that_is_not_there_is_told(shop: Path) -> None:
    (shop / "notices" / "notice.txt").unlink()
    ran = clausal("coverage", "policies", "--html", "c.html", "--notices", "notices")
    assert ran.code == 0
    assert "there is no notice `notice.txt` in `notices`" in ran.err
    assert (shop / "c.html").read_bytes() == made(notice=None)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--notices", "notices"), 2, "`--notices` is for a page"),
        (("--html", "c.html", "--notices", "nowhere"), 4, "there is no folder `nowhere`"),
        (("--html", "policies/shop.policy"), 2, "written and read at once"),
        (("--html", "notices/notice.txt", "--notices", "notices"), 2, "written and read at once"),
        (("--html", "no/c.html"), 4, "cannot write"),
        (("--html", "-", "--json"), 2, "two outputs would go to one file"),
    ],
)
def test_what_cannot_be_done_is_said(
    shop: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    ran = clausal("coverage", "policies", *arguments)
    assert (ran.code, message in ran.err) == (code, True), ran.err
    assert (shop / "notices" / "notice.txt").read_text() == NOTICE


def test_gates_hold_with_a_page_too(shop: Path) -> None:
    gate = ("coverage", "policies", "--html", "c.html", "--require-accounted")
    assert clausal(*gate).code == 0
    policy = CLEAN.replace("clause 2", 'clause 1.1 "须公示。"\nclause 2')
    (shop / "policies" / "shop.policy").write_text(policy)
    assert clausal(*gate).code == 1


def test_without_jinja_the_way_to_get_it_is_named(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    ran = clausal("coverage", "policies", "--html", "c.html")
    assert ran.code == 2
    assert "pip install 'clausal[report]'" in ran.err
    assert not (shop / "c.html").exists()
