"""Folding: the standard's mapping, its laws, and the way back to the original text."""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clausal.compiler.text._fold import FoldTable
from clausal.compiler.text.fold import (
    _TABLE,
    _joins,
    fold,
    fold_exactly,
    fold_with_offsets,
    original_span,
)
from clausal.compiler.text.mapping import character_mapping
from clausal.compiler.text.surrogates import well_formed

# Characters that meet in unpleasant ways: letters and what composes with them, jamo, half-width
# voicing marks, iotas below, removed characters, characters that become several, lone surrogates.
TROUBLE = (
    "aeAEsSiI刚发后ｶﾊひﾞﾟ\u3099\u0301\u0300\u0308\u0323\u0307\u0327\u0342\u0345\u0344\u034f"
    "αΑιωᾳᾼᾴΐßſẛİıΣς각가각ㅏﾡￂ\u115f\u1160\u3164\uffa0\u200b\u200d\ufe0f\u00ad\u202e"
    "\U000e0041ﬁ㈱…①⑫Ａ１，。．\u3000\u0958\u0f73\u0f71\u0f72\ufb2c\u2126\u212b豈\x00 .1"
    "\ud800\udc00\U0001d400\U0001f100😀\u0b5c\u09dc"
)
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: list[Form] = ["NFC", "NFD", "NFKC", "NFKD"]
texts = st.text(st.one_of(st.sampled_from(TROUBLE), st.characters()), max_size=12)

# SHA-256 of the property NFKC_Casefold in DerivedNormalizationProps.txt, for the code points that
# are assigned in Unicode 14.0 or ignorable by default: lines `0041;0061`, in order of code points.
UNICODE_14_DIGEST = "c25b05a70d2635ed24556c3bbfb6afc029013ee931744bb552b24914c1f36fae"


def test_the_mapping_is_the_property_of_the_standard() -> None:
    images = character_mapping().images
    lines = [
        f"{ord(character):04X};" + " ".join(f"{ord(c):04X}" for c in images[character])
        for character in sorted(images)
        if not "\ud800" <= character <= "\udfff"
    ]
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == UNICODE_14_DIGEST


def test_images_are_fixed() -> None:
    images = character_mapping().images
    assert not [c for c, image in images.items() if any(part in images for part in image)]


def test_the_pattern_finds_every_changed_character() -> None:
    mapping = character_mapping()
    assert all(mapping.changed.fullmatch(character) for character in mapping.images)


def test_no_character_composes_with_one_before_it_unnoticed() -> None:
    """`_joins` may say yes too often, but never no where folding cannot be cut."""
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        parts = unicodedata.decomposition(character).split()
        if unicodedata.combining(character):
            assert _joins(character), f"{point:04X} trades places"
        if len(parts) == 2 and not parts[0].startswith("<"):
            first, second = (chr(int(part, 16)) for part in parts)
            if unicodedata.normalize("NFC", first + second) == character:
                assert _joins(second), f"{second!r} composes"


