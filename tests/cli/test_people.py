"""The commands for people: review, appeal, ledger show, ledger statement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clausal.cli.shell import Exit
from clausal.enforcement.facts import name
from clausal.enforcement.opening import open_ledger
from tests.support.cli import Ran, clausal, clausal_process, clausal_terminal
from tests.support.forum import DAY, Forum
from tests.support.golden import assert_golden

NOON = "2024-05-05T12:00:00Z"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of five cases of an account, in the environment."""
    path = tmp_path / "record.db"
    forum = Forum(open_ledger(str(path)))
    for day in range(5):
        forum.staged("a-1", day * DAY)
    forum.ledger.close()
    monkeypatch.setenv("CLAUSAL_LEDGER", str(path))
    return path


def waits(sanction: str) -> str:
    ran = clausal("review", "list", "--json", "--at", NOON)
    found = [one for one in json.loads(ran.out) if one["sanction"] == sanction]
    return str(found[-1]["measure"])


def case(number: int) -> str:
    return name("case", str(number))


def golden(file: str, ran: Ran) -> None:
    assert_golden(f"people/{file}.txt", ran.both)


def test_the_queue(path: Path) -> None:
    golden("review_list", clausal("review", "list", "--at", "2024-05-05T03:00:00Z"))
    early = clausal("review", "list", "--at", "2024-05-01T00:00:00Z")
    assert (early.code, early.out) == (Exit.FINE, "0 measures\n")


def test_what_there_is_to_decide_by(path: Path) -> None:
    closure = waits("close_account")
    said = clausal(
        "review", "approve", closure, "-r", "Ann", "--note", "three\x1b[2Jtimes", "--at", NOON
    )
    assert (said.code, said.out) == (Exit.FINE, "recorded: approve\n")
    golden("review_show", clausal("review", "show", closure, "--at", NOON))
    told = json.loads(clausal("review", "show", closure, "--at", NOON, "--json").out)
    assert told["agreed"] == ["Ann"]
    assert told["history"][0]["strikes"] == 4
    assert told["reviews"][0]["note"] == "three\x1b[2Jtimes"


def test_two_people_close_an_account_and_one_does_not(path: Path) -> None:
    closure = waits("close_account")
    assert clausal("review", "approve", closure, "-r", "Ann", "--at", NOON).code == Exit.FINE
    again = clausal("review", "approve", closure, "-r", "ＡＮＮ", "--at", NOON)
    assert again.code == Exit.INPUT
    assert again.err == "refused: this person has said a word on the measure already\n"
    done = clausal("review", "approve", closure, "-r", "Bob", "--at", NOON)
    assert done.out == f"recorded: approve\ntakes effect: {closure}\n"


def test_an_appeal_from_filing_to_outcome(path: Path) -> None:
    filed = clausal(
        "appeal", "file", case(1), "--by", "a-1", "--text", "it is a play", "--at", NOON
    )
    assert filed.code == Exit.FINE
    appeal = filed.out.split()[-1]
    golden("appeal_list", clausal("appeal", "list", "--at", NOON))
    assert json.loads(clausal("appeal", "list", "--json", "--at", NOON).out)[0]["appeal"] == appeal
    done = clausal(
        "appeal", "decide", appeal, "-r", "Cleo", "--outcome", "overturned", "--at", NOON
    )
    golden("appeal_decide", done)
    golden("story", clausal("ledger", "show", "a-1", "--at", NOON))
    # As it stood before, the appeal had not happened.
    before = clausal("ledger", "show", "account:a-1", "--at", "2024-05-05T11:59:59Z")
    assert "appeal" not in before.out
    assert "close_account" in before.out
    golden(
        "statement_replayed",
        clausal("ledger", "statement", case(3), "--lang", "en"),
    )


def test_a_late_appeal_is_told_by_the_exit_code(path: Path) -> None:
    ran = clausal(
        "appeal", "file", case(1), "--by", "a-1", "--text", "x", "--at", "2025-05-05T12:00:00Z"
    )
    assert ran.code == Exit.FINDINGS
    assert "decided: out of time" in ran.out


def test_a_wrong_finding(path: Path) -> None:
    ran = clausal("review", "reject", waits("mute"), "-r", "Ann", "--void", "--at", NOON)
    golden("review_void", ran)
    told = json.loads(clausal("review", "precision", "--json").out)
    assert told == [{"rule": "forum.rules.staged", "decided": 1, "stood": 0, "share": 0.0}]
    assert "forum.rules.staged" in clausal("review", "precision").out


def test_statements_in_all_forms(path: Path) -> None:
    zh = clausal("ledger", "statement", case(2))
    assert zh.out.startswith(f"处理说明 {case(2)}（第1版）\n")
    en = clausal("ledger", "statement", case(2), "--lang", "en", "--markdown")
    assert en.out.startswith(f"# Statement of reasons {case(2)} (edition 1)\n")
    assert json.loads(clausal("ledger", "statement", case(2), "--json").out)["edition"] == 1
    told = json.loads(clausal("ledger", "statement", case(2), "--dsa").out)
    assert told["puid"] == f"{case(2)}-1"


