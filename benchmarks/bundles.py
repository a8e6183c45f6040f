"""What the suites have in common: each workload compiled once, and its events by way in."""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from benchmarks.workload import Workload
from clausal.compiler.bundle import Artifact
from clausal.compiler.pipeline import compile_sources
from clausal.dsl.source import Source
from clausal.engine.evaluator import Bundle


@functools.cache
def sources(workload: Workload) -> tuple[Source, ...]:
    """The policy and its library."""
    return tuple(Source(name, text) for name, text in workload.sources().items())


@functools.cache
def artifact(workload: Workload) -> Artifact:
    """The compiled bundle."""
    return compile_sources(sources(workload))


def bundle(workload: Workload) -> Bundle:
    """The bundle, ready, with nothing remembered of earlier events."""
    return Bundle(artifact(workload))


@functools.cache
def events(workload: Workload, count: int) -> tuple[dict[str, Any], ...]:
    """Events as dictionaries; treat them as constants."""
    return tuple(workload.events(count))


@functools.cache
def lines(workload: Workload, count: int) -> tuple[bytes, ...]:
    """The same as JSON."""
    return tuple(msgspec.json.encode(event) for event in events(workload, count))
