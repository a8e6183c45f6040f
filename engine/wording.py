"""The texts of a decision: the reason of a finding, the notice of a measure.

A text is prepared once: what does not depend on the event is put together then, and only what does
is filled in for a decision. A text that was not written in a language is empty in that language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from clausal.compiler.ir import Bilingual, Corpus, Hole, SanctionDef, Template
from clausal.compiler.types import Type
from clausal.engine.render import (
    UNKNOWN,
    Language,
    clean,
    duration,
    listed,
    pick,
    pieces,
    until,
    value_text,
)
from clausal.engine.segments import Group
from clausal.engine.strikes import Values


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule fired, as its author told it.

    Attributes:
        fixed: The reason, where it is the same for all events.
        zh, en: Its pieces; a hole is the slot whose value fills it and that slot's type.
        zone: The IANA name of the zone in which instants are told.
    """

    fixed: Bilingual | None
    zh: tuple[str | tuple[int, Type], ...]
    en: tuple[str | tuple[int, Type], ...]
    zone: str

    def fill(self, values: Values) -> Bilingual:
        """The reason with the values of an event."""
        if self.fixed is not None:
            return self.fixed
        return Bilingual(
            self._filled(self.zh, "zh", values),
            self._filled(self.en, "en", values),
        )

    def _filled(
        self, template: Sequence[str | tuple[int, Type]], language: Language, values: Values
    ) -> str:
        return "".join(
            [
                piece
                if isinstance(piece, str)
                else value_text(piece[1], values(piece[0]), language, self.zone)
                for piece in template
            ]
        )


Told = Callable[[str | None, int | None], str]
"""A piece of a notice: from the id of the target and the end of the measure in microseconds."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What the affected user is told about a measure.

    Attributes:
        fixed: The notice, where it is the same for all events and times.
        zh, en: Its pieces.
    """

    fixed: Bilingual | None
    zh: tuple[str | Told, ...]
    en: tuple[str | Told, ...]

    def fill(self, item: str | None, end: int | None) -> Bilingual:
        """The notice about one target.

        Args:
            item: The id of the target, if it is known.
            end: When the measure ends, in microseconds since 1970; None: not by itself.
        """
        if self.fixed is not None:
            return self.fixed
        return Bilingual(_filled(self.zh, item, end), _filled(self.en, item, end))


def _filled(notice: Sequence[str | Told], item: str | None, end: int | None) -> str:
    return "".join([piece if isinstance(piece, str) else piece(item, end) for piece in notice])


class Wording:
    """Prepares the texts that policies and sanction libraries provide."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        # Most sanctions say the same of every measure.
        self._fixed: Final = tuple(_fixed(sanction) for sanction in corpus.sanctions)

    def zone(self, rule: int) -> str:
        """The time zone of the policy of a rule."""
        return self._corpus.versions[self._corpus.rules[rule].version].zone

    def reason(self, rule: int) -> Reason:
        """The reason of a rule."""
        definition = self._corpus.rules[rule]
        zh, en = self._pieces(definition.because_zh), self._pieces(definition.because_en)
        fixed = None
        if all(isinstance(piece, str) for piece in (*zh, *en)):
            fixed = Bilingual("".join(map(str, zh)), "".join(map(str, en)))
        return Reason(fixed, zh, en, self.zone(rule))

    def _pieces(self, template: Template) -> tuple[str | tuple[int, Type], ...]:
        return tuple(
            (piece.slot, self._corpus.slots[piece.slot].type) if isinstance(piece, Hole) else piece
            for piece in template
        )

    def notice(self, group: Group, length: int | None, rules: Sequence[int]) -> Notice:
        """The notice of a measure.

        Slots of the sanction's ``wording``: each of its parameters by name; ``{until}``, when the
        measure ends; ``{duration}``, how long it lasts; ``{target}``, what kind of thing it applies
        to, and ``{item}``, which one; ``{policy}``, ``{rule}`` and ``{clause}``, the titles and
        clauses of the rules that caused it.

        Args:
            group: The measure.
            length: How long it lasts, in microseconds; None: it does not end by itself.
            rules: The rules that caused it, sorted; at least one.
        """
        sanction = group.segment.sanction
        known = self._fixed[sanction]
        if known is not None:
            return known
        wording = self._corpus.sanctions[sanction].wording
        zh = self._notice(wording.zh, "zh", group, length, rules)
        en = self._notice(wording.en, "en", group, length, rules)
        fixed = None
        if all(isinstance(piece, str) for piece in (*zh, *en)):
            fixed = Bilingual(_filled(zh, None, None), _filled(en, None, None))
        return Notice(fixed, zh, en)

    def _notice(
        self,
        wording: str,
        language: Language,
        group: Group,
        length: int | None,
        rules: Sequence[int],
    ) -> tuple[str | Told, ...]:
        """The pieces of a wording. A slot that there is no text for stays as it was written."""
        told = []
        for piece, is_slot in pieces(wording):
            text = self._slot(piece, language, group, length, rules) if is_slot else piece
            told.append(f"{{{piece}}}" if text is None else text)
        return tuple(told)

    def _slot(
        self,
        name: str,
        language: Language,
        group: Group,
        length: int | None,
        rules: Sequence[int],
    ) -> str | Told | None:
        corpus = self._corpus
        sanction = corpus.sanctions[group.segment.sanction]
        zone = self.zone(rules[0])
        for param, value in zip(sanction.params, group.arguments, strict=True):
            if param.name == name:
                return value_text(param.type, value, language, zone)
        match name:
            case "until":
                fixable, permanent = bool(group.until_fixed), sanction.permanent
                if length is None:
                    return until(None, fixable, permanent, zone, language)
                return lambda _, end: until(end, fixable, permanent, zone, language)
            case "duration":
                return UNKNOWN[language] if length is None else duration(length, language)
            case "target":
                return self._target(group.segment.target.kind, language)
            case "item":
                return lambda which, _: UNKNOWN[language] if which is None else clean(which)
            case "policy":
                return listed((self._policy(rule, language) for rule in rules), language)
            case "rule":
                return listed((self._title(rule, language) for rule in rules), language)
            case "clause":
                clauses = sorted({c for rule in rules for c in corpus.rules[rule].clauses})
                return listed((corpus.clauses[c].id for c in clauses), language)
            case _:
                return None

    def _target(self, kind: str, language: Language) -> str:
        for target in self._corpus.targets:
            if target.name == kind:
                return pick(target.label, language) or kind
        return kind

    def _policy(self, rule: int, language: Language) -> str:
        version = self._corpus.versions[self._corpus.rules[rule].version]
        return pick(version.title, language) or version.policy

    def _title(self, rule: int, language: Language) -> str:
        definition = self._corpus.rules[rule]
        return pick(definition.title, language) or definition.name


def _fixed(sanction: SanctionDef) -> Notice | None:
    """The notice of a sanction whose wording has no slots."""
    if any(
        is_slot
        for text in (sanction.wording.zh, sanction.wording.en)
        for _, is_slot in pieces(text)
    ):
        return None
    zh, en = (
        tuple(piece for piece, _ in pieces(text))
        for text in (sanction.wording.zh, sanction.wording.en)
    )
    return Notice(Bilingual("".join(zh), "".join(en)), zh, en)
