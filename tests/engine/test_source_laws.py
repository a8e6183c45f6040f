"""The laws of the language from the author's side: on policy files, compiled as they stand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import clausal
from clausal.compiler.bundle import pack
from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.engine.decision import Decision
from clausal.engine.evaluator import Bundle
from tests.engine.test_golden_decisions import CASES, HERE

FILES = [HERE / "traffic.policy", HERE / "traffic_2.policy"]
SOURCES = [Source(file.name, file.read_text("utf-8")) for file in FILES]


def decisions(bundle: Bundle) -> list[Decision]:
    """The decisions for all cases of the goldens, without the name of the bundle."""
    return [
        bundle.evaluate(event, **options).replace(bundle="") for event, options in CASES.values()
    ]


@pytest.fixture(scope="module")
def plain() -> list[Decision]:
    return decisions(Bundle(compile_sources(SOURCES)))


def shuffled(random: Random, source: Source) -> Source:
    """The same declarations in another order, and the same consequences within each rule."""
    header, *blocks = source.text.split("\n\n")[1:]
    random.shuffle(blocks)
    mixed = [header]
    for block in blocks:
        lines = block.split("\n")
        places = [place for place, line in enumerate(lines) if line.startswith("  then ")]
        for place, line in zip(
            places, random.sample([lines[p] for p in places], len(places)), strict=True
        ):
            lines[place] = line
        mixed.append("\n".join(lines))
    return Source(source.name, "\n\n".join(mixed) + "\n")


# Each example compiles two policies and the libraries.
@settings(max_examples=max(10, settings().max_examples // 4))
@given(st.integers(0, 2**63))
def test_the_order_of_rules_and_measures_never_matters(plain: list[Decision], seed: int) -> None:
    random = Random(seed)
    mixed = [shuffled(random, source) for source in SOURCES]
    random.shuffle(mixed)
    assert decisions(Bundle(compile_sources(mixed))) == plain


def test_the_order_of_files_never_matters() -> None:
    """Not even to a byte of the bundle."""
    assert pack(compile_sources(SOURCES)) == pack(compile_sources(SOURCES[::-1]))


SCRIPT = """
import json, sys
import clausal

bundle = clausal.compile(sys.argv[1:])
print(bundle.digest)
for event, options in json.load(sys.stdin):
    print(bundle.evaluate(event, **options | {"bounds": True}).to_json().decode())
    print(bundle.explain(event, **options).to_json().decode())
"""


def test_the_same_inputs_give_the_same_bytes_whatever_the_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, FILES)],
            input=json.dumps(list(CASES.values())),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1"},
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(outputs) == 1
    assert outputs.pop().count("\n") == 1 + 2 * len(CASES)


def test_binding_params_anew_is_compiling_anew() -> None:
    lower = {"ai_cutoff": 0.6}
    assert clausal.compile(FILES[0], params=lower).digest == (
        clausal.compile(str(FILES[0])).rebind(**lower).digest
    )


def test_policies_with_errors_do_not_compile() -> None:
    with pytest.raises(clausal.PolicyError):
        clausal.compile(HERE / "nothing.json")
