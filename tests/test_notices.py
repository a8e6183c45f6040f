"""Where quotes stand in notices, whatever differs without changing a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal import notices
from clausal.notices import Notice, NoticeError, read_notices

TEXT = "# 通知\n\n**一、目标**\n\n不得“摆拍”，不得造谣。 须标注来源；\n须(xū)标注来源。\n"


def quoted(text: str, quote: str, after: int = 0) -> str | None:
    place = Notice(text).find(quote, after)
    return None if place is None else text[place.start : place.end]


@pytest.mark.parametrize(
    ("quote", "words"),
    [
        ("不得“摆拍”", "不得“摆拍”，"),
        ('不得"摆拍",不得造谣。', "不得“摆拍”，不得造谣。"),
        ("不得‘摆拍’，不得造谣", "不得“摆拍”，不得造谣。"),
        ("目标\n不得摆拍", None),
        ("造谣。须标注来源；", "造谣。 须标注来源；"),
        ("须标注来源", "须标注来源；"),
        ("通知一、目标", "通知\n\n**一、目标"),
        ("。；", None),
        ("", None),
    ],
)
def test_a_quote_is_found_by_its_words(quote: str, words: str | None) -> None:
    assert quoted(TEXT, quote) == words


def test_of_words_that_stand_twice_the_next_is_meant_and_else_the_first() -> None:
    first = Notice(TEXT).find("须标注来源")
    assert first is not None
    assert quoted(TEXT, "须标注来源", first.end) == "须(xū)标注来源。"
    assert quoted(TEXT, "通知", first.end) == "通知"


def test_traditional_characters_are_read_where_opencc_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "打擊網(wǎng)絡謠言,著力解決。"
    assert quoted(text, "打击网络谣言，着力解决") == text
    assert not Notice(text).unread
    monkeypatch.setitem(__import__("sys").modules, "opencc", None)
    assert Notice(text).unread
    assert quoted(text, "打击网络谣言") is None
    assert not Notice(TEXT).unread


PLAIN = st.text(st.sampled_from("甲乙丙丁（）：，1a"), min_size=1, max_size=30)
LAYOUT = st.sampled_from(["", " ", "\n", "　", "**", "(tíng)"])


@given(before=PLAIN, quote=PLAIN, after=PLAIN, data=st.data())
def test_layout_hides_no_quote(before: str, quote: str, after: str, data: st.DataObject) -> None:
    wide = str.maketrans("（）：，", "():,")
    laid = "".join(
        data.draw(LAYOUT) + (one.translate(wide) if data.draw(st.booleans()) else one)
        for one in quote
    )
    if not quote.rstrip("，"):
        return
    text = f"{before}\n{laid}\n{after}"
    place = Notice(text).find(quote)
    assert place is not None
    found = notices._plain(text[place.start : place.end])[0]
    assert found.rstrip("。；，") == notices._plain(quote)[0].rstrip("。；，")


# ── Files ────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_lies_in_the_folder_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "notices"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "there.txt").write_bytes(b"\xef\xbb\xbf" + "不得".encode())
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "sub").mkdir()
    names = ["there.txt", "../secret.txt", str(tmp_path / "secret.txt"), "link.txt", "sub"]
    found = read_notices(folder, [*names, "absent.txt", "", "a\0b", "there.txt", "../there.txt"])
    assert {name: notice.text for name, notice in found.items()} == {
        "there.txt": "不得",
        "../there.txt": "不得",
    }


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gbk.txt").write_bytes("不得".encode("gbk"))
    with pytest.raises(NoticeError, match=r"`gbk\.txt` is not UTF-8"):
        read_notices(tmp_path, ["gbk.txt"])
    monkeypatch.setattr(notices, "LARGEST", 3)
    with pytest.raises(NoticeError, match="larger than"):
        read_notices(tmp_path, ["gbk.txt"])
