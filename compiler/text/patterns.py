r"""Patterns: regular expressions that are matched in time linear in the text.

The language is RE2's (https://github.com/google/re2/wiki/Syntax). It has what regular expressions
in a policy need and leaves out what cannot be matched in linear time: back references and
look-around. A pattern matches if it matches anywhere in a text; `^` and `$` are the beginning and
the end of the text, or of each line after `(?m)`; a dot is any character but a line break. `\w`,
`\d`, `\s` and `\b` know ASCII only, so that `\b` stands between `看` and `ad`; for more there is
`\p{L}`, `\p{Han}`, `\p{N}`.

A pattern on a `text` field is itself folded (`clausal.compiler.text.pattern_folding`) and matched
without regard to case: `/ＡＢＣ/`, `/ABC/` and `/abc/` are one pattern there. On a `string` field,
pattern and text are taken as they are.

Patterns that are looked for in one text are matched in one pass, as a `PatternGroup`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import re2

from clausal.compiler.text.fold import fold_with_offsets, original_span
from clausal.compiler.text.pattern_folding import fold_pattern
from clausal.compiler.text.pattern_tokens import Kind, PatternError, Token, tokens
from clausal.compiler.text.surrogates import well_formed

if TYPE_CHECKING:
    from re2 import _Regexp

MAX_PATTERN_LENGTH: Final = 1000
"""The greatest number of characters of a pattern."""

MAX_STEPS: Final = 10_000
"""The greatest number of steps that a pattern may cost for each byte of a text (UTF-8).

It is the size of the program that RE2 makes of the pattern. `\\p{Han}{1,100}` has 8,103 steps.
"""

MAX_TOTAL_STEPS: Final = 100_000
"""The greatest number of steps that all patterns of a bundle may cost for each byte of a text.

