"""What is in effect on a target: the strictest of what runs, and again what that covered."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler.ir import Bilingual, Law, SanctionDef, SanctionParam
from clausal.compiler.types import Enum, EnumValue, Scalar, SetOf
from clausal.enforcement.effective import State, Vocabulary
from clausal.enforcement.facts import Ended, Measure
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.record import EVERYWHERE, Record
from clausal.engine.decision import Arguments
from tests.support.enforced import event, forum, hours, lie, micro

ME = "account:a"
PLACES = ("home", "search", "push")


def sanction(
    name: str, *params: SanctionParam, strength: int | None = None, implies: tuple[int, ...] = ()
) -> SanctionDef:
    return SanctionDef(
        name=name,
        library="l",
        params=params,
        targets=("account",),
        grade=len(name) % 7,
        law=Law("strictest", strength),
        implies=implies,
    )


SANCTIONS = (
    sanction("slow", SanctionParam("cut", Scalar("share")), strength=0),
    sanction("hide", SanctionParam("places", SetOf(Enum(tuple(map(EnumValue, PLACES)))))),
    sanction("wait", SanctionParam("pause", Scalar("duration")), strength=0),
    sanction("mute"),
    sanction("close", implies=(0, 1, 3)),
    sanction(
        "dim",
        SanctionParam("places", SetOf(Enum(tuple(map(EnumValue, PLACES))))),
        SanctionParam("cut", Scalar("share")),
        strength=1,
    ),
)
VOCABULARY = Vocabulary(SANCTIONS)


def measure(
    number: int, name: str, start: int, end: int | None, arguments: Arguments | None = None
) -> Measure:
    return Measure(
        id=f"m{number:02}",
        at=start,
        parties=(ME,),
        case="c",
        incident="i",
        sanction=name,
        title=Bilingual(),
        grade=0,
        dsa="",
        target=ME,
        arguments=arguments or {},
        start=start,
        end=end,
        length=None if end is None else end - start,
        permanent=False,
        once=False,
        until_fixed=(),
        interim=False,
        review=0,
        deadline=None,
        findings=(),
        strikes=(),
        steps=(),
        yields_to=None,
        notice=Bilingual(),
    )


def effective(at: int, *facts: Measure | Ended) -> State:
    return VOCABULARY.effective(Record.of(ME, facts), at)


def test_the_strictest_holds_and_a_short_one_inherits_no_long_end() -> None:
    short, long = measure(1, "slow", 0, 5, {"cut": 0.8}), measure(2, "slow", 0, 50, {"cut": 0.5})
    now, later = effective(4, short, long), effective(5, short, long)
    assert [(one.sanction, one.arguments, one.measures) for one in now.held] == [
        ("slow", {"cut": 0.8}, ("m01",))
    ]
    assert [(one.measure, one.by) for one in now.covered] == [("m02", ("m01",))]
    assert [one.arguments for one in later.held] == [{"cut": 0.5}]
    assert (now.until, later.until) == (5, 50)


def test_a_set_is_covered_element_by_element() -> None:
    one = measure(1, "hide", 0, 5, {"places": ("home", "search")})
    two = measure(2, "hide", 0, 9, {"places": ("search", "push")})
    three = measure(3, "hide", 0, 9, {"places": ("home",)})
    state = effective(1, one, two, three)
    assert [(held.arguments["places"], held.measures) for held in state.held] == [
        (("home",), ("m01", "m03")),
        (("push",), ("m02",)),
        (("search",), ("m01", "m02")),
    ]
    assert state.covered == ()


def test_a_measure_is_covered_when_all_of_it_is() -> None:
    one = measure(1, "dim", 0, 9, {"places": ("home", "search"), "cut": 0.5})
    two = measure(2, "dim", 0, 9, {"places": ("search",), "cut": 0.8})
    three = measure(3, "dim", 0, 9, {"places": ("home", "push"), "cut": 0.9})
    part = effective(1, one, two)
    assert [(held.arguments, held.measures) for held in part.held] == [
        ({"places": ("home",), "cut": 0.5}, ("m01",)),
        ({"places": ("search",), "cut": 0.8}, ("m02",)),
    ]
    assert part.covered == ()
    whole = effective(1, one, two, three)
    assert [(held.measure, held.by) for held in whole.covered] == [("m01", ("m02", "m03"))]


def test_ending_a_measure_restores_what_it_covered() -> None:
    mute, close = measure(1, "mute", 0, 50), measure(2, "close", 3, None)
    wait = measure(3, "wait", 0, 9, {"pause": 3600})
    assert [one.sanction for one in effective(4, mute, close, wait).held] == ["close", "wait"]
    over = Ended(id="e", at=7, parties=(ME,), measure="m02", why="overturned")
    state = effective(7, mute, close, wait, over)
    assert [one.sanction for one in state.held] == ["mute", "wait"]
    assert state.held[1].arguments == {"pause": 3600}
    assert state.covered == ()


def test_the_names_of_several_bundles_go_together() -> None:
    later = (sanction("close", implies=(1,)), sanction("grey"))
    both = Vocabulary(later, SANCTIONS)
    facts = [measure(1, "grey", 0, 9), measure(2, "close", 0, None), measure(3, "mute", 0, 9)]
    state = both.effective(Record.of(ME, facts), 1)
    assert [one.sanction for one in state.held] == ["close", "mute"]
    assert [one.measure for one in state.covered] == ["m01"]


def test_a_ledger_explains_itself_without_its_bundles() -> None:
    ledger = MemoryLedger()
    Enforcer(forum(), ledger).process([lie("1", 0, content="x"), event("2", 2)])
    vocabulary = Vocabulary.of(Record.of(EVERYWHERE, ledger.about(EVERYWHERE)))
    record = Record.of("content:x", ledger.about("content:x"))
    state = vocabulary.effective(record, micro(hours(1)))
    assert [one.sanction for one in state.held] == ["remove"]


# ── The meaning ──────────────────────────────────────────────────────────────────────────────────

IMPLIED = {"close": {"slow", "hide", "mute", "close"}}


@dataclass(frozen=True)
class Plain:
    """A measure, as somebody would write it on paper."""

    name: str
    start: int
    end: int | None
    cut: float
    places: tuple[str, ...]
    ended: int | None

    def runs(self, at: int) -> bool:
        return (
            self.start <= at
            and (self.end is None or at < self.end)
            and (self.ended is None or at < self.ended)
        )

    @property
    def things(self) -> dict[tuple[str, str], float]:
        """What it does, and how strictly."""
        match self.name:
            case "slow":
                return {("slow", ""): self.cut}
            case "hide":
                return {("hide", place): 0.0 for place in self.places}
            case name:
                return {(name, ""): 0.0}


plain = st.builds(
    Plain,
    st.sampled_from(["slow", "hide", "mute", "close"]),
    st.integers(0, 9),
    st.none() | st.integers(10, 20),
    st.sampled_from([0.25, 0.5, 0.75]),
    st.sets(st.sampled_from(PLACES), min_size=1).map(lambda some: tuple(sorted(some))),
    st.none() | st.integers(0, 20),
)


@given(st.lists(plain, max_size=6), st.integers(-1, 21))
def test_at_each_instant_the_strictest_of_what_runs_is_in_effect(
    some: list[Plain], at: int
) -> None:
    facts: list[Measure | Ended] = []
    for number, one in enumerate(some):
        arguments: Arguments = {}
        if one.name == "slow":
            arguments = {"cut": one.cut}
        if one.name == "hide":
            arguments = {"places": one.places}
        facts.append(measure(number, one.name, one.start, one.end, arguments))
        if one.ended is not None:
            facts.append(
                Ended(
                    id=f"e{number}",
                    at=one.ended,
                    parties=(ME,),
                    measure=f"m{number:02}",
                    why="lifted",
                )
            )
    state = effective(at, *facts)
    running = {f"m{number:02}": one for number, one in enumerate(some) if one.runs(at)}
    assert set(state.running) == set(running)
    strongest: dict[tuple[str, str], float] = {}
    for one in running.values():
        for thing, strength in one.things.items():
            strongest[thing] = max(strength, strongest.get(thing, strength))
    closed = ("close", "") in strongest
    expected = {
        thing: strength
        for thing, strength in strongest.items()
        if not closed or thing[0] == "close" or thing[0] not in IMPLIED["close"]
    }
    found: dict[tuple[str, str], float] = {}
    holders: dict[str, set[str]] = {}
    for held in state.held:
        places = held.arguments.get("places", ("",))
        assert isinstance(places, tuple)
        for place in places:
            cut = held.arguments.get("cut", 0.0)
            assert isinstance(cut, float)
            assert (held.sanction, place) not in found
            found[held.sanction, place] = cut
            for name in held.measures:
                holders.setdefault(name, set()).add(place)
                assert running[name].things[held.sanction, place] == cut
    assert found == expected
    assert {one.measure for one in state.covered} == set(running) - set(holders)
