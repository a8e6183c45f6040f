"""The texts of a decision: the reason of a finding, the notice of a measure."""

from __future__ import annotations

from collections.abc import Sequence

from clausal.compiler.ir import Bilingual, Corpus, Hole, Template
from clausal.engine.consequences import Values
from clausal.engine.render import (
    UNKNOWN,
    Language,
    clean,
    duration,
    fill,
    listed,
    pick,
    until,
    value_text,
)
from clausal.engine.segments import FOREVER, Group


class Wording:
    """Fills in the texts that policies and sanction libraries provide.

    A text that was not written in a language is empty in that language.
    """

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._fixed: dict[int, Bilingual] = {
            index: Bilingual("".join(map(str, rule.because_zh)), "".join(map(str, rule.because_en)))
            for index, rule in enumerate(corpus.rules)
            if not any(isinstance(p, Hole) for p in (*rule.because_zh, *rule.because_en))
        }

    def zone(self, rule: int) -> str:
        """The time zone of the policy of a rule."""
        return self._corpus.versions[self._corpus.rules[rule].version].zone

    def reason(self, rule: int, values: Values) -> Bilingual:
        """Why a rule fired, as its author told it, with the values of the event."""
        fixed = self._fixed.get(rule)
        if fixed is not None:
            return fixed
        definition = self._corpus.rules[rule]
        zone = self.zone(rule)
        return Bilingual(
            self._template(definition.because_zh, "zh", values, zone),
            self._template(definition.because_en, "en", values, zone),
        )

    def _template(self, template: Template, language: Language, values: Values, zone: str) -> str:
        return "".join(
            piece
            if isinstance(piece, str)
            else value_text(self._corpus.slots[piece.slot].type, values(piece.slot), language, zone)
            for piece in template
        )

    def notice(self, group: Group, rules: Sequence[int]) -> Bilingual:
        """What the affected user is told about a measure.

        Slots of the sanction's ``wording``: each of its parameters by name; ``{until}``, when the
        measure ends; ``{duration}``, how long it lasts; ``{target}``, what kind of thing it applies
        to, and ``{item}``, which one; ``{policy}``, ``{rule}`` and ``{clause}``, the titles and
        clauses of the rules that caused it.

        Args:
            group: The measure.
            rules: The rules that caused it, sorted; at least one.
        """
        wording = self._corpus.sanctions[group.segment.sanction].wording
        return Bilingual(
            wording.zh and self._notice(wording.zh, "zh", group, rules),
            wording.en and self._notice(wording.en, "en", group, rules),
        )

    def _notice(self, wording: str, language: Language, group: Group, rules: Sequence[int]) -> str:
        corpus = self._corpus
        segment = group.segment
        sanction = corpus.sanctions[segment.sanction]
        zone = self.zone(rules[0])
        end = None if segment.end >= FOREVER else segment.end

        def slot(name: str) -> str | None:
            for param, value in zip(sanction.params, group.arguments, strict=True):
                if param.name == name:
                    return value_text(param.type, value, language, zone)
            match name:
                case "until":
                    return until(end, bool(group.until_fixed), sanction.permanent, zone, language)
                case "duration":
                    if end is None:
                        return UNKNOWN[language]
                    return duration(end - segment.start, language)
                case "target":
                    return self._target(segment.target.kind, language)
                case "item":
                    which = segment.target.id
                    return UNKNOWN[language] if which is None else clean(which)
                case "policy":
                    return listed((self._policy(rule, language) for rule in rules), language)
                case "rule":
                    return listed((self._title(rule, language) for rule in rules), language)
                case "clause":
                    clauses = sorted({c for rule in rules for c in corpus.rules[rule].clauses})
                    return listed((corpus.clauses[c].id for c in clauses), language)
                case _:
                    return None

        return fill(wording, slot)

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
