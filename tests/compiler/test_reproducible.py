"""The same sources give the same bytes: whatever the hash seed, the order, the place, the time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from clausal.compiler.bundle import SourceText, assemble, pack
from clausal.compiler.emit import emit
from clausal.compiler.library import load_sources, shipped, shipped_libraries
from clausal.compiler.pipeline import compile_paths, compile_sources, optimise
from clausal.compiler.rebind import rebind
from clausal.dsl.diagnostics import PolicyError
from clausal.dsl.source import Source
from tests.strategies.ir import write_corpus


def write_policies(folder: Path) -> list[Path]:
    """A copy of the shipped policies, in a tree of their own."""
    found = []
    for file in sorted((shipped() / "cn").rglob("*")):
        if file.is_file():
            target = folder / file.relative_to(shipped() / "cn")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            if target.suffix == ".policy":
                found.append(target)
    own = folder / "own" / "library.policy"
    own.parent.mkdir()
    own.write_text((shipped() / "standard" / "sanctions.policy").read_text("utf-8"), "utf-8")
    return [*found, own]


def run(code: str, seed: int, folder: Path, *arguments: str) -> str:
    """What a program prints, run in a folder, with a hash seed, another locale and time zone."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(seed),
        "PYTHONSAFEPATH": "1",
        "TZ": ["UTC", "Asia/Shanghai", "America/New_York"][seed % 3],
        "LC_ALL": "C",
    }
    finished = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return finished.stdout


COMPILE = """
import sys
from clausal.compiler.pipeline import compile_paths
print(compile_paths(sys.argv[1:]).digest)
"""


def test_the_hash_seed_and_the_process_change_nothing(tmp_path: Path) -> None:
    policies = write_policies(tmp_path)
    paths = [str(path) for path in policies]
    expected = compile_paths(paths).digest
    for seed in (0, 1, 7):
        assert run(COMPILE, seed, tmp_path, *paths).strip() == expected


def test_the_place_and_the_way_of_naming_files_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one", tmp_path / "some where" / "清朗"
    policies = write_policies(one)
    write_policies(other)
    expected = pack(compile_paths(policies))
    assert pack(compile_paths([one])) == expected
    assert pack(compile_paths([other])) == expected
    monkeypatch.chdir(other)
    assert pack(compile_paths(["."])) == expected
    monkeypatch.chdir(other / "own")
    assert pack(compile_paths([".."])) == expected
    for file in other.rglob("*"):
        os.utime(file, (0, 0))
    assert pack(compile_paths([other])) == expected
    assert str(tmp_path).encode() not in expected


def test_the_order_of_files_changes_nothing(tmp_path: Path) -> None:
    sources, _ = load_sources(write_policies(tmp_path))
    expected = pack(compile_sources(sources))
    random = Random(1)
    for _ in range(3):
        random.shuffle(sources)
        assert pack(compile_sources(sources)) == expected


def test_files_that_are_not_used_change_nothing(tmp_path: Path) -> None:
    paths = write_policies(tmp_path)
    expected = pack(compile_paths(paths))
    unused = tmp_path / "own" / "unused.policy"
    unused.write_text('library own.unused 1.0.0 { title en "Unused" }\n', "utf-8")
    assert pack(compile_paths([*paths, unused])) == expected


def test_a_library_that_is_given_is_part_of_the_bundle(tmp_path: Path) -> None:
    artifact = compile_paths(write_policies(tmp_path))
    names = [source.name for source in artifact.sources]
    assert "2024/self_media_traffic.policy" in names
    assert [name for name in names if not name.startswith("20")] == [
        "clausal.policies/standard/conduct.policy",
        "clausal.policies/standard/platform.policy",
        "clausal.policies/standard/procedure.policy",
        "clausal.policies/standard/rumours.policy",
        "clausal.policies/standard/strikes.policy",
        "own/library.policy",
    ]


PACK = """
import sys, hashlib
from random import Random
sys.path.insert(0, sys.argv[1])
from tests.compiler.test_reproducible import packed
for seed in range(20):
    print(hashlib.sha256(packed(seed)).hexdigest())
"""


def packed(seed: int) -> bytes:
    corpus = write_corpus(Random(seed))
    return pack(assemble(corpus, emit(optimise(corpus)), (SourceText("a", "b"),)))


def test_passes_and_packing_do_not_depend_on_the_hash_seed() -> None:
    root = Path(__file__).parents[2]
    outputs = {run(PACK, seed, root, str(root)) for seed in (0, 1, 2)}
    assert len(outputs) == 1


@pytest.mark.parametrize("sources", [(), shipped_libraries()], ids=["nothing", "libraries"])
def test_without_a_policy_there_is_no_bundle(sources: Sequence[Source]) -> None:
    with pytest.raises(PolicyError, match="there is no policy to compile"):
        compile_sources(sources)


def test_params_bound_anew_give_the_bundle_that_is_compiled_with_them() -> None:
    """For a policy as people write it; `test_bundle` has the property."""
    plain = compile_paths([shipped() / "cn"])
    first = plain.meta.params[0]
    values = {first.name: first.value if first.high is None else first.high}
    compiled = compile_paths([shipped() / "cn"], params=values)
    assert compiled.digest != plain.digest
    program, corpus = rebind(plain.program, plain.corpus, values)
    assert pack(assemble(corpus, program, plain.sources)) == pack(compiled)
