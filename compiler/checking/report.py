"""Saying what is wrong in one source, in few words at the place where it is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clausal.dsl.diagnostics import Diagnostics, Label, nearest
from clausal.dsl.source import Source, Span


class Report:
    """The collector of diagnostics, bound to the source that is being checked."""

    __slots__ = ("diagnostics", "source")

    def __init__(self, diagnostics: Diagnostics, source: Source) -> None:
        self.diagnostics = diagnostics
        self.source = source

    def add(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        others: Sequence[Label] = (),
        help: Iterable[str] = (),
        notes: Iterable[str] = (),
    ) -> None:
        """Report an error or a warning, as the code says."""
        self.diagnostics.error(
            code,
            message,
            self.source,
            span,
            label,
            secondary=tuple(others),
            help=tuple(help),
            notes=tuple(notes),
        )

    def label(self, span: Span, text: str) -> Label:
        """A further place of this source, for a message that needs more than one."""
        return Label(self.source, span, text)

    def text(self, span: Span) -> str:
        """What the author wrote there, on one line."""
        return " ".join(self.source.slice(span).split())


def suggest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The help line that names the nearest of ``known``, if one is near."""
    found = nearest(name, known)
    return (f"did you mean `{found}`?",) if found is not None else ()


def one_of(names: Iterable[str], limit: int = 12) -> str:
    """``names`` as a message lists them: ``a``, ``b`` and ``c``, long lists cut short."""
    shown = [f"`{name}`" for name in names]
    if len(shown) > limit:
        return ", ".join(shown[:limit]) + ", …"
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
