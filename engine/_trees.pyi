"""Trees of conditions, told for one event after the other: what became of each part, as JSON."""

from collections.abc import Callable, Collection, Iterable
from typing import Any, final

from typing_extensions import disjoint_base

from clausal.engine.reference import Verdict
from clausal.engine.strikes import Values
from clausal.engine.values import Missing, Value

__all__ = ("Field", "Join", "Not", "Quick", "RuleTree", "Seen", "Test", "Tree")

@final
class Field:
    """The value of a slot with the name of its field, as JSON."""

    def __init__(
        self,
        slot: int,
        absent: bytes,
        failed: bytes,
        before: bytes,
        shown: Callable[[Any], bytes],
        *,
        few: bool,
    ) -> None:
        """Prepare to tell a field.

        Args:
            slot: Its slot.
            absent: What is told of it when it is absent.
            failed: What is told when it failed.
            before: What comes before the value.
            shown: Gives the value as JSON, and what comes after it.
            few: Whether it has few values, which are worth remembering.
        """

@final
class Seen:
    """One event, as the trees of all rules see it."""

    def __init__(self, values: Values, slots: int) -> None:
        """Take the values of its slots, and how many there are."""

    def __getitem__(self, slot: int, /) -> Value | Missing:
        """The value of a slot, or why there is none.

        Raises:
            IndexError: if there is no such slot.
        """

@disjoint_base
class Tree:
    """The tree of a condition."""

@final
class Join(Tree):
    """Several conditions, of which all must hold, or any."""

    def __init__(self, before: bytes, items: Iterable[Tree], *, any: bool) -> None:
        """Take the JSON up to the verdict, and the trees of the conditions."""

@final
class Not(Tree):
    """A condition that must not hold."""

    def __init__(self, item: Tree) -> None:
        """Take the tree of the condition."""

@final
class Test(Tree):
    """A condition without parts, whatever it is."""

    def __init__(
        self,
        judge: Callable[[Seen], Verdict],
        fields: Iterable[Field],
        before: bytes,
        after: bytes,
        rest: Callable[[Seen], bytes] | None = None,
    ) -> None:
        """Prepare to tell a test.

        Args:
            judge: Says what became of it.
            fields: What it sees.
            before: The JSON up to the verdict.
            after: The JSON that follows the fields.
            rest: The JSON that follows that, where it depends on the event.
        """

@final
class Quick(Tree):
    """The tests that most conditions are made of: a flag, names among some others, a limit."""

    def __init__(
        self,
        operation: str,
        operand: float | Collection[str] | None,
        field: Field,
        before: bytes,
        after: bytes,
    ) -> None:
        """Prepare to tell a test.

        Args:
            operation: ``flag``, ``member`` (the value is among the names), ``some`` or ``every``
                (of the names are in the value), or an operator of comparisons.
            operand: The names, or the limit.
            field: What it sees.
            before: The JSON up to the verdict.
            after: The JSON that follows the field.
        """

@final
class RuleTree:
    """A rule, ready to be told about."""

    def __init__(self, before: bytes, when: Tree, unless: Tree | None) -> None:
        """Take the JSON up to its mode, and the trees of its conditions."""

    def tell(self, seen: Seen, status: bytes, pieces: list[bytes]) -> None:
        """Append the pieces of the rule.

        Args:
            seen: The event.
            status: Its mode, status and whether it applied, as JSON.
            pieces: What they are appended to.
        """
