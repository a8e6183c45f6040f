"""Hold every clause that a policy quotes against the text of its notice.

Usage: `python scripts/check_quotes.py NOTICES POLICY...`, where NOTICES is a folder with the notices by
the names that the policies give them. They are not part of the repository.

What differs without changing a word is taken away first: white space, the emphasis of Markdown, the
width of punctuation, the form of quotation marks, and pinyin in brackets. A notice in traditional
characters is brought to simplified ones by OpenCC, if that is installed; otherwise it is passed over,
and that is said.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from clausal.compiler.pipeline import compile_paths

_PUNCTUATION = str.maketrans(dict(zip(",:;!?()", "，：；！？（）", strict=True)))
_QUOTES = re.compile(r"[“”‘’\"']")
_PINYIN = re.compile(r"\([a-zāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]+\)")
_TRADITIONAL = re.compile("[絡謠專項動對發]")


def plain(text: str) -> str:
    """The text without what may differ."""
    text = _QUOTES.sub('"', re.sub(r"[\s*]", "", _PINYIN.sub("", text)))
    return text.translate(_PUNCTUATION)


def simplifier() -> Callable[[str], str] | None:
    """What brings traditional characters to simplified ones; None if OpenCC is not installed."""
    try:
        convert: Callable[[str], str] = import_module("opencc").OpenCC("t2s").convert
    except ImportError:
        return None
    return convert


def main() -> int:
    """Print the quotes that are not in their notices; return 1 if there is one."""
    notices, *policies = map(Path, sys.argv[1:])
    corpus = compile_paths(policies).corpus
    simplify = simplifier()
    texts: dict[str, str | None] = {}
    wrong = held = 0
    for clause in corpus.clauses:
        name = corpus.versions[clause.version].notice
        if name not in texts:
            file = notices / name
            text = plain(file.read_text("utf-8")) if name and file.is_file() else None
            if text is not None and _TRADITIONAL.search(text):
                # 著 is 着 in every word of a notice, which OpenCC leaves to the context.
                text = None if simplify is None else simplify(text).replace("著", "着")
            texts[name] = text
            if text is None:
                print(f"passed over: {name or 'a policy without a notice'}")
        against = texts[name]
        if against is None:
            continue
        held += 1
        if plain(clause.quote).rstrip("。；，") not in against:
            wrong += 1
            version = corpus.versions[clause.version]
            print(f"not in {name}: {version.policy} clause {clause.id}: {clause.quote}")
    print(f"{held:,} quotes held against their notices, {wrong:,} not in them")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
