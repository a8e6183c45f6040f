"""What the front end says about a policy: diagnostics, their collector, and suggestions.

A diagnostic is data. How it looks (terminal, JSON, SARIF) is the business of `clausal.dsl.render`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clausal.dsl.codes import CODES, Severity
from clausal.dsl.source import Source, SourceError, Span
from clausal.dsl.suggest import nearest

__all__ = [
    "Diagnostic",
    "Diagnostics",
    "Label",
    "PolicyError",
    "Severity",
    "nearest",
    "unreadable",
]


@dataclass(frozen=True, slots=True)
class Label:
    """A place in a source and what is to be said about it; the text may be empty."""

    source: Source
    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint about one place.

    `message` is one line, lowercase, without a final period, with text of the user in backticks.
    `primary` is the place to look at first, `secondary` are places that explain it ("first
    declared here"). `help` says what to do, `notes` say why.

    Raises:
        ValueError: when the catalogue has no such code.
    """

    code: str
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    help: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"the catalogue has no code `{self.code}`")

    @property
    def severity(self) -> Severity:
        """The severity that the catalogue gives to the code."""
        return CODES[self.code].severity

    @property
    def title(self) -> str:
        """The title that the catalogue gives to the code."""
        return CODES[self.code].title

    @property
    def sort_key(self) -> tuple[str, int, str, int, str]:
        """Source name, offset, code; then what is left to tell two diagnostics apart."""
        span = self.primary.span
        return self.primary.source.name, span.start, self.code, span.end, self.message


class Diagnostics:
    """A collector that keeps each diagnostic once and gives them back in one fixed order.

    The order is by source name, offset and code, whatever the order of the calls was, so that
    the same sources always print the same messages.
    """

    __slots__ = ("_found",)

    def __init__(self, diagnostics: Iterable[Diagnostic] = ()) -> None:
        self._found: dict[Diagnostic, None] = dict.fromkeys(diagnostics)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep `diagnostic`, unless an identical one is kept already."""
        self._found[diagnostic] = None

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep each of `diagnostics`."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def error(
        self,
        code: str,
        message: str,
        source: Source,
        span: Span,
        label: str = "",
        *,
        secondary: tuple[Label, ...] = (),
        help: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        """Build a diagnostic at `span` of `source` and keep it.

        How severe it is follows from the code, so this serves warnings as well.

        Raises:
            ValueError: when the catalogue has no such code.
        """
        primary = Label(source, span, label)
        self.add(Diagnostic(code, message, primary, secondary, help, notes))

    @property
    def has_errors(self) -> bool:
        """Whether at least one diagnostic is an error."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self._found)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(sorted(self._found, key=lambda diagnostic: diagnostic.sort_key))

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"Diagnostics({list(self)!r})"


class PolicyError(Exception):
    """Policies that do not compile; `diagnostics` says why, `str()` shows it as plain text."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        # The renderers import this module, so it can import one only when that is needed.
        from clausal.dsl.render.terminal import render  # noqa: PLC0415

        return render(self.diagnostics, color=False, width=100)


def unreadable(error: SourceError) -> Diagnostic:
    """The diagnostic (E0108) for a file that could not be read."""
    source = Source(error.name, "")
    hints = (error.hint,) if error.hint else ()
    return Diagnostic("E0108", error.detail, Label(source, Span(0, 0)), help=hints)
