"""What the text predicates cost for one text of 200 characters."""

from __future__ import annotations

import random
from itertools import cycle, islice
from typing import TYPE_CHECKING

import pytest

from clausal.compiler.text.fold import fold, fold_with_offsets
from clausal.compiler.text.mapping import character_mapping
from clausal.compiler.text.patterns import PatternSet
from clausal.compiler.text.terms import TermMatcher

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

LENGTH = 200


def _of_length(text: str) -> str:
    return "".join(islice(cycle(text), LENGTH))


CHINESE = _of_length(
    "刚刚，某地突发重大事故！网传视频显示，现场有多人受伤（具体人数不详）。"
    "记者@张三 从ABC News了解到，相关部门已介入调查，请大家不信谣、不传谣：详情请关注后续报道……"
)
TEXTS = {
    "Chinese with punctuation": CHINESE,
    "ideographs only": _of_length("".join(c for c in CHINESE if "一" <= c <= "龥")),
    "ASCII": _of_length("The quick Brown fox jumps over the lazy dog. "),
    "accents": _of_length("Déjà vu à l’été. "),
    "emoji": _of_length("😀🔥❤️"),
    "written to evade": _of_length("微\u200b信Ⓥ\ufe0fＸ"),
}

PATTERNS = {
    "two words near each other": "刚刚.{0,6}突发",
    "contact": r"(微信|vx|v信)[:：]?\s*[a-z0-9_-]{5,20}",
    "telephone number": r"\d{11}",
}


def _word_lists(terms: int, lists: int) -> list[list[str]]:
    """Term lists of two to five common characters each, some of which are in the texts."""
    rng = random.Random(1)
    common = [chr(point) for point in range(0x4E00, 0x4E00 + 300)]
    common += [letter for letter in CHINESE if letter.isalnum()]
    words = ["".join(rng.choices(common, k=rng.randint(2, 5))) for _ in range(terms - 5)]
    words += ["刚刚", "突发", "网传", "vx", "news"]
    return [words[i::lists] for i in range(lists)]


@pytest.mark.benchmark(group="text: fold 200 characters")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_fold(benchmark: BenchmarkFixture, text: str) -> None:
    benchmark(fold, text)


@pytest.mark.benchmark(group="text: fold 200 characters")
def test_fold_with_offsets(benchmark: BenchmarkFixture) -> None:
    benchmark(fold_with_offsets, CHINESE)


@pytest.mark.benchmark(group="text: term lists")
@pytest.mark.parametrize("terms", [20, 2_000, 20_000])
def test_term_hits(benchmark: BenchmarkFixture, terms: int) -> None:
    matcher = TermMatcher(_word_lists(terms, lists=20))
    assert benchmark(matcher.hits, fold(CHINESE))


@pytest.mark.benchmark(group="text: patterns")
@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_pattern_search(benchmark: BenchmarkFixture, pattern: str) -> None:
    benchmark(PatternSet([(pattern, True)]).search, 0, fold(CHINESE))


def _many_patterns(count: int) -> list[tuple[str, bool]]:
    """Patterns of the usual kinds, few of which are in the texts."""
    rng = random.Random(2)
    common = [chr(point) for point in range(0x4E00, 0x4E00 + 300)]

    def word() -> str:
        return "".join(rng.choices(common, k=rng.randint(2, 4)))

    kinds = (
        lambda: f"{word()}.{{0,6}}{word()}",
        lambda: rf"({word()}|{word()}|{word()})[:：]?\s*[a-z0-9_-]{{5,20}}",
        lambda: f"{word()}.*{word()}",
        lambda: rf"\d{{{rng.randint(5, 12)}}}{word()}",
    )
    return [(pattern, True) for pattern in PATTERNS.values()] + [
        (kinds[number % 4](), True) for number in range(count - len(PATTERNS))
    ]


@pytest.mark.benchmark(group="text: patterns")
@pytest.mark.parametrize("count", [3, 30, 300])
def test_pattern_groups(benchmark: BenchmarkFixture, count: int) -> None:
    found = PatternSet(_many_patterns(count))
    groups = found.groups(range(count))
    folded = fold(CHINESE)
    benchmark(lambda: [group.matches(folded) for group in groups])


@pytest.mark.benchmark(group="text: build")
@pytest.mark.parametrize("terms", [2_000, 20_000, 200_000])
def test_build_matcher(benchmark: BenchmarkFixture, terms: int) -> None:
    benchmark(TermMatcher, _word_lists(terms, lists=20))


@pytest.mark.benchmark(group="text: build")
def test_build_mapping(benchmark: BenchmarkFixture) -> None:
    benchmark(character_mapping.__wrapped__)