A pattern of some words takes about a hundred.
"""

# Bytes for the program of a pattern or a group, and for the states of its automaton that are kept;
# RE2's default.
# With less, patterns such as `a.{0,1000}b` become sixty times as slow on long texts.
_MAX_MEMORY: Final = 8 << 20


class PatternSet:
    """The patterns of a program, compiled. Immutable; threads may share it."""

    __slots__ = ("_compiled", "_folded")

    def __init__(self, patterns: Sequence[tuple[str, bool]]) -> None:
        """Compile the patterns.

        Args:
            patterns: Each pattern, and whether it is matched in `text` fields, which are folded.
                A pattern is known by its place.

        Raises:
            PatternError: If `check_pattern` has an objection to a pattern, or if all together cost
                too much.
        """
        compiled: list[_Regexp] = []
        room = MAX_TOTAL_STEPS
        for pattern, folded in patterns:
            compiled.append(_compile(pattern, folded=folded))
            room -= compiled[-1].programsize
            if room < 0:
                raise PatternError(
                    f"the patterns take more than {MAX_TOTAL_STEPS:,} steps together for each "
                    "byte of a text"
                )
        self._compiled = tuple(compiled)
        self._folded = tuple(folded for _, folded in patterns)

    def __len__(self) -> int:
        """The number of patterns."""
        return len(self._compiled)

    def search(self, index: int, text: str) -> bool:
        """Whether pattern `index` matches somewhere in `text`.

        Args:
            index: The place of the pattern.
            text: The text, already folded if the pattern is for `text` fields. It is not folded
                here, so that all predicates on a field share one folding.

        Raises:
            IndexError: If there is no such pattern.
        """
        return self._compiled[index].search(_encode(text)) is not None

    def groups(self, indexes: Sequence[int]) -> list[PatternGroup]:
        """Patterns in their order, in groups that are each matched in one pass over a text.

        A group has at most `MAX_STEPS` steps, so that a text that is written to be expensive costs
        no more with it than with a single pattern.

        Raises:
            IndexError: If there is no such pattern.
        """
        chunks: list[list[int]] = []
        room = 0
        for index in indexes:
            steps = self.steps(index)
            if steps > room or self._folded[index] != self._folded[chunks[-1][0]]:
                chunks.append([])
                room = MAX_STEPS
            chunks[-1].append(index)
            room -= steps
        return [
            PatternGroup([self._compiled[i] for i in chunk], folded=self._folded[chunk[0]])
            for chunk in chunks
        ]

    def first(self, index: int, text: str) -> tuple[int, int] | None:
        """Where pattern `index` first matches, for explanations.

        Args:
            index: The place of the pattern.
            text: The text as it is, not folded.

        Returns:
            The half-open range of characters of the original text; None if nothing matches.

        Raises:
            IndexError: If there is no such pattern.
        """
        if not self._folded[index]:
            return self._span(index, text)
        folded, offsets = fold_with_offsets(text)
        span = self._span(index, folded)
        return span and original_span(offsets, *span, len(text))

    def steps(self, index: int) -> int:
        """What pattern `index` may cost for each byte of a text; at most `MAX_STEPS`."""
        return self._compiled[index].programsize

    def _span(self, index: int, text: str) -> tuple[int, int] | None:
        encoded = _encode(text)
        match = self._compiled[index].search(encoded)
        if match is None:
            return None
        start, end = match.span()
        before = len(encoded[:start].decode())
        return before, before + len(encoded[start:end].decode())


class PatternGroup:
    """Patterns that are matched in one pass over a text. Immutable; threads may share it."""

    __slots__ = ("_compiled", "_set", "folded")

    folded: bool
    """Whether they are matched in `text` fields."""

    def __init__(self, compiled: Sequence[_Regexp], *, folded: bool) -> None:
        """Put compiled patterns together; `PatternSet.groups` does."""
        self._compiled = tuple(compiled)
        self._set = _together(compiled, folded=folded) if len(compiled) > 1 else None
        self.folded = folded

    def __len__(self) -> int:
        """The number of patterns."""
        return len(self._compiled)

    def matches(self, text: str) -> list[int]:
        """The patterns that match somewhere in `text`, by their places in the group.

        Args:
            text: The text, already folded if the patterns are for `text` fields.
        """
        encoded = _encode(text)
        if self._set is not None:
            found = self._set.Match(encoded) or []
            if len(self._compiled) in found:
                return [place for place in found if place < len(self._compiled)]
        return [place for place, one in enumerate(self._compiled) if one.search(encoded)]


def _together(compiled: Sequence[_Regexp], *, folded: bool) -> re2.Set | None:
    """The patterns as one automaton, and behind them one that matches every text.

    When its memory runs out, RE2 says that nothing matched, where a single pattern goes on with
    less. Then the last one is not among what was found either, and it is known.
    """
    together = re2.Set.SearchSet(_options(folded=folded))
    try:
        for one in compiled:
            together.Add(one.pattern)
        together.Add("")
        together.Compile()
    except re2.error:
        return None
    return together


def check_pattern(pattern: str, *, folded: bool = False) -> str | None:
    """Why `pattern` cannot be used, in plain words and with the place if known; None if it can.

    Args:
        pattern: The pattern, without the slashes around it.
        folded: Whether it is for `text` fields, which are folded.
    """
    problem = pattern_problem(pattern, folded=folded)
    return None if problem is None else str(problem)


def pattern_problem(pattern: str, *, folded: bool = False) -> PatternError | None:
    """Like `check_pattern`, with the reason and the place apart, for a diagnostic."""
    try:
        _compile(pattern, folded=folded)
    except PatternError as problem:
        return problem
    return None


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return well_formed(text).encode()


def _compile(pattern: str, *, folded: bool) -> _Regexp:
    """Check and compile a pattern.

    Raises:
        PatternError: If that cannot be done.
    """
    if not pattern:
        raise PatternError("the pattern is empty and would match every text")
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise PatternError(
            f"the pattern has {len(pattern):,} characters; at most {MAX_PATTERN_LENGTH:,} are "
            "allowed, and a list of words is better a term list"
        )
    if well_formed(pattern) != pattern:
        raise PatternError("the pattern has a lone surrogate, which no text has")
    parts = tokens(pattern)
    for token in parts:
        if reason := _UNWANTED_ESCAPES.get(token.text):
            raise PatternError(f"`{token.text}` is not supported: {reason}", token.offset)
    try:
        compiled = re2.compile(pattern, _options(folded=folded))
        if folded:
            compiled = re2.compile(fold_pattern(pattern), _options(folded=folded))
    except re2.error as error:
        raise _translated(error, pattern, parts) from None
    if compiled.programsize > MAX_STEPS:
        raise PatternError(
            f"the pattern takes {compiled.programsize:,} steps for each byte of a text; at most "
            f"{MAX_STEPS:,} are allowed: large repetitions and classes such as `\\p{{L}}` multiply"
        )
    return compiled


def _options(*, folded: bool) -> re2.Options:
    options = re2.Options()
    options.case_sensitive = not folded
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    # Groups only group: nobody asks what they matched.
    options.never_capture = True
    return options


# Escapes that RE2 has and that do not fit here.
_UNWANTED_ESCAPES: Final = {
    "\\Q": "put a `\\` before each character that is to mean itself",
    "\\E": "put a `\\` before each character that is to mean itself",
    "\\C": "it matches a part of a character",
}

_NOT_LINEAR: Final = "cannot be matched in linear time"

# RE2's messages, up to the colon, and what they say in plain words of the part that follows it.
_REASONS: Final = {
    "missing )": "a `(` has no `)`",
    "unexpected )": "a `)` has no `(`",
    "missing ]": "a `[` has no `]`",
    "trailing \\": "a `\\` at the end has nothing to stand before",
    "no argument for repetition operator": "`{}` has nothing to repeat",
    "bad repetition operator": "`{}` repeats a repetition; put parentheses around the inner one",
    "invalid repetition size": "`{}` repeats more than 1,000 times in all, or less than it begins",
    "invalid character class range": "`{}` is no range of characters and no known class",
    "invalid named capture group": "`{}` does not name a group",
    "invalid escape sequence": "`{}` has no meaning",
    "invalid perl operator": "`{}` has no meaning",
    "invalid UTF-8": "an escape at the end is cut short",
    "pattern too large - compile failed": "the pattern takes too much memory: large repetitions "
    "and classes such as `\\p{{L}}` multiply",
}

# The parts for which there is more to say.
_PARTS: Final = {
    "(?=": f"`(?=` looks ahead, which {_NOT_LINEAR}",
    "(?!": f"`(?!` looks ahead, which {_NOT_LINEAR}",
    "(?<=": f"`(?<=` looks behind, which {_NOT_LINEAR}",
    "(?<!": f"`(?<!` looks behind, which {_NOT_LINEAR}",
    "(?>": "`(?>` is an atomic group, which has no meaning where nothing is tried again",
    "(?(": f"`(?(` asks whether a group matched, which {_NOT_LINEAR}",
    "(?#": "`(?#` begins a comment; write it beside the rule",
    "\\Z": "`\\Z` has no meaning; the end of a text is `\\z`",
    "\\u": "`\\u` has no meaning; write the character itself, or `\\x{4e00}`",
}


# Well-formed, so no error is in it. RE2 names `(?P` when it means `(?P=`.
_NAMED_GROUP: Final = re.compile(r"\(\?P?<.+>", re.DOTALL)


def _translated(error: re2.error, pattern: str, parts: list[Token]) -> PatternError:
    """RE2's error in plain words, and where it is."""
    message = error.args[0].decode(errors="replace")
    kind, _, part = message.partition(": ")
    if kind in {"missing )", "unexpected )"}:
        return PatternError(_REASONS[kind], _unpaired(parts))
    if kind == "missing ]":
        return PatternError(_REASONS[kind], len(pattern) - len(part))
    offset = _place(part, pattern, parts)
    if part == "(?P" and offset is not None:
        # RE2 stops reading here; what follows tells what was meant.
        part = pattern[offset : offset + 4]
    if (part[:1] == "\\" and part[1:2].isdigit()) or part in {"\\k", "\\g", "(?P=", "(?P>"}:
        return PatternError(f"`{part}` refers back to a group, which {_NOT_LINEAR}", offset)
    if part in _PARTS:
        return PatternError(_PARTS[part], offset)
    if kind in _REASONS:
        return PatternError(_REASONS[kind].format(part), offset)
    return PatternError(message, offset)


def _place(part: str, pattern: str, parts: list[Token]) -> int | None:
    """Where the part that RE2 names begins; None if it names none, or it is not found."""
    if not part:
        return None
    for token in parts:
        if token.kind is Kind.CLASS:
            inside = pattern.find(part, token.offset, token.offset + len(token.text))
            if inside >= 0:
                return inside
        elif token.kind is Kind.LITERAL or _NAMED_GROUP.fullmatch(token.text):
            continue
        elif pattern.startswith(part, token.offset):
            return token.offset
    return None


def _unpaired(parts: list[Token]) -> int | None:
    """Where the first parenthesis stands that has no partner."""
    opened: list[int] = []
    for token in parts:
        if token.kind is Kind.GROUP and not token.text.endswith(")"):
            opened.append(token.offset)
        elif token.text == ")" and token.kind is Kind.OTHER:
            if not opened:
                return token.offset
            opened.pop()
    return opened[0] if opened else None
