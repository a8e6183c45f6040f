"""A small forum: its vocabulary, and the facts that follow when somebody breaks its rules.

The facts are made by hand, as simply as can be, so that tests of people's decisions do not lean on
how events are processed.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

import clausal
from clausal.compiler.ir import Bilingual, Corpus, LadderDef, MeasureDef, Severity
from clausal.enforcement.facts import (
    AnyFact,
    Case,
    Finding,
    Incident,
    Known,
    Measure,
    Strike,
    Values,
    name,
    party,
)
from clausal.enforcement.ledger import Ledger
from clausal.enforcement.memory import MemoryLedger
from clausal.enforcement.record import EVERYWHERE, WAITING, Record
from clausal.engine.decision import ClauseRef, Step
from clausal.engine.strikes import step_after

HOUR = 3_600_000_000
DAY = 24 * HOUR
BEGIN = 1_714_521_600_000_000  # 2024-05-01T00:00Z

POLICY = """\
policy forum.rules 1.2.0 {
  title  zh "论坛规则"  en "Rules of the forum"
  notice "notice.txt"
  in force 2024-01-01 ..
  time zone "Asia/Shanghai"
  use forum.words 1
}

clause 2.1 "自导自演式造假。"

ladder standing by account within 90d  zh "信用"  en "Standing" {
  1  => warn for 90d
  2  => limit_reach 50% for 7d
  3  => mute for 3d, limit_reach 80% for 3d
  4  => mute for 30d after review, limit_reach 90% for 14d
  5+ => close_account after review by two, mute for 30d after review
}

rule staged {
  title  zh "摆拍造假"  en "Staged"
  cites  2.1
  when   post.staged
  severity high
  then   label [staged]
  then   ladder standing
  because zh "内容系摆拍。"  en "The item was staged."
}
"""

LIBRARY = """\
library forum.words 1.0.0 {
  title  zh "词汇"  en "Words"
}

event {
  time post.time
  id post.id
}

target content by post.id  zh "内容"  en "item"
target account by post.author  zh "账号"  en "account"

schema post  zh "帖子"  en "Post" {
  id     string
  time   instant required
  author string
  staged bool  zh "摆拍"  en "staged"
}

sanction warn {
  title zh "警告" en "Warning"
  on account
  grade 0
  needs duration
  wording zh "警告至{until}。" en "A warning until {until}."
  dsa VISIBILITY_OTHER
}

sanction label(kinds set of enum [staged zh "摆拍" en "staged", ai zh "AI生成" en "made by AI"]) {
  title zh "打标签" en "Label"
  on content
  grade 1
  joins union
  wording zh "已加注“{kinds}”标签。" en "The label “{kinds}” was added."
  dsa VISIBILITY_CONTENT_LABELLED
}

sanction limit_reach(cut share) {
  title zh "限制流量" en "Reach limited"
  on content, account
  grade 2
  needs duration
  joins strictest at each instant
  wording zh "推荐量减少{cut}，至{until}。" en "Reach is reduced by {cut} until {until}."
  dsa VISIBILITY_CONTENT_DEMOTED
}

sanction hide {
  title zh "隐藏" en "Hidden"
  on account
  grade 2
  needs duration
  wording zh "隐藏至{until}。" en "Hidden until {until}."
  dsa VISIBILITY_CONTENT_DISABLED
}

sanction publish {
  title zh "公示" en "Published"
  on account
  grade 2
  needs review
  wording zh "公示。" en "The case is public."
  dsa VISIBILITY_OTHER
}

sanction mute {
  title zh "禁言" en "Mute"
  on account
  grade 4
  needs duration
  wording zh "禁言至{until}。" en "Muted until {until}."
  dsa PROVISION_PARTIAL_SUSPENSION
}

sanction close_account {
  title zh "关闭账号" en "Closure"
  on account
  grade 5
  permanent
  needs review by two
  implies mute
  wording zh "账号已关闭。" en "The account is closed."
  dsa ACCOUNT_TERMINATED
}

procedure {
  title zh "程序" en "Procedure"
  review within 72h, 24h from grade 4, 24h if interim
  lapse interim
  appeal within 180d, again with new evidence
  decide appeals within 7d, 48h from grade 4
  late decisions lift mute
  appeals delay publish
  appeals pause strikes below severe
}
"""


STEPS = POLICY[POLICY.index("  1  => warn") : POLICY.index("}\n\nrule")]

ODD = """\
  1  => warn for 20d, limit_reach 10% for 30d
  2  => hide for 10d, publish after review, limit_reach 50% for 3d
  3  => mute for 3d, limit_reach 40% for 6d
  4  => mute for 30d after review, limit_reach 90% for 14d after review, publish after review by two
  5  => warn for 3d, hide for 40d
  6+ => close_account after review by two, mute for 30d after review
