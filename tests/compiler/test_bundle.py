"""A bundle comes back as it was written, and whatever is no sound bundle is refused by name."""

from __future__ import annotations

import contextlib
import hashlib
import struct
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausal.compiler import bundle
from clausal.compiler.bundle import (
    FORMAT,
    MAGIC,
    Artifact,
    BundleError,
    BundleProblem,
    SourceText,
    assemble,
    describe,
    load,
    pack,
    save,
    unpack,
)
from clausal.compiler.emit import emit
from clausal.compiler.ir import Corpus
from clausal.compiler.pipeline import optimise
from clausal.compiler.rebind import rebind, rebind_corpus
from clausal.dsl.version import __version__
from tests.strategies.ir import corpora, write_corpus

HEADER = 50


def bundled(corpus: Corpus) -> Artifact:
    sources = (SourceText("b.policy", "政策"), SourceText("a.policy", ""))
    return assemble(corpus, emit(optimise(corpus)), sources)


CORPUS = next(found for found in map(write_corpus, map(Random, range(99))) if found.rules)
ARTIFACT = bundled(CORPUS)
DATA = pack(ARTIFACT)


def sealed(payload: bytes, version: int = FORMAT) -> bytes:
    """A file with any payload and the right length and digest."""
    digest = hashlib.sha256(payload).digest()
    return struct.pack("<8sHQ32s", MAGIC, version, len(payload), digest) + payload


def sections(**changes: object) -> bytes:
    """A file with sections of the sample changed; None: left out."""
    found: dict[str, object] = msgspec.msgpack.decode(DATA[HEADER:])
    found.update(changes)
    return sealed(
        msgspec.msgpack.encode({key: value for key, value in found.items() if value is not None})
    )


def changed(section: str, **changes: object) -> bytes:
    """A file with entries of a section changed."""
    found = msgspec.msgpack.decode(msgspec.msgpack.decode(DATA[HEADER:])[section])
    assert found.keys() >= changes.keys()
    return sections(**{section: msgspec.msgpack.encode({**found, **changes})})


def refusal(data: bytes) -> BundleError:
    with pytest.raises(BundleError) as caught:
        unpack(data)
    return caught.value


# ── What comes back ──────────────────────────────────────────────────────────────────────────────


@given(corpora())
def test_a_bundle_comes_back(corpus: Corpus) -> None:
    artifact = bundled(corpus)
    again = unpack(pack(artifact))
    assert again.program == artifact.program == emit(optimise(corpus))
    assert again.corpus == artifact.corpus == corpus
    assert again.meta == artifact.meta == describe(corpus)
    assert again.digest == artifact.digest
    assert pack(again) == pack(artifact)
    # The program can be found again from the corpus that is stored.
    assert emit(optimise(again.corpus)) == again.program


@given(corpora(), st.sampled_from([0.25, 0.5, 1.0]))
def test_a_bundle_with_other_params_is_the_one_compiled_with_them(
    corpus: Corpus, value: float
) -> None:
    values = {param.name: value for param in corpus.params}
    whole = bundled(corpus)
    program, bound = rebind(whole.program, whole.corpus, values)
    rebound = assemble(bound, program, whole.sources)
    assert [param.value for param in rebound.meta.params] == [value] * len(values)
    fresh = bundled(rebind_corpus(corpus, values))
    assert rebound.corpus == fresh.corpus
    if rebound.program.op == fresh.program.op and rebound.program.code == fresh.program.code:
        assert pack(rebound) == pack(fresh)


def test_what_a_bundle_says_of_itself() -> None:
    assert ARTIFACT.digest == f"sha256:{hashlib.sha256(DATA[HEADER:]).hexdigest()}"
    assert ARTIFACT.sources == (SourceText("a.policy", ""), SourceText("b.policy", "政策"))
    meta = ARTIFACT.meta
    assert meta.compiler == __version__
    assert meta.versions == CORPUS.versions
    assert len(meta.fingerprints) == len(CORPUS.clauses)
    assert meta.fingerprints[0].fingerprint == CORPUS.clauses[0].fingerprint


def test_loading_leaves_the_corpus_and_the_sources_alone() -> None:
    loaded = unpack(sections(corpus=b"", sources=b""))
    assert loaded.program == ARTIFACT.program
    with pytest.raises(BundleError, match="section `corpus`"):
        _ = loaded.corpus
    with pytest.raises(BundleError, match="section `sources`"):
        _ = loaded.sources


def test_a_bundle_is_saved_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.clausal"
    save(ARTIFACT, file)
    assert file.read_bytes() == DATA
    assert load(file).digest == ARTIFACT.digest

    def fail(_artifact: Artifact) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle, "pack", fail)
    with pytest.raises(OSError, match="No space"):
        save(ARTIFACT, file)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.clausal"]
    assert file.read_bytes() == DATA


