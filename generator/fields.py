"""The fields of an event, as `standard.platform` declares them, and how their columns are kept.

While a batch is drawn, each field is one NumPy array (see `Kind`); ``tables`` makes Arrow of them.
A field that cannot be told is missing, as a platform would leave it out.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from numpy.typing import NDArray

Column = NDArray[Any]
"""The values of a field, one element for each event."""


class Kind(enum.Enum):
    """What a field holds, and how its column says so."""

    ID = enum.auto()
    """Whole numbers, written with a prefix and leading zeros. Below zero it is missing, or of a
    second sort with a prefix of its own."""
    TIME = enum.auto()
    """Seconds since the start of the world."""
    ENUM = enum.auto()
    """Places in ``values``; -1 where it is missing."""
    TEXT = enum.auto()
    """Places in a list of texts that belongs to the world; -1 where it is missing."""
    SET = enum.auto()
    """Places in ``values``, of which each is a set."""
    FLAG = enum.auto()
    """0 and 1; -1 where it is missing."""
    COUNT = enum.auto()
    """Whole numbers; -1 where it is missing."""
    NUMBER = enum.auto()
    """Numbers; NaN where it is missing."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the event.

    Attributes:
        kind: What it holds.
        values: What the elements of its column stand for, if they are places.
        prefix: What an identifier begins with.
        other: What it begins with where the number is negative, and is then counted from -1 on.
        width: How many digits follow it; 0 for as many as the world needs.
        optional: Whether it may be missing.
    """

    kind: Kind
    values: tuple[Any, ...] = ()
    prefix: str = ""
    other: str = ""
    width: int = 0
    optional: bool = False


def _enum(names: str, *, optional: bool = False) -> Field:
    return Field(Kind.ENUM, tuple(names.split()), optional=optional)


def _sets(*values: str) -> Field:
    return Field(Kind.SET, tuple(tuple(names.split()) for names in values))


def _subsets(*names: str) -> Field:
    """All sets of the names; the place of a set has a bit for each of its members."""
    places = range(1 << len(names))
    return Field(
        Kind.SET,
        tuple(tuple(name for k, name in enumerate(names) if place >> k & 1) for place in places),
    )


def _id(prefix: str, width: int = 0, *, other: str = "", optional: bool = False) -> Field:
    return Field(Kind.ID, prefix=prefix, other=other, width=width, optional=optional)


_FLAG: Final = Field(Kind.FLAG)
_FLAG_OR_NOT: Final = Field(Kind.FLAG, optional=True)
_COUNT: Final = Field(Kind.COUNT)
_COUNT_OR_NOT: Final = Field(Kind.COUNT, optional=True)
_NUMBER: Final = Field(Kind.NUMBER)
_NUMBER_OR_NOT: Final = Field(Kind.NUMBER, optional=True)

RISKS: Final = (
    "sexual", "minor_sexual", "gore", "self_harm", "dangerous_act", "gambling", "fraud",
    "harassment", "threat", "covert_capture", "underage_vice",
)  # fmt: skip

FIELDS: Final[Mapping[str, Field]] = MappingProxyType({
    "context.event_id": _id("e", other="r"),
    "context.time": Field(Kind.TIME),
    "context.event_type": _enum(
        "post edit repost comment danmaku live_tick tip register rename profile_edit group_msg push"
        " list_entry review search"
    ),
    "context.platform_type": _enum(
        "short_video live social news search ecommerce life_service app_store edu im_group browser"
        " kids_device"
    ),
    "context.surface": _sets(
        "home feed", "feed", "profile", "search_result", "hot_list feed", "comment", "comment_top",
        "live_room", "push", "group", "minor_zone", "edu_section", "danmaku", "search_suggest",
        "hot_list",
    ),
    "context.section_id": _id("k", 2),
    "context.section_kind": _enum("general education minors news entertainment commerce"),
    "context.hot_event_id": _id("h", 4, optional=True),
    "context.hot_event_age_h": _NUMBER_OR_NOT,
    "context.minor_mode": _FLAG_OR_NOT,
    "context.detection_source": _enum("own user_report trusted_flagger regulator court"),
    "content.id": _id("c", other="b"),
    "content.kind": _enum("text image audio video live comment profile group_msg review app list"),
    "content.text": Field(Kind.TEXT),
    "content.title": Field(Kind.TEXT, optional=True),
    "content.topic": _enum(
        "current_affairs public_policy social_event emergency finance medical education legal"
        " business entertainment daily other"
    ),
    "content.news_like": _FLAG,
    "content.source_label": _enum("absent present malicious"),
    "content.ai_score": _NUMBER_OR_NOT,
    "content.ai_label": _enum("absent explicit implicit_only stripped"),
    "content.fiction_label": _FLAG,
    "content.staged_verdict": _enum("none suspected confirmed"),
    "content.tampered": _sets(
        "", "headline", "time face", "place voice", "time person", "place official_doc"
    ),
    "content.old_media_age_d": _COUNT,
    "content.context_disclosed": _FLAG_OR_NOT,
    "content.elements_missing": _COUNT,
    "content.title_mismatch": _NUMBER_OR_NOT,
    "content.fact_verdict": _enum("unverified true_claim misleading false_claim"),
    "content.verdict_source": _enum("none reviewer fact_checker authority court"),
    "content.second_source": _FLAG_OR_NOT,
    "content.harm_domain": _enum(
        "none public_safety health finance livelihood person company other"
    ),
    "content.rumor_match": _NUMBER_OR_NOT,
    "content.first_post": _FLAG_OR_NOT,
    "content.claimed_role": _enum("none event_party relative insider official media expert"),
    "content.role_verified": _FLAG_OR_NOT,
    "content.persona_verdict": _enum("none suspected confirmed_false"),
    "content.charity_verified": _enum("na no yes"),
    **{f"content.risk.{name}": _NUMBER_OR_NOT for name in RISKS},
    "content.target": _enum("none person minor group company"),
    "content.minor_depicted": _FLAG,
    "content.pii_count": _COUNT,
    "content.link_risk": _NUMBER_OR_NOT,
    "content.diversion": _enum("none contact qr link search_lure offline_service"),
    "content.obfuscated": _NUMBER_OR_NOT,
    "content.ad_disclosure": _enum("na disclosed undisclosed"),
    "content.review_fake": _NUMBER_OR_NOT,
    "content.extortion": _enum("none alleged documented"),
    "content.credential_domain": _enum("none finance medical education legal"),
    "content.offtopic": _FLAG,
    "content.recruits_fake": _FLAG,
    "account.id": _id("a"),
    "account.subject_id": _id("s"),
    "account.subject_type": _enum("person company org government media"),
    "account.kind": _enum("self_media newsroom institution ordinary"),
    "account.identity_verified": _FLAG,
    "account.accounts_per_subject": _COUNT,
    "account.same_person_accounts": _COUNT,
    "account.age_d": _COUNT,
    "account.rename_age_h": _NUMBER,
    "account.name_impersonates": _enum("none government enterprise media person event_party"),
    "account.profile_violation": _enum("none sexual illegal_link impersonation other_illegal"),
    "account.credentials": _subsets("finance", "medical", "education", "legal"),
    "account.monetised": _FLAG,
    "account.followers": _COUNT,
    "account.follower_growth_z": _NUMBER,
    "account.fake_follower_ratio": _NUMBER_OR_NOT,
    "account.bot_score": _NUMBER_OR_NOT,
    "account.matrix_size": _COUNT,
    "account.matrix_sync": _NUMBER_OR_NOT,
    "account.linked_closed": _FLAG,
    "account.is_minor": _FLAG_OR_NOT,
    "traffic.views": _COUNT,
    "traffic.reposts": _COUNT,
    "traffic.bot_share": _NUMBER_OR_NOT,
    "traffic.dup_comment_ratio": _NUMBER_OR_NOT,
    "traffic.velocity_z": _NUMBER,
    "traffic.fake_viewer_ratio": _NUMBER_OR_NOT,
    "traffic.fake_order_ratio": _NUMBER_OR_NOT,
    "traffic.rank_manip": _NUMBER_OR_NOT,
    "traffic.tip_fen_24h": _COUNT_OR_NOT,
    "traffic.tip_payer_minor": _FLAG_OR_NOT,
    "traffic.tip_rebate_pct": _NUMBER_OR_NOT,
    "traffic.tip_inducement": _enum(
        "none rebate emotional_scam sexual lottery ranking_pressure minor_targeted", optional=True
    ),
    "traffic.push_per_day": _COUNT_OR_NOT,
    "traffic.rec_entropy": _NUMBER_OR_NOT,
    "org.mcn_grade": _enum("A B C D na"),
    "org.mcn_id": _id("m", 6, optional=True),
    "org.mcn_disclosed": _FLAG_OR_NOT,
    "org.mcn_violations_30d": _COUNT_OR_NOT,
    "org.mcn_coordination": _NUMBER_OR_NOT,
})  # fmt: skip
"""Every field by its path, in the order in which it is written. Each group begins with a field that
is never missing."""


def place(path: str, value: object) -> int:
    """The element of a column of this field that stands for the value.

    Raises:
        ValueError: if the field has no such value.
    """
    return FIELDS[path].values.index(value)
