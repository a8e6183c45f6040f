"""From what is truly going on to what a platform sees of it.

``shared_fields`` draws what every event has; a function for each conduct changes what that conduct
shows. Detectors err: a score follows Beta(8, 2) where the conduct is real and Beta(1.2, 9) where it
is not, and 4 % of scores are missing. Verdicts come later, with a review (see ``stream``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

Event = dict[str, dict[str, Any]]
"""An event as a platform would send it: groups of fields."""

MISSING_SCORES: Final = 0.04

_BENIGN_TEXTS: Final = (
    "今天的晚霞很好看",
    "新开的面馆味道不错",
    "周末去公园散步",
    "读完了一本旧书，推荐给大家",
    "阳台上的番茄红了",
    "a quiet morning by the river",
    "第一次学做馒头，有点塌",
    "记录一下今天的训练",
)
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "rumour": ("网传本市明天停水三天，快转发", "刚刚，某地发生大事，真相被隐瞒"),
        "staged": ("外卖员被当街羞辱，看完沉默了", "老人独自过年，没人管"),
        "old_news": ("刚刚！现场画面曝光", "突发爆炸，附近居民注意"),
        "headline": ("震惊！吃这个的人都后悔了", "最新消息：全部取消"),
        "false_persona": ("山里的果子卖不出去，求大家帮帮我们", "为孩子筹款，点击链接"),
        "impersonation": ("我是遇难者的儿子，请大家帮帮我们家", "作为亲历者，我来说说真相"),
        "policy_criticism": ("新的养老金政策不公平，附官方原文", "这项规定应当听取更多意见"),
        "true_bad_review": ("这家店的菜是凉的，不会再来", "买到的耳机用了一周就坏了"),
        "bystander_report": ("突发：路口发生车祸，请绕行", "刚刚路过，看到消防车"),
        "labelled_satire": ("【演绎】领导的一天", "【虚构短剧】反转再反转"),
    }
)


class Draw:
    """One event's share of randomness: a generator that is seeded for its chunk."""

    def __init__(self, random: Any) -> None:
        self.random = random

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.random.random_sample() < probability)

    def score(self, real: bool) -> float | None:
        """What a detector says, or None where it said nothing."""
        value = self.random.beta(8, 2) if real else self.random.beta(1.2, 9)
        return None if self.chance(MISSING_SCORES) else round(float(value), 3)

    def of(self, *choices: Any) -> Any:
        """One of the choices, each as likely."""
        return choices[int(self.random.randint(len(choices)))]

    def upto(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.random.randint(low, high + 1))


def benign_text(draw: Draw) -> str:
    """A text that shows nothing in particular."""
    return str(draw.of(*_BENIGN_TEXTS))


def _unlabelled_source(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "topic": draw.of("current_affairs", "public_policy", "social_event", "emergency"),
        "source_label": "absent",
        "fact_verdict": "unverified",
    }
    event["account"]["kind"] = "self_media"


def _unlabelled_ai(event: Event, draw: Draw) -> None:
    event["content"] |= {"ai_score": draw.score(True), "ai_label": draw.of("absent", "stripped")}
    if draw.chance(0.3):
        _unlabelled_source(event, draw)
        event["traffic"]["velocity_z"] = round(4 + float(draw.random.exponential(2)), 2)


def _unlabelled_fiction(event: Event, draw: Draw) -> None:
    event["content"] |= {"staged_verdict": "suspected", "fiction_label": False}


def _fake_engagement(event: Event, draw: Draw) -> None:
    event["account"] |= {
        "matrix_size": max(event["account"]["matrix_size"], draw.upto(5, 300)),
        "matrix_sync": draw.score(True),
        "bot_score": draw.score(True),
    }
    event["traffic"] |= {
        "bot_share": draw.score(True),
        "velocity_z": round(3 + float(draw.random.exponential(3)), 2),
        "dup_comment_ratio": draw.score(True),
    }


def _staged(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "topic": "social_event",
        "staged_verdict": "suspected",
        "fiction_label": False,
    }
    event["account"]["kind"] = "self_media"


def _rumour(event: Event, draw: Draw) -> None:
    event["context"]["hot_event_id"] = event["context"].get("hot_event_id") or "h0"
    event["content"] |= {
        "topic": draw.of("emergency", "social_event", "medical"),
        "source_label": "absent",
        "fact_verdict": "unverified",
        "rumor_match": draw.score(True),
        "first_post": draw.chance(6 / 80),
        "harm_domain": draw.of("public_safety", "health", "livelihood", "person", "company"),
    }
    event["account"]["kind"] = "self_media"
    event["traffic"]["velocity_z"] = round(3 + float(draw.random.exponential(2)), 2)


def _old_news(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "old_media_age_d": draw.upto(60, 3000),
        "context_disclosed": False,
        "news_like": True,
    }


def _headline(event: Event, draw: Draw) -> None:
    event["content"] |= {"title_mismatch": draw.score(True), "title": "震惊！你绝对想不到"}
    if draw.chance(0.4):
        event["content"] |= {
            "news_like": True,
            "elements_missing": draw.upto(2, 5),
            "fact_verdict": "unverified",
        }


