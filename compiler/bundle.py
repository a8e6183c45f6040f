"""The bundle: one file that holds a compiled program and all that belongs to it.

Layout, numbers little-endian::

    8 bytes   magic
    2         format version
    8         length of the payload
    32        SHA-256 of the payload
    ...       payload: a MessagePack map from the names of sections to their bytes

Each section is MessagePack of one type of this package, so that loading reads what evaluation needs
and leaves the rest until it is asked for. Nothing in a bundle says when, where or by whom it was
made: the same sources give the same bytes. The digest names the bundle in every decision.
"""

from __future__ import annotations

import enum
import hashlib
import os
import secrets
import struct
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from clausal.compiler.emit import segments_of
from clausal.compiler.index import Index, build_index
from clausal.compiler.ir import Corpus, ParamDef, SchemaField, Slot, VersionDef
from clausal.compiler.profile import UNKNOWN, Profile, verify_profile
from clausal.compiler.program import Program, ProgramError, integers
from clausal.compiler.types import Scalar
from clausal.compiler.verify import verify
from clausal.compiler.verify_corpus import verify_corpus
from clausal.compiler.verify_declarations import CorpusError, verify_fields, verify_versions
from clausal.compiler.verify_index import verify_index
from clausal.dsl.version import __version__

MAGIC: Final = b"\x89CLAUSAL"
FORMAT: Final = 4
"""The format that is written. It grows by one when any type that is stored changes its shape."""
OLDEST_FORMAT: Final = 2
"""The oldest format that is still read."""
SIZE_LIMIT: Final = 512 * 1024 * 1024
"""The largest file that is read, in bytes. Ten thousand rules need about 10 MB."""

_HEADER: Final = struct.Struct("<8sHQ32s")

_DIGEST_PREFIX: Final = "sha256:"

_T = TypeVar("_T")


class BundleProblem(enum.StrEnum):
    """Why a bundle was refused."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too large"
    FOREIGN = "not a bundle"
    NEWER = "newer format"
    OLDER = "older format"
    TRUNCATED = "truncated"
    TRAILING = "trailing bytes"
    DAMAGED = "damaged"
    MALFORMED = "malformed"


class BundleError(ValueError):
    """A bundle that cannot be loaded: ``kind`` says which rule it broke, the message says how."""

    def __init__(self, kind: BundleProblem, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Fingerprint(msgspec.Struct, frozen=True):
    """The fingerprint of a clause's text (`ClauseDef.fingerprint`), and where the clause is."""

    policy: str
    version: str
    clause: str
    fingerprint: str


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a bundle without reading its rules.

    ``slots``, ``time_slot``, ``id_slot``, ``fields``, ``versions`` and ``params`` are those of the
    corpus; ``compiler`` is the version of this package that compiled it.
    """

    compiler: str
    slots: tuple[Slot, ...]
    time_slot: int
    id_slot: int | None
    fields: tuple[SchemaField, ...]
    versions: tuple[VersionDef, ...]
    params: tuple[ParamDef, ...]
    rules: int
    fingerprints: tuple[Fingerprint, ...]


class SourceText(msgspec.Struct, frozen=True):
    """A source file; ``name`` is relative, with forward slashes."""

    name: str
    text: str


class _Sections(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The payload. Views into it, so that no section is copied."""

    meta: memoryview
    program: memoryview
    profile: memoryview
    index: memoryview
    corpus: memoryview
    sources: memoryview


