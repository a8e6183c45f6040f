"""Laws of the checker: order never matters, one cause is one complaint, nothing makes it fail."""

from __future__ import annotations

import re
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.check import check as check_files
from clausal.compiler.ir import Corpus
from clausal.compiler.library import load_sources, shipped
from clausal.compiler.pipeline import check_sources, optimise
from clausal.dsl import nodes
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.parser import parse
from clausal.dsl.source import Source
from tests.strategies import syntax
from tests.support.checking import FIELDS, MEASURES, codes, policy, rule

# ── Order never matters ──────────────────────────────────────────────────────────────────────────

FIRST = """
clause 2.10 "乙"
clause 2.9 "甲"
param cutoff = 0.5 range 0.1 .. 0.9
terms words = ["突发", "刚刚"]
let cheap = offer.price < 5 and doubtful
let doubtful = offer.doubt > cutoff
tally posts = count by seller.id over 10m where cheap
samples known = ["最低价"] on offer.title
bundle quiet = warn for 1d, dim cutoff
table points by offer.kind, offer.copies {
  sale, ..100 => 1
  sale, 100.. => 2
  [auction, gift], any => 0
}
ladder prices by account within 90d {
  1+ => quiet for 2d
}
rule b {
  cites 2.9, 1, 2.10
  when cheap or posts > 5 and points >= 2
  unless similarity(offer.title, known) > 0.9 or strikes of prices > 3
  then quiet, ladder prices
  because zh "{offer.score.x}{posts}" en "{offer.review.verdict}"
}
rule a {
  cites 1
  rollout 5% by seller.other
  when offer.title contains any words and seller.other == seller.name
  then warn for 1d
  because zh "理由" en "Reason"
}
test "two" {
  at 2024-05-01
  given posts = 5, prices = 1, offer.kind = sale
  expect only [a, b], ladder prices step 1
}
test "one" {
  at 2024-05-01
  given offer.tags = [rare, new]
  expect nothing
}
"""
SECOND = FIRST.replace("0.5 range", "0.6 range").replace("90d", "30d").replace("rule a", "rule c")
SECOND = SECOND.replace("only [a, b]", "only [c, b]").replace("tally posts", "tally posts_2")
SECOND = SECOND.replace("posts > 5", "posts_2 > 5").replace("posts = 5", "posts_2 = 5")
SECOND = SECOND.replace("{posts}", "{posts_2}")

TEXTS = (
    FIELDS,
    MEASURES,
    policy(FIRST, force="2024-01-01 .. 2024-06-01"),
    policy(SECOND, version="2.0.0", force="2024-06-01 .."),
    policy(rule("offer.labelled")).replace("shop.rules", "shop.other"),
)

DECLARATION = re.compile(r"^(?=[a-z])", re.MULTILINE)


def pieces(text: str) -> list[str]:
    """The declarations of a file, the header first."""
    return [piece for piece in DECLARATION.split(text) if piece]


def without_places(corpus: Corpus) -> Corpus:
    """The corpus without the names of its sources and their lines."""
    replace = msgspec.structs.replace
    return replace(
        corpus,
        versions=tuple([replace(version, source="") for version in corpus.versions]),
        rules=tuple([replace(one, line=0) for one in corpus.rules]),
        tests=tuple(
            [
                replace(
                    test,
                    line=0,
                    source="",
                    expected=tuple([replace(one, line=0) for one in test.expected]),
                )
                for test in corpus.tests
            ]
        ),
    )


def corpus_of(texts: list[str]) -> Corpus:
    sources = [Source(f"{number}.policy", text) for number, text in enumerate(texts)]
    found, diagnostics = check_sources(sources)
    assert found is not None, list(diagnostics)
    return without_places(found)


EXPECTED = corpus_of(list(TEXTS))


@given(st.data())
def test_order_never_matters(data: st.DataObject) -> None:
    texts = []
    for text in data.draw(st.permutations(TEXTS)):
        header, *rest = pieces(text)
        texts.append("".join([header, *data.draw(st.permutations(rest))]))
    assert corpus_of(texts) == EXPECTED


