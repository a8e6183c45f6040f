"""Statements of reasons as the transparency database of the European Union takes them.

`DsaStatement` is the body that its interface accepts: schema v2, in force since 2025-07-01. Its
validators are the published rules of the fields, so that what passes here is not refused there.
`to_dsa` makes one of a `Statement`.

The database is public. So nothing of an event but its kind, its dates and figures goes into it: no
name of an account, an item or a person, and no text that an event filled in. Its words for conduct
come from a table (`clausal.enforcement.words`), not from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from clausal.enforcement.statements import Imposed, Statement
from clausal.enforcement.words import FoundBy, Words, shipped
from clausal.engine.render import rfc3339

Visibility = Literal[
    "DECISION_VISIBILITY_CONTENT_REMOVED",
    "DECISION_VISIBILITY_CONTENT_DISABLED",
    "DECISION_VISIBILITY_CONTENT_DEMOTED",
    "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
    "DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED",
    "DECISION_VISIBILITY_CONTENT_LABELLED",
    "DECISION_VISIBILITY_OTHER",
]
Monetary = Literal[
    "DECISION_MONETARY_SUSPENSION", "DECISION_MONETARY_TERMINATION", "DECISION_MONETARY_OTHER"
]
Provision = Literal[
    "DECISION_PROVISION_PARTIAL_SUSPENSION",
    "DECISION_PROVISION_TOTAL_SUSPENSION",
    "DECISION_PROVISION_PARTIAL_TERMINATION",
    "DECISION_PROVISION_TOTAL_TERMINATION",
]
Account = Literal["DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"]
Ground = Literal["DECISION_GROUND_ILLEGAL_CONTENT", "DECISION_GROUND_INCOMPATIBLE_CONTENT"]
ContentType = Literal[
    "CONTENT_TYPE_APP",
    "CONTENT_TYPE_AUDIO",
    "CONTENT_TYPE_IMAGE",
    "CONTENT_TYPE_PRODUCT",
    "CONTENT_TYPE_SYNTHETIC_MEDIA",
    "CONTENT_TYPE_TEXT",
    "CONTENT_TYPE_VIDEO",
    "CONTENT_TYPE_OTHER",
]
Category = Literal[
    "STATEMENT_CATEGORY_ANIMAL_WELFARE",
    "STATEMENT_CATEGORY_CONSUMER_INFORMATION",
    "STATEMENT_CATEGORY_CYBER_VIOLENCE",
    "STATEMENT_CATEGORY_CYBER_VIOLENCE_AGAINST_WOMEN",
    "STATEMENT_CATEGORY_DATA_PROTECTION_AND_PRIVACY_VIOLATIONS",
    "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
    "STATEMENT_CATEGORY_INTELLECTUAL_PROPERTY_INFRINGEMENTS",
    "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS",
    "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE",
    "STATEMENT_CATEGORY_OTHER_VIOLATION_TC",
    "STATEMENT_CATEGORY_PROTECTION_OF_MINORS",
    "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY",
    "STATEMENT_CATEGORY_SCAMS_AND_FRAUD",
    "STATEMENT_CATEGORY_SELF_HARM",
    "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS",
    "STATEMENT_CATEGORY_VIOLENCE",
]
SourceType = Literal[
    "SOURCE_ARTICLE_16",
    "SOURCE_TRUSTED_FLAGGER",
    "SOURCE_TYPE_OTHER_NOTIFICATION",
    "SOURCE_VOLUNTARY",
]
Automated = Literal[
    "AUTOMATED_DECISION_FULLY",
    "AUTOMATED_DECISION_PARTIALLY",
    "AUTOMATED_DECISION_NOT_AUTOMATED",
]
YesNo = Literal["Yes", "No"]

KEYWORDS: Final = frozenset(
    f"KEYWORD_{word}"
    for word in [
        "ADULT_SEXUAL_MATERIAL",
        "AGE_SPECIFIC_RESTRICTIONS",
        "AGE_SPECIFIC_RESTRICTIONS_MINORS",
        "ANIMAL_HARM",
        "BIOMETRIC_DATA_BREACH",
        "BULLYING_AGAINST_GIRLS",
        "CHILD_SEXUAL_ABUSE_MATERIAL",
        "CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE",
        "CONTENT_PROMOTING_EATING_DISORDERS",
        "COORDINATED_HARM",
        "COPYRIGHT_INFRINGEMENT",
        "CYBER_BULLYING_INTIMIDATION",
        "CYBER_HARASSMENT",
        "CYBER_HARASSMENT_AGAINST_WOMEN",
        "CYBER_INCITEMENT",
        "CYBER_STALKING",
        "CYBER_STALKING_AGAINST_WOMEN",
        "DATA_FALSIFICATION",
        "DEFAMATION",
        "DESIGN_INFRINGEMENT",
        "DISCRIMINATION",
        "FEMALE_GENDERED_DISINFORMATION",
        "GEOGRAPHIC_INDICATIONS_INFRINGEMENT",
        "GEOGRAPHICAL_REQUIREMENTS",
        "GOODS_SERVICES_NOT_PERMITTED",
        "GROOMING_SEXUAL_ENTICEMENT_MINORS",
        "HATE_SPEECH",
        "HIDDEN_ADVERTISEMENT",
        "HUMAN_EXPLOITATION",
        "HUMAN_TRAFFICKING",
        "ILLEGAL_ORGANIZATIONS",
        "IMPERSONATION_ACCOUNT_HIJACKING",
        "INAUTHENTIC_ACCOUNTS",
        "INAUTHENTIC_LISTINGS",
        "INAUTHENTIC_USER_REVIEWS",
        "INCITEMENT_AGAINST_WOMEN",
        "INCITEMENT_VIOLENCE_HATRED",
        "INSUFFICIENT_INFORMATION_ON_TRADERS",
        "LANGUAGE_REQUIREMENTS",
        "MISINFORMATION_DISINFORMATION",
        "MISLEADING_INFO_CONSUMER_RIGHTS",
        "MISLEADING_INFO_GOODS_SERVICES",
        "MISSING_PROCESSING_GROUND",
        "NON_CONSENSUAL_IMAGE_SHARING",
        "NON_CONSENSUAL_IMAGE_SHARING_AGAINST_WOMEN",
        "NON_CONSENSUAL_MATERIAL_DEEPFAKE",
        "NON_CONSENSUAL_MATERIAL_DEEPFAKE_AGAINST_WOMEN",
        "NONCOMPLIANCE_PRICING",
        "NUDITY",
        "OTHER",
        "PATENT_INFRINGEMENT",
        "PHISHING",
        "PROHIBITED_PRODUCTS",
        "PYRAMID_SCHEMES",
        "RIGHT_TO_BE_FORGOTTEN",
        "RISK_ENVIRONMENTAL_DAMAGE",
        "RISK_PUBLIC_HEALTH",
        "SELF_MUTILATION",
        "STALKING",
        "SUICIDE",
        "TERRORIST_CONTENT",
        "TRADE_SECRET_INFRINGEMENT",
        "TRADEMARK_INFRINGEMENT",
        "TRAFFICKING_WOMEN_GIRLS",
        "UNLAWFUL_SALE_ANIMALS",
        "UNSAFE_CHALLENGES",
        "UNSAFE_PRODUCTS",
        "VIOLATION_EU_LAW",
        "VIOLATION_NATIONAL_LAW",
    ]
)
"""What `category_specification` may hold."""

COUNTRIES: Final = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
"""What `territorial_scope` may hold."""

LAST_DAY: Final = date(2038, 1, 1)
"""The database knows no later one."""

_PUID: Final = re.compile(r"[A-Za-z0-9_-]{1,500}")
_LANGUAGE: Final = re.compile(r"[A-Z]{2}")

Short = Annotated[str, Field(min_length=1, max_length=500)]
Explanation = Annotated[str, Field(min_length=1, max_length=2000)]
Facts = Annotated[str, Field(min_length=1, max_length=5000)]
End = Annotated[date, Field(le=LAST_DAY)]


class DsaStatement(BaseModel):
    """One statement of reasons, as it is handed in. Fields that are None are left out of the JSON.

    An end date of None says that a restriction has no end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    puid: str
    decision_visibility: tuple[Visibility, ...] | None = None
    decision_visibility_other: Short | None = None
    decision_monetary: Monetary | None = None
    decision_monetary_other: Short | None = None
    decision_provision: Provision | None = None
    decision_account: Account | None = None
    account_type: Literal["ACCOUNT_TYPE_BUSINESS", "ACCOUNT_TYPE_PRIVATE"] | None = None
    end_date_visibility_restriction: End | None = None
    end_date_monetary_restriction: End | None = None
    end_date_service_restriction: End | None = None
    end_date_account_restriction: End | None = None
    decision_facts: Facts
    decision_ground: Ground
    decision_ground_reference_url: Short | None = None
    illegal_content_legal_ground: Short | None = None
    illegal_content_explanation: Explanation | None = None
    incompatible_content_ground: Short | None = None
    incompatible_content_explanation: Explanation | None = None
    incompatible_content_illegal: YesNo | None = None
    content_type: tuple[ContentType, ...] = Field(min_length=1)
    content_type_other: Short | None = None
    content_id: dict[Literal["EAN-13"], Annotated[str, Field(pattern=r"^[0-9]{13}$")]] | None = None
    category: Category
    category_addition: tuple[Category, ...] | None = None
    category_specification: tuple[str, ...] | None = None
    category_specification_other: Short | None = None
    territorial_scope: tuple[str, ...] | None = None
    content_language: str | None = None
    content_date: Annotated[date, Field(ge=date(2000, 1, 1), le=LAST_DAY)]
    application_date: Annotated[date, Field(ge=date(2020, 1, 1), le=LAST_DAY)]
    source_type: SourceType
    source_identity: Short | None = None
    automated_detection: YesNo
    automated_decision: Automated

    @field_validator("puid")
    @classmethod
    def _puid(cls, value: str) -> str:
        if not _PUID.fullmatch(value):
            raise ValueError("letters of ASCII, digits, `-` and `_`, 500 at most")
        return value

    @field_validator("decision_ground_reference_url")
    @classmethod
    def _url(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in {"http", "https"} or not parts.hostname or " " in value:
                raise ValueError("an address that begins with https:// or http://")
        return value

    @field_validator("content_language")
    @classmethod
    def _language(cls, value: str | None) -> str | None:
        if value is not None and not _LANGUAGE.fullmatch(value):
            raise ValueError("two capital letters, of ISO 639-1")
        return value

    @field_validator("category_specification")
    @classmethod
    def _keywords(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _of("keyword", KEYWORDS, value)

    @field_validator("territorial_scope")
    @classmethod
    def _countries(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _of("country of the European Economic Area", COUNTRIES, value)

    @model_validator(mode="after")
    def _together(self) -> Self:
        """The rules that bind one field to another."""
        if not (
            self.decision_visibility
            or self.decision_monetary
            or self.decision_provision
            or self.decision_account
        ):
            raise ValueError("a statement is about at least one restriction")
        visible = self.decision_visibility or ()
        illegal = self.decision_ground == "DECISION_GROUND_ILLEGAL_CONTENT"
        for field, wanted in (
            ("decision_visibility_other", "DECISION_VISIBILITY_OTHER" in visible),
            ("decision_monetary_other", self.decision_monetary == "DECISION_MONETARY_OTHER"),
            ("content_type_other", "CONTENT_TYPE_OTHER" in self.content_type),
            ("illegal_content_legal_ground", illegal),
            ("illegal_content_explanation", illegal),
            ("incompatible_content_ground", not illegal),
            ("incompatible_content_explanation", not illegal),
        ):
            given = getattr(self, field) is not None
            if wanted != given:
                raise ValueError(f"`{field}` is {'missing' if wanted else 'out of place'}")
        if illegal and self.incompatible_content_illegal is not None:
            raise ValueError("`incompatible_content_illegal` is out of place")
        if self.source_type == "SOURCE_VOLUNTARY" and self.source_identity is not None:
            raise ValueError("`source_identity` is out of place: nobody gave notice")
        for field, restriction in (
            ("end_date_visibility_restriction", self.decision_visibility),
            ("end_date_monetary_restriction", self.decision_monetary),
            ("end_date_service_restriction", self.decision_provision),
            ("end_date_account_restriction", self.decision_account),
        ):
            end = getattr(self, field)
            if end is None:
                continue
            if not restriction:
                raise ValueError(f"`{field}` is out of place: there is no such restriction")
            if end < self.application_date:
                raise ValueError(f"`{field}` lies before `application_date`")
        return self

    def to_json(self) -> str:
        """The body of the request, indented."""
        return self.model_dump_json(indent=2, exclude_none=True)


def _of(what: str, known: frozenset[str], value: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for one in value or ():
        if one not in known:
            raise ValueError(f"`{one}` is no {what}")
    return value


class NothingToReportError(ValueError):
    """No measure of the case is a restriction that took effect."""


_FAMILIES: Final = ("VISIBILITY", "MONETARY", "PROVISION", "ACCOUNT")


def to_dsa(statement: Statement, words: Words | None = None) -> DsaStatement:
    """A statement of reasons in the schema of the European database.

    It is about the measures that took effect and were not taken back; of the two restrictions of one
    family, where the schema has room for one, it names that of the graver measure. The latest end
    of a family is its end; one after the last day that the database knows is left out, as no end.

    Args:
        statement: What is to be told.
        words: What the platform's own words mean; None: the table that ships.

    Raises:
        NothingToReportError: if no restriction took effect.
        pydantic.ValidationError: if the table holds words that the database does not know.
    """
    words = shipped() if words is None else words
    families: dict[str, list[Imposed]] = {}
    for one in statement.measures:
        family = one.dsa.partition("_")[0]
        if family in _FAMILIES and one.state in {"running", "done"}:
            families.setdefault(family, []).append(one)
    if not families:
        raise NothingToReportError("no restriction took effect")
    effective = [one for some in families.values() for one in some]
    source = words.found_by.get(statement.found_by) or words.found_by.get("")
    source = source or FoundBy("", "", "VOLUNTARY")
    categories, keywords = _conduct(statement, words)
    kinds = _kinds(statement, words)
    visible = _restrictions(families.get("VISIBILITY", ()))
    monetary = _restrictions(families.get("MONETARY", ()))[:1]
    values: dict[str, object] = {
        "puid": f"{statement.case}-{statement.edition}",
        "decision_visibility": visible or None,
        "decision_visibility_other": _others(visible, families.get("VISIBILITY", ())),
        "decision_monetary": next(iter(monetary), None),
        "decision_monetary_other": _others(monetary, families.get("MONETARY", ())),
        "decision_provision": next(iter(_restrictions(families.get("PROVISION", ()))), None),
        "decision_account": next(iter(_restrictions(families.get("ACCOUNT", ()))), None),
        **{
            f"end_date_{field}_restriction": _last_day(families.get(family, ()), statement.zone)
            for family, field in zip(
                _FAMILIES, ("visibility", "monetary", "service", "account"), strict=True
            )
        },
        "decision_facts": _cut(_facts(statement), 5000),
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "decision_ground_reference_url": _reference(statement, words),
        "incompatible_content_ground": _cut(_ground(statement), 500),
        "incompatible_content_explanation": _cut(_explanation(statement), 2000),
        "content_type": tuple(f"CONTENT_TYPE_{kind}" for kind in kinds),
        "content_type_other": _cut(words.content.other, 500) if "OTHER" in kinds else None,
        "category": categories[0],
        "category_addition": categories[1:] or None,
        "category_specification": keywords or None,
        "content_language": _language_of(statement, words),
        "content_date": _posted(statement, words),
        "application_date": _day(min(one.start for one in effective), statement.zone),
        "source_type": f"SOURCE_{source.dsa}",
        "automated_detection": "Yes" if source.automated else "No",
        "automated_decision": {
            "automated": "AUTOMATED_DECISION_FULLY",
            "partly": "AUTOMATED_DECISION_PARTIALLY",
            "person": "AUTOMATED_DECISION_NOT_AUTOMATED",
        }[statement.decision],
    }
    return DsaStatement.model_validate(values)


def _restrictions(measures: Iterable[Imposed]) -> tuple[str, ...]:
    """The words for some measures, each once, the gravest first."""
    graver = sorted(measures, key=lambda one: (-one.grade, one.dsa))
    return tuple(dict.fromkeys(f"DECISION_{one.dsa}" for one in graver))


def _others(restrictions: Sequence[str], measures: Iterable[Imposed]) -> str | None:
    """What the measures that the schema has no word for are called."""
    others = [one for one in restrictions if one.endswith("_OTHER")]
    if not others:
        return None
    titles = [one.title.en or one.sanction for one in measures if f"DECISION_{one.dsa}" in others]
    return _cut(", ".join(dict.fromkeys(titles)), 500)


def _last_day(measures: Iterable[Imposed], zone: str) -> date | None:
    """The day on which the last of some measures ends; what happened once has no end of its own."""
    ends = [one.end for one in measures if one.state == "running"]
    known = [end for end in ends if end is not None]
    if not ends or len(known) < len(ends):
        return None
    last = _day(max(known), zone)
    return last if last <= LAST_DAY else None


def _conduct(statement: Statement, words: Words) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The categories of what was found, that of the gravest finding first, and the keywords."""
    categories: list[str] = []
    keywords: list[str] = []
    for one in statement.found:
        told = words.conduct.get(one.policy, {}).get(one.rule) or ("OTHER_VIOLATION_TC",)
        categories.append(f"STATEMENT_CATEGORY_{told[0]}")
        keywords += (f"KEYWORD_{word}" for word in told[1:])
    categories = categories or ["STATEMENT_CATEGORY_OTHER_VIOLATION_TC"]
    return tuple(dict.fromkeys(categories)), tuple(dict.fromkeys(keywords))


def _reference(statement: Statement, words: Words) -> str | None:
    if not words.reference or not statement.found:
        return None
    first = statement.found[0]
    return words.reference.replace("{policy}", first.policy).replace("{version}", first.version)


def _ground(statement: Statement) -> str:
    return "; ".join(
        f"{one.policy} {one.version}, clause {', '.join(clause.id for clause in one.clauses)}"
        for one in statement.found
    )


def _explanation(statement: Statement) -> str:
    """What the rules are about, and the clauses that they cite, in the words of the policy."""
    lines = []
    for one in statement.found:
        lines.append(one.title.en or one.title.zh or one.rule)
        lines += [f"{clause.id}: {clause.quote}" for clause in one.clauses]
    return "\n".join(lines)


def _facts(statement: Statement) -> str:
    """What the rules saw: figures and declared names, never a text."""
    lines = []
    for one in statement.found:
        saw = ", ".join(f"{field} = {_value(value)}" for field, value in sorted(one.saw.items()))
        lines.append(f"{one.title.en or one.rule} (severity {one.severity}){saw and ': '}{saw}")
    return "\n".join(lines) or "No rule that is enforced fired."


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kinds(statement: Statement, words: Words) -> tuple[str, ...]:
    """Of what types the item is; one that a machine made is synthetic besides."""
    content = words.content
    kinds = content.kinds.get(str(statement.about.get(content.kind, "")), ("OTHER",))
    made = any(statement.about.get(field) in values for field, values in content.synthetic.items())
    return tuple(dict.fromkeys((*kinds, "SYNTHETIC_MEDIA") if made else kinds))


def _posted(statement: Statement, words: Words) -> date:
    """When the item was posted: what the event says, or else the day of the act."""
    told = statement.about.get(words.content.date) if words.content.date else None
    if isinstance(told, str):
        try:
            return max(date.fromisoformat(told[:10]), date(2000, 1, 1))
        except ValueError:
            pass
    return max(_day(statement.acted_at, statement.zone), date(2000, 1, 1))


def _language_of(statement: Statement, words: Words) -> str | None:
    told = statement.about.get(words.content.language) if words.content.language else None
    code = str(told or "")[:2].upper()
    return code if _LANGUAGE.fullmatch(code) else None


def _day(instant: int, zone: str) -> date:
    return date.fromisoformat(rfc3339(instant, zone)[:10])


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
