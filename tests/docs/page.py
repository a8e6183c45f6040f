"""A page of the documentation whose fences are run, one after the other, in one folder."""

from __future__ import annotations

import contextlib
import doctest
import io
import itertools
import json
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.docs import console, policies
from tests.docs.fences import ROOT, Fence, fences
from tests.docs.output import matches


class Page:
    """A page, the folder of its examples, and the names that its Python fences have defined."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.fences = fences(path)
        self.folder = folder
        self.names: dict[str, object] = {"__name__": path.stem}
        self.changed: list[tuple[Fence, str]] = []
        """Fences that show something else than they should, and what they should show."""

    def problems(self) -> list[str]:
        """Run all fences; everything that is not as the page says."""
        return [
            f"{fence.place}: {problem}"
            for fence, following in itertools.zip_longest(self.fences, self.fences[1:])
            for problem in self._run(fence, following)
        ]

    def _run(self, fence: Fence, following: Fence | None) -> list[str]:
        if "file" in fence.attributes:
            file = self.folder / fence.attributes["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(fence.text, encoding="utf-8")
        elif "append" in fence.attributes:
            with (self.folder / fence.attributes["append"]).open("a", encoding="utf-8") as begun:
                begun.write(f"\n{fence.text}")
        match fence.language:
            case "clausal" | "clausal-fragment":
                wrong = policies.problems(fence, self.folder)
                return wrong + self._format(fence, following)
            case "console":
                return self._console(fence)
            case "python":
                return self._python(fence)
            case "json":
                return _json(fence)
            case "text":
                if fence.attributes.keys() & {"file", "drawing"}:
                    return []
                return ["a `text` fence is a `drawing`, or has a `file=`"]
            case "sh":
                return _in_this_repository(fence.text.splitlines())
            case "lark":
                return []  # compared with the grammar by test_grammar.py
            case _:
                return [f"nobody knows how to test `{fence.language}`"]

    def _format(self, fence: Fence, following: Fence | None) -> list[str]:
        """Policies stand in the canonical format; one as it is `typed` is followed by it."""
        canonical = policies.formatted(fence)
        shown = following if "typed" in fence.attributes else fence
        if canonical is None or (shown is not None and shown.text == canonical):
            return []
        if shown is not None:
            self.changed.append((shown, canonical))
        return [f"`clausal fmt` writes:\n{canonical}"]

    def _console(self, fence: Fence) -> list[str]:
        ran = console.commands(fence.text)
        outputs = console.run([command.line for command in ran], self.folder)
        wrong = [
            f"`{command.line}` prints:\n{output}"
            for command, output in zip(ran, outputs, strict=True)
            if not matches(command.shown, output)
        ]
        if wrong:
            self.changed.append((fence, console.transcript(ran, outputs)))
        return wrong

    def _python(self, fence: Fence) -> list[str]:
        with contextlib.chdir(self.folder):
            if not fence.text.startswith(">>>"):
                return _execute(fence, self.names)
            test = doctest.DocTestParser().get_doctest(
                fence.text, self.names, fence.place, str(self.path), fence.line
            )
            report = io.StringIO()
            runner = doctest.DocTestRunner(checker=_Checker(), verbose=False)
            runner.run(test, out=report.write, clear_globs=False)
            self.names.update(test.globs)
            return [report.getvalue()] if report.getvalue() else []

    def write(self) -> None:
        """Put canonical policies, and what commands printed, into the page."""
        text = self.path.read_text(encoding="utf-8")
        for fence, content in sorted(self.changed, key=lambda pair: -pair[0].start):
            indented = re.sub(r"^(?=.)", fence.indent, content, flags=re.MULTILINE)
            text = text[: fence.start] + indented + text[fence.end :]
        self.path.write_text(text, encoding="utf-8", newline="\n")


class _Checker(doctest.OutputChecker):
    """Compares outputs as console fences do."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, got, optionflags) or matches(want, got)


def _execute(fence: Fence, names: dict[str, object]) -> list[str]:
    try:
        code = compile("\n" * fence.line + fence.text, str(fence.page), "exec")
        exec(code, names)  # noqa: S102 - the documentation's own code
    except Exception:  # whatever the example raised is what is wrong with it
        return [traceback.format_exc()]
    return []


def _json(fence: Fence) -> list[str]:
    """What is not JSON; with `lines`, each line is a document."""
    rows = fence.text.splitlines() if "lines" in fence.attributes else [fence.text]
    wrong = []
    for row in rows:
        try:
            json.loads(row)
        except ValueError as error:
            wrong.append(f"this is no JSON: {error}")
    return wrong


def _in_this_repository(lines: Sequence[str]) -> list[str]:
    """Commands that set up or check everything: what they name is there. They are not run here."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    wrong = []
    for line in lines:
        words = [word for word in line.partition("#")[0].split() if "=" not in word]
        match words:
            case []:
                pass
            case ["make", *named] if named and targets.issuperset(named):
                pass
            case [".venv/bin/pytest", *options]:
                paths = [option for option in options if not option.startswith("-")]
                wrong += [f"there is no `{path}`" for path in paths if not (ROOT / path).exists()]
            case [script, *checks] if script.startswith("scripts/") and (ROOT / script).is_file():
                source = (ROOT / script).read_text(encoding="utf-8")
                wrong += [
                    f"no check `{name}`" for name in checks if f"check_{name}()" not in source
                ]
            case _:
                wrong.append(f"`{line}` is no command of this repository")
    return wrong
