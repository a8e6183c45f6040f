"""How diagnostics look, in each of the three forms."""

from __future__ import annotations

import json as json_module
import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from clausal.dsl.codes import CODES, page
from clausal.dsl.diagnostics import Diagnostic, Diagnostics, Label, unreadable
from clausal.dsl.render import json, sarif, terminal
from clausal.dsl.render.excerpt import lay_out
from clausal.dsl.render.visible import escape_json, is_hidden, visible
from clausal.dsl.source import Source, SourceError, SourceProblem, Span
from tests.support.golden import assert_golden

POLICY = Source(
    "policies/cn/traffic.policy",
    """\
policy cn.traffic 1.2.0 {
  title zh "清朗·整治“自媒体”无底线博流量"
  notice "003.txt"
}

rule 未标注来源 {
  cites  3.3, 3.4
\twhen   content.话题 == society and traffic.views > 5万
  then   limit_reach 70% for 48h
         after review
  because zh "发布{content.topic}类信息须标注来源。"
}
""",
)
LIBRARY = Source("policies/standard/platform.policy", "library standard.platform 1.0.0\n")


def at(text: str, source: Source = POLICY, *, nth: int = 0, upto: str | None = None) -> Span:
    """The span of the nth occurrence of `text`, or from it to the end of `upto`."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    last = text if upto is None else upto
    return Span(start, source.text.index(last, start) + len(last))


def one(
    message: str,
    primary: Label,
    *secondary: Label,
    help: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Diagnostic:
    return Diagnostic("E0101", message, primary, secondary, help, notes)


def label(text: str, said: str = "", *, nth: int = 0, upto: str | None = None) -> Label:
    return Label(POLICY, at(text, nth=nth, upto=upto), said)


def alone(text: str, start: int, end: int, *others: tuple[int, int]) -> Diagnostic:
    source = Source("a.policy", text)
    secondary = tuple(Label(source, Span(*span), f"other {n}") for n, span in enumerate(others))
    return one("here", Label(source, Span(start, end), "this"), *secondary)


LONG = "let a = [" + "、".join(f'"词{n}"' for n in range(400)) + "] 坏 b\n"
BAD = LONG.index("坏")

CASES: dict[str, list[Diagnostic]] = {
    "one_label": [one("unexpected `society`", label("society"))],
    "label_with_text": [one("unexpected `society`", label("society", "not a topic"))],
    "under_double_width_characters": [one("unexpected `话题`", label("话题", "不是字段"))],
    "after_double_width_characters": [one("unexpected `博流量`", label("博流量", "here"))],
    "after_a_tab": [one("unexpected `when`", label("when", "here"))],
    "under_a_tab": [one("unexpected tab", label("\t", "a tab"))],
    "tabs_end_at_their_stops": [alone("a\tb\t字\tc", 2, 3, (4, 5), (6, 7))],
    "combining_characters": [alone("e\u0301a\u0308 x e\u0301\u0302 y", 5, 6, (7, 10), (1, 2))],
    "combining_character_without_a_base": [alone("\u0301x", 0, 1, (1, 2))],
    "several_labels_on_one_line": [
        one(
            "`话题` cannot be compared with `society`",
            label("==", "this comparison"),
            label("content.话题", "text"),
            label("society", "enum"),
            label("traffic.views"),
        )
    ],
    "last_label_without_text": [
        one("unexpected", label("content.话题", "this"), label("traffic.views"))
    ],
    "label_inside_the_primary_label": [
        one("unexpected", label("content.话题", "this", upto="5万"), label("society", "and this"))
    ],
    "label_inside_a_label": [
        one("unexpected", label("society", "this"), label("content.话题", "all of it", upto="5万"))
    ],
    "labels_at_one_place": [one("unexpected", label("society", "this"), label("society", "that"))],
    "labels_on_different_lines": [
        one("twice", label("3.4", "again"), label("cn.traffic", "in this"), label("zh", nth=1))
    ],
    "labels_with_one_line_between": [one("twice", label("policy", "first"), label("notice"))],
    "labels_in_different_files": [
        one(
            "two headers",
            label("policy", "a policy"),
            Label(LIBRARY, at("library", LIBRARY), "a library"),
            label("title", "with a title"),
        )
    ],
    "several_lines": [one("unexpected", label("limit_reach", "a measure", upto="review"))],
    "several_lines_from_the_start_of_a_line": [
        one("unexpected", label("policy", "all of this", upto="}"))
    ],
    "many_lines": [one("unexpected", label("rule", "all of this", upto='。"\n}'))],
    "several_lines_inside_several_lines": [
        one(
            "unexpected",
            label("cites", "the inner", upto="review"),
            label("rule", "the outer", upto='。"\n}'),
            label("话题", "one line"),
        )
    ],
    "several_lines_that_cross": [
        one(
            "unexpected", label("cites", "first", upto="70%"), label("society", "second", upto="zh")
        )
    ],
    "several_lines_that_begin_and_end_together": [
        one(
            "unexpected",
            label("cites", "the inner", upto="5万"),
            label("cites", "the outer", upto="48h"),
            label("then", "the last", upto="review"),
            label("limit_reach", "the same end", upto="review"),
        )
    ],
    "several_lines_from_a_deep_indentation": [alone(" " * 200 + "rule {\n}", 200, 208)],
    "line_ends_are_not_marked": [one("unexpected", label("3.4", "this", upto="\n"))],
    "only_a_line_end": [one("unexpected", label("\n", "a line end", nth=1))],
    "empty_span": [one("something is missing", Label(POLICY, Span(7, 7), "a name"))],
    "end_of_file": [alone("rule a {\n", 9, 9, (7, 8))],
    "end_of_file_without_a_line_end": [alone("rule a {", 8, 8)],
    "empty_file": [alone("", 0, 0)],
    "span_outside_the_text": [alone("rule", 90, 99), alone("rule", 3, 1), alone("rule", -4, 2)],
    "help_and_notes": [
        one(
            "unexpected `society`",
            label("society"),
            help=("write a topic", "or declare one:\n  topic enum [society]"),
            notes=("topics are declared in the library",),
        )
    ],
    "long_line": [alone(LONG, BAD, BAD + 1)],
    "long_line_with_labels_far_apart": [alone(LONG, 2000, 2004, (0, 3), (BAD, BAD + 1), (4, 5))],
    "long_span_on_a_long_line": [alone(LONG, 2000, 3000)],
    "long_line_of_combining_characters": [alone("a" + "\u0301" * 5000 + "b", 0, 5002)],
    "several_long_lines": [alone(LONG + LONG, BAD, len(LONG) + BAD)],
    "hidden_characters": [
        Diagnostic(
            "E0102",
            "unexpected `\x1b[31m\u202e\n`",
            Label(
                Source("a\x1b]0;b\x07.policy", 'x = "\x1b[31m\u202e\u200b\x9b\ud800\x07" y\u2028z'),
                Span(5, 6),
                "\x1b[2Jthis",
            ),
            help=("remove \x1b\nand \u2066",),
            notes=("\x00",),
        )
    ],
    "unreadable": [
        unreadable(SourceError(SourceProblem.NOT_FOUND, "there is no such file", name="a.policy"))
    ],
    "warning": [
        Diagnostic(
            "W0902", "no rule cites clause 3.3", label("3.3"), (label("rule", "such a rule"),)
        )
    ],
    "several": [
        one("unexpected `policy`", label("policy")),
        one("unexpected `rule`", label("rule"), help=("remove it",)),
        Diagnostic("E0103", "the text is not closed", Label(LIBRARY, Span(0, 0))),
    ],
    "wide_line_numbers": [alone("\n" * 99 + "rule a\n\n\nrule b", 99, 103, (108, 112))],
}


@pytest.mark.parametrize("name", CASES)
def test_plain_text(name: str) -> None:
    assert_golden(f"render/{name}.txt", terminal.render(CASES[name], color=False, width=80))


@pytest.mark.parametrize(
    "name", ["several_labels_on_one_line", "several_lines", "help_and_notes", "warning"]
)
def test_colour(name: str) -> None:
    shown = terminal.render(CASES[name], color=True, width=80)
    # Escapes are written as `\e`, so that a review of the golden shows them.
    assert_golden(f"render/{name}.color.txt", shown.replace("\x1b", "\\e"))


@pytest.mark.parametrize("name", CASES)
def test_colour_changes_nothing_else(name: str) -> None:
    shown = terminal.render(CASES[name], color=True, width=80)
    plain = Text.from_ansi(shown).plain
    assert plain.rstrip("\n") == terminal.render(CASES[name], color=False, width=80)


def test_narrow_and_wide_terminals() -> None:
    shown = [terminal.render(CASES["long_line"], color=False, width=w) for w in (1, 40, 200)]
    assert_golden("render/widths.txt", "\n\n".join(shown))


def test_json_golden() -> None:
    found = (
        CASES["labels_in_different_files"] + CASES["help_and_notes"] + CASES["hidden_characters"]
    )
    assert_golden("render/json.json", json.render(found, base_url="https://example.org/codes/"))


def test_sarif_golden() -> None:
    found = CASES["labels_in_different_files"] + CASES["help_and_notes"]
    log = sarif.log(found, base_url="https://example.org/codes/")
    # The version and the pages of the codes change for reasons of their own.
    driver = log["runs"][0]["tool"]["driver"]
    driver["semanticVersion"] = "0.0.0"
    for rule in driver["rules"]:
        rule["help"] = {kind: text.partition("\n")[0] for kind, text in rule["help"].items()}
    assert_golden("render/sarif.sarif", json_module.dumps(log, ensure_ascii=False, indent=2))


def test_nothing_to_show() -> None:
    assert terminal.render([], color=True, width=80) == ""
    assert json.render([]) == "[]"
    assert sarif.log([])["runs"][0]["results"] == []


# ── What holds for any text ──────────────────────────────────────────────────────────────────────

CHARACTERS = st.one_of(
    st.sampled_from("\n\n ab字。é\t\u0301\u200d\ufe0f❤👩\u202e\x1b\x9b\0\r\u3164"),
    st.characters(exclude_categories=()),
)
TEXTS = st.text(CHARACTERS, max_size=120)
OFFSETS = st.integers(-3, 130)
SPANS = st.builds(Span, OFFSETS, OFFSETS)
# A file name may hold bytes that are not UTF-8, which Python reads as U+DC80 to U+DCFF.
NAMES = st.text(
    CHARACTERS.filter(lambda c: not "\ud800" <= c < "\udc80" and not "\udd00" <= c < "\ue000")
)
SOURCES = st.builds(Source, NAMES, TEXTS)
LABELS = st.builds(Label, SOURCES, SPANS, TEXTS)


@st.composite
def diagnostics(draw: st.DrawFn) -> Diagnostic:
    source = draw(SOURCES)
    here = st.builds(Label, st.just(source), SPANS, TEXTS)
    return Diagnostic(
        draw(st.sampled_from(["E0101", "E0102", "W0902"])),
        draw(TEXTS),
        draw(here),
        tuple(draw(st.lists(here | LABELS, max_size=4))),
        tuple(draw(st.lists(TEXTS, max_size=2))),
        tuple(draw(st.lists(TEXTS, max_size=2))),
    )


def texts_in(value: Any) -> list[str]:
    """Every text that a SARIF viewer would show."""
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts_in(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) else []


@given(diagnostics(), st.integers(0, 120))
def test_rendering_never_raises_and_shows_no_hidden_character(
    diagnostic: Diagnostic, width: int
) -> None:
    plain = terminal.render([diagnostic], color=False, width=width)
    decoded = json_module.loads(sarif.render([diagnostic]))["runs"][0]["results"][0]
    for document in (plain, json.render([diagnostic]), *texts_in(decoded)):
        assert not [c for c in document if c != "\n" and is_hidden(c)]
        document.encode()
    colored = terminal.render([diagnostic], color=True, width=width)
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == plain
    header = f"{diagnostic.severity}[{diagnostic.code}]: {visible(diagnostic.message)}"
    assert plain.split("\n")[0] == header.rstrip(" ")


LINES = st.text(CHARACTERS.filter(lambda c: c not in "\n\t\ufe0f"), min_size=1, max_size=60)


@given(LINES, st.data())
def test_a_caret_stands_under_its_character(line: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    before, marked = visible(line[:start]), visible(line[start:end])
    if start < len(line) and cell_len(visible(line[start])) == 0:
        # A combining mark is shown on the character before it, and so is its caret.
        return
    if cell_len(visible(line[0])) == 0:
        before = "◌" + before
    source = Source("a", line)
    shown = terminal.render([one("m", Label(source, Span(start, end)))], color=False, width=2000)
    carets = shown.split("\n")[4].removeprefix("  | ")
    assert carets == " " * cell_len(before) + "^" * max(1, cell_len(marked))


@given(st.text(CHARACTERS.filter(lambda c: c != "\n"), min_size=1), st.integers(30, 90), st.data())
def test_an_excerpt_fits_and_its_caret_is_in_it(line: str, width: int, data: st.DataObject) -> None:
    line *= data.draw(st.integers(1, 200))
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    source = Source("a", line)
    shown = terminal.render([one("m", Label(source, Span(start, end)))], color=False, width=width)
    excerpt, carets = shown.split("\n")[3:5]
    assert cell_len(excerpt) <= width
    # An empty span at the end of a line that fills the width has its caret after it.
    assert len(carets) <= width + 1
    assert carets.count("^") >= 1


@given(st.integers(0, 300), st.integers(0, 40), st.integers(24, 200))
def test_an_excerpt_knows_what_it_holds(start: int, length: int, width: int) -> None:
    line = "".join(chr(0x4E00 + n) for n in range(300))
    excerpt = lay_out(line, start, start + length, width)
    shown = [index for index in range(300) if line[index] in excerpt.text]
    assert shown == [index for index in range(300) if excerpt.holds(index)]
    assert excerpt.holds(300) == (not excerpt.text.endswith("…"))
    assert excerpt.holds(start)
    for index in shown:
        left, right = excerpt.cells(index, index + 1)
        before = excerpt.text[: excerpt.text.index(line[index])]
        assert (left, right) == (cell_len(before), cell_len(before) + 2)


@given(st.lists(diagnostics(), max_size=3))
def test_json_says_everything(found: list[Diagnostic]) -> None:
    objects = json_module.loads(json.render(found))
    assert objects == [json.describe(diagnostic) for diagnostic in found]
    for diagnostic, said in zip(found, objects, strict=True):
        primary = diagnostic.primary
        assert (said["code"], said["title"]) == (diagnostic.code, diagnostic.title)
        assert said["severity"] == diagnostic.severity
        assert said["message"] == diagnostic.message
        assert (said["file"], said["label"]) == (primary.source.name, primary.text)
        assert tuple(said["help"]) == diagnostic.help
        assert tuple(said["notes"]) == diagnostic.notes
        assert said["url"] is None
        for label, place in zip(
            (primary, *diagnostic.secondary), (said, *said["labels"]), strict=True
        ):
            assert place["file"] == label.source.name
            span = label.source.clamp(label.span)
            for offset, position in ((span.start, place["start"]), (span.end, place["end"])):
                line, column = label.source.position(offset)
                assert position == {"line": line, "column": column, "offset": offset}


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_escaped_json_means_the_same(value: Any) -> None:
    document = escape_json(json_module.dumps(value, ensure_ascii=False, indent=2))
    assert json_module.loads(document) == value


# ── SARIF 2.1.0 ──────────────────────────────────────────────────────────────────────────────────


@given(st.lists(diagnostics(), max_size=4))
def test_sarif_holds_to_its_standard(found: list[Diagnostic]) -> None:
    log = json_module.loads(sarif.render(found, base_url="https://example.org/codes"))
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"
    driver = run["tool"]["driver"]
    assert driver["name"] == "clausal"
    assert re.fullmatch(r"\d+\.\d+\.\d+([-+.\w]*)", driver["semanticVersion"])
    rules = driver["rules"]
    assert [rule["id"] for rule in rules] == sorted({diagnostic.code for diagnostic in found})
    for rule in rules:
        entry = CODES[rule["id"]]
        assert rule["shortDescription"]["text"] == entry.title
        assert rule["defaultConfiguration"]["level"] == entry.severity.value
        assert rule["help"] == {"text": page(entry.code), "markdown": page(entry.code)}
        assert rule["helpUri"] == f"https://example.org/codes/{entry.code}.html"
    assert len(run["results"]) == len(found)
    for result, diagnostic in zip(run["results"], found, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == diagnostic.code
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"].startswith(visible(diagnostic.message))
        (location,) = result["locations"]
        check_location(location, diagnostic.primary)
        related = result.get("relatedLocations", [])
        assert [location["id"] for location in related] == list(range(len(diagnostic.secondary)))
        for location, label in zip(related, diagnostic.secondary, strict=True):
            check_location(location, label)


def check_location(location: dict[str, Any], label: Label) -> None:
    """§3.28 to §3.30: a location holds an artifact and a region that is in it."""
    assert location.get("message", {"text": ""}) == {"text": visible(label.text)}
    artifact = location["physicalLocation"]["artifactLocation"]
    # RFC 3986: a relative reference has no colon before its first slash, and all is ASCII.
    assert re.fullmatch(r"(file://)?[A-Za-z0-9_.~%/-]*", artifact["uri"])
    path = artifact["uri"].removeprefix("file://")
    assert unquote(path, errors="surrogateescape") == label.source.name
    assert ("uriBaseId" in artifact) == (not label.source.name.startswith("/"))
    region = location["physicalLocation"]["region"]
    text = label.source.text
    start, length = region["charOffset"], region["charLength"]
    assert 0 <= start <= start + length <= len(text)
    assert (region["startLine"], region["startColumn"]) == label.source.position(start)
    assert (region["endLine"], region["endColumn"]) == label.source.position(start + length)


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("policies/a b.policy", "policies/a%20b.policy"),
        ("策略/清朗.policy", "%E7%AD%96%E7%95%A5/%E6%B8%85%E6%9C%97.policy"),
        ("a:b#c?d%e", "a%3Ab%23c%3Fd%25e"),
        ("/srv/策.policy", "file:///srv/%E7%AD%96.policy"),
        ("bad\udcff.policy", "bad%FF.policy"),
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_sarif_encodes_names(name: str, uri: str) -> None:
    diagnostic = one("m", Label(Source(name, "x"), Span(0, 1)))
    (result,) = sarif.log([diagnostic])["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


# ── Hidden characters ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "character",
    [
        *(chr(n) for n in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x061C, 0xFEFF, 0x3164)),
        *(chr(n) for n in (*range(0x200B, 0x2010), *range(0x2028, 0x202F))),
        *(chr(n) for n in (*range(0x2060, 0x2065), *range(0x2066, 0x2070))),
        *(chr(n) for n in (0xD800, 0xDFFF, 0xE0001, 0xE0041)),
    ],
    ids=lambda c: f"{ord(c):04X}",
)
def test_hidden_characters_are_shown_by_number(character: str) -> None:
    assert visible(f"a{character}b") == f"a<U+{ord(character):04X}>b"


@pytest.mark.parametrize(
    "text", ["清朗·整治“自媒体”，。！？【】", "é e\u0301 ❤\ufe0f 👩 \u3000 \xa0", " ~"]
)
def test_what_can_be_read_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_many_diagnostics_on_a_huge_line_are_quick() -> None:
    source = Source("a", "词" * 2_000_000)
    found = Diagnostics()
    for offset in range(0, 2_000_000, 20_000):
        found.error("E0102", "unexpected `词`", source, Span(offset, offset + 10_000))
    assert len(terminal.render(found, color=False, width=80).split("\n")) == 100 * 6 - 1
