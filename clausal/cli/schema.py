"""`clausal schema`: the JSON Schema of events or of decisions."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Final

import typer

from clausal.cli.loading import bundle_of
from clausal.cli.shell import ColorOption, CommandError, DebugOption, Exit, print_json

EXAMPLES: Final = (
    ("events, as the policies that ship read them", "clausal schema events"),
    ("events of your own policies", "clausal schema events policies.clausal > event.schema.json"),
    ("decisions", "clausal schema decisions"),
)


class What(enum.StrEnum):
    """Whose schema."""

    EVENTS = "events"
    DECISIONS = "decisions"


def command(
    what: Annotated[What, typer.Argument(help="Events or decisions.", show_default=False)],
    policies: Annotated[
        list[str] | None,
        typer.Argument(
            help="A bundle, or policy files and folders; else the policies that ship.",
            show_default=False,
        ),
    ] = None,
    _color: ColorOption = None,
    _debug: DebugOption = False,
) -> int:
    """Print the JSON Schema of events or of decisions.

    Decisions look the same for all policies. What an event may hold follows from the libraries that
    the policies use: the schema has every field with its type and its labels in both languages.
    """
    if what is What.DECISIONS:
        if policies:
            raise CommandError(
                "decisions look the same for all policies",
                code=Exit.USAGE,
                hint="`clausal schema decisions` takes no policies",
            )
        from clausal.engine.models import decision_schema

        print_json(decision_schema())
        return Exit.FINE
    model: Any = bundle_of(policies or []).event_model
    print_json(model.model_json_schema())
    return Exit.FINE
