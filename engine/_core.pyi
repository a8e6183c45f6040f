"""The compiled core of the engine."""

def program_format() -> int:
    """Return the number of the decision-program format that this build evaluates."""
