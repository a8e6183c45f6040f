"""Documentation made from policies: what the pages show, that links lead somewhere, that text stays text."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from clausal.compiler.pipeline import compile_paths, compile_sources
from clausal.coverage import measure_coverage
from clausal.dsl.render.visible import visible
from clausal.dsl.source import Source
from clausal.dsl.spelling import quoted
from clausal.engine.evaluator import Bundle
from clausal.pages.docs import MADE, Docs, slug
from clausal.pages.markdown import block, code, escaped, link
from clausal.testing import run_tests
from tests.support.cli import clausal
from tests.support.golden import assert_golden
from tests.support.shop import CLEAN, LIBRARY, project

DUTY = """
duty prices_checked {
  title  zh "价格核查率"  en "Prices checked"
  cites  1
  measure share of checked
  in     offers
  time   at_time
  at least 90%
}
"""

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def made(policy: str = CLEAN + DUTY, *, toctree: bool = False) -> dict[str, str]:
    sources = [Source("shop.policy", policy), Source("fields.policy", LIBRARY)]
    bundle = Bundle(compile_sources(sources))
    covered = measure_coverage(bundle.artifact.corpus, run_tests(bundle))
    return Docs(bundle.artifact, covered, toctree=toctree).pages()


def flat(tokens: list[Token]) -> list[Token]:
    return [part for token in tokens for part in (token, *flat(token.children or []))]


def read(page: str) -> list[Token]:
    return flat(READER.parse(page))


def shape(page: str) -> list[str]:
    return [token.type for token in read(page)]


def text_of(page: str) -> str:
    """What a reader sees, code and all, without white space."""
    kinds = {"text", "code_inline", "fence", "code_block"}
    return "".join("".join(t.content for t in read(page) if t.type in kinds).split())


@pytest.mark.parametrize(
    "name",
    [
        "policies/shop.rules-1.0.0.md",
        "sanctions/mute.md",
        "fields/offer.md",
        "ladders/shop.rules.pricing-1.0.0.md",
        "duties/shop.rules-1.0.0-prices_checked.md",
        "index.md",
    ],
)
def test_pages(name: str) -> None:
    assert_golden(f"pages/docs_{PurePosixPath(name).stem}.md", made()[name])


def dead_links(pages: dict[str, str]) -> list[str]:
    headings = {
        name: {
            slug("".join(part.content for part in inline.children or []))
            for before, inline in zip(READER.parse(text), READER.parse(text)[1:], strict=False)
            if before.type == "heading_open"
        }
        for name, text in pages.items()
    }
    dead = []
    for name, text in pages.items():
        for token in read(text):
            if token.type != "link_open":
                continue
            path, _, anchor = unquote(str(token.attrs["href"])).partition("#")
            parts = [*PurePosixPath(name).parent.parts, *PurePosixPath(path).parts]
            target = "/".join(p for at, p in enumerate(parts) if p != ".." and parts[at + 1 : at + 2] != [".."]) if path else name  # fmt: skip
            if target not in pages or (anchor and anchor not in headings[target]):
                dead.append(f"{name}: {path}#{anchor}")
    return dead


def test_every_link_leads_to_a_page_and_a_heading() -> None:
    pages = made()
    assert dead_links(pages) == []
    broken = {**pages, "index.md": pages["index.md"] + "\n[x](<policies/none.md>)\n"}
    assert dead_links(broken) == ["index.md: policies/none.md#"]


def test_the_policies_that_ship_have_all_their_pages() -> None:
    artifact = compile_paths(["policies"])
    covered = measure_coverage(artifact.corpus, [])
    pages = Docs(artifact, covered).pages()
    assert dead_links(pages) == []
    corpus = artifact.corpus
    counts = [
        len(one) for one in (corpus.versions, corpus.sanctions, corpus.ladders, corpus.duties)
    ]
    folders = ["policies", "sanctions", "ladders", "duties"]
    assert [sum(n.startswith(f"{f}/") for n in pages) - 1 for f in folders] == counts
    for rule in corpus.rules:
        version = corpus.versions[rule.version]
        page = pages[f"policies/{version.policy}-{version.version}.md"]
        assert f"### `{rule.name}`" in page
        assert f"rule {rule.name} {{" in page


def test_indexes_for_sphinx_name_every_page() -> None:
    plain, pages = made(), made(toctree=True)
    assert "toctree" not in "".join(plain.values())
    named = {"index.md"}
    for name, text in pages.items():
        for fence in re.findall(r"```\{toctree\}\n:hidden:\n\n(.*?)\n```", text, re.DOTALL):
            named |= {str(PurePosixPath(name).parent / f"{one}.md") for one in fence.splitlines()}
    assert named == set(pages)


# ── Attack ───────────────────────────────────────────────────────────────────────────────────────

HOSTILE = st.text(
    st.sampled_from("`*_{}[]()#+-.!|~<>&$^=:\\\"'/@%;,? 1ax\t甲\u202e"), min_size=1, max_size=14
)


@given(HOSTILE)
def test_an_escaped_text_is_that_text(text: str) -> None:
    shown = " ".join(visible(" ".join(text.split())).split())
    for page in (f"{escaped(text)}\n", f"甲 {escaped(text)}\n", f"# {escaped(text)}\n",
                 f"- {escaped(text)}\n", f"| {escaped(text)} |\n|---|\n"):  # fmt: skip
        if not text.split():
            continue
        tokens = read(page)
        assert (tokens[0].type == "table_open") == page.startswith("|")
        seen = "".join(token.content for token in tokens if token.type == "text")
        assert seen.removeprefix("甲 ") == shown
        assert {token.type for token in tokens} <= {
            "paragraph_open", "paragraph_close", "heading_open", "heading_close", "inline", "text",
            "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
            "table_open", "table_close", "thead_open", "thead_close", "tr_open", "tr_close",
            "th_open", "th_close",
        }  # fmt: skip


@given(HOSTILE)
def test_code_is_that_text(text: str) -> None:
    if not visible(text).strip():
        return
    for page in (f"| {code(text)} |\n|---|\n", f"| {link(text, 'x.md')} |\n|---|\n"):
        tokens = read(page)
        assert tokens[0].type == "table_open"
        codes = [token.content for token in tokens if token.type == "code_inline"]
        assert [one.strip() for one in codes] == [visible(text).strip()]


@given(
    st.lists(st.one_of(HOSTILE, st.sampled_from(["```", "````", "~~~"])), min_size=1, max_size=4)
)
def test_a_block_is_those_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    [fence] = [token for token in read(f"甲\n\n{block(text, 'clausal')}\n\n甲\n") if token.content != "甲" and token.type == "fence"]  # fmt: skip
    assert fence.content == "\n".join(map(visible, text.expandtabs().split("\n"))) + "\n"


PAYLOADS = [
    "<script>alert(1)</script>",
    "| a | b |",
    "`]` [x](http://evil) ![x](y) <http://evil>",
    "{role}`x` {{ 7 * 7 }} {% raw %}",
    "# x",
    "1. x",
    "- x",
    "```\n# x\n```\n<b>",
    "<!-- x",
    "::: note",
    "&lt;b&gt;",
    "\u202e\u200b\x1b[31m",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_changes_a_page(payload: str) -> None:
    def laced(text: str) -> str:
        policy = CLEAN + DUTY
        for words in (
            "商店规则", "Rules of the shop", "价格须真实。", "属于评价。", "虚假价格", "价格",
            "False price", "a false price mutes", "notice.txt", "价格核查率", "cutoff",
        ):  # fmt: skip
            policy = policy.replace(f'"{words}"', quoted(f"甲{text}"))
        return policy

    calm, attacked = made(laced("calm")), made(laced(payload))
    assert calm.keys() == attacked.keys()
    for name, page in attacked.items():
        assert shape(page) == shape(calm[name]), name
    words = "".join(visible(" ".join(f"甲{payload}".split())).split())
    assert words in text_of(attacked["policies/shop.rules-1.0.0.md"])


# ── The command ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project(tmp_path / "policies", CLEAN + DUTY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_command_writes_all_pages_and_replaces_its_own(shop: Path) -> None:
    ran = clausal("docs", "policies", "-o", "out/pages")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "14 pages in out/pages, from out/pages/index.md on\n"
    assert contents(shop / "out/pages") == made()
    (shop / "out/pages/policies/gone.md").write_text(f"{MADE}\nold\n")
    assert clausal("docs", "policies", "-o", "out/pages", "--toctree").code == 0
    assert contents(shop / "out/pages") == made(toctree=True)


def test_a_bundle_has_the_same_pages(shop: Path) -> None:
    assert clausal("compile", "policies", "-o", "shop.clausal").code == 0
    assert clausal("docs", "shop.clausal", "-o", "pages").code == 0
    assert contents(shop / "pages") == made()


def test_what_somebody_wrote_is_left_alone(shop: Path) -> None:
    (shop / "notes.md").write_text("mine")
    before = contents(shop)
    ran = clausal("docs", "policies", "-o", ".")
    assert ran.code == 2
    assert "is no page made by `clausal docs`" in ran.err
    assert contents(shop) == before


def test_what_cannot_be_done_is_said(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no folder is named" in clausal("docs", "policies").err
    (shop / "file").write_text("")
    assert clausal("docs", "policies", "-o", "file").code == 2
    assert clausal("docs", "policies", "-o", "file/pages").code == 4
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    ran = clausal("docs", "policies", "-o", "pages")
    assert ran.code == 2
    assert "pip install 'clausal[report]'" in ran.err
    assert not (shop / "pages").exists()