def test_the_corpus_is_in_the_order_that_it_documents() -> None:
    versions = [(version.policy, version.start) for version in EXPECTED.versions]
    assert versions == sorted(versions)
    rules = [(one.version, one.name) for one in EXPECTED.rules]
    assert rules == sorted(rules)
    slots = [(slot.source, slot.path) for slot in EXPECTED.slots]
    assert slots == sorted(slots)
    for declared in (
        EXPECTED.sanctions,
        EXPECTED.terms,
        EXPECTED.tallies,
        EXPECTED.samples,
        EXPECTED.targets,
        EXPECTED.params,
        EXPECTED.ladders,
    ):
        names = [one.name for one in declared]
        assert names == sorted(names)
        assert len(set(names)) == len(names) or declared is EXPECTED.ladders
    fields = [field.path for field in EXPECTED.fields]
    assert fields == sorted(fields)


# ── One cause is one complaint ───────────────────────────────────────────────────────────────────

BROKEN = [
    ("let cheap = offer.price <", rule("cheap and not cheap == true")),
    ("param cutoff = ", rule("offer.doubt > cutoff", then="dim cutoff")),
    ("terms words = [5]", rule("offer.title contains any words or seller.name in words")),
    ("ladder l by {\n}", rule("strikes of l > 1", then="ladder l")),
    ("bundle quiet = 5", rule("offer.first", then="quiet")),
    ("tally t = 5", rule("t > 5 or t is missing")),
    ("samples s = 5", rule("similarity(offer.title, s) > 0.5")),
    ("table t by { }", rule("t > 5")),
    ("clause 2 5", rule("offer.first").replace("cites 1", "cites 1, 2")),
    ("rule s { when }", rule("offer.first") + 'test "t" {\n at 2024-05-01\n expect s, not s\n}\n'),
    ('test "t" {\n at\n}', rule("offer.first")),
    ("let unused = 5\nrule s { when }", rule("offer.first")),
    ('clause 9 "x"\nrule s { when }', rule("offer.first")),
]


@pytest.mark.parametrize(("broken", "uses"), BROKEN)
def test_uses_of_what_did_not_parse_are_not_blamed(broken: str, uses: str) -> None:
    found = codes(policy(f"{broken}\n{uses}"))
    assert [code for code in found if not code.startswith("E01")] == []
    assert found


def test_a_broken_declaration_of_a_library_excuses_those_who_use_it() -> None:
    fields = FIELDS.replace("kind enum [", "kind enum {")
    found = codes(policy(rule("offer.kind == sale and offer.first")), libraries=(fields, MEASURES))
    assert [code for code in found if not code.startswith("E01")] == []
    measures = MEASURES.replace("sanction warn {", "sanction warn [")
    found = codes(policy(rule("offer.first")), libraries=(FIELDS, measures))
    assert [code for code in found if not code.startswith("E01")] == []


def test_a_broken_header_excuses_everything_under_it() -> None:
    text = policy(rule("offer.nothing > 5")).replace("in force", "in farce")
    assert [code for code in codes(text) if not code.startswith("E01")] == []
    fields = FIELDS.replace("library shop.fields 1.0.0", "library shop.fields {")
    found = codes(policy(rule("offer.first")), libraries=(fields, MEASURES))
    assert [code for code in found if not code.startswith("E01")] == []


def test_what_parsed_is_checked_beside_what_did_not() -> None:
    text = policy("rule s { when }\n" + rule("offer.kind == sail"))
    assert codes(text)[-1] == "E0205"


def test_a_library_that_is_not_there_is_one_complaint() -> None:
    text = policy(rule("offer.kind == sail", then="warm for 1d")).replace("use shop.", "use shop_")
    assert codes(text) == ["E0206", "E0206"]


# ── Nothing makes it fail ────────────────────────────────────────────────────────────────────────

DECLARED = st.one_of(*syntax.DECLARATIONS.values())
VOCABULARY = [
    "offer.kind", "offer.tags", "offer.title", "offer.price", "offer.doubt", "offer.time",
    "offer.day", "offer.waits", "offer.score", "offer.score.x", "offer.review", "seller.id",
    "offer.labelled", "sale", "new", "cheap", "cutoff", "words", "known", "points", "posts",
    "prices", "warn", "dim", "hold", "expel", "mute", "quiet", "account", "offer", "b", "a", "1",
    "2.9", "5", "0", "50%", "0.5", "-1", "2h", "0s", "2024-05-01", "2024-05-01T12:00", '"x"', '""',
    "[]", "[sale]", '["x"]', "true", "missing", "22:00", "/a(/", "any", "{offer.x}", "2+", "9999",
]  # fmt: skip
WORD = re.compile(r'"[^"\n]*"|[\w.]+%?|[^\w\s]|\s+')