# ── What is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (b"", BundleProblem.FOREIGN, "this is not a Clausal bundle"),
        (b"policy cn.x 1.0.0 {}", BundleProblem.FOREIGN, "this is not a Clausal bundle"),
        (b"PK\3\4" + bytes(100), BundleProblem.FOREIGN, "this is not a Clausal bundle"),
        (MAGIC[:5], BundleProblem.TRUNCATED, "ends within its header"),
        (DATA[: HEADER - 1], BundleProblem.TRUNCATED, "ends within its header"),
        (DATA[:HEADER], BundleProblem.TRUNCATED, "bytes early"),
        (DATA[:-1], BundleProblem.TRUNCATED, "ends 1 byte early"),
        (DATA + b"\0", BundleProblem.TRAILING, "has 1 byte after its end"),
        (DATA + DATA, BundleProblem.TRAILING, "bytes after its end"),
        (DATA[:-1] + bytes([DATA[-1] ^ 1]), BundleProblem.DAMAGED, "does not match its digest"),
        (sealed(b"", FORMAT + 1), BundleProblem.NEWER, "newer than 4"),
        (sealed(b"", 0), BundleProblem.OLDER, "older than 2"),
        (sealed(b""), BundleProblem.MALFORMED, "the payload"),
        (sealed(b"\xc0"), BundleProblem.MALFORMED, "the payload: Expected `object`"),
        (sealed(b"\xdf\xff\xff\xff\xff"), BundleProblem.MALFORMED, "truncated"),
        (sealed(b"\x81\xa4meta\xc6\xff\xff\xff\xff"), BundleProblem.MALFORMED, "truncated"),
        (sealed(b"\x91" * 100_000), BundleProblem.MALFORMED, "the payload"),
        (sealed(DATA[HEADER:] + b"\xc0"), BundleProblem.MALFORMED, "trailing"),
        (sections(corpus=None), BundleProblem.MALFORMED, "missing required field `corpus`"),
        (sections(zeal=b""), BundleProblem.MALFORMED, "unknown field `zeal`"),
        (sections(program=None), BundleProblem.MALFORMED, "missing required field `program`"),
        (sections(program=7), BundleProblem.MALFORMED, "the payload: Expected `bytes`"),
        (sections(program=b""), BundleProblem.MALFORMED, "section `program`"),
        (sections(meta=b"\x80"), BundleProblem.MALFORMED, "section `meta`"),
        (changed("program", op=7), BundleProblem.MALFORMED, "section `program`: Expected `bytes`"),
        (changed("program", op=b"123"), BundleProblem.MALFORMED, "an array is cut short"),
        (changed("program", rule_root=b""), BundleProblem.MALFORMED, "`rule_root` has 0 elements"),
        (changed("meta", rules=-1), BundleProblem.MALFORMED, "`rule_root` has"),
        (changed("meta", slots=[]), BundleProblem.MALFORMED, "`slot_kinds` has"),
        (changed("meta", time_slot=999), BundleProblem.MALFORMED, "slot 999 is no instant"),
        (changed("meta", time_slot=-1), BundleProblem.MALFORMED, "slot -1 is no instant"),
        (changed("meta", time_slot=0), BundleProblem.MALFORMED, "slot 0 is no instant"),
        (changed("meta", id_slot=999), BundleProblem.MALFORMED, "slot 999 is no string"),
        (changed("meta", compiler=b"\xff"), BundleProblem.MALFORMED, "section `meta`"),
    ],
)
def test_what_is_no_bundle_is_refused(data: bytes, kind: BundleProblem, message: str) -> None:
    error = refusal(data)
    assert error.kind is kind
    assert message in str(error)


def test_text_that_is_not_utf8_is_refused() -> None:
    meta = bytes(msgspec.msgpack.decode(DATA[HEADER:])["meta"])
    version = msgspec.msgpack.encode(__version__)
    broken = meta.replace(version, version[:-1] + b"\xff")
    assert broken != meta
    assert "section `meta`" in str(refusal(sections(meta=broken)))


def bomb(depth: int) -> bytes:
    """An origin of a constant that is nested so deep."""
    text = msgspec.msgpack.encode
    layer = b"\x84" + text("type") + text("Arithmetic") + text("operator") + text("+")
    layer += text("right") + msgspec.msgpack.encode({"type": "Constant", "value": 1.0})
    return (layer + text("left")) * depth + b"\xc0"


def test_deep_nesting_is_refused_and_not_followed() -> None:
    program = msgspec.msgpack.decode(msgspec.msgpack.decode(DATA[HEADER:])["program"])
    marker = "in this place"
    data = msgspec.msgpack.encode({**program, "origins": [marker]})
    data = data.replace(msgspec.msgpack.encode(marker), bomb(100_000))
    assert "section `program`: it is nested too deep" in str(refusal(sections(program=data)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time_slot": 1000}, "there is no slot 1000"),
        ({"rules": []}, "is not the one that the section `meta` describes"),
        ({"params": 1}, "Expected `array`"),
    ],
)
def test_a_corpus_is_checked_when_it_is_asked_for(change: dict[str, object], message: str) -> None:
    loaded = unpack(changed("corpus", **change))
    with pytest.raises(BundleError, match="section `corpus`") as caught:
        _ = loaded.corpus
    assert message in str(caught.value)
    assert caught.value.kind is BundleProblem.MALFORMED


@given(st.binary(max_size=200) | st.builds(lambda tail: DATA[:60] + tail, st.binary(max_size=50)))
def test_any_bytes_are_refused_by_name(data: bytes) -> None:
    assert str(refusal(data))


@given(st.randoms(use_true_random=False))
def test_any_change_of_a_sealed_payload_is_refused_or_sound(random: Random) -> None:
    """With the digest made right again, as only a forger would."""
    payload = bytearray(DATA[HEADER:])
    for _ in range(random.randint(1, 3)):
        payload[random.randrange(len(payload))] = random.randrange(256)
    with contextlib.suppress(BundleError):
        loaded = unpack(sealed(bytes(payload)))
        _ = loaded.corpus, loaded.sources


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BundleError, match="no such file") as caught:
        load(tmp_path / "missing.clausal")
    assert caught.value.kind is BundleProblem.UNREADABLE
    with pytest.raises(BundleError, match="is a directory"):
        load(tmp_path)
    monkeypatch.setattr(bundle, "SIZE_LIMIT", 1024 * 1024)
    with pytest.raises(BundleError, match="larger than 1 MiB") as caught:
        load(Path("/dev/zero"))
    assert caught.value.kind is BundleProblem.TOO_LARGE
