"""`clausal generate`: what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import clausal


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_everything_is_written_where_it_is_asked_for(folder: Path) -> None:
    ran = clausal(
        "generate", "--events", "2000", "--stress", "rumours", "-o", "e.ndjson", "--truth", "t.parquet",
        "--verdicts", "v.ndjson", "--appeals", "a.ndjson",
    )  # fmt: skip
    assert (ran.code, ran.err) == (0, "2,000 events\n")
    assert len((folder / "e.ndjson").read_text().splitlines()) == 2000
    assert (folder / "t.parquet").read_bytes()[:4] == b"PAR1"
    for name in ("v.ndjson", "a.ndjson"):
        assert all(json.loads(line) for line in (folder / name).read_text().splitlines())


def test_decisions_on_parquet_are_those_on_lines(folder: Path) -> None:
    common = ("generate", "--events", "1500", "--ladder", "cn.self_media_traffic.fabrication", "-o")
    assert clausal(*common, "e.ndjson").code == 0
    assert clausal(*common, "e.parquet").code == 0
    for name in ("ndjson", "parquet"):
        assert clausal("run", f"e.{name}", "-o", f"{name}.out", "-q").code == 0
    decisions = (folder / "ndjson.out").read_bytes()
    assert decisions.count(b"\n") == 1500
    assert (folder / "parquet.out").read_bytes() == decisions


def test_the_format_can_be_named(folder: Path) -> None:
    assert clausal("generate", "--events", "10", "--format", "parquet", "-o", "events").code == 0
    assert (folder / "events").read_bytes()[:4] == b"PAR1"
    assert clausal("generate", "--events", "10", "-f", "ndjson", "-o", "e.parquet").code == 0
    assert (folder / "e.parquet").read_bytes()[:1] == b"{"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rate", "staged=nan"), "`staged=nan` is not CONDUCT=N"),
        (("--rate", "staged=inf"), "`staged=inf` is not CONDUCT=N"),
        (("--rate", "staged=-1"), "`staged=-1` is not CONDUCT=N"),
        (("--rate", "staged"), "`staged` is not CONDUCT=N"),
        (("--rate", "stagd=1"), "there is no conduct `stagd`"),
        (("--rate", "staged=100001"), "the rates are per 100,000 events"),
        (("--stress", "rumors"), "there is no conduct or campaign `rumors`"),
        (("--ladder", "none"), "`none` is no qualified name of a ladder"),
        (("--profile", "XL"), "there is no profile `XL`"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], message: str) -> None:
    ran = clausal("generate", "--events", "3", "-o", "e.ndjson", *arguments)
    assert ran.code == 2
    assert message in ran.err
    assert not Path("e.ndjson").exists()