@given(st.lists(DECLARED, max_size=6), st.booleans())
def test_no_tree_makes_the_checker_fail(
    declarations: list[nodes.Declaration], as_library: bool
) -> None:
    header: nodes.Policy | nodes.Library = nodes.Policy(
        nodes.Name("p"),
        "1.0.0",
        (
            nodes.InForce(nodes.Date("2024-01-01"), None),
            nodes.TimeZone(nodes.String("UTC")),
            nodes.Use(nodes.Name("standard.platform"), "1"),
            nodes.Use(nodes.Name("standard.sanctions"), "1"),
        ),
    )
    if as_library:
        header = nodes.Library(nodes.Name("l"), "1.0.0", header.entries[1:])
    others = [d for d in declarations if not isinstance(d, nodes.Policy | nodes.Library)]
    file = nodes.File((header, *others))
    diagnostics = Diagnostics()
    check_files([(Source("x.policy", ""), file)], diagnostics)
    assert isinstance(list(diagnostics), list)


@given(st.data())
def test_no_slip_of_the_pen_makes_the_checker_fail(data: st.DataObject) -> None:
    """Words of a sound policy are exchanged for others that mean something elsewhere."""
    texts = list(TEXTS)
    index = data.draw(st.integers(0, 3))
    words = WORD.findall(texts[index])
    slips = st.tuples(st.integers(0, len(words) - 1), st.sampled_from(["", *VOCABULARY]))
    for place, word in data.draw(st.lists(slips, min_size=1, max_size=4)):
        words[place] = word
    texts[index] = "".join(words)
    sources = [Source(f"{number}.policy", text) for number, text in enumerate(texts)]
    found, diagnostics = check_sources(sources)
    assert (found is None) == diagnostics.has_errors
    if found is not None:
        optimise(found)


def test_long_chains_do_not_recurse() -> None:
    groups = "".join(f"g{i} {{ " for i in range(60)) + "x bool" + " }" * 60
    library = f"library deep.fields 1.0.0\nschema deep {{ {groups} }}\n"
    assert codes(policy(rule("offer.first")), libraries=(FIELDS, MEASURES, library)) == []
    sanctions = "".join(
        f'sanction s{i} {{\n title zh "一" en "One"\n on account\n grade 1\n implies s{i + 1}\n}}\n'
        for i in range(300)
    )
    last = 'sanction s300 {\n title zh "一" en "One"\n on account\n grade 1\n}\n'
    measures = MEASURES + sanctions + last
    assert codes(policy(rule("offer.first")), libraries=(FIELDS, measures)) == []
    uses = [f"library chain.l{i} 1.0.0 {{\n use chain.l{i + 1} 1\n}}\n" for i in range(200)] + [
        "library chain.l200 1.0.0\n"
    ]
    text = policy(rule("offer.first")).replace(
        "use shop.fields 1", "use shop.fields 1\n use chain.l0 1"
    )
    assert codes(text, libraries=(FIELDS, MEASURES, *uses)) == []


def test_a_thousand_rules_are_checked_in_about_a_second() -> None:
    """The limit is generous: what it guards against is work that grows with the square."""
    rules = "".join(
        rule(
            f"offer.doubt > 0.{number:04} and offer.copies > {number} and offer.kind == sale",
            name=f"r{number}",
            then="dim 10% for 1d, warn for 1d",
            extra="unless offer.labelled",
        )
        for number in range(1000)
    )
    sources = [Source("a", FIELDS), Source("b", MEASURES), Source("c", policy(rules))]
    files = [(source, parse(source)[0]) for source in sources]
    diagnostics = Diagnostics()
    began = time.process_time()
    found = check_files(files, diagnostics)
    assert time.process_time() - began < 10
    assert found is not None
    assert len(found.rules) == 1000


def test_shipped_sources_are_read_only_when_they_are_needed() -> None:
    def shipped_now() -> list[Source]:
        raise AssertionError("not needed")

    sources = [Source("a", FIELDS), Source("b", MEASURES), Source("c", policy(rule("offer.first")))]
    files = [(source, parse(source)[0]) for source in sources]
    assert check_files(files, Diagnostics(), shipped_now) is not None


def test_checking_twice_gives_the_same() -> None:
    sources, _ = load_sources([shipped()])
    one, complaints = check_sources(sources)
    two, again = check_sources(list(reversed(sources)))
    assert one == two
    assert list(complaints) == list(again)