def test_the_words_of_a_platform(path: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.toml"
    words.write_text(
        """\
reference = "https://forum.example/rules/{policy}/{version}"
[found_by.own]
zh = "巡查"
en = "a patrol"
dsa = "VOLUNTARY"
[content]
kind = "content.kind"
kinds = { video = ["VIDEO"] }
[conduct."forum.rules"]
staged = ["SCAMS_AND_FRAUD", "INAUTHENTIC_LISTINGS"]
""",
        encoding="utf-8",
    )
    ran = clausal("ledger", "statement", case(2), "--lang", "en", "--words", words)
    assert "The tip came from: a patrol" in ran.out
    told = json.loads(clausal("ledger", "statement", case(2), "--dsa", "--words", words).out)
    assert told["category"] == "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"
    assert told["decision_ground_reference_url"] == "https://forum.example/rules/forum.rules/1.2.0"
    bad = words.read_text(encoding="utf-8").replace("SCAMS_AND", "SPAM")
    words.write_text(bad, encoding="utf-8")
    ran = clausal("ledger", "statement", case(2), "--dsa", "--words", words)
    assert ran.code == Exit.INPUT
    assert "the database would refuse it: category" in ran.err
    words.write_text("x = [", encoding="utf-8")
    assert "is no table of words" in clausal("ledger", "statement", case(2), "--words", words).err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("ledger", "show", "nobody"), Exit.INPUT, "knows nothing of `nobody`"),
        (("ledger", "statement", "case-x"), Exit.INPUT, "there is no case `case-x`"),
        (("ledger", "statement", "case-x", "--dsa", "--json"), Exit.USAGE, "choose one"),
        (("review", "show", "measure-x"), Exit.INPUT, "there is no measure"),
        (("review", "approve", "measure-x", "-r", "Ann"), Exit.INPUT, "there is no measure"),
        (("review", "list", "--at", "noon"), Exit.USAGE, "is no time with an offset"),
        (
            ("appeal", "file", "case-x", "--by", "a", "--text", "x"),
            Exit.INPUT,
            "there is no case",
        ),
        (
            ("appeal", "decide", "appeal-x", "-r", "Ann", "--outcome", "upheld"),
            Exit.INPUT,
            "there is no appeal",
        ),
    ],
)
def test_what_cannot_be_is_told(
    path: Path, arguments: tuple[str, ...], code: Exit, words: str
) -> None:
    ran = clausal(*arguments)
    assert ran.code == code
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_nobody_is_somebody(path: Path) -> None:
    ran = clausal("review", "approve", waits("mute"), "-r", "account:A-1", "--at", NOON)
    assert ran.err == "refused: nobody reviews a case that is about themselves\n"


def test_two_kinds_of_one_id_must_be_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    forum = Forum(open_ledger(str(path)))
    forum.staged("p-1", 0)
    forum.ledger.close()
    ran = clausal("ledger", "show", "p-1", "--ledger", path)
    assert ran.code == Exit.USAGE
    assert "account:p-1, content:p-1" in ran.err


def test_a_story_does_not_act_on_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    forum = Forum(open_ledger(str(path)))
    who = "a\u202e\x1b]0;x\x07"
    case = forum.staged(who, 0)
    forum.ledger.close()
    filed = clausal(
        "appeal",
        "file",
        case,
        "--by",
        who,
        "--text",
        "\x1b[2J\u2066x",
        "--ledger",
        path,
        "--at",
        NOON,
    )
    assert filed.code == Exit.INPUT  # a name that nobody can see is none
    for arguments in (
        ("ledger", "show", f"account:{who}"),
        ("ledger", "statement", case, "--lang", "en"),
        ("ledger", "statement", case, "--markdown"),
        ("ledger", "show", f"account:{who}", "--json"),
        ("ledger", "statement", case, "--json"),
    ):
        code, shown = clausal_terminal(*arguments, "--ledger", path)
        assert code == Exit.FINE
        assert "\u202e" not in shown
        assert "\x07" not in shown
        assert "\x1b]0" not in shown


def test_at_once_in_processes_of_their_own(path: Path) -> None:
    closure = waits("close_account")
    from concurrent.futures import ThreadPoolExecutor

    def approve(who: str) -> int:
        return clausal_process("review", "approve", closure, "-r", who, "--at", NOON).code

    with ThreadPoolExecutor(3) as pool:
        codes = sorted(pool.map(approve, ["Ann", "ann ", "ＡＮＮ"]))
    assert codes == [Exit.FINE, Exit.INPUT, Exit.INPUT]
    assert clausal("ledger", "verify").code == Exit.FINE
