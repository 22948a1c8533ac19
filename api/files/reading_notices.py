"""What reading a file has to say to the user: what was guessed, damaged or left out; given as notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geo.notices import notice
from geo.texts import Text, listed

# Rows of a file that are named in a notice.
_NAMED = 10
# Notices about refused rows: more are no help on a screen.
_MOST = 20

_LEFT_OUT = Text("{number}行未采用：第{rows}行，{reason}", "{number} rows are left out: rows {rows}, {reason}")
_UNREAD = Text(
    "{number}行时间无法识别：第{rows}行，如“{value}”",
    "{number} times are not understood: rows {rows}, such as '{value}'",
)
_SWAPPED = Text(
    "{number}行经纬度颠倒，已对调：第{rows}行",
    "{number} rows have longitude and latitude exchanged; turned back: rows {rows}",
)


def give_reading_notices(attrs: Mapping[str, Any], name: str = "") -> None:
    """Give notices from the ``attrs`` of a frame read from files: `notices`, `refused`, `unread_times`, `swapped`.

    Refused rows are counted for each file and reason, and the first ten named. `name` is the file, where there is one.
    """
    head = f"{name}: " if name else ""
    for text in attrs.get("notices", ()):
        notice(f"{head}{text}")
    for source, text in refused_texts(attrs.get("refused", ())):
        notice(f"{source}: {text}")
    unread = attrs.get("unread_times", ())
    if unread:
        text = _UNREAD.fill(number=len(unread), rows=_named(unread), value=unread[0]["value"])
        notice(f"{head}{text}")
    swapped = attrs.get("swapped", ())
    if swapped:
        notice(f"{head}{_SWAPPED.fill(number=len(swapped), rows=_named(swapped))}")


def _named(records: Sequence[Mapping[str, Any]]) -> Text:
    return listed([record["row"] for record in records], _NAMED)


def refused_texts(refused: Sequence[Mapping[str, Any]]) -> list[tuple[str, Text]]:
    """File and text for each file and reason, with the number of rows and the first ten of them, and for each file as a whole.

    At most :data:`_MOST` of them; what more there is stands in the table of refused rows.
    """
    rows: dict[tuple[str, Text], list[int]] = {}
    whole: list[tuple[str, Text]] = []
    for record in refused:
        reason = Text(record["reason_zh"], record["reason"])
        if record["row"] is None:
            whole.append((record["source"], reason))
        else:
            rows.setdefault((record["source"], reason), []).append(record["row"])
    texts = [
        (source, _LEFT_OUT.fill(number=len(numbers), rows=listed(numbers, _NAMED), reason=reason))
        for (source, reason), numbers in rows.items()
    ]
    return [*whole, *texts][:_MOST]
