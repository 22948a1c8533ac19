"""What reading tells about rows, carried along with a frame."""

from __future__ import annotations

from typing import Any


class Records(tuple[dict[str, Any], ...]):
    """Records about rows of a file, for ``frame.attrs``.

    pandas copies attributes deeply at every step; these are never changed, and can be a million, so a copy is the same object.
    """

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> Records:
        return self
