"""GEOS releases the GIL, so geometry work on many items is spread over threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from geo.kernels import for_threads

T = TypeVar("T")
Items = TypeVar("Items", npt.NDArray[np.object_], npt.NDArray[np.int64])

# With fewer items a second thread gains nothing.
_LEAST = 500

# Many more parts than threads, so that all threads finish at about the same time.
_PARTS = 16


def map_in_threads(work: Callable[[Items], T], items: Items) -> list[tuple[Items, T]]:
    """Apply a function to each part of an array, with one thread per processor.

    Returns
    -------
    list of (part, result)
        In order. The division into parts depends on the length of the array only.
    """
    parts = np.array_split(items, min(_PARTS, max(1, len(items) // _LEAST)))
    if len(parts) == 1:
        return [(items, work(items))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(zip(parts, pool.map(for_threads(work), parts), strict=True))
