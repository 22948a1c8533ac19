"""GEOS lets go of Python's lock: long work on many geometries is shared by the processors."""

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

# Below this a second thread gains nothing.
_LEAST = 500

# Parts are many more than threads, so that none waits long for the last one.
_PARTS = 16


def map_in_threads(work: Callable[[Items], T], items: Items) -> list[tuple[Items, T]]:
    """Do some work on each part of an array, in as many threads as there are processors.

    Returns
    -------
    list of (part, result)
        In order. What the parts are depends on the length of the array only.
    """
    parts = np.array_split(items, min(_PARTS, max(1, len(items) // _LEAST)))
    if len(parts) == 1:
        return [(items, work(items))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(zip(parts, pool.map(for_threads(work), parts), strict=True))
