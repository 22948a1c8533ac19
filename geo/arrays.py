"""Type aliases of numpy arrays, shared by all rooms, and arrays of one object.

An alias names the dtype; the shape is stated by the docstring of the function that takes or returns the array.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: Coordinates, lengths, weights: float64.
Floats: TypeAlias = npt.NDArray[np.float64]
#: Counts, row positions and times in whole units: int64.
Ints: TypeAlias = npt.NDArray[np.int64]
#: Positions of cells and pixels where memory matters: int32.
Ints32: TypeAlias = npt.NDArray[np.int32]
#: Small codes such as marks: int8.
Bytes: TypeAlias = npt.NDArray[np.int8]
#: Positions that numpy itself returns, for instance from ``argsort``: intp.
Positions: TypeAlias = npt.NDArray[np.intp]
#: Masks: bool.
Bools: TypeAlias = npt.NDArray[np.bool_]
#: Shapely geometries: object.
Geometries: TypeAlias = npt.NDArray[np.object_]
#: Text or other Python values, None where missing: object.
Objects: TypeAlias = npt.NDArray[np.object_]

__all__ = ["Bools", "Bytes", "Floats", "Geometries", "Ints", "Ints32", "Objects", "Positions", "repeated"]


def repeated(value: Any, count: int) -> Objects:
    """One object, `count` times; ``np.full`` would make a new text for each entry, 130 MB for two million.

    >>> a, b = repeated("".join(["WGS", "-84"]), 2)
    >>> a is b
    True
    """
    made = np.empty(count, dtype=object)
    made.fill(value)
    return made
