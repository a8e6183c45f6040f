"""What a run of `clausal enforce` remembers beside the ledger: tallies and samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from clausal.cli.shell import CommandError, Exit, inline

if TYPE_CHECKING:
    from clausal.enforcement.remembering import Memory
    from clausal.enforcement.tallies import Choice, MemoryTallies, TallyStore
    from clausal.engine.evaluator import Bundle


class Remembered:
    """The memory of a run.

    Args:
        bundle: What decides.
        tallies: A file, or the address of a Redis server; None: they are gone with the process.
        choices: What becomes of tallies whose definitions changed.
        samples: The file of further samples, if there is one.

    Attributes:
        memory: What the enforcer asks; None: the bundle asks for nothing of the kind.
        file: The file of tallies, which are written there by `save`.
        failures: What is raised where it cannot be reached.
    """

    def __init__(
        self,
        bundle: Bundle,
        tallies: str | None,
        choices: Mapping[str, Choice],
        samples: str | None,
    ) -> None:
        corpus = bundle.artifact.corpus
        self.memory: Memory | None = None
        self.failures: tuple[type[Exception], ...] = ()
        self.file: Path | None = None
        self._store: MemoryTallies | None = None
        for given, has, what in (
            (tallies or choices, corpus.tallies, "tallies"),
            (samples, corpus.samples, "samples"),
        ):
            if given and not has:
                raise CommandError(f"the bundle has no {what}", code=Exit.USAGE)
        if not corpus.tallies and not corpus.samples:
            return
        try:
            self.memory = self._open(bundle, tallies, choices, samples)
        except ModuleNotFoundError as error:
            raise CommandError(
                f"the library `{error.name}` is not installed",
                code=Exit.INPUT,
                hint="pip install 'clausal[enforce,redis,samples]'",
            ) from error

    def save(self) -> None:
        """Write the tallies into their file, if they have one.

        Raises:
            CommandError: if it cannot be written.
        """
        if self._store is None or self.file is None:
            return
        try:
            self._store.save(self.file)
        except OSError as error:
            raise CommandError(
                f"cannot write `{self.file}`: {error.strerror}", code=Exit.INPUT
            ) from error

    def _open(
        self,
        bundle: Bundle,
        tallies: str | None,
        choices: Mapping[str, Choice],
        samples: str | None,
    ) -> Memory:
        from clausal.enforcement.delivery.adapter import AdapterError
        from clausal.enforcement.remembering import Memory
        from clausal.enforcement.samples import SampleError, SampleLibrary
        from clausal.enforcement.tallies import StoreError, Tallies, TallyChanged

        corpus = bundle.artifact.corpus
        self.failures = (StoreError, SampleError)
        try:
            counted = None
            if corpus.tallies:
                counted = Tallies(bundle, self._tallies(tallies), choices=choices)
            library = SampleLibrary(bundle, samples) if corpus.samples else None
        except TallyChanged as error:
            raise CommandError(
                "; ".join(map(str, error.changed)),
                code=Exit.INPUT,
                hint="`--tally NAME=keep` goes on with what was counted, `--tally NAME=reset` begins anew",
            ) from error
        except (StoreError, SampleError) as error:
            raise CommandError(str(error), code=Exit.INPUT) from error
        except AdapterError as error:
            raise CommandError(str(error), code=Exit.USAGE, hint=error.hint) from error
        except ValueError as error:
            raise CommandError(str(error), code=Exit.USAGE) from error
        return Memory(counted, library)

    def _tallies(self, url: str | None) -> TallyStore:
        from clausal.enforcement.delivery.opening import redis_url
        from clausal.enforcement.tallies import MemoryTallies

        if url is None:
            return MemoryTallies()
        if "://" in url:
            from clausal.enforcement.tallies.in_redis import RedisTallies

            return RedisTallies(redis_url(url))
        self.file = Path(url)
        self._store = MemoryTallies.load(self.file) if self.file.exists() else MemoryTallies()
        return self._store


def choices_of(given: Sequence[str] | None) -> dict[str, Choice]:
    """The choices of `--tally NAME=keep|reset`.

    Raises:
        CommandError: for what is none.
    """
    found: dict[str, Choice] = {}
    for text in given or ():
        name, sign, choice = text.partition("=")
        if not sign or choice not in {"keep", "reset"}:
            raise CommandError(
                f"`{inline(text)}` makes no choice",
                code=Exit.USAGE,
                hint="write the name of a tally, `=`, and `keep` or `reset`",
            )
        found[name] = cast("Choice", choice)
    return found
