"""Blacklists: ours with its yearly review, and those of others, from which nothing follows by itself."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import clausal
from clausal.cli.shell import Exit
from clausal.compiler.ir import DAY
from clausal.enforcement import blacklist
from clausal.enforcement.facts import Listed
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.opening import open_ledger
from clausal.enforcement.people import RefusedError
from clausal.enforcement.processing import Enforcer
from clausal.enforcement.review import queue, review
from clausal.enforcement.signed_list import (
    ListError,
    SignedList,
    make_key,
    public_key,
    read_key,
    sign,
    verify,
)
from tests.support.cli import clausal as command
from tests.support.enforced import LIBRARY, event, hours, micro

SANCTIONS = """
sanction blacklist_subject {
  title zh "黑名单"  en "Blacklisted"
  on subject
  grade 6
  needs duration
  needs review by two
  wording zh "列入黑名单至{until}。"  en "Blacklisted until {until}."
  dsa ACCOUNT_TERMINATED
}

sanction registration_ban {
  title zh "禁止注册"  en "No registration"
  on subject
  grade 6
  needs duration
  needs review by two
  wording zh "不得注册至{until}。"  en "No registration until {until}."
  dsa PROVISION_TOTAL_TERMINATION
}
"""

POLICY = """\
policy forum.grave 1.0.0 {
  title  zh "重"  en "Grave"
  notice "notice.txt"
  in force 2024-01-01 ..
  time zone "Asia/Shanghai"
  use forum.base 1
}

clause 1 "不得造假。"

rule forger {
  title  zh "造假"  en "Forger"
  cites  1
  when   content.staged == confirmed
  severity critical
  then   blacklist_subject for 700d after review by two
  then   registration_ban for 100d after review by two
  because zh "造假。"  en "It is forged."
}
"""


@functools.cache
def bundle() -> clausal.Bundle:
    with TemporaryDirectory() as folder:
        Path(folder, "base.policy").write_text(LIBRARY + SANCTIONS, "utf-8")
        Path(folder, "grave.policy").write_text(POLICY, "utf-8")
        Path(folder, "notice.txt").write_text("不得造假。", "utf-8")
        return clausal.compile(folder)


def at(day: float) -> int:
    return micro(hours(24 * day))


def agree(ledger: MemoryLedger, day: float) -> None:
    """Two people agree to all that waits."""
    for one in queue(ledger, at(day)):
        for who, later in (("li", 0), ("wang", 1)):
            review(ledger, one.measure.id, who, "approve", at(day) + later)


def listed(*accounts: str, day: float = 0) -> MemoryLedger:
    """A ledger with some accounts' subjects, ``s-`` and the account, on the list."""
    ledger = MemoryLedger()
    Enforcer(bundle(), ledger).process(
        [event(f"e-{one}", 24 * day, account=one, content__staged="confirmed") for one in accounts]
    )
    agree(ledger, day + 1)
    return ledger


def subjects(ledger: MemoryLedger, day: float) -> list[str]:
    return [one.subject for one in blacklist.entries(ledger, at(day))]


# ── Ours ─────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_on_it_before_two_agreed_and_after_its_term() -> None:
    ledger = listed("a", "b")
    assert subjects(ledger, 0.5) == []
    assert subjects(ledger, 1.01) == ["s-a", "s-b"]
    (first, _) = blacklist.entries(ledger, at(2))
    assert first.until == at(1) + 1 + 700 * DAY
    assert first.reason is not None
    assert (first.reason.policy, first.reason.clauses) == ("forum.grave", ("1",))
    assert subjects(ledger, 700.9) == ["s-a", "s-b"]
    assert subjects(ledger, 701.1) == []


def test_each_is_looked_at_every_year_and_stays_or_goes() -> None:
    ledger = listed("a", "b")
    (first, other) = blacklist.entries(ledger, at(2))
    assert first.due == at(1) + 1 + blacklist.YEAR
    assert not first.is_due(first.due - 1)
    assert first.is_due(first.due)
    (fact,) = blacklist.keep(ledger, "s-a", "li", at(370), "still dangerous")
    assert ledger.facts([fact.id])
    (first, other) = blacklist.entries(ledger, at(371))
    assert (first.due, first.reviewed_by) == (at(370) + blacklist.YEAR, "li")
    assert other.is_due(at(371))
    waiting = ledger.outbox.waiting()
    blacklist.lift(ledger, "s-b", "li", at(372))
    assert ledger.outbox.waiting() == waiting + 1
    assert subjects(ledger, 371) == ["s-a", "s-b"]
    assert subjects(ledger, 373) == ["s-a"]
    for who, name in (("s-b", "li"), ("s-a", "s-a"), ("s-a", " ")):
        with pytest.raises(RefusedError):
            blacklist.keep(ledger, who, name, at(374))
        with pytest.raises(RefusedError):
            blacklist.lift(ledger, who, name, at(374))


