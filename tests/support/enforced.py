"""A small platform whose policy has all that enforcement deals with, and events for it."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import clausal

LIBRARY = """\
library forum.base 1.0.0 {
  title  zh "论坛"  en "Forum"
}

event {
  time act.time
  id act.id
}

target content by content.id  zh "内容"  en "item"
target account by account.id  zh "账号"  en "account"
target subject by account.subject  zh "主体"  en "person"
target organisation by org.id  zh "机构"  en "agency"

schema act {
  id   string
  time instant required
}

schema content {
  id      string
  cluster string
  age_d   integer
  text    text
  staged  enum [none, suspected, confirmed]
  spam    share
  label   bool
}

schema account {
  id       string
  subject  string
  earns    bool
  verified bool
}

schema org {
  id string
}

sanction warn {
  title zh "警告"  en "Warning"
  on account
  grade 0
  needs duration
  wording zh "警告至{until}。"  en "A warning until {until}."
  dsa VISIBILITY_OTHER
}

sanction slow(cut share) {
  title zh "限流"  en "Slowed down"
  on content, account
  grade 2
  needs duration
  joins strictest at each instant
  wording zh "限流{cut}至{until}。"  en "Slowed down by {cut} until {until}."
  dsa VISIBILITY_CONTENT_DEMOTED
}

sanction hide_from(places set of enum [home, search, push]) {
  title zh "不展示"  en "Hidden"
  on content
  grade 2
  needs duration
  joins union
  wording zh "不在{places}展示。"  en "Hidden from {places}."
  dsa VISIBILITY_CONTENT_DEMOTED
}

sanction unearn {
  title zh "暂停收益"  en "No earnings"
  on account, organisation
  grade 3
  needs duration
  wording zh "暂停收益。"  en "No earnings."
  dsa MONETARY_SUSPENSION
}

sanction remove {
  title zh "删除"  en "Removed"
  on content
  grade 3
  implies slow, hide_from
  wording zh "已删除。"  en "Removed."
  dsa VISIBILITY_CONTENT_REMOVED
}

sanction purge {
  title zh "清粉"  en "Followers removed"
  on account
  grade 3
  once
  wording zh "已清理粉丝。"  en "Followers were removed."
  dsa PROVISION_PARTIAL_TERMINATION
}

sanction mute {
  title zh "禁言"  en "Mute"
  on account
  grade 4
  needs duration
  wording zh "禁言至{until}。"  en "Muted until {until}."
  dsa PROVISION_PARTIAL_SUSPENSION
}

sanction suspend {
  title zh "停用"  en "Suspended"
  on account
  grade 4
  needs duration
  implies mute
  wording zh "停用至{until}。"  en "Suspended until {until}."
  dsa ACCOUNT_SUSPENDED
}

sanction close_account {
  title zh "关闭"  en "Closed"
  on account
  grade 5
  permanent
  needs review by two
  implies suspend, mute, unearn, slow
  wording zh "账号关闭。"  en "The account is closed."
  dsa ACCOUNT_TERMINATED
}

incident by account {
  same content.id
  same content.cluster within 24h
  same policy within 24h
}

procedure {
  title zh "程序"  en "Procedure"

  review within 72h, 24h from grade 4, 24h if interim
  lapse interim
  appeal within 180d
  decide appeals within 7d
  appeals delay purge
  appeals pause strikes below severe
  no strike for content.age_d over 90, 1460 from severe
}
"""

POLICY = """\
policy forum.truth 1.0.0 {
  title  zh "真实"  en "Truth"
  notice "notice.txt"
  in force 2024-01-01 ..
  time zone "Asia/Shanghai"
  use forum.base 1
}

clause 1 "不得造假。"

ladder lies by account within 90d  zh "造假"  en "Lies" {
  1  => warn for 90d
  2  => mute for 3d, unearn for 6d
  3  => mute for 7d after review, unearn for 14d
  4+ => close_account after review by two
}

