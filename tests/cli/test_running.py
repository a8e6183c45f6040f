"""The commands that compile and decide: compile, run, explain, inspect, schema."""

from __future__ import annotations

import base64
import contextlib
import csv
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clausal import reading
from clausal.cli.shell import Exit
from clausal.cli.stream import Stream
from clausal.compiler.bundle import assemble, load, save
from clausal.engine.decision import Decision
from tests.support.cli import Ran, clausal, clausal_process, clausal_terminal
from tests.support.golden import assert_golden
from tests.support.shop import (
    BAD,
    CLEAN,
    FALSE,
    FINE,
    OPEN,
    SHADOWED,
    Event,
    ndjson,
    offer,
    project,
    write_events,
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with policies, their bundle and events, which is the current one."""
    project(tmp_path / "policies")
    monkeypatch.chdir(tmp_path)
    assert clausal("compile", "policies", "-o", "shop.clausal").code == Exit.FINE
    write_events(tmp_path / "events.ndjson")
    return tmp_path


def decisions(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def ids(text: str) -> list[object]:
    return [decision["event_id"] for decision in decisions(text)]


def steady(text: str) -> str:
    """Take out of an output what differs from run to run."""
    text = re.sub(r"\d+\.\d\d s, [\d,]+ events/s", "0.00 s, 0 events/s", text)
    text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, text)
    text = re.sub(r"\d+\.\d KiB", "0.0 KiB", text)
    return re.sub(r"in \d+\.\d\d s", "in 0.00 s", text)


def golden(name: str, ran: Ran) -> None:
    assert_golden(f"cli/{name}.txt", steady(ran.both))


# ── compile ──────────────────────────────────────────────────────────────────────────────────────


def test_compile_says_what_was_made(shop: Path) -> None:
    ran = clausal("compile", "policies", "-o", "again.clausal")
    assert ran.code == Exit.FINE
    assert "2 rules" in ran.out
    assert "steps for an event" in ran.out
    assert (shop / "again.clausal").read_bytes() == (shop / "shop.clausal").read_bytes()
    facts = json.loads(clausal("compile", "policies", "-o", "again.clausal", "--json").out)
    assert facts["digest"].startswith("sha256:")
    assert facts["bytes"] == (shop / "shop.clausal").stat().st_size
    assert facts["rules"] == 2


def test_compile_to_a_pipe(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "clausal.cli", "compile", "policies", "-o", "-"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == (shop / "shop.clausal").read_bytes()
    assert b"2 rules" in done.stderr
    assert clausal("compile", "policies", "-o", "-", "--json").code == Exit.USAGE


def test_compile_with_other_params(shop: Path) -> None:
    arguments = ("compile", "policies", "-o", "strict.clausal", "--param")
    assert clausal(*arguments, "cutoff=60%").code == Exit.FINE
    assert (shop / "strict.clausal").read_bytes() != (shop / "shop.clausal").read_bytes()
    path = write_events(shop / "e.ndjson", [offer("a", score=0.65, kind="sale")])
    assert ids(clausal("run", "shop.clausal", path, "--matched").out) == []
    assert ids(clausal("run", "strict.clausal", path, "--matched").out) == ["a"]
    assert ids(clausal("run", "shop.clausal", path, "--matched", "-p", "cutoff=0.6").out) == ["a"]
    assert ids(clausal("run", "policies", path, "--matched", "-p", "cutoff=0.6").out) == ["a"]


@pytest.mark.parametrize(
    "param", ["cutoff", "cutoff=", "=1", "cutoff=many", "cutof=0.6", "cutoff=0.1"]
)
@pytest.mark.usefixtures("shop")
def test_params_that_cannot_be_bound(param: str) -> None:
    for command in (("compile", "policies", "-o", "x"), ("run", "shop.clausal", "events.ndjson")):
        ran = clausal(*command, "--param", param)
        assert (ran.code, ran.out) == (Exit.USAGE, "")
        assert "cuto" in ran.err or "=1" in ran.err


def test_compile_of_policies_with_errors(shop: Path) -> None:
    policy = shop / "policies" / "shop.policy"
    policy.write_text(policy.read_text(encoding="utf-8").replace("cites  1", "cites  7"))
    ran = clausal("compile", "policies", "-o", "x.clausal")
    assert (ran.code, ran.out) == (Exit.POLICY, "")
    assert "2 errors in 1 file" in ran.err
    assert not (shop / "x.clausal").exists()
    for command in (
        ("test", "policies"),
        ("coverage", "policies"),
        ("run", "policies", "events.ndjson"),
    ):
        assert clausal(*command).code == Exit.POLICY


def test_compile_where_nothing_can_be_written(shop: Path) -> None:
    for name in ("missing/x.clausal", "policies"):
        ran = clausal("compile", "policies", "-o", name)
        assert ran.code == Exit.INPUT
        assert "cannot write" in ran.err
    assert sorted(path.name for path in shop.iterdir()) == [
        "events.ndjson",
        "policies",
        "shop.clausal",
    ]


def test_compile_of_libraries_alone(shop: Path) -> None:
    ran = clausal("compile", "policies/fields.policy", "-o", "x.clausal")
    assert ran.code == Exit.POLICY
    assert "no policy" in ran.err
    assert not (shop / "x.clausal").exists()


# ── run ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("shop")
def test_run_decides_and_sums_up() -> None:
    ran = clausal("run", "shop.clausal", "events.ndjson")
    assert ran.code == Exit.FINE
    assert ids(ran.out) == ["fine", "false", "shadowed", "open"]
    golden("run_summary", Ran(ran.code, "", ran.err))


def test_run_writes_files(shop: Path) -> None:
    ran = clausal(
        "run", "shop.clausal", "events.ndjson", "-o", "d.ndjson", "--rejects", "bad.ndjson",
        "--summary-json", "s.json", "--quiet",
    )  # fmt: skip
    assert (ran.code, ran.out, ran.err) == (Exit.FINE, "", "")
    assert len(decisions((shop / "d.ndjson").read_text(encoding="utf-8"))) == 4
    (bad,) = decisions((shop / "bad.ndjson").read_text(encoding="utf-8"))
    assert (bad["file"], bad["unit"], bad["number"]) == ("events.ndjson", "line", 5)
    assert bad["problems"] == [
        {"path": "offer.score", "expected": "a share from 0 to 1", "got": "`2`"}
    ]
    assert json.loads(str(bad["raw"])) == BAD
    summary = json.loads((shop / "s.json").read_text(encoding="utf-8"))
    assert summary["bundle"].startswith("sha256:")
    assert (summary["events"], summary["decided"], summary["bad"]) == (5, 4, 1)
    assert summary["with_findings"] == 2
    assert [rule["rule"] for rule in summary["rules"]] == ["false_price", "watched"]
    assert summary["ladder_steps"] == [{"ladder": "shop.rules.pricing", "step": 1, "count": 1}]


def test_the_policies_are_a_bundle_or_files_or_those_that_ship(shop: Path) -> None:
    bundle = clausal("run", "shop.clausal", "events.ndjson").out
    assert clausal("run", "policies", "events.ndjson").out == bundle
    files = [f"policies/{name}.policy" for name in ("shop", "fields")]
    assert clausal("run", *files, "events.ndjson").out == bundle
    (shop / "shop.bin").write_bytes((shop / "shop.clausal").read_bytes())
    assert clausal("run", "shop.bin", "events.ndjson").out == bundle
    event = {"context": {"event_id": "e", "time": "2024-05-01T12:00:00+08:00"}}
    path = write_events(shop / "e.ndjson", [event])
    assert ids(clausal("run", path).out) == ["e"]
    assert clausal("run", "shop.clausal", "policies", "events.ndjson").code == Exit.USAGE


def by_name(event: Mapping[str, object]) -> dict[str, object]:
    """Return an event as cells of CSV by the names of columns."""
    cells: dict[str, object] = {}
    for key, value in event.items():
        if key.startswith("$"):
            cells[key] = json.dumps(value)
        else:
            assert isinstance(value, dict)
            cells |= {f"{key}.{name}": inner for name, inner in value.items()}
    return cells


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "ndjson.gz", "stdin", "gzip stdin"])
def test_every_way_in_gives_the_same_decisions(shop: Path, form: str) -> None:
    good: list[Event] = [FINE, FALSE, SHADOWED, OPEN]
    expected = clausal("run", "shop.clausal", write_events(shop / "good.ndjson", good)).out
    stdin = b""
    path: str | Path = shop / f"e.{form}"
    match form:
        case "json":
            Path(path).write_text(json.dumps(good), encoding="utf-8")
        case "csv":
            rows = [by_name(event) for event in good]
            names = list(dict.fromkeys(name for row in rows for name in row))
            with Path(path).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, names, restval="")
                writer.writeheader()
                writer.writerows(rows)
        case "parquet":
            past = [event.get("$history") for event in good]
            columns: dict[str, list[object]] = {
                "offer": [event["offer"] for event in good],
                "$history": [json.dumps(one) if one else None for one in past],
            }
            pq.write_table(pa.table(columns), path)
        case "ndjson.gz":
            Path(path).write_bytes(gzip.compress(ndjson(good).encode()))
        case "stdin":
            path, stdin = "-", ndjson(good).encode()
        case _:
            path, stdin = "-", gzip.compress(ndjson(good).encode())
    ran = clausal("run", "shop.clausal", path, stdin=stdin)
    assert ran.out == expected
    assert ran.code == Exit.FINE


def test_events_of_several_files(shop: Path) -> None:
    write_events(shop / "a.ndjson", [FINE, BAD])
    (shop / "b.json").write_text(json.dumps(FALSE), encoding="utf-8")
    ran = clausal("run", "shop.clausal", "a.ndjson", "b.json")
    assert ids(ran.out) == ["fine", "false"]
    assert "a.ndjson, line 2" in ran.err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["fine", "false", "shadowed", "open"]),
        (("--matched",), ["false", "shadowed"]),
        (("--undetermined",), ["open"]),
        (("--matched", "--undetermined"), ["false", "shadowed", "open"]),
    ],
)
@pytest.mark.usefixtures("shop")
def test_which_decisions_are_written(options: tuple[str, ...], expected: list[str]) -> None:
    ran = clausal("run", "shop.clausal", "events.ndjson", *options)
    assert ids(ran.out) == expected
    assert "5 events: 2 with findings" in ran.err


@pytest.mark.usefixtures("shop")
def test_findings_fail_only_where_that_is_asked_for(shop: Path) -> None:
    assert (
        clausal("run", "shop.clausal", "events.ndjson", "--fail-on-findings").code == Exit.FINDINGS
    )
    fine = write_events(shop / "fine.ndjson", [FINE])
    assert clausal("run", "shop.clausal", fine, "--fail-on-findings").code == Exit.FINE


@pytest.mark.usefixtures("shop")
def test_when_it_is_decided_and_within_which_bounds() -> None:
    ran = clausal(
        "run", "shop.clausal", "events.ndjson", "--at", "2024-06-01T00:00:00Z", "--bounds"
    )
    for decision in decisions(ran.out):
        assert str(decision["decided_at"]).startswith("2024-06-01T08:00:00")
        assert decision["bounds"] is not None
    for wrong in ("now", "2024-06-01", "2024-06-01T00:00:00"):
        ran = clausal("run", "shop.clausal", "events.ndjson", "--at", wrong)
        assert (ran.code, ran.out) == (Exit.USAGE, "")
        assert "offset" in ran.err


# ── Bad events ───────────────────────────────────────────────────────────────────────────────────

TRASH: list[tuple[bytes, str]] = [
    (b"nonsense", "a JSON value"),
    (b"{", "key"),
    (b"[]", "an object"),
    (b"3", "an object"),
    (b'{"offer": {"id": "\xff"}}', "UTF-8"),
    (b'{"offer": {"id": "\0"}}', "control characters"),
    (b'{"offer": 1, "offer": 2}', "the key once"),
    (b"[" * 100_000, "nested"),
    (b'{"offer": ' * 5_000 + b"1" + b"}" * 5_000, "nested"),
    (b'{"offer": {"time": "2024-05-01T12:00:00+08:00", "score": NaN}}', "`offer.score`"),
    (b'{"offer": {"time": "2024-05-01T12:00:00+08:00", "score": 1e999}}', "`offer.score`"),
    (b'{"offer": {"time": "yesterday"}}', "`offer.time`"),
    (b'{"offer": {}}', "`offer.time`"),
    (b"{}", "`offer.time`"),
]


def test_bad_events_are_told_with_line_and_cause_and_stop_nothing(shop: Path) -> None:
    lines = [raw for raw, _ in TRASH]
    (shop / "e.ndjson").write_bytes(b"\n".join(lines) + b"\n" + ndjson([FINE]).encode())
    ran = clausal("run", "shop.clausal", "e.ndjson", "--rejects", "bad.ndjson")
    assert ran.code == Exit.FINE
    assert ids(ran.out) == ["fine"]
    assert f"{len(TRASH)} bad" in ran.err
    told = decisions((shop / "bad.ndjson").read_text(encoding="utf-8"))
    assert [one["number"] for one in told] == list(range(1, len(TRASH) + 1))
    for (raw, said), one in zip(TRASH, told, strict=True):
        assert said in f"{one['cause']} {one['detail']}"
        stored = base64.b64decode(str(one["raw_base64"])) if "raw_base64" in one else None
        assert (str(one["raw"]).encode() if stored is None else stored) == raw


def test_a_line_over_the_limit_is_a_bad_event(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINE_LIMIT", 10_000)
    data = ndjson([FINE]) + "x" * 100_000 + "\n" + ndjson([FALSE])
    (shop / "e.ndjson").write_text(data, encoding="utf-8")
    ran = clausal("run", "shop.clausal", "e.ndjson")
    assert ids(ran.out) == ["fine", "false"]
    assert "line too long" in ran.err
    assert "line 2" in ran.err


def test_strict_stops_at_the_first_bad_event(shop: Path) -> None:
    write_events(shop / "e.ndjson", [FINE, BAD, FALSE])
    ran = clausal("run", "shop.clausal", "e.ndjson", "--strict", "--rejects", "bad.ndjson")
    assert ran.code == Exit.INPUT
    assert ids(ran.out) == ["fine"]
    assert "error: e.ndjson, line 2: `offer.score`: expected" in ran.err
    assert len(decisions((shop / "bad.ndjson").read_text(encoding="utf-8"))) == 1


def test_where_every_event_is_bad_something_is_wrong(shop: Path) -> None:
    write_events(shop / "e.ndjson", [BAD, BAD])
    ran = clausal("run", "shop.clausal", "e.ndjson")
    assert ran.code == Exit.INPUT
    assert "not one event could be decided" in ran.err


@pytest.mark.usefixtures("shop")
def test_no_events_at_all_are_fine() -> None:
    ran = clausal("run", "shop.clausal", "-", stdin=b"")
    assert (ran.code, ran.out) == (Exit.FINE, "")
    assert "0 events" in ran.err


def test_text_of_an_event_cannot_act_on_the_terminal(shop: Path) -> None:
    evil = "\x1b]0;owned\x07\u202e[red]"
    event = offer(evil, kind=evil, note=f"最低价{evil}")
    good = offer("\x9b31m\u202e", score=0.9, kind="sale", note=evil)
    write_events(shop / "e.ndjson", [good, event])
    for arguments in (
        ("run", "shop.clausal", "e.ndjson", "-o", "d.ndjson"),
        ("explain", "shop.clausal", "e.ndjson", "--line", "1", "--rule", "watched"),
        ("explain", "shop.clausal", "e.ndjson", "--line", "1"),
        ("explain", "shop.clausal", "e.ndjson", "--line", "2"),
    ):
        ran = clausal(*arguments)
        shown = ran.out + ran.err
        assert not any(one in shown for one in "\x1b\x07\x9b\u202e")
        assert "Traceback" not in shown


def test_fields_that_nobody_knows_are_told(shop: Path) -> None:
    fields: dict[str, object] = {"scor": 1, "x\x1b": 2}
    event = {**offer("typo", **fields), "ofer": {}}
    write_events(shop / "e.ndjson", [event, FINE])
    ran = clausal("run", "shop.clausal", "e.ndjson", "--summary-json", "s.json")
    assert ran.code == Exit.FINE
    assert re.search(r"offer\.scor +1 +offer\.score", ran.err)
    assert re.search(r"ofer +1 +offer\b", ran.err)
    assert "\x1b" not in ran.err
    summary = json.loads((shop / "s.json").read_text(encoding="utf-8"))
    assert {"key": "ofer", "count": 1} in summary["unknown_keys"]
    assert len(summary["unknown_keys"]) == 3
    ran = clausal("explain", "shop.clausal", "e.ndjson", "--line", "1")
    assert "offer.scor  did you mean offer.score?" in ran.out
    assert "\x1b" not in ran.out


# ── Inputs that cannot be read ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.ndjson", None, "no such file"),
        ("events.txt", b"{}", "ending"),
        ("e.json", b"", "empty"),
        ("e.json", b"[1", "truncated"),
        ("e.csv", b"", "empty"),
        ("e.parquet", b"PAR1", "cannot be read"),
        ("e.ndjson.gz", b"{}", "no gzip data"),
        ("e.ndjson", "{}".encode("utf-16"), "UTF-16"),
    ],
)
def test_events_that_cannot_be_read(
    shop: Path, name: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (shop / name).write_bytes(content)
    ran = clausal("run", "shop.clausal", name)
    assert (ran.code, ran.out) == (Exit.INPUT, "")
    assert said in ran.err
    assert "never fired" not in ran.err
    assert "Traceback" not in ran.err
    assert clausal("explain", "shop.clausal", name).code == Exit.INPUT


def test_what_was_decided_before_the_damage_is_kept(shop: Path) -> None:
    data = gzip.compress(ndjson([offer(str(number)) for number in range(20_000)]).encode())
    (shop / "e.ndjson.gz").write_bytes(data[: len(data) // 2])
    ran = clausal("run", "shop.clausal", "e.ndjson.gz", "-o", "d.ndjson")
    assert ran.code == Exit.INPUT
    assert "cut short" in ran.err
    assert "stopped after" in ran.err
    written = (shop / "d.ndjson").read_text(encoding="utf-8")
    assert written.endswith("}\n")
    assert len(decisions(written)) > 1_000


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"nonsense",
        lambda data: data[:20],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
    ],
)
def test_bundles_that_cannot_be_loaded(shop: Path, damage: object) -> None:
    assert callable(damage)
    (shop / "bad.clausal").write_bytes(damage((shop / "shop.clausal").read_bytes()))
    for command in (("run", "bad.clausal", "events.ndjson"), ("inspect", "bad.clausal")):
        ran = clausal(*command)
        assert (ran.code, ran.out) == (Exit.INPUT, "")
        assert "bad.clausal" in ran.err
        assert "Traceback" not in ran.err


@pytest.mark.usefixtures("shop")
def test_a_bundle_that_is_not_there() -> None:
    ran = clausal("run", "missing.clausal", "events.ndjson")
    assert ran.code == Exit.INPUT
    assert "missing.clausal" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("shop.clausal",),
        ("events.ndjson", "-o", "events.ndjson"),
        ("events.ndjson", "--rejects", "./events.ndjson"),
        ("events.ndjson", "-o", "x", "--rejects", "x"),
        ("events.ndjson", "--rejects", "-"),
        ("-", "-"),
    ],
)
def test_inputs_and_outputs_that_make_no_sense(shop: Path, arguments: tuple[str, ...]) -> None:
    before = (shop / "events.ndjson").read_bytes()
    ran = clausal("run", *arguments)
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert (shop / "events.ndjson").read_bytes() == before


# ── History ──────────────────────────────────────────────────────────────────────────────────────


def steps(text: str) -> list[object]:
    found: list[object] = []
    for decision in decisions(text):
        ladders = decision["ladders"]
        assert isinstance(ladders, list)
        found.append([ladder["step"] for ladder in ladders])
    return found


def test_a_file_of_histories(shop: Path) -> None:
    events = [
        offer(name, score=0.9, kind="sale", seller=seller) for name, seller in ("aA", "bB", "cC")
    ]
    events.append({**events[0], "$history": {"strikes": {"pricing": 0}}})
    write_events(shop / "e.ndjson", events)
    history = [
        {"target": "account", "id": "A", "strikes": {"pricing": ["2024-04-20T00:00:00+08:00"]}},
        {"event": "b", "strikes": {"shop.rules.pricing": 3}},
    ]
    (shop / "h.ndjson").write_text(ndjson(history), encoding="utf-8")
    ran = clausal("run", "shop.clausal", "e.ndjson", "--history", "h.ndjson")
    # One strike before; three; none, since the file names no other account; its own history.
    assert steps(ran.out) == [[2], [2], [1], [1]]
    assert steps(clausal("run", "shop.clausal", "e.ndjson").out) == [[None], [None], [None], [1]]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "JSON"),
        ("{}", "`event`"),
        ('{"event": 3}', "`event`"),
        ('{"event": "a", "target": "account"}', "`event`"),
        ('{"event": "a", "points": {}}', "points"),
        ('{"event": "a", "strikes": 3}', "`strikes`"),
        ('{"target": "planet", "id": "x", "strikes": {}}', "planet"),
        ('{"target": "account", "strikes": {}}', "`id`"),
        ('{"target": "account", "id": "x", "tallies": {}}', "nothing else"),
    ],
)
def test_histories_that_cannot_be_read(shop: Path, line: str, said: str) -> None:
    (shop / "h.ndjson").write_text(line + "\n", encoding="utf-8")
    ran = clausal("run", "shop.clausal", "events.ndjson", "--history", "h.ndjson")
    assert (ran.code, ran.out) == (Exit.INPUT, "")
    assert "line 1" in ran.err
    assert said in ran.err


# ── Being stopped ────────────────────────────────────────────────────────────────────────────────


def started(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "clausal.cli", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


@pytest.mark.usefixtures("shop")
def test_a_closed_pipe_ends_it_quietly() -> None:
    process = started("run", "shop.clausal", "-")
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(ndjson([FALSE] * 2_000).encode())
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    assert process.wait(timeout=60) == Exit.STOPPED
    assert process.stderr.read() == b""
    process.stderr.close()


def test_ctrl_c_ends_it_between_two_events(shop: Path) -> None:
    process = started("run", "shop.clausal", "-", "-o", "d.ndjson")
    assert process.stdin is not None
    process.stdin.write(ndjson([FALSE] * 1_000).encode())
    process.stdin.flush()
    path = shop / "d.ndjson"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == Exit.STOPPED
    assert b"Traceback" not in errors
    assert b"stopped after" in errors
    written = path.read_text(encoding="utf-8")
    assert written.endswith("}\n")
    assert decisions(written)


# ── On a terminal ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("shop")
def test_progress_is_shown_on_terminals_alone() -> None:
    arguments = ("run", "shop.clausal", "events.ndjson", "-o", "d.ndjson", "--quiet")
    assert clausal_process(*arguments).err == ""
    code, shown = clausal_terminal(*arguments)
    assert code == Exit.FINE
    assert "0 events" in shown
    assert "left" in shown
    code, shown = clausal_terminal(*arguments, "--no-progress")
    assert (code, shown) == (Exit.FINE, "")


def test_decisions_on_a_terminal_cannot_act_on_it(shop: Path) -> None:
    path = write_events(shop / "e.ndjson", [offer("\x9b31m\u202e规", score=0.9, kind="sale")])
    code, shown = clausal_terminal("run", "shop.clausal", path, "--quiet")
    assert code == Exit.FINE
    assert decisions(shown)[0]["event_id"] == "\x9b31m\u202e规"
    assert "\\u009b31m\\u202e规" in shown
    assert "\x9b" not in shown


@pytest.mark.usefixtures("shop")
def test_a_bundle_is_not_written_to_a_terminal() -> None:
    code, shown = clausal_terminal("compile", "policies", "-o", "-")
    assert code == Exit.USAGE
    assert "a bundle is not for a terminal" in shown


@pytest.mark.usefixtures("shop")
def test_colour_on_a_terminal() -> None:
    assert "\x1b[" in clausal_terminal("explain", "shop.clausal", "events.ndjson", "--line", "2")[1]
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        arguments = ("explain", "shop.clausal", "events.ndjson", "--line", "2")
        assert "\x1b[" not in clausal_terminal(*arguments, env=env)[1]


# ── explain ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("shop")
def test_explain_tells_why() -> None:
    ran = clausal("explain", "shop.clausal", "events.ndjson", "--line", "2")
    assert ran.code == Exit.FINE
    golden("explain", ran)
    golden(
        "explain_open",
        clausal("explain", "shop.clausal", "events.ndjson", "--line", "4", "--bounds"),
    )


@pytest.mark.usefixtures("shop")
def test_explain_one_rule_whatever_became_of_it() -> None:
    arguments = ("explain", "shop.clausal", "events.ndjson", "--line", "1", "--rule")
    ran = clausal(*arguments, "false_price")
    assert ran.code == Exit.FINE
    golden("explain_rule", ran)
    assert clausal(*arguments, "shop.rules.false_price").out == ran.out
    ran = clausal(*arguments, "flase_price")
    assert ran.code == Exit.USAGE
    assert "did you mean `false_price`?" in ran.err


def test_explain_writes_durations_as_policies_do(shop: Path) -> None:
    library = (shop / "policies/fields.policy").read_text()
    (shop / "policies/fields.policy").write_text(
        library.replace("  labelled bool", "  waited duration\n  labelled bool")
    )
    policy = (shop / "policies/shop.policy").read_text()
    (shop / "policies/shop.policy").write_text(
        policy.replace("unless offer.labelled", "unless offer.waited < 1h", 1)
    )
    write_events(shop / "e.ndjson", [offer("w", waited="90m", score=0.9, kind="sale")])
    ran = clausal("explain", "policies", "e.ndjson", "--rule", "false_price")
    assert "✗ offer.waited < 1h   is 90m" in ran.out


@pytest.mark.usefixtures("shop")
def test_explain_for_programs() -> None:
    ran = clausal("explain", "shop.clausal", "events.ndjson", "--line", "2", "--json")
    told = json.loads(ran.out)
    assert told["decision"]["event_id"] == "false"
    assert [rule["rule"] for rule in told["rules"]] == ["false_price"]


def test_explain_needs_one_event(shop: Path) -> None:
    ran = clausal("explain", "shop.clausal", "events.ndjson")
    assert ran.code == Exit.USAGE
    assert "--line 1" in ran.err
    assert clausal("explain", "shop.clausal").code == Exit.USAGE
    assert clausal("explain", "shop.clausal", "events.ndjson", "events.ndjson").code == Exit.USAGE
    assert clausal("explain", "shop.clausal", "events.ndjson", "--line", "9").code == Exit.INPUT
    assert clausal("explain", "shop.clausal", "events.ndjson", "--line", "0").code == Exit.USAGE
    ran = clausal("explain", "shop.clausal", "events.ndjson", "--line", "5")
    assert ran.code == Exit.INPUT
    assert "`offer.score`" in ran.err
    one = write_events(shop / "one.ndjson", [FINE])
    assert "no finding" in clausal("explain", "shop.clausal", one).out
    assert "no finding" in clausal("explain", "shop.clausal", "-", stdin=ndjson([FINE])).out


# ── inspect and schema ───────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("shop")
def test_inspect() -> None:
    ran = clausal("inspect", "shop.clausal", "--rules", "--ir")
    assert ran.code == Exit.FINE
    golden("inspect", ran)
    assert steady(clausal("inspect", "policies", "--rules", "--ir").out) == steady(ran.out)
    facts = json.loads(clausal("inspect", "shop.clausal", "--json", "--ir").out)
    assert facts["steps_bound"] > 0
    assert facts["policies"][0]["rules"][0]["name"] == "false_price"
    assert facts["conditions"]


@pytest.mark.usefixtures("shop")
def test_a_bundle_whose_program_is_not_that_of_its_rules_is_found_out() -> None:
    assert clausal("inspect", "shop.clausal", "--verify").code == Exit.FINE
    assert clausal("compile", "policies", "-o", "other.clausal", "--param", "cutoff=0.9").code == 0
    assert clausal("inspect", "other.clausal", "--verify").code == Exit.FINE
    one, other = load(Path("shop.clausal")), load(Path("other.clausal"))
    # It shows the rules of the one, and decides as the other.
    save(assemble(one.corpus, other.program, one.sources), Path("forged.clausal"))
    assert clausal("inspect", "forged.clausal").code == Exit.FINE
    ran = clausal("inspect", "forged.clausal", "--verify")
    assert ran.code == Exit.FINDINGS
    assert "not what its rules compile to" in ran.err


@pytest.mark.usefixtures("shop")
def test_the_tree_is_shown_and_drawn() -> None:
    ran = clausal("inspect", "shop.clausal", "--tree", "--svg", "tree.svg")
    assert ran.code == Exit.FINE
    assert "leaves" in ran.out
    assert "guessed" in ran.out
    tree = json.loads(clausal("inspect", "shop.clausal", "--tree", "--json").out)["tree"]
    drawn = Path("tree.svg").read_text(encoding="utf-8")
    assert drawn.count("<rect ") == tree["worst_nodes"] > 0
    assert drawn.endswith("</svg>\n")
    assert 0 < tree["expected_nodes"] <= tree["worst_nodes"]
    assert tree["worst_checks"] == tree["conjunctions"]
    assert clausal("inspect", "shop.clausal", "--svg", "shop.clausal").code == Exit.USAGE


@pytest.mark.usefixtures("shop")
def test_a_profile_changes_the_layout_alone() -> None:
    arguments = ("compile", "policies", "--profile", "events.ndjson", "-o")
    assert clausal(*arguments, "profiled.clausal").code == Exit.FINE
    assert clausal(*arguments, "again.clausal").code == Exit.FINE
    assert Path("profiled.clausal").read_bytes() == Path("again.clausal").read_bytes()
    tree = json.loads(clausal("inspect", "profiled.clausal", "--tree", "--json").out)["tree"]
    assert tree["events"] > 0
    found = [
        [one["findings"] for one in decisions(clausal("run", name, "events.ndjson").out)]
        for name in ("shop.clausal", "profiled.clausal")
    ]
    assert found[0] == found[1]
    Path("none.ndjson").write_text("{}\n", encoding="utf-8")
    refused = clausal("compile", "policies", "-o", "x.clausal", "--profile", "none.ndjson")
    assert refused.code != Exit.FINE
    assert "no event in it" in refused.err


def test_inspect_of_the_policies_that_ship() -> None:
    assert "cn.self_media_traffic" in clausal("inspect").out


def test_schemas_describe_what_they_are_about(shop: Path) -> None:
    events = json.loads(clausal("schema", "events", "shop.clausal").out)
    jsonschema.Draft202012Validator.check_schema(events)
    jsonschema.validate(FINE, events)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(BAD, events)
    decision_schema = json.loads(clausal("schema", "decisions").out)
    jsonschema.Draft202012Validator.check_schema(decision_schema)
    for decision in decisions(clausal("run", "shop.clausal", "events.ndjson").out):
        jsonschema.validate(decision, decision_schema)
    assert clausal("schema", "decisions", "shop.clausal").code == Exit.USAGE
    assert (shop / "shop.clausal").exists()


@pytest.mark.usefixtures("shop")
def test_what_was_decided_before_a_fault_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = Stream._decision

    def fail(self: Stream, value: bytes | dict[str, object]) -> Decision:
        if self.written == 2:
            raise ZeroDivisionError("oops")
        return decide(self, value)

    monkeypatch.setattr(Stream, "_decision", fail)
    ran = clausal("run", "shop.clausal", "events.ndjson")
    assert ran.code == Exit.INTERNAL
    assert ids(ran.out) == ["fine", "false"]
    assert "Traceback" not in ran.err


def test_only_rules_in_force_can_be_silent(shop: Path) -> None:
    later = CLEAN.replace("shop.rules", "shop.later").replace("2024-01-01 ..", "2025-01-01 ..")
    (shop / "policies" / "later.policy").write_text(later)

    def silent(*times: str) -> list[str]:
        events = [offer(str(at), time=time) for at, time in enumerate(times)]
        write_events(shop / "e.ndjson", events)
        ran = clausal("run", "policies", "e.ndjson", "-o", "/dev/null")
        return re.findall(r".*never fired|no rule was in force.*", ran.err)

    assert silent("2024-12-31T23:59:59+08:00") == ["2 of 2 rules in force never fired"]
    assert silent("2024-05-01T00:00:00+08:00", "2025-01-01T00:00:00+08:00") == [
        "4 of 4 rules in force never fired"
    ]
    assert silent("2023-05-01T00:00:00Z") == ["no rule was in force when these events happened"]
    assert (
        clausal("run", "shop.clausal", "events.ndjson", "-o", "/dev/null").err.count("fired") == 1
    )