def test_who_may_register() -> None:
    ledger = listed("a")
    told = [blacklist.check(ledger, "s-a", at(day)) for day in (0.5, 50, 150, 800)]
    assert [(one.banned, one.blacklisted) for one in told] == [
        (False, False),
        (True, True),
        (False, True),
        (False, False),
    ]
    assert blacklist.check(ledger, "s-x", at(50)).measures == ()


# ── Lists that leave and come ────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("keys") / "key.pem"
    return path, make_key(path)


def exported(path: Path, ledger: MemoryLedger, day: float) -> bytes:
    return sign(blacklist.draw_up(ledger, "theirs.example", at(day), 30 * DAY), read_key(path))


def test_a_list_goes_from_one_platform_to_another(keys: tuple[Path, str]) -> None:
    path, public = keys
    theirs = listed("a", "b")
    # While somebody can appeal, nobody hears of it.
    assert blacklist.draw_up(theirs, "theirs.example", at(100), DAY).entries == ()
    data = exported(path, theirs, 200)
    found = verify(data, {"theirs.example": public}, at(201))
    assert [one.subject for one in found.entries] == ["s-a", "s-b"]

    ours = MemoryLedger()
    taken = blacklist.take_in(ours, bundle(), found, at(201))
    assert taken.new == ("s-a", "s-b")
    assert [one.fact.subject for one in ours.entries() if isinstance(one.fact, Listed)] == [
        "s-a",
        "s-b",
    ]
    assert subjects(ours, 202) == []
    assert ours.outbox.waiting() == 0
    waiting = queue(ours, at(202))
    assert [(one.measure.sanction, one.needs) for one in waiting] == [("blacklist_subject", 2)] * 2
    review(ours, waiting[0].measure.id, "li", "approve", at(202))
    assert subjects(ours, 203) == []
    review(ours, waiting[0].measure.id, "wang", "approve", at(203))
    review(ours, waiting[1].measure.id, "li", "reject", at(203))
    assert subjects(ours, 203.1) == ["s-a"]
    assert ours.outbox.waiting() == 1
    # What came from others is not passed on as ours.
    assert blacklist.draw_up(ours, "ours.example", at(400), DAY).entries == ()
    assert ours.verify() is None


def test_lists_come_again(keys: tuple[Path, str]) -> None:
    path, public = keys
    theirs, ours = listed("a", "b"), MemoryLedger()
    trusted = {"theirs.example": public}

    def take(data: bytes, day: float) -> blacklist.Taken:
        return blacklist.take_in(ours, bundle(), verify(data, trusted, at(day)), at(day))

    first = exported(path, theirs, 200)
    take(first, 201)
    head = ours.head
    with pytest.raises(ListError, match="was imported before"):
        take(first, 202)
    blacklist.lift(theirs, "s-b", "li", at(203))
    second = exported(path, theirs, 204)
    taken = take(second, 205)
    assert (taken.new, taken.known, taken.gone) == ((), ("s-a",), ("s-b",))
    assert ours.head == head
    with pytest.raises(ListError, match="a newer list"):
        take(first, 206)


def test_what_is_not_genuine_is_refused(keys: tuple[Path, str], tmp_path: Path) -> None:
    path, public = keys
    data = exported(path, listed("a"), 200)
    trusted = {"theirs.example": public}
    other = make_key(tmp_path / "other.pem")
    for given_data, given_trust, day, error in (
        (data, {}, 201, "is not trusted"),
        (data, {"theirs.example": other}, 201, "with another key"),
        (exported(tmp_path / "other.pem", listed("a"), 200), trusted, 201, "with another key"),
        (data, trusted, 230, "too old"),
        (data, trusted, 199, "from the future"),
        (b"{}", trusted, 201, "no signed list"),
        (data[:-9], trusted, 201, "no signed list"),
        (data.replace(b"clausal-blacklist-1", b"clausal-blacklist-2"), trusted, 201, "of the form"),
    ):
        with pytest.raises(ListError, match=error):
            verify(given_data, given_trust, at(day))
    assert verify(data, trusted, at(229.9)).entries


