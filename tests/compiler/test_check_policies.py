"""Policy versions, clauses, rules and libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from clausal.compiler.checking.documents import fingerprint
from clausal.compiler.dump import condition_text
from clausal.compiler.ir import Hole
from clausal.compiler.library import load_sources, shipped, shipped_libraries
from clausal.compiler.pipeline import check_sources
from clausal.dsl.source import Source
from tests.support.checking import (
    FIELDS,
    MEASURES,
    check,
    codes,
    corpus,
    messages,
    only_rule,
    policy,
    rule,
)

DAY = 86_400_000_000


# ── Versions ─────────────────────────────────────────────────────────────────────────────────────


def versions(*forces: str) -> list[tuple[str, int, int | None]]:
    """Versions 1.0.0, 1.1.0, ... in force as given; days since 2024 began in Shanghai."""
    texts = [
        policy(rule("offer.first"), version=f"1.{number}.0", force=force)
        for number, force in enumerate(forces)
    ]
    found = corpus(*texts).versions
    zero = 19723 * DAY - 8 * DAY // 24
    return [
        (v.version, (v.start - zero) // DAY, None if v.end is None else (v.end - zero) // DAY)
        for v in found
    ]


def test_dates_are_midnight_in_the_zone_of_the_policy() -> None:
    assert versions("2024-01-02 .. 2024-01-05") == [("1.0.0", 1, 4)]
    found = corpus(policy(rule("offer.first"), force="2024-01-01 ..", zone="UTC"))
    assert found.versions[0].start == 19723 * DAY
    assert found.versions[0].zone == "UTC"


def test_an_open_version_holds_until_the_next_one() -> None:
    assert versions("2024-01-01 ..", "2024-01-31 .. 2024-02-10", "2024-03-01 ..") == [
        ("1.0.0", 0, 30),
        ("1.1.0", 30, 40),
        ("1.2.0", 60, None),
    ]


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        ("2024-01-01 .. 2024-03-01", "2024-03-01 ..", []),
        ("2024-01-01 .. 2024-03-01", "2024-02-29 ..", ["E0503"]),
        ("2024-01-01 ..", "2024-01-01 ..", ["E0503"]),
        ("2024-03-01 ..", "2024-01-01 .. 2024-03-01", ["W0906"]),
        ("2024-03-01 .. 2024-03-01", "2024-01-01 ..", ["E0502"]),
        ("2024-03-02 .. 2024-03-01", "2024-01-01 ..", ["E0502"]),
    ],
)
def test_versions_follow_each_other(first: str, second: str, wanted: list[str]) -> None:
    one = policy(rule("offer.first"), version="1.9.0", force=first)
    two = policy(rule("offer.first"), version="1.10.0", force=second)
    assert codes(one, two) == wanted


def test_the_same_version_twice_is_one_complaint() -> None:
    one = policy(rule("offer.first"), force="2024-01-01 .. 2024-02-01")
    two = policy(rule("offer.first"), force="2024-02-01 ..", version="1")
    assert codes(one, two) == ["E0504"]


@pytest.mark.parametrize("zone", ["Asia/Shanghia", "../etc/passwd", "localtime", "", "北京"])
def test_a_zone_is_one_of_the_database(zone: str) -> None:
    body = rule("offer.time between 22:00 and 06:00 or offer.time > 2024-01-01")
    assert codes(policy(body, zone=zone)) == ["E0501"]


def test_what_a_header_must_have() -> None:
    header = "policy p 1.0.0 {\n use shop.fields 1\n use shop.measures 1\n}\n"
    body = 'clause 1 "x"\n' + rule("offer.first and offer.time > 2024-01-01")
    assert messages(header + body) == [
        "E0112 `p` has no `in force`",
        "E0112 `p` has no `time zone`",
        "W0901 the policy `p` has no title",
    ]


# ── Clauses ──────────────────────────────────────────────────────────────────────────────────────


def test_clauses_are_in_their_natural_order() -> None:
    body = "".join(
        f'clause {number} "x" organisational "Staff."\n' for number in ("2.10", "2.9", "10", "2a")
    )
    assert [c.id for c in corpus(policy(body + rule("offer.first"))).clauses] == [
        "1",
        "2.9",
        "2.10",
        "2a",
        "10",
    ]


def test_a_fingerprint_does_not_see_layout() -> None:
    assert fingerprint("价格 须真实\n") == fingerprint("价格须真实")
    assert fingerprint("e\u0301") == fingerprint("\u00e9")
    assert fingerprint("价格须真实") != fingerprint("价格须真实。")
    assert len(fingerprint("")) == 8


@pytest.mark.parametrize(
    ("clause", "cites", "wanted"),
    [
        ('clause 2 "x"', "1", ["W0902"]),
        ('clause 2 "x"', "1, 2", []),
        ('clause 2 "x"', "1, 3", ["E0505"]),
        ('clause 2 "x" organisational "Staff."', "1, 2", ["E0507"]),
        ('clause 2 "x" not enforced "Views."', "1, 2", ["E0506"]),
        ('clause 2 "x" pending "Later."', "1, 2", ["W0905"]),
        ('clause 2 "x" pending "Later."', "1", []),
        ('clause 2 "x" pending', "1", ["E0509"]),
        ('clause 2 "x" pending " "', "1", ["E0509"]),
        ('clause 2 "x"', "1, 2, 1", ["W0904"]),
        ('clause 2 "x"\nclause 2 "y"', "1, 2", ["E0202"]),
        ('clause 2 "x"', f"1, 2@{fingerprint('x')}", []),
        ('clause 2 "x"', f"1, 2@{fingerprint('y')}", ["E0508"]),
    ],
)
def test_clauses_are_accounted_for(clause: str, cites: str, wanted: list[str]) -> None:
    body = rule("offer.first").replace("cites 1", f"cites {cites}")
    assert codes(policy(f"{clause}\n{body}")) == wanted


def test_a_clause_that_is_not_enforced_says_why() -> None:
    body = 'clause 2 "x" not enforced "Aimed at views."\n'
    cites = rule("offer.first").replace("cites 1", "cites 1, 2")
    (diagnostic,) = check(policy(body + cites))[1]
    assert diagnostic.notes == ("the reason given is: Aimed at views.",)


# ── Rules ────────────────────────────────────────────────────────────────────────────────────────

WRONG = [
    ("  cites 1\n", "", ["E0401"]),
    ("  cites 1\n", "  cites 1\n  cites 1\n", ["E0111"]),
    ("  when offer.first\n", "", ["E0112"]),
    ("  when offer.first\n", "  when offer.first\n  when offer.labelled\n", ["E0111"]),
    ("  then warn for 1d\n", "", ["E0112"]),
    ('  because zh "理由。" en "Reason."\n', "", ["E0112"]),
    (' en "Reason."', "", ["W0901"]),
    ('zh "理由。" ', "", ["W0901"]),
    ('zh "理由。" en "Reason."', '"理由。"', ["W0901"]),
    ('zh "理由。"', 'zh "a" zh "b"', ["E0111"]),
    (' en "Reason."', ' en " "', ["W0901"]),
    ('zh "理由。" en "Reason."', 'zh "" en " "', ["E0112"]),
    ("Reason.", "{offer.kind}", []),
    ("Reason.", "{offer.kinds}", ["E0204"]),
    ("Reason.", "{offer}", ["E0310"]),
    ("Reason.", "{offer.kind", ["E0110"]),
    ("Reason.", "{}", ["E0110"]),
    ("Reason.", "{offer.price + 1}", ["E0110"]),
    ("Reason.", "{{x}}", []),
    ("  then", "  severity high\n  then", []),
    ("  then", "  severity hihg\n  then", ["E0402"]),
    ("  then", "  rollout 10% by seller.id\n  then", []),
    ("  then", "  rollout 0.5 by seller.id\n  then", []),
    ("  then", "  rollout 5 by seller.id\n  then", ["E0403"]),
    ("  then", "  rollout 0% by seller.id\n  then", ["E0403"]),
    ("  then", "  rollout 10% by offer.copies\n  then", ["E0403"]),
    ("  then", "  mode shadow\n  mode shadow\n  then", ["E0111"]),
    ("  then", '  title zh "标题"\n  then', ["W0901"]),
    ("rule r", "rule warn", []),
]


@pytest.mark.parametrize(("old", "new", "wanted"), WRONG)
def test_a_rule_is_checked(old: str, new: str, wanted: list[str]) -> None:
    text = rule("offer.first")
    assert old in text
    assert codes(policy(text.replace(old, new))) == wanted


@pytest.mark.parametrize("declared", ["param p = 5", "let p = offer.copies + 1", 'terms p = ["a"]'])
def test_a_hole_takes_no_other_name_of_a_value(declared: str) -> None:
    text = rule("offer.first").replace("Reason.", "At most {p}.")
    assert codes(policy(f"{declared}\n{text}")) == ["E0110"]


def test_two_rules_of_one_name_are_one_complaint() -> None:
    assert codes(policy(rule("offer.first") + rule("offer.labelled"))) == ["E0202"]


def test_a_reason_has_fixed_parts_and_holes() -> None:
    text = rule("offer.first").replace("Reason.", '{{{offer.kind}}} and {offer.score[\\"a-b\\"]}!')
    found = corpus(policy(text))
    names = {slot.name: index for index, slot in enumerate(found.slots)}
    assert only_rule(found).because_en == (
        "{",
        Hole(names["offer.kind"]),
        "} and ",
        Hole(names['offer.score["a-b"]']),
        "!",
    )


def test_rules_are_numbered_by_version_and_name() -> None:
    one = policy(rule("offer.first", name="b") + rule("offer.first", name="a"))
    two = policy(rule("offer.first", name="c"), version="2.0.0", force="2025-01-01 ..")
    found = corpus(one, two)
    assert [(r.version, r.name) for r in found.rules] == [(0, "a"), (0, "b"), (1, "c")]


# ── Libraries ────────────────────────────────────────────────────────────────────────────────────


def library(version: str, field: str = "x bool", use: str = "") -> str:
    return f"library extra.fields {version} {{\n{use}\n}}\nschema extra {{\n {field}\n}}\n"


def using(*uses: str, when: str = "offer.first") -> str:
    return policy(rule(when)).replace(
        "use shop.fields 1", "\n".join(["use shop.fields 1", *(f"use {use}" for use in uses)])
    )


@pytest.mark.parametrize(
    ("asked", "taken"),
    [("1", "c"), ("1.2", "b"), ("1.2.3", "a"), ("1.10", "c"), ("2", "d"), ("1.10.0", "c")],
)
def test_use_takes_the_newest_version_that_fits(asked: str, taken: str) -> None:
    libraries = [
        library(version, f"{name} bool")
        for version, name in (("1.2.3", "a"), ("1.2.10", "b"), ("1.10", "c"), ("2.0.0", "d"))
    ]
    text = using(f"extra.fields {asked}", when=f"extra.{taken}")
    found = corpus(text, libraries=(FIELDS, MEASURES, *libraries))
    # The others are left out: only what is used becomes part of the bundle.
    assert [f.path for f in found.fields if f.path[0] == "extra"] == [("extra", taken)]


@pytest.mark.parametrize(
    ("use", "code"),
    [("extra.fields 3", "E0207"), ("extra.field 1", "E0206"), ("shop.fields 1", "E0111")],
)
def test_a_library_must_be_there(use: str, code: str) -> None:
    text = using(use, when="extra.x and extra.y == z")
    found = codes(text, libraries=(FIELDS, MEASURES, library("1.0.0")))
    assert found == ([code] if code != "E0111" else [code, "E0204", "E0204"])


def test_what_a_library_uses_is_visible_through_it() -> None:
    text = policy(rule("offer.first")).replace("  use shop.fields 1\n", "")
    assert codes(text) == []


def test_two_versions_of_one_library_are_not_seen_at_once() -> None:
    other = FIELDS.replace("1.0.0", "1.1.0")
    text = policy(rule("offer.first")).replace("use shop.fields 1", "use shop.fields 1.0")
    assert codes(text, libraries=(FIELDS, MEASURES, other)) == ["E0510"]


def test_versions_of_a_library_may_add_to_it() -> None:
    newer = FIELDS.replace("1.0.0", "1.1.0").replace(
        "auction, gift]\n  was", "auction, gift, swap]\n  was"
    )
    measures = MEASURES.replace("use shop.fields 1", "use shop.fields 1.0")
    newer_measures = MEASURES.replace("measures 1.0.0", "measures 1.1.0").replace(
        "use shop.fields 1", "use shop.fields 1.1"
    )
    one = policy(rule("offer.kind == gift")).replace("fields 1", "fields 1.0")
    one = one.replace("measures 1", "measures 1.0")
    two = policy(rule("offer.kind == swap"), version="2.0.0", force="2025-01-01 ..")
    found = corpus(one, two, libraries=(FIELDS, newer, measures, newer_measures))
    (kind,) = [slot for slot in found.slots if slot.path == ("offer", "kind")]
    assert kind.type.names == ("sale", "auction", "gift", "swap")  # type: ignore[union-attr]
    # In the older version the value does not exist.
    one = one.replace("== gift", "== swap")
    assert codes(one, two, libraries=(FIELDS, newer, measures, newer_measures)) == ["E0205"]


def test_a_group_may_be_spread_over_libraries_but_is_no_field() -> None:
    more = "library more.fields 1.0.0\nschema offer {{\n {field}\n}}\n"
    text = using("more.fields 1", when="offer.extra")
    libraries = (FIELDS, MEASURES, more.format(field="extra bool"))
    assert codes(text, libraries=libraries) == []
    for field in ("kind bool", "review bool", "kind {\n inner bool\n }"):
        libraries = (FIELDS, MEASURES, more.format(field=f"extra bool\n {field}"))
        assert codes(text, libraries=libraries) == ["E0215"]


def test_a_field_does_not_become_a_group_in_another_version() -> None:
    older, newer = library("1.0.0"), library("1.1.0", "x {\n y bool\n }")
    one = using("extra.fields 1.0")
    two = using("extra.fields 1.1", when="extra.x.y").replace("rules 1.0.0", "rules 2.0.0")
    two = two.replace("2024-01-01 ..", "2025-01-01 ..")
    libraries = (FIELDS, MEASURES, older, newer)
    assert codes(one, two, libraries=libraries) == ["E0510"]
    unread = two.replace("extra.x.y", "offer.first")
    found = corpus(one, unread, libraries=libraries)
    assert [f.path for f in found.fields if f.path[0] == "extra"] == [("extra", "x")]


def test_libraries_alone_are_checked_and_make_no_corpus() -> None:
    found, diagnostics = check_sources([Source("a", FIELDS), Source("b", MEASURES)])
    assert (found, list(diagnostics)) == (None, [])
    wrong = Source("b", MEASURES.replace("on offer, account", "on ofer, account"))
    assert [d.code for d in check_sources([Source("a", FIELDS), wrong])[1]] == ["E0211"]


def test_an_unused_library_is_checked() -> None:
    wrong = library("1.0.0", "x set of share")
    assert codes(policy(rule("offer.first")), libraries=(FIELDS, MEASURES, wrong)) == ["E0316"]


def test_a_policy_may_use_the_shipped_libraries() -> None:
    text = policy(rule("content.news_like", then="warn for 1d")).replace("shop.", "standard.")
    text = text.replace("standard.fields", "standard.platform").replace(
        "standard.measures", "standard.sanctions"
    )
    assert codes(text) == []
    names = {source.name for source in shipped_libraries()}
    assert "clausal.policies/standard/platform.policy" in names


def test_a_given_library_stands_before_a_shipped_one() -> None:
    own = FIELDS.replace("shop.fields 1.0.0", "standard.platform 1.0.0")
    text = policy(rule("offer.first", then="warn for 1d")).replace(
        "shop.fields", "standard.platform"
    )
    measures = MEASURES.replace("shop.fields", "standard.platform")
    assert codes(text, libraries=(own, measures)) == []


def test_a_library_without_a_zone_has_no_midnight() -> None:
    lets = "\nlet night = offer.time between 22:00 and 06:00\nlet old = offer.time < 2024-01-01\n"
    extra = "library extra.lets 1.0.0 {\n use shop.fields 1\n}" + lets
    text = using("extra.lets 1", when="night and old")
    assert codes(text, libraries=(FIELDS, MEASURES, extra)) == ["E0511", "E0511"]
    zoned = extra.replace("1.0.0 {", '1.0.0 {\n time zone "UTC"')
    found = corpus(text, libraries=(FIELDS, MEASURES, zoned))
    # The library's own zone, not the policy's.
    assert condition_text(only_rule(found).when, found) == (
        'offer.time between 22:00 and 06:00 "UTC" and offer.time < 2024-01-01T00:00:00+00:00'
    )


def test_an_own_name_hides_that_of_a_library() -> None:
    extra = "library extra.lets 1.0.0 {\n use shop.fields 1\n}\nlet odd = offer.labelled\n"
    text = using("extra.lets 1", when="odd") + "let odd = offer.first\n"
    found = corpus(text, libraries=(FIELDS, MEASURES, extra))
    assert condition_text(only_rule(found).when, found) == "offer.first"


# ── Params over versions ─────────────────────────────────────────────────────────────────────────


def test_versions_share_a_param_that_they_declare_alike() -> None:
    one = policy("param p = 5\n" + rule("offer.copies > p"))
    alike = policy("param p = 5\n" + rule("offer.price > p"), version="2", force="2025-01-01 ..")
    other = alike.replace("p = 5", "p = 6")
    assert [p.name for p in corpus(one, alike).params] == ["shop.rules.p"]
    assert [(p.name, p.value) for p in corpus(one, other).params] == [
        ("shop.rules@1.0.0.p", 5.0),
        ("shop.rules@2.p", 6.0),
    ]


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def test_sources_are_each_taken_once_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("b/two.policy", "one.policy", "notes.txt"):
        (tmp_path / name).write_text("library x 1\n", encoding="utf-8")
    sources, diagnostics = load_sources([tmp_path / "one.policy", tmp_path, tmp_path / "b"])
    assert [Path(source.name).name for source in sources] == ["two.policy", "one.policy"]
    assert not len(diagnostics)
    sources, diagnostics = load_sources([str(tmp_path / "none.policy"), "a\0b"])
    assert (sources, [d.code for d in diagnostics]) == ([], ["E0108", "E0108"])


def test_the_shipped_policies_have_no_complaint() -> None:
    sources, diagnostics = load_sources([shipped()])
    found, complaints = check_sources(sources)
    assert found is not None
    assert not len(diagnostics)
    assert not list(complaints)


def test_lists_come_from_files_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/words.txt").write_text(
        "# words\n\n 刚刚 \n\\#话题#\n刚刚\n", encoding="utf-8"
    )
    (tmp_path / "lists/known.jsonl").write_text(
        '{"text": "吃盐", "id": 5}\n"另一个"\n\n', encoding="utf-8"
    )
    (tmp_path / "lists/plain.txt").write_text("一个\n", encoding="utf-8")
    body = (
        'terms words = file "lists/words.txt"\n'
        'samples known = file "lists/known.jsonl" on offer.title\n'
        'samples plain = file "lists/plain.txt" on offer.title\n'
        + rule(
            "offer.title contains any words or similarity(offer.title, known) > 0.9 "
            "or similarity(offer.title, plain) > 90%"
        )
    )
    sources = [Source(str(tmp_path / "p.policy"), policy(body))]
    sources += [Source("a", FIELDS), Source("b", MEASURES)]
    found, diagnostics = check_sources(sources)
    assert found is not None, list(diagnostics)
    assert [(t.name, t.terms) for t in found.terms] == [("shop.rules.words", ("#话题#", "刚刚"))]
    assert [(s.name, s.items) for s in found.samples] == [
        ("shop.rules.known", ("另一个", "吃盐")),
        ("shop.rules.plain", ("一个",)),
    ]


@pytest.mark.parametrize(
    ("content", "file", "code"),
    [
        (b"\xff\xfe", "words.txt", "E0217"),
        (b"", "words.txt", "E0306"),
        (b"# nothing\n", "words.txt", "E0306"),
        ("\u200b\n".encode(), "words.txt", "E0218"),
        (b"x" * 201, "words.txt", "E0218"),
        (b"x", "../nothing/words.txt", "E0217"),
        (b"x", "/words.txt", "E0217"),
        (b"x", "", "E0217"),
        (b"x", ".", "E0217"),
        (b"x", "a\\\\b", "E0217"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_complaint(
    tmp_path: Path, content: bytes, file: str, code: str
) -> None:
    (tmp_path / "words.txt").write_bytes(content)
    body = f'terms words = file "{file}"\n' + rule("offer.title contains any words")
    sources = [Source(str(tmp_path / "p.policy"), policy(body))]
    sources += [Source("a", FIELDS), Source("b", MEASURES)]
    assert [d.code for d in check_sources(sources)[1]] == [code]


@pytest.mark.parametrize(
    "line", ["{", '{"title": "x"}', "5", '{"text": 5}', "[" * 100_000, '"\\ud800"', "9" * 5000]
)
def test_a_sample_that_is_none_is_shown_in_its_file(tmp_path: Path, line: str) -> None:
    (tmp_path / "known.jsonl").write_text(f'"one"\n{line}\n', encoding="utf-8")
    body = 'samples known = file "known.jsonl" on offer.title\n'
    body += rule("similarity(offer.title, known) > 0.9")
    sources = [Source(str(tmp_path / "p.policy"), policy(body))]
    sources += [Source("a", FIELDS), Source("b", MEASURES)]
    (diagnostic,) = check_sources(sources)[1]
    assert diagnostic.code == "E0217"
    assert diagnostic.primary.source.name == str(tmp_path / "known.jsonl")
    assert diagnostic.primary.source.position(diagnostic.primary.span.start) == (2, 1)
