"""A policy with a tally of each kind, events for it, and what its figures must be: a list of all events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.engine.evaluator import Bundle

EPOCH = datetime(2024, 5, 1, tzinfo=UTC)
START = int(EPOCH.timestamp()) * 1_000_000
"""The instant from which events of these tests are counted, in microseconds since 1970."""

LIBRARY = """\
library made.posts 1.0.0 {
  title zh "帖子" en "Posts"
}

event {
  time act.time
  id act.id
}

target account by account.id zh "账号" en "account"

schema act zh "行为" en "Act" {
  id   string zh "编号" en "number"
  time instant required zh "时间" en "time"
}

schema post zh "帖子" en "Post" {
  kind   enum [text, video] zh "形式" en "kind"
  topic  string zh "话题" en "topic"
  tips   number zh "打赏" en "tips"
  staged bool zh "摆拍" en "staged"
  body   text zh "正文" en "body"
}

schema account zh "账号" en "Account" {
  id string zh "编号" en "number"
}

sanction warn {
  title zh "警告" en "Warning"
  on account
  grade 1
  once
  wording zh "请注意。" en "Please note."
}
"""

POLICY = """\
policy made.tallied 1.0.0 {
  title zh "计数" en "Counting"
  in force 2020-01-01 ..
  time zone "UTC"
  use made.posts 1
}

clause 1 "不得刷屏。"

param least = 5 range 1 .. 100

terms loud = ["快看", "速转"]

tally posts = count by account.id over 10m where post.kind == text
tally pace = rate by account.id over 1h
tally topics = distinct post.topic by account.id over 1h where not post.staged
tally tipped = sum post.tips by account.id over 1h where post.tips >= least
tally shouted = count by account.id over 1d where post.body contains any loud

rule flooding {
  cites  1
  when   posts > 3 or pace > 1 or topics > 3 or tipped > 100 or shouted > 9
  then   warn
  because zh "刷屏。" en "Flooding."
}
"""

OVER = {"posts": 600, "pace": 3600, "topics": 3600, "tipped": 3600, "shouted": 86_400}
"""The windows in seconds."""


def bundle(**changes: str) -> Bundle:
    """The policy, with lines replaced: the name of a tally, and what follows its name."""
    lines = POLICY.splitlines()
    for name, text in changes.items():
        index = next(i for i, line in enumerate(lines) if f" {name} =" in line)
        lines[index] = f"{lines[index].split('=')[0]}= {text}"
    sources = [Source("made.policy", LIBRARY), Source("tallied.policy", "\n".join(lines) + "\n")]
    return Bundle(compile_sources(sources))


def event(id: str, second: float, account: object = "a", **post: object) -> dict[str, Any]:
    """An event so many seconds after `EPOCH`; a value `...` stands for a field that failed."""

    def told(value: object) -> object:
        return {"$failed": "timeout"} if value is ... else value

    return {
        "act": {"id": id, "time": (EPOCH + timedelta(seconds=second)).isoformat()},
        "account": {"id": told(account)},
        "post": {name: told(value) for name, value in post.items()},
    }


class Model:
    """All events that were taken up, in a list."""

    def __init__(self) -> None:
        self.taken: dict[str, Mapping[str, Any]] = {}

    def take(self, event: Mapping[str, Any]) -> dict[str, float]:
        """The figures of an event, by their bare names; then take it up."""
        figures = {name: self.figure(name, event) for name in OVER}
        self.taken.setdefault(event["act"]["id"], event)
        return figures

    def figure(self, name: str, event: Mapping[str, Any]) -> float:
        """The figure of one tally."""
        now = _at(event)
        earlier = [
            one
            for one in self.taken.values()
            if one["account"]["id"] == event["account"]["id"]
            and now - OVER[name] * 1_000_000 <= _at(one) < now
        ]
        posts: Sequence[Mapping[str, Any]] = [one["post"] for one in earlier]
        match name:
            case "posts":
                return float(sum(post.get("kind") == "text" for post in posts))
            case "pace":
                return len(posts) / 3600
            case "topics":
                return len(
                    {
                        post["topic"]
                        for post in posts
                        if post.get("staged") is False and isinstance(post.get("topic"), str)
                    }
                )
            case "tipped":
                tips = [post.get("tips") for post in posts]
                known = [Fraction(tip) for tip in tips if isinstance(tip, int | float)]
                return float(sum(tip for tip in known if tip >= 5))
            case _:
                bodies = [post.get("body") for post in posts]
                texts = [body for body in bodies if isinstance(body, str)]
                return sum("快看" in text or "速转" in text for text in texts)


def _at(event: Mapping[str, Any]) -> int:
    moment = datetime.fromisoformat(event["act"]["time"])
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
