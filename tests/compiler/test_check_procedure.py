"""Incidents, procedure and brakes: what they become in the corpus, and corpora that no checker makes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler import ir
from clausal.compiler.dump_procedure import brake_text, incident_lines, procedure_lines
from clausal.compiler.ir import DAY, BrakeDef, DeadlinesDef, IncidentDef, OldDef, SameDef
from clausal.compiler.types import MICROSECONDS
from clausal.compiler.verify_corpus import CorpusError, verify_corpus
from tests.support.checking import FIELDS, MEASURES, check, codes, corpus, only_rule, policy, rule

HOUR = 3600 * MICROSECONDS
SANCTIONS = ("dim", "expel", "hint", "hold", "mute", "warn")
replace = msgspec.structs.replace


def library(body: str, name: str = "shop.procedure", version: str = "1.0.0") -> str:
    return f"""
library {name} {version} {{
  use shop.fields 1
  use shop.measures 1
}}
{body}
"""


def using(*names: str, version: str = "1.0.0", force: str = "2024-01-01 ..") -> str:
    """A sound policy that uses these libraries as well."""
    text = policy(rule("offer.first"), version=version, force=force)
    uses = "".join(f"  use {name}\n" for name in names)
    return text.replace("  use shop.measures 1\n", f"  use shop.measures 1\n{uses}")


def declared(body: str) -> ir.Corpus:
    return corpus(using("shop.procedure 1"), libraries=(FIELDS, MEASURES, library(body)))


def complaints(body: str) -> list[str]:
    return codes(using("shop.procedure 1"), libraries=(FIELDS, MEASURES, library(body)))


# ── What becomes of them ─────────────────────────────────────────────────────────────────────────


def test_without_a_declaration_there_are_defaults() -> None:
    found = corpus(using())
    assert found.incident is None
    assert found.procedure == ir.ProcedureDef()
    assert found.procedure.appeal == 180 * DAY
    assert found.procedure.pauses == ("info", "low", "medium", "high")
    assert found.procedure.review is None
    assert only_rule(found).brakes == ()


def test_a_procedure_of_nothing_is_the_default() -> None:
    found = declared("procedure {}").procedure
    assert found == ir.ProcedureDef(library="shop.procedure")


def test_an_incident_is_in_the_corpus_whatever_its_order() -> None:
    entries = ["same policy within 24h", "same seller.id within 12h", "same offer.id"]
    for some in itertools.permutations(entries):
        found = declared("incident by account {\n" + "\n".join(some) + "\n}").incident
        assert found == IncidentDef(
            "account",
            (
                SameDef(("offer", "id")),
                SameDef(("seller", "id"), 12 * HOUR),
                SameDef(None, DAY),
            ),
            "shop.procedure",
        )


def test_an_incident_may_name_fields_that_no_rule_reads() -> None:
    found = declared("incident by account { same seller.other }")
    assert ("seller", "other") not in {slot.path for slot in found.slots}
    assert found.incident is not None
    assert found.incident.same == (SameDef(("seller", "other")),)


def test_a_procedure_is_in_the_corpus_whatever_its_order() -> None:
    entries = [
        'title zh "程序" en "Procedure"',
        "review within 72h, 12h if interim, 6h from grade 9, 24h from grade 4",
        "lapse proposed, interim",
        "appeal within 90d, again with new evidence",
        "decide appeals within 7d",
        "late decisions lift warn, mute",
        "appeals delay expel",
        "appeals pause strikes below high",
        "no strike for offer.waits over 90d, 1000d from critical, 180d from high",
        "keep data 30d after expel",
    ]
    for some in (entries, entries[::-1], entries[5:] + entries[:5]):
        found = declared("procedure {\n" + "\n".join(some) + "\n}").procedure
        assert found == ir.ProcedureDef(
            library="shop.procedure",
            review=DeadlinesDef(72 * HOUR, ((4, 24 * HOUR), (9, 6 * HOUR)), 12 * HOUR),
            lapse=("interim", "proposed"),
            appeal=90 * DAY,
            again=True,
            decide=DeadlinesDef(7 * DAY),
            lifted=("mute", "warn"),
            waiting=("expel",),
            pauses=("info", "low", "medium"),
            old=OldDef(
                ("offer", "waits"),
                (90.0 * DAY, 90.0 * DAY, 90.0 * DAY, 180.0 * DAY, 180.0 * DAY, 1000.0 * DAY),
            ),
            keep=30 * DAY,
            closures=("expel",),
            title=ir.Bilingual("程序", "Procedure"),
        )


@pytest.mark.parametrize(
    ("grade", "interim", "hours"),
    [(0, False, 72), (3, False, 72), (4, False, 24), (9, False, 24), (0, True, 36), (4, True, 24)],
)
def test_the_shortest_deadline_that_applies_holds(grade: int, interim: bool, hours: int) -> None:
    deadlines = DeadlinesDef(72 * HOUR, ((4, 24 * HOUR),), 36 * HOUR)
    assert deadlines.of(grade, interim=interim) == hours * HOUR


def test_an_age_may_be_a_number() -> None:
    found = declared("procedure { no strike for offer.copies over 90, 4k from severe }").procedure
    assert found.old == OldDef(("offer", "copies"), (90.0,) * 4 + (4000.0,) * 2)


def test_appeals_may_pause_every_strike() -> None:
    assert declared("procedure { appeals pause strikes }").procedure.pauses == ir.SEVERITIES


def test_brakes_are_in_the_corpus_whatever_their_order() -> None:
    brakes = [
        "brake 500 per day by offer",
        "brake 2% per day by account from 50 for 7d after change",
        "brake 5千 per day by account",
    ]
    for some in itertools.permutations(brakes):
        found = corpus(policy(rule("offer.first", extra="\n".join(some))))
        assert only_rule(found).brakes == (
            BrakeDef("account", 5000),
            BrakeDef("account", 50, 0.02, 7 * DAY),
            BrakeDef("offer", 500),
        )


# ── Several libraries ────────────────────────────────────────────────────────────────────────────

ONE = "incident by account { same offer.id }\nprocedure { appeal within 90d }"
OTHER = "incident by account { same offer.id within 1d }\nprocedure { appeal within 91d }"


def joined(first: str, second: str, *, one_library: bool) -> tuple[ir.Corpus | None, Sequence[str]]:
    if one_library:
        libraries = [library(first), library(second, version="1.1.0")]
        policies = [
            using("shop.procedure 1.0", force="2024-01-01 .. 2024-02-01"),
            using("shop.procedure 1.1", version="2.0.0", force="2024-02-01 .."),
        ]
    else:
        libraries = [library(first), library(second, "shop.more")]
        policies = [using("shop.procedure 1", "shop.more 1")]
    found, diagnostics = check(*policies, libraries=(FIELDS, MEASURES, *libraries))
    return found, [one.code for one in diagnostics]


@pytest.mark.parametrize("one_library", [True, False])
def test_libraries_that_say_the_same_agree(one_library: bool) -> None:
    titled = ONE.replace("{ appeal", '{ title zh "程" en "P" appeal')
    found, said = joined(ONE, titled, one_library=one_library)
    assert not said
    assert found is not None
    assert found.procedure.appeal == 90 * DAY
    # The newest version of a library speaks for it; of two libraries the first by name does.
    assert (found.procedure.title.en, found.procedure.library) == (
        ("P", "shop.procedure") if one_library else ("P", "shop.more")
    )


@pytest.mark.parametrize(("one_library", "code"), [(True, "E0510"), (False, "E0215")])
def test_libraries_that_differ_do_not(one_library: bool, code: str) -> None:
    assert joined(ONE, OTHER, one_library=one_library) == (None, [code, code])


def test_one_may_declare_the_incident_and_another_the_procedure() -> None:
    incident, procedure = ONE.split("\n")
    found, said = joined(incident, procedure, one_library=False)
    assert not said
    assert found is not None
    assert found.incident is not None
    assert found.incident.library == "shop.procedure"
    assert found.procedure.library == "shop.more"


def test_a_library_that_no_policy_uses_is_checked_and_has_no_say() -> None:
    found, diagnostics = check(using(), libraries=(FIELDS, MEASURES, library(ONE)))
    assert not list(diagnostics)
    assert found is not None
    assert found.incident is None
    assert found.procedure == ir.ProcedureDef()
    wrong = library("procedure { appeal within 0d }")
    assert codes(using(), libraries=(FIELDS, MEASURES, wrong)) == ["E0412"]


# ── What does not fit ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("incident by account {}", "E0112"),
        ("incident by seller { same offer.id }", "E0211"),
        ("incident by account { same offer }", "E0310"),
        ("incident by account { same offer.nowhere }", "E0204"),
        ("incident by account { same offer.title }", "E0420"),
        ("incident by account { same offer.kind }", "E0420"),
        ("incident by account { same offer.id within 0s }", "E0412"),
        ("incident by account { same offer.id same offer.id within 1d }", "E0111"),
        ("procedure { review within 1h, 1h if interim }", "E0420"),
        ("procedure { review within 2h, 1h from grade 1, 1h from grade 2 }", "E0420"),
        ("procedure { review within 2h, 1h from grade 1.5 }", "E0420"),
        ("procedure { review within 2h, 1h from grade 1%, 30m from grade 2 }", "E0420"),
        ("procedure { review within 2h review within 3h }", "E0111"),
        ("procedure { lapse interim }", "E0112"),
        ("procedure { late decisions lift mute }", "E0112"),
        ("procedure { appeals delay mutte }", "E0212"),
        ("procedure { appeals delay mute, mute }", "W0904"),
        ("procedure { appeals pause strikes below info }", "E0420"),
        ("procedure { appeals pause strikes below grave }", "E0402"),
        ("procedure { no strike for offer.kind over 90 }", "E0420"),
        ("procedure { no strike for offer.doubt over 90% }", "E0420"),
        ("procedure { no strike for offer.time over 90d }", "E0420"),
        ("procedure { no strike for offer.copies over 90d }", "E0301"),
        ("procedure { no strike for offer.waits over 90 }", "E0301"),
        ("procedure { no strike for offer.copies over 90% }", "E0301"),
        ("procedure { no strike for offer.copies over 0 }", "E0420"),
        ("procedure { no strike for offer.copies over 90, 90 from high }", "E0420"),
        ("procedure { no strike for offer.copies over 9, 20 from low, 10 from high }", "E0420"),
        ("procedure { no strike for offer.copies over 9, 20 from low, 10 from low }", "E0111"),
        ("procedure { keep data 0d after expel }", "E0412"),
    ],
)
def test_what_does_not_fit_is_said_once(body: str, code: str) -> None:
    assert complaints(body) == [code]


@pytest.mark.parametrize("body", ["incident by account { same offer.id }", "procedure {}"])
def test_only_a_library_declares_them(body: str) -> None:
    assert codes(policy(rule("offer.first") + body)) == ["E0209"]


@pytest.mark.parametrize(
    ("brake", "code"),
    [
        ("0 per day by account", "E0421"),
        ("1.5 per day by account", "E0421"),
        ("0.5 per day by account", "E0421"),
        ("0% per day by account", "E0421"),
        ("100% per day by account", "E0421"),
        ("5% per day by account from 0", "E0421"),
        ("5 per day by account from 5", "E0421"),
        ("5 per day by nobody", "E0211"),
        ("5 per day by account for 0d after change", "E0412"),
    ],
)
def test_a_brake_that_does_not_fit_is_said_once(brake: str, code: str) -> None:
    assert codes(policy(rule("offer.first", extra=f"brake {brake}"))) == [code]


def test_a_rule_in_shadow_has_no_brake() -> None:
    extra = "mode shadow\nbrake 5 per day by account"
    assert codes(policy(rule("offer.first", extra=extra))) == ["E0421"]


# ── In the words of the language ─────────────────────────────────────────────────────────────────

TIMES = st.integers(1, 10**6).map(lambda seconds: seconds * MICROSECONDS)
NAMES = st.lists(st.sampled_from(SANCTIONS), unique=True).map(lambda names: tuple(sorted(names)))


@st.composite
def deadlines(draw: st.DrawFn) -> DeadlinesDef:
    times = sorted(draw(st.lists(TIMES, min_size=1, max_size=4, unique=True)), reverse=True)
    grades = draw(st.permutations(range(10)))[: len(times) - 1]
    interim = draw(st.none() | TIMES.filter(lambda time: time < times[0]))
    return DeadlinesDef(times[0], tuple(zip(sorted(grades), times[1:], strict=True)), interim)


@st.composite
def ages(draw: st.DrawFn) -> OldDef:
    path = draw(st.sampled_from([("offer", "copies"), ("offer", "price"), ("offer", "waits")]))
    limits = st.lists(st.sampled_from([1, 90, 4000]), min_size=6, max_size=6).map(sorted)
    unit = MICROSECONDS if path[1] == "waits" else 1
    return OldDef(path, tuple(float(limit * unit) for limit in draw(limits)))


LAPSES: Sequence[tuple[Literal["interim", "proposed"], ...]] = (
    (),
    ("interim",),
    ("proposed",),
    ("interim", "proposed"),
)


@st.composite
def procedures(draw: st.DrawFn) -> ir.ProcedureDef:
    review, decide = draw(st.none() | deadlines()), draw(st.none() | deadlines())
    lapse = draw(st.sampled_from(LAPSES))
    closures = draw(NAMES)
    return ir.ProcedureDef(
        library="shop.procedure",
        review=review,
        lapse=lapse if review is not None else (),
        appeal=draw(TIMES),
        again=draw(st.booleans()),
        decide=decide,
        lifted=draw(NAMES) if decide is not None else (),
        waiting=draw(NAMES),
        pauses=ir.SEVERITIES[: draw(st.integers(1, len(ir.SEVERITIES)))],
        old=draw(st.none() | ages()),
        keep=draw(TIMES) if closures else None,
        closures=closures,
    )


SAMES = st.lists(
    st.sampled_from([("offer", "id"), ("seller", "id"), ("seller", "name")]),
    min_size=1,
    unique=True,
)


@given(procedures(), SAMES, st.lists(st.none() | TIMES, min_size=3, max_size=3), st.none() | TIMES)
def test_what_inspect_shows_says_the_same_again(
    procedure: ir.ProcedureDef,
    paths: list[tuple[str, str]],
    within: list[int | None],
    burst: int | None,
) -> None:
    same = [SameDef(path, time) for path, time in zip(sorted(paths), within, strict=False)]
    same += [] if burst is None else [SameDef(None, burst)]
    incident = IncidentDef("account", tuple(same), "shop.procedure")
    shown = replace(BASE, incident=incident, procedure=procedure)
    verify_corpus(shown)
    lines = ["incident by account {", *incident_lines(shown), "}"]
    lines += ["procedure {", *procedure_lines(shown), "}"]
    again = declared("\n".join(lines))
    assert again.incident == incident
    assert again.procedure == procedure


@given(
    st.integers(1, 10**6) | st.just(0),
    st.just(0.0) | st.integers(1, 9999).map(lambda share: share / 10_000),
    st.none() | TIMES,
)
def test_a_brake_is_shown_as_it_is_written(limit: int, share: float, after: int | None) -> None:
    brake = BrakeDef("account", limit or (0 if share else 1), share, after)
    found = corpus(policy(rule("offer.first", extra=f"brake {brake_text(brake)}")))
    (again,) = only_rule(found).brakes
    assert again == replace(brake, share=again.share)
    assert again.share == pytest.approx(brake.share)


# ── Corpora that no checker makes ────────────────────────────────────────────────────────────────

BASE = corpus(using())
SOUND = ir.ProcedureDef(review=DeadlinesDef(DAY), decide=DeadlinesDef(DAY))
FULL = IncidentDef("account", (SameDef(("offer", "id")), SameDef(None, DAY)))


def test_the_corpora_below_are_sound_but_for_one_thing() -> None:
    verify_corpus(replace(BASE, procedure=SOUND, incident=FULL))


@pytest.mark.parametrize(
    "procedure",
    [
        replace(SOUND, review=DeadlinesDef(0)),
        replace(SOUND, review=DeadlinesDef(DAY, ((4, DAY),))),
        replace(SOUND, review=DeadlinesDef(DAY, ((4, 2), (3, 1)))),
        replace(SOUND, decide=DeadlinesDef(DAY, (), -1)),
        replace(SOUND, appeal=0),
        replace(SOUND, appeal=2**63),
        replace(SOUND, keep=0),
        replace(SOUND, closures=("expel",)),
        replace(SOUND, lifted=("nobody",)),
        replace(SOUND, waiting=("mute", "mute")),
        replace(SOUND, review=None, lapse=("interim",)),
        replace(SOUND, decide=None, lifted=("mute",)),
        replace(SOUND, lapse=("interim", "interim")),
        replace(SOUND, pauses=("critical",)),
        replace(SOUND, pauses=()),
        replace(SOUND, old=OldDef(("offer", "kind"), (1.0,) * 6)),
        replace(SOUND, old=OldDef(("offer", "nowhere"), (1.0,) * 6)),
        replace(SOUND, old=OldDef(("offer", "copies"), (1.0,) * 5)),
        replace(SOUND, old=OldDef(("offer", "copies"), (2.0,) * 5 + (1.0,))),
        replace(SOUND, old=OldDef(("offer", "copies"), (0.0,) * 6)),
        replace(SOUND, old=OldDef(("offer", "copies"), (float("nan"),) * 6)),
    ],
)
def test_a_forged_procedure_is_refused(procedure: ir.ProcedureDef) -> None:
    with pytest.raises(CorpusError):
        verify_corpus(replace(BASE, procedure=procedure))


@pytest.mark.parametrize(
    "incident",
    [
        replace(FULL, target="nobody"),
        replace(FULL, same=()),
        replace(FULL, same=(SameDef(("offer", "id")), SameDef(("offer", "id"), 1))),
        replace(FULL, same=(SameDef(("offer", "kind")),)),
        replace(FULL, same=(SameDef(()),)),
        replace(FULL, same=(SameDef(("offer", "score")),)),
        replace(FULL, same=(SameDef(None),)),
        replace(FULL, same=(SameDef(None, 0),)),
    ],
)
def test_a_forged_incident_is_refused(incident: IncidentDef) -> None:
    with pytest.raises(CorpusError):
        verify_corpus(replace(BASE, incident=incident))


@pytest.mark.parametrize(
    "brake",
    [
        BrakeDef("nobody", 5),
        BrakeDef("account"),
        BrakeDef("account", -1),
        BrakeDef("account", 0, 1.0),
        BrakeDef("account", 0, -0.5),
        BrakeDef("account", 0, float("nan")),
        BrakeDef("account", 5, 0.0, 0),
    ],
)
def test_a_forged_brake_is_refused(brake: BrakeDef) -> None:
    rules = (replace(only_rule(BASE), brakes=(brake,)),)
    with pytest.raises(CorpusError):
        verify_corpus(replace(BASE, rules=rules))


def test_a_forged_brake_in_shadow_is_refused() -> None:
    rules = (replace(only_rule(BASE), brakes=(BrakeDef("account", 5),), shadow=True),)
    with pytest.raises(CorpusError):
        verify_corpus(replace(BASE, rules=rules))
