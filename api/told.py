"""What reading a file has to say to the user: what was guessed, damaged or left out; given as notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geo.notices import notice
from geo.texts import Text, listed

# Rows of a file that are named in a notice.
_NAMED = 10

_LEFT_OUT = Text("{number}行未采用：第{rows}行，{reason}", "{number} rows are left out: rows {rows}, {reason}")
_UNREAD = Text(
    "{number}行时间无法识别：第{rows}行，如“{value}”",
    "{number} times are not understood: rows {rows}, such as '{value}'",
)
_SWAPPED = Text(
    "{number}行经纬度颠倒，已对调：第{rows}行",
    "{number} rows have longitude and latitude exchanged; turned back: rows {rows}",
)


def tell_reading(attrs: Mapping[str, Any], name: str) -> None:
    """Give notices of what the ``attrs`` of a frame that was read from a file say: `told`, `refused`, `unread_times`, `swapped`.

    Refused rows are counted for each reason, and the first ten named.
    """
    for told in attrs.get("told", ()):
        notice(f"{name}: {told}")
    for text in refused_texts(attrs.get("refused", ())):
        notice(f"{name}: {text}")
    unread = attrs.get("unread_times", ())
    if unread:
        text = _UNREAD.fill(
            number=len(unread), rows=listed([r["row"] for r in unread], _NAMED), value=unread[0]["value"]
        )
        notice(f"{name}: {text}")
    swapped = attrs.get("swapped", ())
    if swapped:
        notice(f"{name}: {_SWAPPED.fill(number=len(swapped), rows=listed([r['row'] for r in swapped], _NAMED))}")


def refused_texts(refused: Sequence[Mapping[str, Any]]) -> list[Text]:
    """One text for each reason, with the number of rows and the first ten of them; files as a whole are not counted."""
    rows: dict[Text, list[int]] = {}
    for record in refused:
        if record["row"] is not None:
            rows.setdefault(Text(record["reason_zh"], record["reason"]), []).append(record["row"])
    return [
        _LEFT_OUT.fill(number=len(numbers), rows=listed(numbers, _NAMED), reason=reason)
        for reason, numbers in rows.items()
    ]