def _false_persona(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "persona_verdict": "suspected",
        "charity_verified": draw.of("na", "no"),
        "diversion": draw.of("qr", "link", "none"),
        "fiction_label": False,
    }
    event["account"] |= {"monetised": True, "kind": "self_media"}


def _impersonation(event: Event, draw: Draw) -> None:
    event["context"] |= {"hot_event_id": "h0", "hot_event_age_h": draw.upto(1, 70)}
    event["account"] |= {"age_d": draw.upto(0, 2), "name_impersonates": "event_party"}
    event["content"] |= {
        "claimed_role": draw.of("event_party", "relative"),
        "diversion": draw.of("qr", "none", "contact"),
        "fiction_label": False,
    }
    # Whether the claim holds is known only once somebody has looked.
    if draw.chance(0.6):
        event["content"]["role_verified"] = False


def _malicious_label(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "topic": draw.of("finance", "medical", "public_policy"),
        "source_label": "malicious",
        "fact_verdict": "unverified",
    }


def _tampered(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "tampered": [draw.of("time", "place"), draw.of("face", "voice", "person")],
        "fiction_label": False,
        "fact_verdict": "unverified",
    }


def _labelled_satire(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "staged_verdict": draw.of("suspected", "confirmed"),
        "verdict_source": "reviewer",
        "fiction_label": True,
    }


def _labelled_ai(event: Event, draw: Draw) -> None:
    event["content"] |= {"ai_score": draw.score(True), "ai_label": "explicit"}


def _true_bad_review(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "kind": "review",
        "topic": "business",
        "target": "company",
        "fact_verdict": "true_claim",
        "verdict_source": "reviewer",
    }


def _policy_criticism(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "topic": "public_policy",
        "source_label": "present",
        "fact_verdict": "unverified",
    }
    event["traffic"]["velocity_z"] = round(3 + float(draw.random.exponential(3)), 2)


def _sad_but_true(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "persona_verdict": "none",
        "charity_verified": "yes",
        "diversion": "link",
        "fact_verdict": "true_claim",
        "verdict_source": "reviewer",
    }


def _bystander_report(event: Event, draw: Draw) -> None:
    event["content"] |= {
        "topic": "emergency",
        "source_label": "absent",
        "fact_verdict": "true_claim",
        "verdict_source": "authority",
    }
    event["account"]["kind"] = "self_media"


def _explained_footage(event: Event, draw: Draw) -> None:
    event["content"] |= {"old_media_age_d": draw.upto(60, 3000), "context_disclosed": True}


def _true_relative(event: Event, draw: Draw) -> None:
    event["context"] |= {"hot_event_id": "h0", "hot_event_age_h": draw.upto(1, 70)}
    event["account"]["age_d"] = draw.upto(0, 2)
    event["content"] |= {"claimed_role": "relative", "role_verified": True, "diversion": "none"}


CONDUCTS: Final[Mapping[str, Callable[[Event, Draw], None]]] = MappingProxyType(
    {
        "unlabelled_source": _unlabelled_source,
        "unlabelled_ai": _unlabelled_ai,
        "unlabelled_fiction": _unlabelled_fiction,
        "fake_engagement": _fake_engagement,
        "staged": _staged,
        "rumour": _rumour,
        "old_news": _old_news,
        "headline": _headline,
        "false_persona": _false_persona,
        "impersonation": _impersonation,
        "malicious_label": _malicious_label,
        "tampered": _tampered,
        "labelled_satire": _labelled_satire,
        "labelled_ai": _labelled_ai,
        "true_bad_review": _true_bad_review,
        "policy_criticism": _policy_criticism,
        "sad_but_true": _sad_but_true,
        "bystander_report": _bystander_report,
        "explained_footage": _explained_footage,
        "true_relative": _true_relative,
    }
)
"""What each conduct shows; in the order in which they are drawn."""

INNOCENT: Final = frozenset(
    {
        "labelled_satire",
        "labelled_ai",
        "true_bad_review",
        "policy_criticism",
        "sad_but_true",
        "bystander_report",
        "explained_footage",
        "true_relative",
    }
)
"""Look-alikes: what is measured here is measured wrongly."""

REVIEWED: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "staged": {"staged_verdict": "confirmed", "verdict_source": "reviewer"},
        "rumour": {"fact_verdict": "false_claim", "verdict_source": "authority"},
        "false_persona": {"persona_verdict": "confirmed_false", "verdict_source": "reviewer"},
        "malicious_label": {"source_label": "malicious", "verdict_source": "reviewer"},
        "tampered": {"fact_verdict": "false_claim", "verdict_source": "fact_checker"},
        "unlabelled_fiction": {"staged_verdict": "none", "verdict_source": "reviewer"},
    }
)
"""Conduct that people look into, and what they find."""


def apply(conduct: str, event: Event, draw: Draw) -> None:
    """Change ``event`` to what it shows when ``conduct`` is going on."""
    CONDUCTS[conduct](event, draw)
    texts = _TEXTS.get(conduct)
    if texts:
        event["content"]["text"] = draw.of(*texts)
