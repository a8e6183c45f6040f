"""The documentation of policies: a page for each version, sanction, group of fields, ladder and duty.

The pages are Markdown, linked with each other, and rest on the bundle alone, which carries its sources:
what an author wrote is shown as it was written, and beside it what the compiler made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from clausal.compiler import ir
from clausal.compiler.bundle import Artifact
from clausal.compiler.ir import Bilingual, Corpus
from clausal.compiler.types import Enum, EnumValue, MapOf, SetOf, Type, describe
from clausal.coverage import ClauseCoverage, Coverage
from clausal.dsl import nodes
from clausal.dsl.parser import parse
from clausal.dsl.source import Source
from clausal.engine.reference import slots_of
from clausal.pages.html import span
from clausal.pages.markdown import Markdown, both, code, environment, escaped, link, listed

MADE: Final = "<!-- Made by `clausal docs`: what is written here is lost when it is made again. -->"
"""How every page begins."""

_STRING: Final = re.compile(r'"(\\.|[^"\\\n])*"|“[^“”\n]*”|[#＃][^\n]*')
_WORD: Final = re.compile(r"(?<![.\w])[^\W\d]\w*(?!\w|\s*\.)")


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration of a file, as its author wrote it."""

    name: str
    kind: str
    text: str


@dataclass(frozen=True)
class Written:
    """A file: the name and version in its header, and what it declares."""

    name: str
    version: str
    title: Bilingual
    is_library: bool
    declared: tuple[Declared, ...]

    def find(self, kind: str, name: str) -> str:
        """The text of a declaration; "" if it is not there."""
        return next((d.text for d in self.declared if (d.kind, d.name) == (kind, name)), "")

    @cached_property
    def values(self) -> dict[str, Declared]:
        """What conditions and measures can name: lets, params, terms, tables, sets of measures."""
        return {d.name: d for d in self.declared if d.kind in _NAMED}


_NAMED: Final = frozenset({"let", "param", "terms", "table", "tally", "samples", "bundle"})
_OWN_PAGES: Final = frozenset({"policy", "library", "schema", "sanction", "rule", "duty", "clause"})
_KINDS: Final = {"measureset": "bundle"}


