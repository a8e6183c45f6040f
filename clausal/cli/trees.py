"""What became of a rule's conditions, as a tree: each part with its verdict and what it saw."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from clausal.cli.shell import safe
from clausal.compiler.types import MICROSECONDS, Scalar
from clausal.engine.phrase import constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from rich.text import Text
    from rich.tree import Tree

    from clausal.compiler.ir import Corpus
    from clausal.engine.evaluator import Bundle
    from clausal.engine.explain import Part, RuleTrace, Seen, Verdict
    from clausal.testing import Outcome

_MARKS: Final = {"true": ("✓", "green"), "false": ("✗", "red"), "unknown": ("?", "yellow")}
_PLAIN: Final = {"true": "yes", "false": "no", "unknown": "?"}
"""For encodings without the marks."""

_MOST: Final = 3
"""So many rules are told about for one expectation."""

_STATUSES: Final = {
    "fired": ("fired", "bold green"),
    "undetermined": ("undetermined", "bold yellow"),
    "nearly": ("nearly fired", "bold"),
    "silent": ("did not fire", "bold"),
}


def rule_tree(trace: RuleTrace, corpus: Corpus) -> Tree:
    """The rule with its conditions; who they are about is in the heading."""
    from rich.text import Text
    from rich.tree import Tree

    from clausal.cli.summary import bilingual

    word, style = _STATUSES[trace.status]
    heading = Text.assemble(safe(trace.rule, "bold"), "  ", (word, style))
    if trace.mode == "shadow":
        heading.append("  in shadow", style="magenta")
    if not trace.applied:
        heading.append("  another version applies", style="magenta")
    heading.append("  ").append_text(bilingual(trace.title, "dim"))
    tree = Tree(heading, guide_style="dim")
    durations = {slot.name for slot in corpus.slots if slot.type == Scalar("duration")}
    _add(tree.add(Text("when", style="cyan")), trace.when, durations, top=True)
    if trace.unless is not None:
        _add(tree.add(Text("unless", style="cyan")), trace.unless, durations, top=True)
    return tree


def _add(tree: Tree, part: Part, durations: AbstractSet[str], *, top: bool = False) -> None:
    """Add a part; what is joined by `and` at the top needs no node of its own, nor does a `not`."""
    if top and part.kind == "all":
        for one in part.parts:
            _add(tree, one, durations)
        return
    if part.kind == "not" and part.parts[0].kind == "test":
        tree.add(_line(part.parts[0], durations, verdict=part.verdict, negated=True))
        return
    node = tree.add(_line(part, durations, verdict=part.verdict))
    for one in part.parts:
        _add(node, one, durations)


def _line(
    part: Part, durations: AbstractSet[str], *, verdict: Verdict, negated: bool = False
) -> Text:
    from rich.text import Text

    mark, style = _MARKS[verdict]
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower()
    if not encoding.startswith("utf"):
        mark = _PLAIN[verdict]
    line = Text.assemble((mark, style), " ", ("not " if negated else "", "cyan"))
    line.append_text(safe(part.text, "" if part.kind == "test" else "cyan"))
    about = [_seen(one, durations) for one in part.seen]
    about += [safe(f"{one.name.rpartition('.')[2]} = {one.value}", "dim") for one in part.params]
    if len(about) == 1 and part.seen:
        # The condition names the field already.
        about = [_value(part.seen[0], durations, "is ")]
    about += [safe(f"“{one.what}” at character {one.start + 1}", "dim") for one in part.matches]
    if about:
        line.append("   ").append_text(Text(", ").join(about))
    return line


def _seen(seen: Seen, durations: AbstractSet[str]) -> Text:
    from rich.text import Text

    verb = " = " if seen.state == "present" else " is "
    return Text.assemble(safe(f"{seen.field}{verb}", "dim"), _value(seen, durations))


def _value(seen: Seen, durations: AbstractSet[str], before: str = "") -> Text:
    from rich.text import Text

    if seen.state != "present":
        # As the language says it: `absent` is a value that some fields can have.
        state = "missing" if seen.state == "absent" else seen.state
        return Text.assemble((before, "dim"), (state, "yellow"))
    if isinstance(seen.value, float) and seen.field in durations:
        text = constant(seen.value * MICROSECONDS, "duration", "UTC")
    else:
        text = value_text(seen.value)
    return Text.assemble((before, "dim"), safe(text, "bold"))


def value_text(value: object) -> str:
    """A value of an event, as a policy writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value).removesuffix(".0")
        case list() | tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)


def trees_for(bundle: Bundle, outcome: Outcome, rules: Sequence[int]) -> Iterator[Tree]:
    """The trees of some rules of the corpus for the event of a test: what may tell why it failed.

    Those that are not in force for the event have none. Of many rules a few are told, those that
    came nearest to firing first.
    """
    from clausal.testing import decided_at, event_of, history_of

    if not rules or outcome.decision is None:
        return
    corpus = bundle.artifact.corpus
    names = {
        f"{corpus.versions[corpus.rules[rule].version].policy}.{corpus.rules[rule].name}"
        for rule in rules
    }
    test = outcome.test
    explanation = bundle.explain(
        event_of(test), history=history_of(test), at=decided_at(test), rules=names
    )
    traces = [one for one in explanation.rules if f"{one.policy}.{one.rule}" in names]
    for trace in nearest_first(traces)[:_MOST]:
        yield rule_tree(trace, corpus)


def nearest_first(traces: Iterable[RuleTrace]) -> list[RuleTrace]:
    """The rules that fired first, then those that could not be settled, then those that nearly did."""
    order = list(_STATUSES)
    return sorted(traces, key=lambda one: order.index(one.status))