ladder agency by organisation within 90d  zh "机构"  en "Agency" {
  1  => unearn on organisation for 1d
  2+ => unearn on organisation for 9d
}

rule staged {
  title  zh "摆拍"  en "Staged"
  cites  1
  when   content.staged == confirmed
  unless content.label
  then   remove on content, slow 50% on account for 7d
  then   ladder lies, ladder agency
  because zh "摆拍造假。"  en "It is staged."
}

rule suspected {
  title  zh "疑似摆拍"  en "Suspected"
  cites  1
  when   content.staged == suspected
  unless content.label
  severity low
  then   slow 80% on content for 72h interim
  because zh "疑似摆拍。"  en "It may be staged."
}
"""

OTHER = """\
policy forum.order 1.0.0 {
  title  zh "秩序"  en "Order"
  notice "notice.txt"
  in force 2024-01-01 ..
  time zone "Asia/Shanghai"
  use forum.base 1
}

clause 1 "不得刷屏。"
clause 2 "应当认证。"

ladder spam by account within 30d  zh "刷屏"  en "Spam" {
  1  => warn for 30d
  2  => suspend for 1d
  3+ => suspend for 3d after review
}

rule flood {
  title  zh "刷屏"  en "Flood"
  cites  1
  when   content.spam >= 0.8
  severity severe
  then   slow 30% on account for 1d
  then   ladder spam
  because zh "刷屏（{content.spam}）。"  en "It is spam ({content.spam})."
}

rule bought {
  title  zh "买粉"  en "Bought followers"
  cites  1
  when   content.spam >= 0.99
  then   purge
  because zh "买粉。"  en "Bought followers."
}

rule repeated {
  title  zh "屡次刷屏"  en "Again and again"
  cites  1
  when   strikes of spam >= 2 and content.spam >= 0.5
  then   hide_from [search] on content for 3d
  because zh "屡次刷屏。"  en "Again and again."
}

rule unverified {
  title  zh "未认证"  en "Not verified"
  cites  2
  when   account.earns and not account.verified
  severity info
  then   unearn until fixed, hide_from [home, push] until fixed
  because zh "未认证。"  en "Not verified."
}

rule watched {
  title  zh "观察"  en "Watched"
  cites  1
  mode   shadow
  when   content.spam >= 0.4
  then   mute for 1d
  then   ladder spam
  because zh "观察。"  en "Watched."
}
"""

START = datetime(2024, 5, 1, tzinfo=UTC)


@functools.cache
def forum() -> clausal.Bundle:
    """The bundle."""
    with TemporaryDirectory() as folder:
        for name, text in (("base", LIBRARY), ("truth", POLICY), ("order", OTHER)):
            Path(folder, f"{name}.policy").write_text(text, "utf-8")
        Path(folder, "notice.txt").write_text("不得造假。不得刷屏。应当认证。", "utf-8")
        return clausal.compile(folder)


def hours(count: float) -> datetime:
    """So long after the start of all tests."""
    return START + timedelta(hours=count)


def micro(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def event(
    name: str,
    at: float,
    *,
    account: str | None = "a",
    content: str | None = None,
    **values: object,
) -> bytes:
    """An event, ``at`` so many hours after the start, with values by their path with ``__``."""
    made: dict[str, dict[str, object]] = {
        "act": {"id": name, "time": hours(at).isoformat()},
        "content": {"id": content or f"c-{name}", "staged": "none", "spam": 0, "label": False},
        "account": {"earns": False, "verified": True, "subject": f"s-{account}"},
    }
    if account is not None:
        made["account"]["id"] = account
    for path, value in values.items():
        group, _, field = path.partition("__")
        made.setdefault(group, {})[field] = value
    return json.dumps(made).encode()


def lie(name: str, at: float, **values: object) -> bytes:
    """An event that is a confirmed lie."""
    return event(name, at, **({"content__staged": "confirmed"} | values))  # type: ignore[arg-type] # values
