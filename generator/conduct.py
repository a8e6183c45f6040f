"""What may truly be going on behind an event, how often, and what a platform sees of it.

A conduct says which fields it shows and, where people look into it, what they find. Everything else
about an event is drawn as for any other (see ``signals``). Look-alikes are innocent: they show much
of what a conduct shows, and whoever measures them measures wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Plain = str | bool | int | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the values, each as likely."""

    values: tuple[Plain, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """A whole number from ``least`` to ``most``, both included."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Above:
    """``base`` plus an exponential number with this mean, to two decimals."""

    base: float
    mean: float


@dataclass(frozen=True, slots=True)
class Real:
    """The score of a detector of something that is really there; some scores are missing."""


@dataclass(frozen=True, slots=True)
class Maybe:
    """The value with this probability; else the field stays as it was."""

    probability: float
    value: Plain


Shown = Plain | OneOf | Between | Above | Real | Maybe
Actor = Literal["offender", "anyone", "bot", "newcomer"]
Family = Literal["truth", "identity", "traffic", "safety", "persons", "fraud"]


@dataclass(frozen=True, slots=True)
class Conduct:
    """Something that may be going on behind an event.

    Attributes:
        name: What it is called in the truth.
        rate: Events per 100,000.
        family: Which offences it is one of; None for look-alikes.
        resembles: What a look-alike is mistaken for; None for conduct.
        shows: The fields that it changes.
        found: The fields as they are once people have looked into it, first the one that they judge;
            empty if nobody looks.
        texts: What its items say, if that is particular.
        actor: Who acts so.
    """

    name: str
    rate: float
    family: Family | None = None
    resembles: str | None = None
    shows: Mapping[str, Shown] = field(default_factory=dict)
    found: Mapping[str, Shown] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    actor: Actor = "offender"

    @property
    def innocent(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.family is None


_DUE: Final = OneOf(("current_affairs", "public_policy", "social_event", "emergency"))
_SURGE: Final = Above(3, 2)


def _risk(name: str, **more: Shown) -> dict[str, Shown]:
    return {
        f"content.risk.{name}": Real(),
        **{f"content.{key}": value for key, value in more.items()},
    }


_OFFENCES: Final = (
    # ── Labels ──
    Conduct("unlabelled_source", 600, "truth", shows={
        "content.topic": _DUE, "content.source_label": "absent",
    }),
    Conduct("unlabelled_ai", 400, "truth", shows={
        "content.ai_score": Real(), "content.ai_label": OneOf(("absent", "stripped")),
        "traffic.velocity_z": Above(1, 2),
    }),
    Conduct("unlabelled_fiction", 100, "truth", shows={
        "content.staged_verdict": "suspected",
    }, found={"content.staged_verdict": "none", "content.verdict_source": "reviewer"}),
    # ── Staging and fabrication ──
    Conduct("staged", 62, "truth", shows={
        "content.topic": "social_event", "content.source_label": "present",
        "content.staged_verdict": "suspected", "content.kind": "video",
    }, found={
        "content.staged_verdict": "confirmed", "content.verdict_source": "reviewer",
        "content.second_source": Maybe(0.4, True),
    }, texts=("外卖员被当街羞辱，看完沉默了", "老人独自过年，没人管")),
    Conduct("false_persona", 12, "truth", shows={
        "content.persona_verdict": "suspected", "content.charity_verified": OneOf(("na", "no")),
        "content.diversion": OneOf(("qr", "link", "none")), "account.monetised": True,
    }, found={
        "content.persona_verdict": "confirmed_false", "content.verdict_source": "reviewer",
        "content.second_source": Maybe(0.4, True),
    }, texts=("山里的果子卖不出去，求大家帮帮我们", "为孩子筹款，点击链接")),
    Conduct("malicious_label", 6, "truth", shows={
        "content.topic": OneOf(("finance", "medical", "public_policy")),
        "content.source_label": "malicious",
    }, found={
        "content.source_label": "malicious", "content.verdict_source": "reviewer", "content.second_source": Maybe(0.4, True),
    }),
    Conduct("tampered", 10, "truth", shows={
        "content.tampered": OneOf((
            ("time", "face"), ("place", "voice"), ("time", "person"), ("place", "official_doc"),
        )), "content.source_label": "absent", "content.news_like": True,
    }, found={
        "content.fact_verdict": "false_claim", "content.verdict_source": "fact_checker",
    }),
    # ── Rumours, old news, headlines ──
    Conduct("rumour", 80, "truth", shows={
        "content.topic": OneOf(("emergency", "social_event", "medical")),
        "content.source_label": "absent", "content.rumor_match": Real(),
        "content.harm_domain": OneOf(("public_safety", "health", "livelihood", "person", "company")),
        "traffic.velocity_z": _SURGE,
    }, found={
        "content.fact_verdict": "false_claim", "content.verdict_source": "authority",
        "content.second_source": Maybe(0.4, True),
    }, texts=("网传本市明天停水三天，快转发", "刚刚，某地发生大事，真相被隐瞒")),
    Conduct("old_news", 60, "truth", shows={
        "content.old_media_age_d": Between(60, 3000), "content.context_disclosed": False,
        "content.news_like": True,
    }, texts=("刚刚！现场画面曝光", "突发爆炸，附近居民注意")),
    Conduct("headline", 50, "truth", shows={
        "content.title_mismatch": Real(), "content.title": "震惊！你绝对想不到",
        "content.news_like": Maybe(0.4, True), "content.elements_missing": Between(0, 5),
    }),
    # ── Fake engagement, advertising ──
    Conduct("fake_engagement", 650, "traffic", shows={
        "context.event_type": OneOf(("repost", "repost", "repost", "comment")),
        "account.matrix_sync": Real(), "traffic.bot_share": Real(),
        "traffic.dup_comment_ratio": Real(), "traffic.rank_manip": Maybe(0.1, 0.93),
        "traffic.velocity_z": Above(3, 3), "content.recruits_fake": Maybe(0.02, True),
    }, actor="bot"),
    Conduct("hidden_ad", 25, "fraud", shows={
        "content.ad_disclosure": "undisclosed", "content.topic": "business",
    }, texts=("用了一个月的真实感受，链接在评论区",)),
    Conduct("fake_review", 15, "traffic", shows={
        "content.kind": "review", "content.review_fake": Real(), "content.topic": "business",
    }, texts=("非常好，五星，物流快", "用了都说好，回购三次")),
    # ── Diversion and fraud ──
    Conduct("diversion", 250, "fraud", shows={
        "content.diversion": OneOf(("contact", "qr", "link", "search_lure")),
        "content.link_risk": Real(), "content.obfuscated": Real(),
        "content.risk.gambling": Real(),
    }, texts=("加薇看主页", "懂的来，私")),
    Conduct("fraud", 120, "fraud", shows=_risk(
        "fraud", diversion=OneOf(("contact", "qr", "link")), link_risk=Real(),
    ), texts=("稳赚不赔，名额有限", "兼职日结，垫付返现")),
    # ── Sexual and violent content ──
    Conduct("sexual", 110, "safety", shows=_risk("sexual")),
    Conduct("minors_safety", 2, "safety", shows=_risk(
        "underage_vice", minor_depicted=True, target="minor",
    )),
    Conduct("gore", 0.5, "safety", shows=_risk("gore")),
    Conduct("dangerous_act", 1, "safety", shows=_risk("dangerous_act", kind="video")),
    # ── Persons ──
    Conduct("harassment", 20, "persons", shows=_risk(
        "harassment", target=OneOf(("person", "person", "group", "company")),
    )),
    Conduct("threat", 5, "persons", shows=_risk("threat", target="person")),
    Conduct("doxxing", 4, "persons", shows={
        "content.pii_count": Between(1, 6), "content.target": OneOf(("person", "person", "minor")),
    }),
    # ── Accounts ──
    Conduct("impersonation", 8, "identity", shows={
        "account.name_impersonates": "event_party",
        "content.claimed_role": OneOf(("event_party", "relative")),
        "content.diversion": OneOf(("qr", "none", "contact")),
    }, found={
        "content.role_verified": False, "content.verdict_source": "reviewer",
    }, texts=("我是遇难者的儿子，请大家帮帮我们家", "作为亲历者，我来说说真相"), actor="newcomer"),
    Conduct("unlicensed", 6, "identity", shows={
        "content.credential_domain": OneOf(("finance", "medical", "education", "legal")),
        "account.credentials": (), "content.claimed_role": Maybe(0.5, "expert"),
    }),
    # ── Money ──
    Conduct("minors_tips", 3, "fraud", shows={
        "context.event_type": "tip", "content.kind": "live", "traffic.tip_payer_minor": True,
        "traffic.tip_fen_24h": Between(20_000, 900_000),
        "traffic.tip_inducement": OneOf(("minor_targeted", "ranking_pressure", "lottery")),
    }),
    Conduct("extortion", 0.3, "fraud", shows={
        "content.extortion": "alleged", "content.target": "company",
    }, found={
        "content.extortion": "documented", "content.verdict_source": "authority",
    }),
)  # fmt: skip

_LOOKALIKES: Final = (
    Conduct("sourced_news", 1080, resembles="unlabelled_source", shows={
        "content.topic": _DUE, "content.source_label": "present",
    }, actor="anyone"),
    Conduct("labelled_ai", 800, resembles="unlabelled_ai", shows={
        "content.ai_score": Real(), "content.ai_label": "explicit",
    }, actor="anyone"),
    Conduct("labelled_satire", 324, resembles="staged", shows={
        "content.fiction_label": True, "content.staged_verdict": "suspected",
    }, found={
        "content.staged_verdict": "confirmed", "content.verdict_source": "reviewer",
    }, texts=("【演绎】领导的一天", "【虚构短剧】反转再反转"), actor="anyone"),
    Conduct("sad_but_true", 24, resembles="false_persona", shows={
        "content.charity_verified": "yes", "content.diversion": "link",
    }, found={
        "content.fact_verdict": "true_claim", "content.verdict_source": "reviewer",
    }, actor="anyone"),
    Conduct("edited_footage", 32, resembles="tampered", shows={
        "content.tampered": ("headline",), "content.source_label": "present",
    }, actor="anyone"),
    Conduct("policy_criticism", 160, resembles="rumour", shows={
        "content.topic": "public_policy", "content.source_label": "present",
        "traffic.velocity_z": Above(3, 3),
    }, texts=("新的养老金政策不公平，附官方原文", "这项规定应当听取更多意见"), actor="anyone"),
    Conduct("bystander_report", 120, resembles="unlabelled_source", shows={
        "content.topic": "emergency", "content.source_label": "absent",
        "traffic.velocity_z": Above(1, 3),
    }, found={
        "content.fact_verdict": "true_claim", "content.verdict_source": "authority",
    }, texts=("突发：路口发生车祸，请绕行", "刚刚路过，看到消防车"), actor="anyone"),
    Conduct("explained_footage", 120, resembles="old_news", shows={
        "content.old_media_age_d": Between(60, 3000), "content.context_disclosed": True,
    }, actor="anyone"),
    Conduct("striking_headline", 100, resembles="headline", shows={
        "content.title": "这碗面为什么排队三小时？", "content.elements_missing": Between(0, 1),
    }, actor="anyone"),
    Conduct("popular", 1300, resembles="fake_engagement", shows={
        "traffic.velocity_z": Above(3, 2),
    }, actor="anyone"),
    Conduct("disclosed_ad", 50, resembles="hidden_ad", shows={
        "content.ad_disclosure": "disclosed", "content.topic": "business",
    }, actor="anyone"),
    Conduct("true_bad_review", 30, resembles="fake_review", shows={
        "content.kind": "review", "content.topic": "business", "content.target": "company",
    }, found={
        "content.fact_verdict": "true_claim", "content.verdict_source": "reviewer",
    }, texts=("这家店的菜是凉的，不会再来", "买到的耳机用了一周就坏了"), actor="anyone"),
    Conduct("own_shop_link", 500, resembles="diversion", shows={
        "content.diversion": OneOf(("link", "qr", "contact")),
    }, actor="anyone"),
    Conduct("scam_warning", 240, resembles="fraud", shows={
        "content.topic": "legal", "content.obfuscated": Maybe(0.2, 0.5),
    }, texts=("提醒：这种兼职都是骗局", "反诈民警讲解刷单套路"), actor="anyone"),
    Conduct("health_lesson", 220, resembles="sexual", shows={
        "content.topic": "medical", "content.risk.sexual": Maybe(0.2, 0.6),
    }, actor="anyone"),
    Conduct("family_video", 4, resembles="minors_safety", shows={
        "content.minor_depicted": True, "content.kind": "video",
    }, actor="anyone"),
    Conduct("stunt_show", 3, resembles="dangerous_act", shows={
        "content.kind": "video", "content.fiction_label": True,
    }, actor="anyone"),
    Conduct("heated_reply", 50, resembles="harassment", shows={
        "context.event_type": "comment", "content.kind": "comment", "content.target": "person",
        "content.risk.harassment": Maybe(0.3, 0.6),
    }, actor="anyone"),
    Conduct("own_contact", 8, resembles="doxxing", shows={
        "content.diversion": "contact",
    }, actor="anyone"),
    Conduct("true_relative", 3.43, resembles="impersonation", shows={
        "content.claimed_role": OneOf(("event_party", "relative")), "content.diversion": "none",
    }, found={
        "content.role_verified": True, "content.verdict_source": "reviewer",
    }, actor="newcomer"),
    Conduct("licensed_advice", 9, resembles="unlicensed", shows={
        "content.credential_domain": OneOf(("finance", "medical", "education", "legal")),
        "account.credentials": ("finance", "medical", "education", "legal"),
        "content.claimed_role": Maybe(0.5, "expert"),
    }, actor="anyone"),
    Conduct("large_tip", 6, resembles="minors_tips", shows={
        "context.event_type": "tip", "content.kind": "live", "traffic.tip_payer_minor": False,
        "traffic.tip_fen_24h": Between(20_000, 900_000), "traffic.tip_inducement": "none",
    }, actor="anyone"),
)  # fmt: skip


def _ordered() -> dict[str, Conduct]:
    """What people look into stands first, so that one comparison finds it."""
    every = (*_OFFENCES, *_LOOKALIKES)
    return {one.name: one for one in sorted(every, key=lambda one: not one.found)}


CONDUCTS: Final[Mapping[str, Conduct]] = MappingProxyType(_ordered())
"""Every conduct and look-alike, by name. What people look into comes first."""

RATES: Final[Mapping[str, float]] = MappingProxyType(
    {name: one.rate for name, one in CONDUCTS.items()}
)
"""Events of each kind per 100,000; the rest shows nothing in particular.

A proposal: real platforms publish no such rates. Look-alikes are about twice as frequent as what they
are mistaken for; of those who claim a part in a hot event, 70 % claim it falsely; of those who advise
where a licence is needed, 60 % have one.
"""

CAMPAIGNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "self_media": (
            "unlabelled_source", "unlabelled_ai", "unlabelled_fiction", "staged", "false_persona",
            "malicious_label", "tampered", "old_news", "headline",
        ),
        "traffic": ("fake_engagement", "fake_review", "hidden_ad"),
        "diversion": ("diversion", "fraud"),
        "minors_and_gore": ("sexual", "minors_safety", "gore", "dangerous_act", "minors_tips"),
        "rumours": ("rumour",),
        "cyber_violence": ("harassment", "threat", "doxxing"),
        "accounts": ("impersonation", "unlicensed"),
        "business": ("extortion",),
    }
)  # fmt: skip
"""The conduct that each of the large campaigns is about."""
