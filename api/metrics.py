"""Counters and histograms for Prometheus. Labels are routes, methods and status codes, never a device or person.

Each of several workers writes its own to a shared folder (``PROMETHEUS_MULTIPROC_DIR``, set by :mod:`api.server`).
"""

from __future__ import annotations

import os
from functools import cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

_REGISTRY = CollectorRegistry()
_REQUESTS = Counter("wangge_requests", "Requests answered.", ["method", "route", "status"], registry=_REGISTRY)
_SECONDS = Histogram(
    "wangge_request_seconds",
    "Time to the end of the answer.",
    ["route"],
    registry=_REGISTRY,
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
_FIXES = Counter("wangge_fixes", "Fixes received, by what became of them.", ["outcome"], registry=_REGISTRY)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

CONTENT_TYPE = CONTENT_TYPE_LATEST


@cache
def _request_counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Counters of one kind of request, cached because looking up labels takes longer than counting; there are as many as
    routes.
    """
    named = method if method in _METHODS else "other"
    return _REQUESTS.labels(named, route, str(status)), _SECONDS.labels(route)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request."""
    counter, times = _request_counters(method, route, status)
    counter.inc()
    times.observe(seconds)


def count_fixes(stored: int, repeated: int, conflicting: int, refused: int) -> None:
    """Count the fixes of a batch."""
    counts = {"stored": stored, "repeated": repeated, "conflicting": conflicting, "refused": refused}
    for outcome, number in counts.items():
        if number:
            _FIXES.labels(outcome).inc(number)


def exposition() -> bytes:
    """All counters in the text format of Prometheus."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(_REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