@dataclass(frozen=True, eq=False)
class Artifact:
    """A loaded bundle. ``digest`` is ``sha256:`` and the digest of the payload in hex.

    The corpus (as checked, before the passes), the profile that the index is laid out by and the
    sources are decoded when they are first asked for; each raises `BundleError` if it is malformed, which the digest leaves to forgery alone.
    """

    digest: str
    meta: Meta
    program: Program
    index: Index
    payload: bytes | memoryview = field(repr=False)
    _sections: _Sections = field(repr=False)

    @cached_property
    def corpus(self) -> Corpus:
        """The checked policies."""
        corpus = _decode("corpus", self._sections.corpus, Corpus)
        try:
            verify_corpus(corpus)
        except CorpusError as error:
            raise _malformed("corpus", error) from None
        if describe(corpus, self.meta.compiler) != self.meta:
            raise _malformed("corpus", "it is not the one that the section `meta` describes")
        if corpus.predicates or corpus.shared:
            raise _malformed("corpus", "it is not as the checker left it")
        starts = integers("i", self.program.version_rules)
        counts = Counter(rule.version for rule in corpus.rules)
        if [last - first for first, last in pairwise(starts)] != [
            counts[version] for version in range(len(corpus.versions))
        ] or not all(one.version <= other.version for one, other in pairwise(corpus.rules)):
            raise _malformed("corpus", "its rules are not those of the program")
        return corpus

    @cached_property
    def profile(self) -> Profile:
        """The profile that the index was laid out by."""
        profile = _decode("profile", self._sections.profile, Profile)
        try:
            verify_profile(profile, self.program)
        except ProgramError as error:
            raise _malformed("profile", error) from None
        return profile

    @cached_property
    def sources(self) -> tuple[SourceText, ...]:
        """The policies and libraries as text, sorted by name."""
        return _decode("sources", self._sections.sources, tuple[SourceText, ...])


def describe(corpus: Corpus, compiler: str = __version__) -> Meta:
    """What a bundle says of a corpus up front."""
    fingerprints = []
    for clause in corpus.clauses:
        of = corpus.versions[clause.version]
        fingerprints.append(Fingerprint(of.policy, of.version, clause.id, clause.fingerprint))
    return Meta(
        compiler=compiler,
        slots=corpus.slots,
        time_slot=corpus.time_slot,
        id_slot=corpus.id_slot,
        fields=corpus.fields,
        versions=corpus.versions,
        params=corpus.params,
        rules=len(corpus.rules),
        fingerprints=tuple(fingerprints),
    )


def assemble(
    corpus: Corpus,
    program: Program,
    sources: tuple[SourceText, ...],
    profile: Profile = UNKNOWN,
) -> Artifact:
    """The bundle of a checked corpus and its program, as it will be when it is loaded again.

    The profile lays out the index; no decision depends on it.
    """
    encode = msgspec.msgpack.encode
    sections = _Sections(
        meta=memoryview(encode(describe(corpus))),
        program=memoryview(encode(program)),
        profile=memoryview(encode(profile)),
        index=memoryview(encode(build_index(program, profile))),
        corpus=memoryview(encode(corpus)),
        sources=memoryview(encode(sorted(sources, key=lambda source: (source.name, source.text)))),
    )
    payload = encode(sections)
    return _artifact(payload, hashlib.sha256(payload).digest())


def pack(artifact: Artifact) -> bytes:
    """The bundle as the bytes of a file."""
    payload = artifact.payload
    digest = bytes.fromhex(artifact.digest.removeprefix(_DIGEST_PREFIX))
    return _HEADER.pack(MAGIC, FORMAT, len(payload), digest) + payload


def unpack(data: bytes) -> Artifact:
    """The bundle in the bytes of a file.

    Raises:
        BundleError: if they are not a whole and sound bundle of a format that is supported.
    """
    if not MAGIC.startswith(data[: len(MAGIC)]) or not data:
        raise BundleError(BundleProblem.FOREIGN, "this is not a Clausal bundle")
    if len(data) < _HEADER.size:
        raise BundleError(BundleProblem.TRUNCATED, "the bundle ends within its header")
    _, version, length, digest = _HEADER.unpack_from(data)
    _check_format(version)
    payload = memoryview(data)[_HEADER.size :]
    if len(payload) < length:
        raise BundleError(
            BundleProblem.TRUNCATED, f"the bundle ends {_bytes(length - len(payload))} early"
        )
    if len(payload) > length:
        raise BundleError(
            BundleProblem.TRAILING, f"the bundle has {_bytes(len(payload) - length)} after its end"
        )
    if hashlib.sha256(payload).digest() != digest:
        raise BundleError(
            BundleProblem.DAMAGED, "the bundle is damaged: its content does not match its digest"
        )
    return _artifact(payload, digest)


