"""What holds for every command: help, options that all take, exit codes, and no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from clausal.cli import version
from clausal.cli.app import COMMANDS, GROUPS
from clausal.cli.shell import Exit
from clausal.dsl.version import __version__
from tests.support.cli import clausal, clausal_process

NAMES = [name for name, _, _ in (*COMMANDS, *GROUPS)]
LINES = [
    *((name,) for name, _, _ in COMMANDS),
    *((name, inner) for name, _, module in GROUPS for inner, _, _ in module.COMMANDS),
]
"""The words of each command that does something."""

HEAVY = ("lark", "pydantic", "rich.console", "clausal.engine", "clausal.dsl.parser", "numpy")
"""What `--help` and completion must not wait for."""


@pytest.mark.parametrize("words", [(), *LINES], ids=" ".join)
def test_help_is_readable_at_eighty_columns(words: tuple[str, ...]) -> None:
    ran = clausal(*words, "--help", env={"COLUMNS": "80"})
    assert ran.code == Exit.FINE
    assert ran.err == ""
    examples = ran.out.index(" Examples\n")
    assert all(cell_len(line) <= 80 for line in ran.out[:examples].splitlines())
    assert "clausal " in ran.out[examples:]
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("name", NAMES)
def test_each_command_has_one_line_that_says_what_it_does(name: str) -> None:
    listing = clausal("--help", env={"COLUMNS": "200"}).out
    (line,) = (line for line in listing.splitlines() if line.startswith(f"│ {name} "))
    summary = line.strip("│ ").removeprefix(name).strip()
    assert summary.endswith(".")
    assert summary in " ".join(clausal(name, "--help", env={"COLUMNS": "200"}).out.split())


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_each_command_takes_the_common_options(words: tuple[str, ...]) -> None:
    text = clausal(*words, "--help").out
    assert "--color" in text
    assert "--debug" in text


def test_short_help() -> None:
    assert clausal("check", "-h").out == clausal("check", "--help").out


def test_without_a_command_it_shows_its_help_as_a_usage_error() -> None:
    ran = clausal()
    assert ran.code == Exit.USAGE
    assert "Write policies" in ran.out


def test_the_frame_imports_nothing_heavy() -> None:
    code = (
        "import sys, clausal.cli.app as app, typer\n"
        "typer.main.get_command(app.app)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_completion_knows_commands_and_options() -> None:
    env = {"_CLAUSAL_COMPLETE": "complete_bash", "COMP_WORDS": "clausal co", "COMP_CWORD": "1"}
    assert clausal_process(env=env).out.split() == ["coverage", "compile"]
    env |= {"COMP_WORDS": "clausal check --", "COMP_CWORD": "2"}
    assert {"--deny", "--json", "--sarif"} <= set(clausal_process(env=env).out.split())


# ── Colour ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "env", "colored"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
    ],
)
def test_who_decides_on_colour(
    arguments: tuple[str, ...], env: dict[str, str], colored: bool
) -> None:
    for command in (("explain", "E0101"), ("check", "--help")):
        assert ("\x1b[" in clausal(*arguments, *command, env=env).out) == colored
        assert ("\x1b[" in clausal(command[0], *arguments, *command[1:], env=env).out) == colored


def test_an_unknown_colour_is_a_usage_error() -> None:
    assert clausal("--color", "blue", "version").code == Exit.USAGE


# ── Failures ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chekc",), "check"),
        (("check", "--nope"), "--nope"),
        (("init",), "missing argument"),
        (("check", "--deny", "errors"), "errors"),
        (("schema", "rules"), "rules"),
        (("run", "--format", "xml"), "xml"),
    ],
)
def test_usage_errors_are_told_in_one_line_with_a_hint(
    arguments: tuple[str, ...], said: str
) -> None:
    ran = clausal(*arguments)
    assert ran.code == Exit.USAGE
    assert ran.out == ""
    error, hint = ran.err.splitlines()
    assert error.startswith("error: ")
    assert said in error.lower()
    assert "value error" not in error.lower()
    assert "--help" in hint


def test_text_of_the_user_in_an_error_cannot_act_on_the_terminal() -> None:
    ran = clausal("check", "--nope\x1b]0;owned\x07")
    assert ran.code == Exit.USAGE
    assert "\x1b" not in ran.err
    assert "owned" in ran.err


def test_a_fault_of_ours_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError("division\nby \x1b[31mzero")

    monkeypatch.setattr(version, "print_version", fail)
    ran = clausal("version")
    assert ran.code == Exit.INTERNAL
    assert ran.err.startswith("internal error: ZeroDivisionError: division\n")
    assert "please report it" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in clausal("version", "--debug").err
    assert "Traceback" in clausal("--debug", "version").err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BrokenPipeError()])
def test_being_stopped_is_quiet(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def stop() -> None:
        raise error

    monkeypatch.setattr(version, "print_version", stop)
    ran = clausal("version")
    assert (ran.code, ran.out, ran.err) == (Exit.STOPPED, "", "")


def test_an_encoding_without_chinese_shows_characters_by_number() -> None:
    ran = clausal_process("explain", "规", env={"PYTHONIOENCODING": "ascii"})
    assert ran.code == Exit.INPUT
    assert "\\u89c4" in ran.err
    assert "Traceback" not in ran.err


def test_streams_that_were_closed_before_it_began() -> None:
    for closed in ("1", "2", "0"):
        line = f'"{sys.executable}" -P -m clausal.cli version {closed}>&-'
        done = subprocess.run(["sh", "-c", line], capture_output=True, check=False, timeout=60)
        assert done.returncode == Exit.FINE
        assert done.stderr == b""


# ── version ──────────────────────────────────────────────────────────────────────────────────────


def test_version() -> None:
    assert clausal("--version").out == f"clausal {__version__}\n"
    assert clausal("version").out.startswith(f"clausal {__version__}\nbundle format ")
    facts = json.loads(clausal("version", "--json").out)
    assert facts["clausal"] == __version__
    assert isinstance(facts["bundle_format"], int)


def test_the_module_can_be_run(tmp_path: Path) -> None:
    assert clausal_process("version", cwd=tmp_path).out.startswith("clausal ")
