"""Statements of reasons for people to read: as plain text, or as Markdown for a letter.

The words of policies are theirs; here are the words in between, in Chinese and in English. A text
that an author wrote in one language only stands in both letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from clausal.compiler.ir import Bilingual
from clausal.dsl.render.visible import visible
from clausal.enforcement.statements import AppealTold, Counted, Found, Imposed, Statement
from clausal.enforcement.words import Words, shipped
from clausal.engine.render import Language, instant, number

Form = Literal["text", "markdown"]

Part = tuple[str, list[str]]
"""A heading and the lines below it; a line that begins with two blanks belongs to the one above."""

_SEVERITIES: Final = {
    "info": Bilingual("提示", "information"),
    "low": Bilingual("轻微", "low"),
    "medium": Bilingual("中等", "medium"),
    "high": Bilingual("较重", "high"),
    "severe": Bilingual("严重", "severe"),
    "critical": Bilingual("特别严重", "critical"),
}
_STATES: Final = {
    "proposed": Bilingual("待人工复核，尚未生效", "waits for a person; it has no effect yet"),
    "dropped": Bilingual("未生效，已撤回", "never took effect"),
    "running": Bilingual("生效", "in effect"),
    "ended": Bilingual("已结束", "has ended"),
    "done": Bilingual("已执行", "carried out"),
}
_WHY: Final = {
    "": Bilingual(),
    "fixed": Bilingual("已改正", "it was corrected"),
    "rejected": Bilingual("复核未通过", "a review rejected it"),
    "lapsed": Bilingual("未在期限内复核", "nobody reviewed it in time"),
    "overturned": Bilingual("申诉成立", "an appeal overturned it"),
    "changed": Bilingual("申诉后变更", "an appeal changed it"),
    "replayed": Bilingual(
        "此前的一次计分被撤销，重新计算后改轻",
        "an earlier strike is void, and what it led to was worked out anew",
    ),
    "brake": Bilingual("规则触发异常，已中止", "the rule fired too often and was stopped"),
    "lifted": Bilingual("解除", "it was lifted"),
}
_OUTCOMES: Final = {
    "": Bilingual("审理中", "undecided"),
    "upheld": Bilingual("维持原决定", "the decision stands"),
    "changed": Bilingual("变更", "the decision was changed"),
    "overturned": Bilingual("撤销原决定", "the decision was overturned"),
    "out_of_time": Bilingual("逾期", "it came too late"),
}
_DECISIONS: Final = {
    "automated": Bilingual("全部由系统自动作出", "by the machine alone"),
    "partly": Bilingual(
        "部分由系统自动作出，部分经人工复核", "in part by the machine, in part with a person"
    ),
    "person": Bilingual("经人工复核作出", "with a person who agreed"),
}


def letter(
    statement: Statement, language: Language, form: Form = "text", words: Words | None = None
) -> str:
    """A statement of reasons, to be read; it ends with a line end.

    No character of it acts on a terminal, and in Markdown none that came from an event or a policy
    is markup.

    Args:
        statement: What is to be told.
        language: In which language.
        form: Plain text, or Markdown.
        words: What the platform's own words are called; None: the table that ships.
    """
    writer = _Writer(statement, language, shipped() if words is None else words)
    if form == "markdown":
        return _markdown(writer.title(), writer.parts())
    return _plain(writer.title(), writer.parts())


def _plain(title: str, parts: Iterator[Part]) -> str:
    lines = [title]
    for heading, texts in parts:
        lines += ["", heading]
        lines += [f"  {visible(text)}" for text in texts]
    return "\n".join(lines) + "\n"


def _markdown(title: str, parts: Iterator[Part]) -> str:
    lines = [f"# {_escape(title)}"]
    for heading, texts in parts:
        lines += ["", f"## {_escape(heading)}", ""]
        for text in texts:
            inner = text.startswith("  ")
            lines.append(f"{'  - ' if inner else '- '}{_escape(visible(text.strip()))}")
    return "\n".join(lines) + "\n"


_MARKUP: Final = re.compile(r"([\\`*_\[\]<>#|~!&$])|^(\d+)([.)])|^([-+=])")


def _escape(text: str) -> str:
    return _MARKUP.sub(
        lambda found: f"{found[2]}\\{found[3]}" if found[2] else "\\" + (found[1] or found[4]),
        text,
    )


class _Writer:
    """The words of one letter."""

    def __init__(self, statement: Statement, language: Language, words: Words) -> None:
        self._told = statement
        self._language: Language = language
        self._words = words

    def _say(self, zh: str, en: str) -> str:
        return zh if self._language == "zh" else en

    def _pick(self, texts: Bilingual, otherwise: str = "") -> str:
        first, second = (texts.zh, texts.en) if self._language == "zh" else (texts.en, texts.zh)
        return first or second or otherwise

    def _when(self, at: int) -> str:
        return instant(at, self._told.zone, self._language)

    def _number(self, value: float) -> str:
        return number(value, self._language)

    def title(self) -> str:
        """What stands above everything."""
        told = self._told
        return self._say(
            f"处理说明 {told.case}（第{told.edition}版）",
            f"Statement of reasons {told.case} (edition {told.edition})",
        )

    def parts(self) -> Iterator[Part]:
        """All that is said, in order."""
        yield self._say("事项", "What this is about"), list(self._about())
        yield (
            self._say("认定", "What was found"),
            [line for one in self._told.found for line in self._found(one)]
            or [self._say("未认定违规。", "Nothing.")],
        )
        yield (
            self._say("措施", "What follows"),
            [line for one in self._told.measures for line in self._imposed(one)]
            or [self._say("无。", "Nothing.")],
        )
        yield (
            self._say("计分", "Points"),
            [line for one in self._told.points for line in self._counted(one)]
            or [self._say("不计分。", "None.")],
        )
        yield self._say("作出方式", "How it came about"), list(self._how())
        yield self._say("申诉", "If you disagree"), list(self._appeal())

    def _about(self) -> Iterator[str]:
        told = self._told
        concerns = self._say("、", ", ").join(told.concerns)
        yield self._say(f"对象：{concerns}", f"It concerns: {concerns}")
        yield self._say(
            f"行为时间：{self._when(told.acted_at)}",
            f"Time of the act: {self._when(told.acted_at)}",
        )
        yield self._say(
            f"决定时间：{self._when(told.decided_at)}",
            f"Time of the decision: {self._when(told.decided_at)}",
        )
        yield self._say(
            f"本版说明所述时间：{self._when(told.told_at)}",
            f"As things stood on {self._when(told.told_at)}",
        )
        if told.superseded_at is not None:
            yield self._say(
                f"本版已于{self._when(told.superseded_at)}被新版取代。",
                f"This edition was superseded on {self._when(told.superseded_at)}.",
            )

    def _found(self, one: Found) -> Iterator[str]:
        title = self._pick(one.title, one.rule)
        severity = self._pick(_SEVERITIES[one.severity])
        yield self._say(f"{title}（程度：{severity}）", f"{title} (severity: {severity})")
        yield f"  {self._pick(one.reason)}"
        for clause in one.clauses:
            yield self._say(
                f"  依据第{clause.id}条：“{clause.quote}”",
                f"  Clause {clause.id}: “{clause.quote}”",
            )
        policy = self._pick(one.policy_title, one.policy)
        yield self._say(
            f"  规则：{policy}（{one.policy}@{one.version}）",
            f"  Policy: {policy} ({one.policy}@{one.version})",
        )
        if one.notice:
            yield self._say(f"  文件：{one.notice}", f"  Notice: {one.notice}")

    def _imposed(self, one: Imposed) -> Iterator[str]:
        title = self._pick(one.title, one.sanction)
        kind = self._pick(one.target_label, one.target[0])
        state = self._pick(_STATES[one.state])
        yield self._say(
            f"{title}（{kind} {one.target[1]}）：{state}",
            f"{title} ({kind} {one.target[1]}): {state}",
        )
        notice = self._pick(one.notice)
        # That of a proposal names an end that it will not have.
        if notice and one.state not in {"proposed", "dropped"}:
            yield f"  {notice}"
        if one.state == "proposed":
            yield self._say(
                f"  需{one.needs}人同意，已有{one.people}人同意；时长：{self._pick(one.until)}",
                f"  People who must agree: {one.needs}, who have: {one.people}. "
                f"It would last: {self._pick(one.until)}",
            )
        elif one.state != "dropped":
            yield self._say(
                f"  自{self._when(one.start)}起；期限：{self._pick(one.until)}",
                f"  From {self._when(one.start)}; until: {self._pick(one.until)}",
            )
        if one.interim:
            yield self._say("  属临时措施，不计分。", "  It is temporary, and carries no points.")
        if one.replays:
            yield self._say(
                "  重新计算后，由它代替较重的措施。",
                "  It stands in the place of a graver measure.",
            )
        if one.ended_at is not None:
            why = self._pick(_WHY[one.why])
            yield self._say(
                f"  已于{self._when(one.ended_at)}终止：{why}",
                f"  It ended on {self._when(one.ended_at)}: {why}",
            )
        cover = self._pick(one.covered_by)
        if cover:
            yield self._say(f"  已包含于：{cover}", f"  Covered by: {cover}")

    def _counted(self, one: Counted) -> Iterator[str]:
        title = self._pick(one.title, one.ladder)
        points, counts = self._number(one.points), self._number(one.counts)
        yield self._say(
            f"{title}：本次{points}分，至{self._when(one.expires)}（不含）失效",
            f"{title}: {points}, which no longer count from {self._when(one.expires)}",
        )
        yield self._say(
            f"  决定时合计{counts}分，对应第{one.step}级{self._gap(one.gap)}",
            f"  With it {counts} counted at the decision: step {one.step}{self._gap(one.gap)}",
        )
        if one.anew is not None:
            again = self._number(one.anew[0])
            yield self._say(
                f"  此前有计分被撤销，重新计算：合计{again}分，对应第{one.anew[1]}级",
                f"  Earlier points are void; worked out anew, {again} count: step {one.anew[1]}",
            )
        if one.void:
            yield self._say("  该计分自始无效。", "  It is void: it never counted.")
        yield self._say(
            f"  现计{self._number(one.now)}分{self._gap(one.now_gap)}",
            f"  Now {self._number(one.now)} count{self._gap(one.now_gap)}",
        )

    def _gap(self, gap: float | None) -> str:
        if gap is None:
            return self._say("，已无更高一级", "; there is no further step")
        left = self._number(gap)
        return self._say(f"，距下一级还差{left}分", f"; {left} to the next step")

    def _how(self) -> Iterator[str]:
        found = self._words.found_by.get(self._told.found_by)
        source = (
            self._told.found_by or self._say("未说明", "not stated")
            if found is None
            else self._say(found.zh, found.en)
        )
        yield self._say(f"线索来源：{source}", f"The tip came from: {source}")
        if found is not None:
            by = self._say("自动", "a machine") if found.automated else self._say("人工", "people")
            yield self._say(f"识别方式：{by}", f"Found by: {by}")
        decided = self._pick(_DECISIONS[self._told.decision])
        yield self._say(f"决定方式：{decided}", f"Decided: {decided}")

    def _appeal(self) -> Iterator[str]:
        told = self._told
        until = self._when(told.appeal_until)
        yield self._say(
            f"您可在{until}之前免费申诉，请注明编号{told.case}。",
            f"You may appeal free of charge before {until}. Name the number {told.case}.",
        )
        yield self._say(
            "申诉由未参与本决定的人员复核，不会仅由系统自动作出。",
            "A person who took no part in this decision will look at it; no machine decides alone.",
        )
        if told.appeal_again:
            yield self._say(
                "如有新证据，可再申诉一次。", "With new evidence you may appeal once more."
            )
        for one in told.appeals:
            yield self._appealed(one)

    def _appealed(self, one: AppealTold) -> str:
        outcome = self._pick(_OUTCOMES[one.outcome])
        filed = self._when(one.at)
        if one.decided_at is None:
            return self._say(f"{filed}提出的申诉：{outcome}", f"Your appeal of {filed}: {outcome}")
        decided = self._when(one.decided_at)
        return self._say(
            f"{filed}提出的申诉：{outcome}（{decided}）",
            f"Your appeal of {filed}: {outcome} ({decided})",
        )
