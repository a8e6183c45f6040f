"""Every code has a page that is true, and goldens that show what it looks like.

A golden is a pair `tests/golden/diagnostics/CODE_meaning.policy` and `.txt`: a policy that produces
the code, and all that is printed for it.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from clausal.compiler.pipeline import check_sources
from clausal.dsl.codes import CODES, Severity, page
from clausal.dsl.diagnostics import Diagnostics, unreadable
from clausal.dsl.render import terminal
from clausal.dsl.source import Source, SourceError
from tests.support.golden import GOLDENS, assert_golden

FOLDER = GOLDENS / "diagnostics"
INPUTS = sorted(FOLDER.glob("*.policy"))
SECTIONS = ["What it says", "Why", "Example", "Instead"]
BLOCKS = {
    "01": Severity.ERROR,
    "02": Severity.ERROR,
    "03": Severity.ERROR,
    "04": Severity.ERROR,
    "05": Severity.ERROR,
    "06": Severity.ERROR,
    "09": Severity.WARNING,
}

NOT_TEXT = {"E0108"}
"""Codes about files that are not text, which a page cannot quote; their goldens hold such files."""


HEADER = re.compile(r"^(?=(?:policy|library) )", re.MULTILINE)

NO_HEADER = {"E0201"}
"""Codes that say that a header is missing: their examples are read as they stand."""

PRELUDE = """\
policy demo.sources 1.0.0 {
  title     zh "来源" en "Sources"
  in force  2024-05-01 ..
  time zone "Asia/Shanghai"
  use       standard.platform 1
  use       standard.sanctions 1
}
clause 3.3 "必须准确标注信息来源"
"""
"""What examples without a header stand in, so that a page shows only what it is about."""


VOCABULARY = [
    Source.read(GOLDENS / "libraries" / name, f"standard/{name}")
    for name in ("platform.policy", "sanctions.policy")
]
"""What goldens use in the place of the shipped libraries, whose lines change."""


def check(*sources: Source) -> Diagnostics:
    return check_sources(sources)[1]


def check_file(path: Path) -> Diagnostics:
    try:
        source = Source.read(path, path.name)
    except SourceError as error:
        return Diagnostics([unreadable(error)])
    if path.stem.partition("_")[0] in NO_HEADER:
        return check(source)
    return check(*files(path.stem, source.text), *VOCABULARY)


def files(stem: str, text: str) -> list[Source]:
    """The files that a text stands for: each header in it begins one."""
    starts = [match.start() for match in HEADER.finditer(text)][1:]
    if not starts:
        return [Source(f"{stem}.policy", text)]
    return [
        Source(f"{stem}_{number}.policy", text[start:end])
        for number, (start, end) in enumerate(zip([0, *starts], [*starts, len(text)], strict=True))
    ]


def sections(code: str) -> dict[str, str]:
    """The sections of the page by their titles; the empty title holds what comes before them."""
    parts = re.split(r"^## (.+)$", page(code), flags=re.MULTILINE)
    return dict(zip(["", *parts[1::2]], parts[0::2], strict=True))


def example(code: str, section: str) -> list[Source]:
    """The files of an example: each header in it begins one."""
    fences = re.findall(
        r"^```clausal\n(.*?)^```$", sections(code)[section], re.MULTILINE | re.DOTALL
    )
    assert len(fences) == 1, f"the section {section} of {code} must hold one ```clausal fence"
    text = fences[0]
    if not HEADER.search(text) and (code, section) not in {(c, "Example") for c in NO_HEADER}:
        text = PRELUDE + text
    return files(code, text)


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_well_formed(code: str) -> None:
    entry = CODES[code]
    assert re.fullmatch(r"[EW]\d{4}", code)
    assert entry.code == code
    assert BLOCKS[code[1:3]] is entry.severity
    assert code.startswith("E") == (entry.severity is Severity.ERROR)
    assert re.fullmatch(r"\S.*[^\s.]", entry.title), "a title is one line without a final period"


def test_titles_tell_codes_apart() -> None:
    titles = [entry.title for entry in CODES.values()]
    assert len(titles) == len(set(titles))


def test_codes_stand_in_order() -> None:
    for letter in "EW":
        codes = [code for code in CODES if code.startswith(letter)]
        assert codes == sorted(codes)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page_with_all_sections(code: str) -> None:
    found = sections(code)
    assert found.pop("") == f"# {code}: {CODES[code].title}\n\n"
    assert list(found) == SECTIONS
    for title, text in found.items():
        assert text.strip(), f"the section {title} is empty"


def test_every_page_has_a_code() -> None:
    pages = resources.files("clausal.dsl") / "pages"
    assert {file.name for file in pages.iterdir()} <= {f"{code}.md" for code in CODES}


def test_an_unknown_code_has_no_page() -> None:
    with pytest.raises(KeyError):
        page("../grammar")


@pytest.mark.parametrize("code", [code for code in CODES if code not in NOT_TEXT])
def test_the_example_produces_its_code(code: str) -> None:
    assert code in {diagnostic.code for diagnostic in check(*example(code, "Example"))}


@pytest.mark.parametrize("code", CODES)
def test_what_to_write_instead_compiles(code: str) -> None:
    found = check(*example(code, "Instead"))
    shown = terminal.render(found, color=False, width=100)
    assert not found.has_errors, shown
    assert code not in {diagnostic.code for diagnostic in found}, shown


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_golden(code: str) -> None:
    assert list(FOLDER.glob(f"{code}_*.policy")), f"no golden {code}_*.policy in {FOLDER}"


def test_goldens_are_pairs_of_known_codes() -> None:
    assert {file.stem for file in FOLDER.glob("*.txt")} == {file.stem for file in INPUTS}
    for file in INPUTS:
        code, _, meaning = file.stem.partition("_")
        assert code in CODES, f"{file.name} names an unknown code"
        assert meaning, f"{file.name} does not say what it is about"


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_a_golden_prints_exactly_its_text(path: Path) -> None:
    found = check_file(path)
    assert path.stem.partition("_")[0] in {diagnostic.code for diagnostic in found}
    shown = terminal.render(found, color=False, width=100)
    assert_golden(f"diagnostics/{path.stem}.txt", shown)