@given(place=st.integers(0), byte=st.integers(0, 255))
def test_not_a_byte_can_be_changed(keys: tuple[Path, str], place: int, byte: int) -> None:
    path, public = keys
    data = bytearray(exported(path, _SOME, 200))
    place %= len(data)
    trusted = {"theirs.example": public}
    before = verify(bytes(data), trusted, at(201))
    data[place] = byte
    try:
        after: SignedList | None = verify(bytes(data), trusted, at(201))
    except ListError:
        after = None
    assert after in (None, before)


_SOME = listed("a")


def test_what_an_honest_issuer_does_not_sign(keys: tuple[Path, str]) -> None:
    path, public = keys
    made = blacklist.draw_up(listed("a"), "theirs.example", at(200), DAY)
    (entry,) = made.entries
    change = msgspec.structs.replace
    for entries, error in (
        ((entry, entry), "on the list twice"),
        ((change(entry, subject=""),), "names no subject"),
        ((change(entry, since=at(201)),), "make no sense"),
        ((change(entry, until=entry.since),), "make no sense"),
    ):
        wrong = sign(change(made, entries=entries), read_key(path))
        with pytest.raises(ListError, match=error):
            verify(wrong, {"theirs.example": public}, at(200.5))


def test_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    public = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public_key(read_key(path)) == public
    with pytest.raises(ListError, match="already"):
        make_key(path)
    with pytest.raises(ListError, match="cannot read"):
        read_key(tmp_path / "none")
    (tmp_path / "text").write_text("no key")
    with pytest.raises(ListError, match="holds no private key"):
        read_key(tmp_path / "text")


def test_a_bundle_that_knows_no_blacklist(keys: tuple[Path, str]) -> None:
    path, public = keys
    from tests.support.enforced import forum

    found = verify(exported(path, _SOME, 200), {"theirs.example": public}, at(201))
    with pytest.raises(ListError, match="has no sanction"):
        blacklist.take_in(MemoryLedger(), forum(), found, at(201))


# ── From the command line ────────────────────────────────────────────────────────────────────────


def test_the_commands(tmp_path: Path) -> None:
    ledger = tmp_path / "theirs.db"
    with_database = open_ledger(str(ledger))
    Enforcer(bundle(), with_database).process([event("e", 0, content__staged="confirmed")])
    for one in queue(with_database, at(1)):
        review(with_database, one.measure.id, "li", "approve", at(1))
        review(with_database, one.measure.id, "wang", "approve", at(1))
    with_database.close()
    bundle().save(tmp_path / "grave.clausal")

    def ran(*words: str | Path, code: int = Exit.FINE) -> str:
        done = command("blacklist", *words)
        assert done.code == code, done.err
        return done.out if code == Exit.FINE else done.out + done.err

    day = "2024-12-01T00:00Z"
    key = tmp_path / "key.pem"
    public = ran("key", key).strip()
    assert ran("key", key, "--public").strip() == public
    assert "already" in ran("key", key, code=Exit.INPUT)
    assert "forum.grave 1" in ran("list", "-l", ledger, "--at", day)
    assert (
        ran("list", "-l", ledger, "--at", day, "--due") == "0 subjects, 0 to be looked at again\n"
    )
    (one,) = json.loads(ran("list", "-l", ledger, "--at", "2025-06-01T00:00Z", "--due", "--json"))
    assert (one["subject"], one["is_due"]) == ("s-a", True)
    queued = command("review", "list", "-l", ledger, "--at", "2025-06-01T00:00Z").out
    assert "1 entry of the blacklist is to be looked at again" in queued
    assert "on the list until 2026-" in ran(
        "check", "s-a", "-l", ledger, "--at", day, code=Exit.FINDINGS
    )
    assert ran("check", "s-b", "-l", ledger, "--at", day) == "not on the list, and may register\n"
    file = tmp_path / "list.json"
    common = ("-l", ledger, "--issuer", "theirs.example", "--key", key, "--at", day)
    assert "1 subject in" in ran("export", *common, "-o", file)
    ours = ("-l", tmp_path / "ours.db", "-b", tmp_path / "grave.clausal", "--at", day)
    trust = ("--trust", f"theirs.example={public}")
    assert "1 new entry to be reviewed" in ran("import", *ours, *trust, file)
    assert "was imported before" in ran("import", *ours, *trust, file, code=Exit.INPUT)
    assert "is not trusted" in ran("import", *ours, "--trust", f"x={public}", file, code=Exit.INPUT)
    assert "a public key is" in ran("import", *ours, "--trust", "x=y", file, code=Exit.INPUT)
    file.write_bytes(file.read_bytes().replace(b"s-a", b"s-b"))
    assert "changed after it was signed" in ran("import", *ours, *trust, file, code=Exit.INPUT)
