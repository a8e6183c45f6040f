"""Whatever bytes a policy file has, they are refused in words, or mean one thing.

What has no error of syntax is formatted to a text that has the same tree, and stays as it is when it
is formatted again. What passes every check compiles into a bundle that loads.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from random import Random

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["clausal.compiler", "clausal.dsl"]):
    from clausal.compiler.bundle import pack, unpack
    from clausal.compiler.pipeline import check_sources, compile_sources
    from clausal.dsl.diagnostics import Diagnostics, PolicyError
    from clausal.dsl.nodes import File
    from clausal.dsl.parser import keywords, parse
    from clausal.dsl.printer import format_source
    from clausal.dsl.render import json as to_json
    from clausal.dsl.render import sarif as to_sarif
    from clausal.dsl.render import terminal
    from clausal.dsl.render.visible import is_hidden
    from clausal.dsl.source import Source, SourceError
from clausal.engine.evaluator import Bundle
from tests.support.every_slot import FOLDER, LIBRARY

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
TEXTS = [
    TOKEN.findall(seed.read_text(encoding="utf-8"))
    for seed in sorted((Path(__file__).parent / "seeds" / "parser").glob("*.policy"))
]
ODD = (
    "\u202e",
    "\x1b[31m",
    "\ufeff",
    "，",
    "：",
    "“",
    "9" * 400,
    "\U000e0041",
    "㍿",
    "(" * 70,
    "not " * 70,
)
VOCABULARY = [piece for word in sorted(keywords()) for piece in (word, " ")] + list(ODD)
NAME = str(FOLDER / "fuzzed.policy")  # beside the lists that the seeds name


def fuzz(data: bytes) -> None:
    """Parse, format, check and compile one input, as far as that goes."""
    try:
        source = Source.decode(data, NAME)
    except SourceError as error:
        if not str(error):
            raise AssertionError("the refusal says nothing") from error
        return
    tree, diagnostics = parse(source)
    show(diagnostics)
    if diagnostics.has_errors:
        try:
            format_source(source)
        except PolicyError:
            pass
        else:
            raise AssertionError("formatted in spite of errors")
    else:
        formatted_alike(source, tree)
    corpus, diagnostics = check_sources([source, LIBRARY])
    show(diagnostics)
    if corpus is None:
        return
    artifact = compile_sources([source, LIBRARY])
    again = unpack(pack(artifact))
    if again.corpus != artifact.corpus:
        raise AssertionError("the bundle comes back as another")
    Bundle(again)


def formatted_alike(source: Source, tree: File) -> None:
    """Hold a source without errors to what formatting promises."""
    text = format_source(source)
    formatted = Source(NAME, text)
    again, diagnostics = parse(formatted)
    if diagnostics.has_errors or again.declarations != tree.declarations:
        raise AssertionError("formatting changed the meaning")
    if [one.text for one in again.comments] != [one.text for one in tree.comments]:
        raise AssertionError("formatting changed the comments")
    if format_source(formatted) != text:
        raise AssertionError("formatting is not idempotent")


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change bytes, or trade words of the language and stretches of the seeds."""
    random = Random(seed)
    if random.random() < 0.4:
        return atheris.Mutate(data, max_size)
    words = TOKEN.findall(data.decode("utf-8", "replace"))
    for _ in range(random.choice([1, 1, 2, 4])):
        at = random.randrange(len(words) + 1)
        end = min(len(words), at + random.choice([0, 1, 1, 2, 8]))
        source = random.choice([VOCABULARY, words, *TEXTS])
        first = random.randrange(len(source) + 1)
        words[at:end] = source[first : first + random.choice([0, 1, 1, 1, 2, 16])]
    return "".join(words).encode()[:max_size]


def show(diagnostics: Diagnostics) -> None:
    """Render diagnostics for everyone who reads them; a terminal obeys nothing in them."""
    shown = terminal.render(diagnostics, color=False, width=100)
    if any(character != "\n" and is_hidden(character) for character in shown):
        raise AssertionError("a character that a terminal may obey was shown as it is")
    json.loads(to_json.render(diagnostics))
    json.loads(to_sarif.render(diagnostics))


if __name__ == "__main__":
    atheris.Setup(sys.argv, fuzz, custom_mutator=mutate)
    atheris.Fuzz()