def by_definition(text: str) -> str:
    """ToNFKC_Casefold(NFD(x)), written down as D147 and R5 say it."""
    images = character_mapping().images
    mapped = "".join(images.get(c, c) for c in unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", mapped)


@given(texts)
@example("ᾳ\u0301")
@example("Ω\u0345\u0301")
@example("e\u200b\u0301")
def test_folding_is_the_definition(text: str) -> None:
    assert fold(text) == by_definition(text)


@given(texts, st.integers(min_value=1, max_value=4))
@example("e\u0301\u0327\u200bﾞ\u0345\u0f73\u0301", 1)
def test_folding_in_pieces_is_folding(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clausal.compiler.text.fold._PIECE", piece)
        folded = fold_exactly(text)
    assert folded == fold(text)


def test_the_table_has_every_character_right_wherever_it_stands() -> None:
    """All planes that have characters which change, and the first ideographs of the others."""
    for point in (*range(0x20000), 0x20000, *range(0x2F800, 0x2FA20), *range(0xE0000, 0xE1000)):
        character = chr(point)
        folded = _TABLE.fold(f"x{character}y")
        assert folded in (None, by_definition(f"x{character}y")), hex(point)
        if not _joins(character) and not unicodedata.combining(character):
            assert folded is not None or _joins(by_definition(character)[0]), hex(point)


# Characters that stand alone, of which several replace one another at every width of a string.
ALONE = "aZ09é Ａ，。刚发ﾃ㈱…①\ufdfa\u200b\u00ad\ufe0f\U000e0041😀\U0001d400\U0002f800\ud800\x00\U0010ffff"


@given(st.text(ALONE, max_size=40), st.sampled_from([1, 1, 60, 700]))
@example("\ufdfa", 3_000)
@example("a" * 1023 + "㈱", 1)
@example("\u200b", 1)
def test_the_table_folds_texts_of_every_width_and_length(text: str, times: int) -> None:
    text *= times
    assert _TABLE.fold(text) == by_definition(text)


@given(texts)
def test_the_table_folds_a_text_or_leaves_it(text: str) -> None:
    assert _TABLE.fold(text) in (None, by_definition(text))


def test_a_text_that_stays_is_not_copied() -> None:
    text = "刚刚突发"
    assert _TABLE.fold(text) is text
    assert _TABLE.fold("") == ""


def test_a_table_refuses_what_it_has_no_room_for_and_passes_errors_on() -> None:
    with pytest.raises(ValueError, match="more than 18"):
        FoldTable(lambda _: "x" * 19).fold("a")
    with pytest.raises(ZeroDivisionError):
        FoldTable(lambda _: str(1 // 0)).fold("a")
    table = FoldTable({"a": "b", "c": ""}.get)
    assert table.fold("aca") == "bb"
    assert table.fold("acd") is None


@given(texts)
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(texts, st.sampled_from(FORMS))
def test_normalised_forms_of_a_text_fold_alike(text: str, form: Form) -> None:
    if form in {"NFC", "NFD"}:
        normalised = unicodedata.normalize(form, text)
    else:
        # Compatibility forms of different characters can reorder around removed ones.
        text = "".join(c for c in text if character_mapping().images.get(c, c))
        normalised = unicodedata.normalize(form, text)
        if "\u0345" in unicodedata.normalize("NFD", text):
            return
    assert fold(normalised) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_the_way_for_ascii_is_no_other_way(text: str) -> None:
    assert fold(text) == by_definition(text)


@given(texts)
def test_a_folded_text_can_be_encoded(text: str) -> None:
    fold(text).encode()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("ＡＢＣ１２３！", "abc123!"),
        ("刚刚，突发！", "刚刚,突发!"),
        ("刚\u200b刚\ufeff", "刚刚"),
        ("刚\u00ad刚", "刚刚"),
        ("突\ufe0f发\U000e0100", "突发"),
        ("\u202e网传\u202c", "网传"),
        ("hidden\U000e0068\U000e0069", "hidden"),
        ("微\u3164信\uffa0\u115f\u1160", "微信"),
        ("ⓋⓍ①⑫", "vx112"),
        ("🅅🅇", "vx"),
        ("𝓥𝔁", "vx"),
        ("㊙㈱㍿", "秘(株)株式会社"),
        ("⼈⼯", "人工"),
        ("豈", "豈"),
        ("ﾃｽﾄ ｶﾞ", "テスト ガ"),
        ("ﬁﬂ…", "fifl..."),
        ("Straße STRASSE", "strasse strasse"),
        ("ΣΊΣΥΦΟΣ ς", "σίσυφοσ σ"),
        ("İI", "i̇i"),
        ("E\u0301COLE École", "école école"),
        ("Ⅷ½", "viii1⁄2"),
        ("a\x00b\n", "a\x00b\n"),
        ("x\ud800y", "x\ufffdy"),
        ("\ud83d\ude00", "\ufffd\ufffd"),
        ("👨‍👩‍👧❤️", "👨👩👧❤"),
    ],
)
def test_what_is_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("发", "發"),
        ("后", "後"),
        ("微信", "薇信"),
        ("微信", "weixin"),
        ("ad", "аd"),  # the second with a Cyrillic letter
        ("vip", "v1p"),
        ("cafe", "café"),
        ("微信", "微 信"),
        ("微信", "微.信"),
    ],
)
def test_what_is_not_folded(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_characters_assigned_after_unicode_14_stay_on_every_python() -> None:
    text = "\U0001e030\U0001ccd6\ua7cb\ua7dc\U00010d50"
    assert fold(text) == text


@given(texts)
@example("é" * 3)
@example("\u200be\u200b\u0301\u200b")
def test_offsets_lead_back_to_the_characters(text: str) -> None:
    folded, offsets = fold_with_offsets(text)
    assert folded == fold(text)
    assert len(offsets) == len(folded)
    for i, (start, end) in enumerate(offsets):
        assert 0 <= start < end <= len(text)
        assert folded[i] in fold(text[start:end])
        if i:
            before = offsets[i - 1]
            assert before == (start, end) or before[1] <= start


def test_offsets_are_tight() -> None:
    text = "\u200b刚\u200b刚\u200b㈱e\u0301\ufe0f."
    folded, offsets = fold_with_offsets(text)
    assert folded == "刚刚(株)é."
    assert list(offsets) == [(1, 2), (3, 4), (5, 6), (5, 6), (5, 6), (6, 8), (9, 10)]
    assert original_span(offsets, 0, 2, len(text)) == (1, 4)
    assert original_span(offsets, 3, 4, len(text)) == (5, 6)
    assert original_span(offsets, 5, 5, len(text)) == (6, 6)
    assert original_span(offsets, 7, 7, len(text)) == (10, 10)


@given(st.text(st.one_of(st.characters(), st.sampled_from("\ud800\udfffa"))))
def test_well_formed_text_keeps_its_places(text: str) -> None:
    result = well_formed(text)
    result.encode()
    assert len(result) == len(text)
    assert all(
        a == b or (b == "\ufffd" and "\ud800" <= a <= "\udfff")
        for a, b in zip(text, result, strict=True)
    )


@pytest.mark.parametrize(
    "text",
    [
        "刚" * 500_000,
        "，Ａ" * 100_000,
        "e\u0301\u200b" * 50_000,
        "ᾳ\u0301" * 50_000,
        "\u0301\u0327" * 50_000,
        "e" + "\u0301" * 50_000 + "\u0327" * 50_000,
        "\u0301\u200b\u0327" * 50_000,
        "\u0f73" * 50_000,
        "ﾞ\u0301" * 50_000,
        "\u1161" * 100_000,
        "\u200b" * 100_000,
        "\ud800" * 100_000,
    ],
    ids=lambda text: ascii(text[:3]),
)
@pytest.mark.timeout(20)
def test_no_text_takes_long(text: str) -> None:
    folded, offsets = fold_with_offsets(text)
    assert fold(text) == folded
    assert len(folded) == len(offsets)