def written(source: Source) -> Written | None:
    """What a source holds; None if it has no header."""
    file, _ = parse(source)
    header: nodes.Policy | nodes.Library | None = None
    declared: list[Declared] = []
    for node in file.declarations:
        if isinstance(node, nodes.Policy | nodes.Library):
            header = node
            continue
        kind = type(node).__name__.lower()
        name = getattr(node, "name", None)
        text = name.text if isinstance(name, nodes.Name) else ""
        declared.append(Declared(text, _KINDS.get(kind, kind), source.slice(node.span)))
    if header is None:
        return None
    titles = {
        text.language: text.value
        for entry in header.entries
        if isinstance(entry, nodes.Title)
        for text in entry.texts
    }
    return Written(
        name=header.name.text,
        version=header.version,
        title=Bilingual(titles.get("zh", ""), titles.get("en", "")),
        is_library=isinstance(header, nodes.Library),
        declared=tuple(declared),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is to be drawn: in which folder, of what, and what lists say of it."""

    folder: str
    name: str
    shown: str
    title: Bilingual
    about: object
    note: str = ""

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"{self.folder}/{self.name}.md"


@dataclass(slots=True)
class Docs:
    """The pages of a bundle.

    Args:
        artifact: The bundle.
        covered: What its tests reach.
        toctree: Whether each index ends with a table of contents as Sphinx reads it.
    """

    artifact: Artifact
    covered: Coverage
    toctree: bool = False
    corpus: Corpus = field(init=False)
    files: dict[tuple[str, str], Written] = field(init=False)
    libraries: dict[str, Written] = field(init=False)

    def __post_init__(self) -> None:
        self.corpus = self.artifact.corpus
        found = [written(Source(s.name, s.text)) for s in self.artifact.sources]
        self.files = {(one.name, one.version): one for one in found if one is not None}
        self.libraries = {one.name: one for one in self.files.values() if one.is_library}

    def pages(self) -> dict[str, str]:
        """The text of each page, by its path.

        Raises:
            MissingExtraError: if what draws pages is not installed.
        """
        templates = environment()

        def drawn(template: str, **values: object) -> str:
            return _tidy(templates.get_template(f"docs_{template}.md").render(docs=self, **values))

        folders: dict[str, list[Page]] = {}
        found: dict[str, str] = {}
        for page in self._all():
            folders.setdefault(page.folder, []).append(page)
            found[page.path] = drawn(page.folder, page=page, it=page.about)
        for folder, pages in folders.items():
            found[f"{folder}/index.md"] = drawn("list", kind=KINDS[folder], pages=pages)
        kinds = [(name, KINDS[name], len(folders[name])) for name in KINDS if name in folders]
        found["index.md"] = drawn("index", folders=kinds)
        return found

    def _all(self) -> Iterator[Page]:
        """Every page but the lists of pages."""
        corpus = self.corpus
        for index, version in enumerate(corpus.versions):
            name = _versioned(version.policy, version.version)
            shown = self.policy_name(index)
            yield Page("policies", name, shown, version.title, index, note=span(version))
        for at, sanction in sorted(enumerate(corpus.sanctions), key=lambda one: one[1].name):
            note = f"grade {sanction.grade}"
            yield Page("sanctions", sanction.name, sanction.name, sanction.title, at, note=note)
        for group, fields in _groups(corpus.fields).items():
            note = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
            yield Page("fields", group, group, Bilingual(), fields, note=note)
        for ladder in corpus.ladders:
            name = self.ladder_page(ladder)
            yield Page("ladders", name, self.ladder_name(ladder), ladder.label, ladder)
        for duty in corpus.duties:
            name = self.duty_page(duty)
            yield Page("duties", name, self.duty_name(duty), duty.title, duty)
        for library in sorted(self.libraries.values(), key=lambda one: one.name):
            name = _versioned(library.name, library.version)
            shown = f"{library.name} {library.version}"
            yield Page("libraries", name, shown, library.title, library)

    # ── Names and links ──────────────────────────────────────────────────────────────────────────

    def ladder_name(self, ladder: ir.LadderDef) -> str:
        """A ladder as lists name it."""
        return f"{ladder.name} {self._ladder_version(ladder)}".rstrip()

    def ladder_page(self, ladder: ir.LadderDef) -> str:
        """The name of the page of a ladder."""
        return _versioned(ladder.name, self._ladder_version(ladder))

    def _ladder_version(self, ladder: ir.LadderDef) -> str:
        """The version of the policy or library that declares a ladder."""
        if ladder.version is not None:
            return self.corpus.versions[ladder.version].version
        library = self.libraries.get(ladder.name.rpartition(".")[0])
        return "" if library is None else library.version

    def duty_name(self, duty: ir.DutyDef) -> str:
        """A duty as lists name it."""
        return f"{self.policy_name(duty.version)}: {duty.name}"

    def duty_page(self, duty: ir.DutyDef) -> str:
        """The name of the page of a duty."""
        version = self.corpus.versions[duty.version]
        return f"{_versioned(version.policy, version.version)}-{duty.name}"

    def policy_name(self, index: int) -> str:
        """A version with its policy."""
        version = self.corpus.versions[index]
        return f"{version.policy} {version.version}"

    def policy_link(self, index: int) -> Markdown:
        """A link to the page of a version, from a page in a folder beside it."""
        version = self.corpus.versions[index]
        page = _versioned(version.policy, version.version)
        return link(self.policy_name(index), f"../policies/{page}.md")

    def rule_link(self, rule: ir.RuleDef) -> Markdown:
        """A link to a rule, with the policy that it is of."""
        version = self.corpus.versions[rule.version]
        page = _versioned(version.policy, version.version)
        return link(f"{version.policy}.{rule.name}", f"../policies/{page}.md#{slug(rule.name)}")

    def rule_links(self, rules: Iterable[ir.RuleDef], *, titled: bool = True) -> list[Markdown]:
        """Links to rules, with their titles or without."""
        return [
            self._titled(self.rule_link(rule), rule.title if titled else Bilingual())
            for rule in rules
        ]

    def sanction_link(self, at: int) -> Markdown:
        """A link to a sanction, with its title."""
        sanction = self.corpus.sanctions[at]
        name = link(sanction.name, f"../sanctions/{sanction.name}.md")
        return self._titled(name, sanction.title)

    def ladder_link(self, ladder: ir.LadderDef) -> Markdown:
        """A link to a ladder, with its title."""
        name = link(self.ladder_name(ladder), f"../ladders/{self.ladder_page(ladder)}.md")
        return self._titled(name, ladder.label)

    def duty_link(self, duty: ir.DutyDef) -> Markdown:
        """A link to a duty, with its title."""
        name = link(self.duty_name(duty), f"../duties/{self.duty_page(duty)}.md")
        return self._titled(name, duty.title)

    def _titled(self, name: Markdown, title: Bilingual) -> Markdown:
        told = both(title)
        return Markdown(f"{name} {told}" if told else name)

    # ── What pages ask for ───────────────────────────────────────────────────────────────────────

    def written(self, index: int) -> Written | None:
        """The file of a version."""
        version = self.corpus.versions[index]
        return self.files.get((version.policy, version.version))

    def clauses(self, index: int) -> list[ClauseCoverage]:
        """The clauses of a version with what they came to."""
        version = self.corpus.versions[index]
        name = version.policy, version.version
        return [one for one in self.covered.clauses if (one.policy, one.version) == name]

    def answered(self, index: int, clause: ClauseCoverage) -> Markdown:
        """What answers a clause: links to rules on the same page, and to duties."""
        rules = [link(name, f"#{slug(name)}") for name in clause.rules]
        duties = [
            link(duty.name, f"../duties/{self.duty_page(duty)}.md")
            for duty in self.corpus.duties
            if duty.version == index and duty.name in clause.duties
        ]
        return listed(rules + duties) or both(clause.reason)

    def rules(self, index: int) -> list[ir.RuleDef]:
        """The rules of a version."""
        return [rule for rule in self.corpus.rules if rule.version == index]

    def duties(self, index: int) -> list[ir.DutyDef]:
        """The duties of a version."""
        return [duty for duty in self.corpus.duties if duty.version == index]

    def ladders(self, index: int) -> list[ir.LadderDef]:
        """The ladders of a version."""
        return [ladder for ladder in self.corpus.ladders if ladder.version == index]

    def params_text(self, index: int) -> str:
        """The params of a version as their author wrote them, a line or more each."""
        file = self.written(index)
        return "\n".join(d.text for d in file.declared if d.kind == "param") if file else ""

    def tests_of(self, rule: ir.RuleDef) -> list[str]:
        """The tests that make a rule fire."""
        version = self.corpus.versions[rule.version]
        name = version.policy, version.version, rule.name
        return list(self.covered.tests_of.get(name, ()))

    def quote(self, clause: int) -> Markdown:
        """A clause with its words."""
        found = self.corpus.clauses[clause]
        return Markdown(f"{code(found.id)} {escaped(found.quote)}")

    def text_of(self, kind: str, index: int, name: str) -> str:
        """A declaration of a version as its author wrote it."""
        file = self.written(index)
        return "" if file is None else file.find(kind, name)

    def ladder_text(self, ladder: ir.LadderDef) -> str:
        """A ladder as its author wrote it, in a policy or in a library."""
        owner, _, name = ladder.name.rpartition(".")
        if library := self.libraries.get(owner):
            return library.find("ladder", name)
        return "" if ladder.version is None else self.text_of("ladder", ladder.version, name)

    def sanctions_of(self, measures: Iterable[ir.MeasureDef]) -> list[int]:
        """The sanctions of measures, each once."""
        return list(dict.fromkeys(measure.sanction for measure in measures))

    def ladder_sanctions(self, ladder: ir.LadderDef) -> list[int]:
        """The sanctions of all steps of a ladder, each once."""
        return self.sanctions_of(one for step in ladder.steps for one in step.measures)

    def imposing(self, at: int) -> list[ir.RuleDef]:
        """The rules that impose a sanction themselves."""
        return [r for r in self.corpus.rules if any(m.sanction == at for m in r.measures)]

    def stepping(self, at: int) -> list[ir.LadderDef]:
        """The ladders of which a step imposes a sanction."""
        return [one for one in self.corpus.ladders if at in self.ladder_sanctions(one)]

    def implying(self, at: int) -> list[int]:
        """The sanctions that imply one."""
        return [index for index, one in enumerate(self.corpus.sanctions) if at in one.implies]

    def striking(self, ladder: ir.LadderDef) -> list[ir.RuleDef]:
        """The rules that strike on a ladder."""
        at = self.corpus.ladders.index(ladder)
        return [rule for rule in self.corpus.rules if at in rule.struck]

    def reading(self, field: ir.SchemaField) -> list[ir.RuleDef]:
        """The rules whose conditions read a field, or a key of it."""
        path = field.path
        slots = {
            at
            for at, slot in enumerate(self.corpus.slots)
            if slot.source == "field" and slot.path[: len(path)] == path
        }
        return [rule for rule in self.corpus.rules if slots & read_by(rule)]

    def fields_of(self, rule: ir.RuleDef) -> list[Markdown]:
        """Links to the fields that a rule reads; what comes of history is named."""
        found = []
        for at in sorted(read_by(rule)):
            slot = self.corpus.slots[at]
            page = f"../fields/{slot.path[0]}.md"
            found.append(link(slot.name, page) if slot.source == "field" else code(slot.name))
        return found

    def shared_with(self, rule: ir.RuleDef) -> list[Markdown]:
        """Links to what a rule names that libraries declare."""
        text = _STRING.sub(" ", self.text_of("rule", rule.version, rule.name))
        own = self.written(rule.version)
        names = dict.fromkeys(_WORD.findall(text))
        return [
            link(name, f"../libraries/{_versioned(library.name, library.version)}.md#{slug(name)}")
            for name in names
            if own is None or name not in own.values
            for library in self.libraries.values()
            if name in library.values
        ]

    def listed(self, items: list[Markdown]) -> Markdown:
        """Several things with commas."""
        return listed(items)

    def own(self, file: Written) -> list[Declared]:
        """What the page of a library shows: all that has no page of its own."""
        return [one for one in file.declared if one.kind not in _OWN_PAGES]

    def others(self, index: int) -> list[Declared]:
        """What a policy declares that its page does not show elsewhere."""
        file = self.written(index)
        shown = {"param", "ladder", "test"}
        return [] if file is None else [one for one in self.own(file) if one.kind not in shown]

    def library_link(self, name: str) -> Markdown:
        """A link to the page of a library, if its source is in the bundle."""
        library = self.libraries.get(name)
        if library is None:
            return code(name)
        page = _versioned(library.name, library.version)
        return link(f"{library.name} {library.version}", f"../libraries/{page}.md")

    def type_text(self, type: Type) -> Markdown:
        """A type, with the values of an enum and what they mean."""
        match type:
            case Enum(values=values):
                return listed([_value(value) for value in values])
            case SetOf(item=Enum(values=values)):
                return Markdown(f"set of {listed([_value(value) for value in values])}")
            case MapOf(item=Enum(values=values)):
                return Markdown(f"map of {listed([_value(value) for value in values])}")
            case _:
                return code(describe(type))

    def path_text(self, field: ir.SchemaField) -> Markdown:
        """The path of a field; of a map, its keys are open."""
        name = ".".join(field.path)
        return code(f"{name}.…" if isinstance(field.type, MapOf) else name)


KINDS: Final = {
    "policies": Bilingual("政策", "Policies"),
    "sanctions": Bilingual("措施", "Sanctions"),
    "fields": Bilingual("字段", "Fields of events"),
    "ladders": Bilingual("阶梯", "Ladders"),
    "duties": Bilingual("平台义务", "Duties of platforms"),
    "libraries": Bilingual("共用库", "Libraries"),
}
"""The folders of pages."""


def read_by(rule: ir.RuleDef) -> frozenset[int]:
    """The slots that the condition of a rule reads."""
    found: set[int] = set()
    pending: list[ir.Condition] = [rule.when, rule.unless]
    while pending:
        match pending.pop():
            case ir.All(items=items) | ir.Any(items=items):
                pending.extend(items)
            case ir.Negation(item=item):
                pending.append(item)
            case ir.Truth() | ir.Predicate() | ir.Shared():
                pass
            case predicate:
                found.update(slots_of(predicate))
    return frozenset(found)


def slug(heading: str) -> str:
    """What links to a heading say, after GitHub."""
    return "".join(one for one in heading.lower() if one.isalnum() or one in "_-")


def _groups(fields: Sequence[ir.SchemaField]) -> Mapping[str, list[ir.SchemaField]]:
    found: dict[str, list[ir.SchemaField]] = {}
    for one in fields:
        found.setdefault(one.path[0], []).append(one)
    return dict(sorted(found.items()))


def _value(value: EnumValue) -> Markdown:
    told = both(Bilingual(value.zh, value.en))
    return Markdown(f"{code(value.name)} ({told})" if told else code(value.name))


def _versioned(name: str, version: str) -> str:
    return f"{name}-{version}"


def _tidy(text: str) -> str:
    """At most one blank line at a time, and one line end at the end; code stays as it is."""
    lines: list[str] = [MADE, ""]
    fence = ""
    for line in text.splitlines():
        stripped = line.rstrip()
        if fence:
            fence = "" if stripped == fence else fence
            lines.append(line)
            continue
        if opened := re.match(r"`{3,}", stripped):
            fence = opened.group()
        if stripped or lines[-1]:
            lines.append(stripped)
    return "\n".join(lines).rstrip("\n") + "\n"
