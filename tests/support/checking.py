"""A small vocabulary for tests of the checker, and what it makes of policies written in it."""

from __future__ import annotations

from collections.abc import Sequence

from clausal.compiler.ir import Condition, Corpus, RuleDef
from clausal.compiler.pipeline import check_sources
from clausal.dsl.diagnostics import Diagnostics
from clausal.dsl.render import terminal
from clausal.dsl.source import Source

FIELDS = """\
library shop.fields 1.0.0

event {
  time offer.time
  id   offer.id
}

target offer by offer.id zh "报价" en "offer"
target account by seller.id zh "账号" en "account"

schema offer zh "报价" en "Offer" {
  id string
  time instant required
  posted instant
  day date
  kind enum [sale zh "出售" en "sale", auction, gift]
  was_kind enum [sale, auction, gift]
  tags set of enum [new, rare, stolen]
  words set of string
  labelled bool
  first bool
  title text
  price number
  copies integer
  doubt share
  score map of share
  waits duration
  review {
    verdict enum [none, false_price]
  }
}

schema seller {
  id string
  name string
  other string
}
"""

MEASURES = """\
library shop.measures 1.0.0 {
  use shop.fields 1
}

sanction hint(topic string = "rules") {
  title zh "提示" en "Hint"
  on account
  grade 0
  once
}

sanction warn {
  title zh "警告" en "Warning"
  on account
  grade 1
  needs duration
}

sanction dim(cut share, places set of enum [home, search] = [home, search]) {
  title zh "减速" en "Dimmed"
  on offer, account
  grade 2
  joins strictest at each instant
}

sanction hold(deadline duration, level enum [low, high] = low) {
  title zh "暂扣" en "Held"
  on offer
  grade 2
  joins lowest deadline at each instant
}

sanction mute {
  title zh "禁言" en "Muted"
  on account
  grade 4
  needs duration
  needs review
}

sanction expel {
  title zh "开除" en "Expelled"
  on account
  grade 9
  permanent
  needs review by two
  implies mute, dim
}
"""

HEADER = """\
policy shop.rules {version} {{
  title zh "规则" en "Rules"
  in force {force}
  time zone "{zone}"
  use shop.fields 1
  use shop.measures 1
}}

clause 1 "价格须真实"
"""


def policy(
    body: str, *, version: str = "1.0.0", force: str = "2024-01-01 ..", zone: str = "Asia/Shanghai"
) -> str:
    """A policy with a header and one clause, and ``body``."""
    return HEADER.format(version=version, force=force, zone=zone) + body


def rule(when: str, *, name: str = "r", then: str = "warn for 1d", extra: str = "") -> str:
    """A rule that lacks nothing."""
    return f"""
rule {name} {{
  cites 1
  when {when}
  {extra}
  then {then}
  because zh "理由。" en "Reason."
}}
"""


def check(
    *texts: str, libraries: Sequence[str] = (FIELDS, MEASURES)
) -> tuple[Corpus | None, Diagnostics]:
    """What comes of checking policies together with the libraries."""
    sources = [Source(f"library_{number}.policy", text) for number, text in enumerate(libraries)]
    sources += [Source(f"policy_{number}.policy", text) for number, text in enumerate(texts)]
    return check_sources(sources)


def corpus(
    *texts: str, libraries: Sequence[str] = (FIELDS, MEASURES), warnings: bool = False
) -> Corpus:
    """The corpus of policies that must have no error and, unless allowed, no warning."""
    found, diagnostics = check(*texts, libraries=libraries)
    shown = terminal.render(diagnostics, color=False, width=100)
    assert found is not None, shown
    assert warnings or not len(diagnostics), shown
    return found


def codes(*texts: str, libraries: Sequence[str] = (FIELDS, MEASURES)) -> list[str]:
    """The codes of everything that is said about policies, in the order of their places."""
    return [diagnostic.code for diagnostic in check(*texts, libraries=libraries)[1]]


def messages(*texts: str) -> list[str]:
    """The code and message of everything that is said about policies."""
    return [f"{one.code} {one.message}" for one in check(*texts)[1]]


def only_rule(found: Corpus) -> RuleDef:
    """The rule of a corpus that has one."""
    (one,) = found.rules
    return one


def when(condition: str, *, declared: str = "") -> tuple[Condition, Corpus]:
    """What a condition becomes, and the corpus that its numbers refer to."""
    found = corpus(policy(declared + rule(condition)))
    return only_rule(found).when, found