"""
"""Steps that no sensible policy has: some are milder than those below them, or of another kind."""


@functools.cache
def corpus(*, odd: bool = False) -> Corpus:
    policy = POLICY.replace(STEPS, ODD) if odd else POLICY
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "forum.policy").write_text(policy, encoding="utf-8")
        (place / "words.policy").write_text(LIBRARY, encoding="utf-8")
        (place / "notice.txt").write_text("2.1 自导自演式造假。\n", encoding="utf-8")
        return clausal.compile(place).artifact.corpus


BUNDLE = "sha256:" + "ab" * 32


class Forum:
    """A ledger that fills as accounts break the rule, one case after the other."""

    def __init__(self, ledger: Ledger | None = None, *, odd: bool = False) -> None:
        self.ledger: Ledger = MemoryLedger() if ledger is None else ledger
        self.corpus = corpus(odd=odd)
        self.ladder: LadderDef = self.corpus.ladders[0]
        self._count = 0
        self.counted: dict[str, frozenset[str]] = {}
        """For each strike those that counted before it."""
        self.add(Known.of(BUNDLE, self.corpus, BEGIN, (EVERYWHERE,)))

    def add(self, *facts: AnyFact) -> None:
        with self.ledger.transaction() as writing:
            writing.append(facts)

    def record(self, account: str) -> Record:
        return Record.of(party("account", account), self.ledger.about(party("account", account)))

    def staged(
        self,
        account: str,
        at: int,
        *,
        severity: Severity = "high",
        found_by: str = "own",
        about: Values | None = None,
        only: Sequence[str] | None = None,
    ) -> str:
        """A staged item of an account at so many microseconds after `BEGIN`; returns its case.

        Args:
            account: Who posted it.
            at: When it was posted and decided.
            severity: How grave it is.
            found_by: Where the tip came from.
            about: What else the case says of the event.
            only: Sanctions that are left of what would follow.
        """
        self._count += 1
        number = str(self._count)
        at += BEGIN
        me, item = party("account", account), party("content", f"p-{number}")
        everyone = tuple(sorted((me, item)))
        waiting = tuple(sorted((*everyone, WAITING)))
        case, incident = name("case", number), name("incident", number)
        record = self.record(account)
        active = [
            one
            for one in record.struck.get(self.ladder.name, ())
            if not one.void
            and one.active(at)
            and not (
                record.cases[one.fact.case].under_appeal
                and one.fact.severity in self.corpus.procedure.pauses
            )
        ]
        step = step_after(self.ladder, len(active))
        finding = Finding(
            id=name("finding", case),
            at=at,
            parties=everyone,
            case=case,
            policy="forum.rules",
            version="1.2.0",
            rule="staged",
            severity=severity,
            mode="enforced",
            clauses=(ClauseRef("notice.txt", "2.1", "自导自演式造假。", "00000000"),),
            title=Bilingual("摆拍造假", "Staged"),
            reason=Bilingual("内容系摆拍。", "The item was staged."),
            saw={"post.staged": True},
        )
        strike = Strike(
            id=name("strike", case),
            at=at,
            parties=everyone,
            case=case,
            incident=incident,
            ladder=self.ladder.name,
            on=me,
            mode="enforced",
            family="",
            severity=severity,
            points=1,
            expires=at + self.ladder.within,
            active=len(active),
            counts=len(active) + 1,
            step=step,
            next_at=step + 1 if step < len(self.ladder.steps) else None,
            findings=(finding.id,),
        )
        self.counted[strike.id] = frozenset(one.fact.id for one in active)
        labelled = self.corpus.rules[0].measures[0]
        measures = [
            self._measure(case, incident, at, one, item if one is labelled else me, finding, strike)
            for one in (labelled, *self.ladder.steps[step - 1].measures)
            if only is None or self.corpus.sanctions[one.sanction].name in only
        ]
        waits = any(one.review for one in measures)
        shared = waiting if waits else everyone
        self.add(
            Incident(id=incident, at=at, parties=everyone, by=me),
            Case(
                id=case,
                at=at,
                parties=shared,
                event=f"event-{number}",
                incident=incident,
                acted_at=at,
                zone="Asia/Shanghai",
                bundle=BUNDLE,
                found_by=found_by,
                about={"content.kind": "video"} if about is None else about,
            ),
            *(replace(one, parties=shared) for one in (finding, strike)),
            *(replace(one, parties=shared) for one in measures),
        )
        return case

    def _measure(
        self,
        case: str,
        incident: str,
        at: int,
        one: MeasureDef,
        target: str,
        finding: Finding,
        strike: Strike,
    ) -> Measure:
        sanction = self.corpus.sanctions[one.sanction]
        review = max(one.review, sanction.review)
        arguments = {
            param.name: getattr(value, "value", value)
            for param, value in zip(sanction.params, one.arguments, strict=True)
            if value is not None
        }
        from_step = target.startswith("account")
        times = self.corpus.procedure.review
        return Measure(
            id=name("measure", case, sanction.name),
            at=at,
            parties=finding.parties,
            case=case,
            incident=incident,
            sanction=sanction.name,
            title=sanction.title,
            grade=sanction.grade,
            dsa=sanction.dsa,
            target=target,
            arguments=arguments,  # type: ignore[arg-type]
            start=at,
            end=None if one.duration is None else at + one.duration,
            length=one.duration,
            permanent=sanction.permanent,
            once=sanction.once,
            until_fixed=(),
            interim=one.interim,
            review=review,
            deadline=at + times.of(sanction.grade) if times and review else None,
            findings=(finding.id,),
            strikes=(strike.id,) if from_step else (),
            steps=(Step(strike.ladder, strike.step),) if from_step else (),
            yields_to=None,
            notice=Bilingual(f"{sanction.title.zh}。", f"{sanction.title.en}."),
        )
