"""Notices to the user about files that were read: guesses, damage, and ignored content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geo.notices import notice
from geo.texts import Text, amount, listed

# Maximum number of rows listed in a notice.
_NAMED = 10
# Maximum number of notices about refused rows.
_MOST = 20

_LEFT_OUT = Text("{number}行未采用：第{rows}行，{reason}", "{number} left out: rows {rows}, {reason}")
# Text about times of a kind, and the words after their number.
_UNREAD: dict[str | None, tuple[Text, str, str]] = {
    None: (
        Text(
            "{number}行时间无法识别：第{rows}行，如“{value}”",
            "{number} not understood: rows {rows}, such as '{value}'",
        ),
        "time is",
        "times are",
    ),
    "month": (
        Text(
            "{number}行只有月份、没有日，时间留空：第{rows}行，如“{value}”；请在字段对应中改用含日期的列",
            "{number} without a day, left empty: rows {rows}, such as '{value}'; name a column with days in "
            "the column map",
        ),
        "time is a month",
        "times are months",
    ),
    "two readings": (
        Text(
            "{number}行日期有两种读法，时间留空：第{rows}行，{reason}；用 --dates month-first 或 --dates day-first 指明",
            "{number} be read in two ways, left empty: rows {rows}, {reason}; say which with --dates month-first or "
            "--dates day-first",
        ),
        "date can",
        "dates can",
    ),
}
_SWAPPED = Text(
    "{number}行经纬度颠倒，已对调：第{rows}行",
    "{number} longitude and latitude exchanged; turned back: rows {rows}",
)


def give_reading_notices(attrs: Mapping[Any, Any], name: str = "") -> None:
    """Give notices from the ``attrs`` of a frame read from files: `notices`, `refused`, `unread_times`, `swapped`.

    Refused rows are counted by file and reason, and the first ten are listed. `name` is the file, if there is one.
    """
    head = f"{name}: " if name else ""
    for text in attrs.get("notices", ()):
        notice(f"{head}{text}")
    for source, text in refused_texts(attrs.get("refused", ())):
        notice(f"{source}: {text}")
    for kind, (template, *words) in _UNREAD.items():
        if unread := [row for row in attrs.get("unread_times", ()) if row.get("kind") == kind]:
            first = unread[0]
            reason = Text(first.get("reason_zh", ""), first.get("reason", ""))
            text = template.fill(
                number=amount(len(unread), *words), rows=_named(unread), value=first["value"], reason=reason
            )
            notice(f"{head}{text}")
    swapped = attrs.get("swapped", ())
    if swapped:
        text = _SWAPPED.fill(number=amount(len(swapped), "row has", "rows have"), rows=_named(swapped))
        notice(f"{head}{text}")


def _named(records: Sequence[Mapping[str, Any]]) -> Text:
    return listed([record["row"] for record in records], _NAMED, "")


def refused_texts(refused: Sequence[Mapping[str, Any]]) -> list[tuple[str, Text]]:
    """Texts for each file and reason, with the number of rows and the first ten, and for files refused completely.

    At most :data:`_MOST`; the table of refused rows is complete.
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
        (
            source,
            _LEFT_OUT.fill(
                number=amount(len(numbers), "row is", "rows are"), rows=listed(numbers, _NAMED, ""), reason=reason
            ),
        )
        for (source, reason), numbers in rows.items()
    ]
    return [*whole, *texts][:_MOST]