def save(artifact: Artifact, path: Path) -> None:
    """Write the bundle to a file, whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    # In the same folder, so that the rename stays within one file system, and is one step.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(pack(artifact))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path: Path) -> Artifact:
    """Read a bundle from a file.

    Raises:
        BundleError: if the file cannot be read, or as of `unpack`.
    """
    try:
        with path.open("rb") as file:
            # One byte more than the limit is enough to know; a device may have no end.
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise BundleError(BundleProblem.UNREADABLE, f"`{path}`: {reason}") from None
    if len(data) > SIZE_LIMIT:
        limit = SIZE_LIMIT // 1024**2
        raise BundleError(BundleProblem.TOO_LARGE, f"`{path}` is larger than {limit} MiB")
    return unpack(data)


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _check_format(version: int) -> None:
    if version > FORMAT:
        raise BundleError(
            BundleProblem.NEWER,
            f"the bundle has format {version}, newer than {FORMAT}, the newest that this version "
            f"({__version__}) reads: load it with a newer version, or compile its sources again",
        )
    if version < OLDEST_FORMAT:
        raise BundleError(
            BundleProblem.OLDER,
            f"the bundle has format {version}, older than {OLDEST_FORMAT}, the oldest that this "
            f"version ({__version__}) reads: compile its sources again",
        )


def _artifact(payload: bytes | memoryview, digest: bytes) -> Artifact:
    """Decode what evaluation needs, and check it."""
    sections = _decode("payload", payload, _Sections)
    meta = _decode("meta", sections.meta, Meta)
    program = _decode("program", sections.program, Program)
    try:
        verify(
            program,
            slots=meta.slots,
            rules=meta.rules,
            versions=len(meta.versions),
            params=len(meta.params),
        )
    except ProgramError as error:
        raise _malformed("program", error) from None
    index = _decode("index", sections.index, Index)
    try:
        verify_index(index, program)
    except ProgramError as error:
        raise _malformed("index", error) from None
    _check_meta(meta, program)
    return Artifact(_DIGEST_PREFIX + digest.hex(), meta, program, index, payload, sections)


def _check_meta(meta: Meta, program: Program) -> None:
    """Check what is used of the section before the corpus is read, and that the program is in time."""
    for slot, wanted in ((meta.time_slot, Scalar("instant")), (meta.id_slot, Scalar("string"))):
        if slot is not None and not (
            0 <= slot < len(meta.slots) and meta.slots[slot].type == wanted
        ):
            raise _malformed("meta", f"slot {slot} is no {wanted.name}")
    try:
        verify_versions(meta.versions)
        verify_fields(meta.fields)
    except CorpusError as error:
        raise _malformed("meta", error) from None
    boundaries, segments = segments_of(meta.versions)
    members = [version for segment in segments for version in segment]
    if (
        list(integers("q", program.boundaries)) != boundaries
        or list(integers("i", program.segment_count)) != [len(segment) for segment in segments]
        or list(integers("i", program.segment_versions)) != members
    ):
        raise _malformed("program", "its rules are not in force when the versions are")


def _decode(name: str, data: bytes | memoryview, type: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(data, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(name, error) from None
    except RecursionError:
        raise _malformed(name, "it is nested too deep") from None


def _malformed(section: str, reason: object) -> BundleError:
    where = "the payload" if section == "payload" else f"section `{section}`"
    return BundleError(BundleProblem.MALFORMED, f"the bundle is malformed: {where}: {reason}")
