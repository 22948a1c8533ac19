"""Signed ledgers keep their content; later facts are listed as corrections (更正) and change nothing."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from geo.duty.ledgers.columns import LedgerKind, columns_of
from geo.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Columns that identify a row of a ledger; the first one present is used, otherwise the row position.
_IDENTITIES = (
    ("case_no",),
    ("meeting", "decision"),
    ("grid", "audience"),
    ("grid",),
    ("area", "indicator"),
    ("part", "item"),
)


def ledger_text(table: pd.DataFrame) -> str:
    """Content of a ledger as text, which is signed. The same rows give the same text.

    Serial numbers are left out: an inserted row must not cause corrections of all following rows.
    """
    columns = [str(column) for column in table.columns if column != "no"]
    content = {
        **{name: table.attrs[name] for name in ("kind", "scope", "start", "end")},
        "columns": columns,
        "rows": table[columns].to_numpy(dtype=object).tolist(),
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest_of(text: str) -> str:
    """SHA-256 of a signed text, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def signed_table(text: str) -> pd.DataFrame:
    """The ledger of a signed text.

    Raises
    ------
    InputError
        If the text is not a signed ledger.
    """
    import pandas as pd

    try:
        content = json.loads(text)
        table = pd.DataFrame(content["rows"], columns=content["columns"], dtype=object)
        table.insert(0, "no", pd.Series(range(1, len(table) + 1), dtype=object))
        table.attrs = {name: content[name] for name in ("kind", "scope", "start", "end")}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("the text of the signed ledger cannot be read; it was not written by wangge") from error
    table.attrs["keys"] = [""] * len(table)
    return table


def corrections(signed: pd.DataFrame, now: pd.DataFrame) -> list[str]:
    """Differences between a signed ledger and its current version, one line per changed row.

    Parameters
    ----------
    signed, now
        The same ledger as signed and as computed now.

    Raises
    ------
    InputError
        If they are not the same ledger.
    """
    if any(signed.attrs[name] != now.attrs[name] for name in ("kind", "scope", "start")):
        raise InputError("only the same ledger of the same place and time can be compared")
    titles = {column.name: column.title.zh for column in columns_of(LedgerKind(now.attrs["kind"]))}
    before, after = _by_identity(signed), _by_identity(now)
    lines = []
    for key in dict.fromkeys([*before, *after]):
        name = " ".join(part for part in key if part)
        if key not in after:
            lines.append(f"{name}：已不在此簿")
        elif key not in before:
            values = [
                f"{titles[column]}{after[key][column]}" for column in titles if after[key].get(column) not in ("", None)
            ]
            lines.append(f"补记：{'，'.join(values[1:5])}")
        else:
            changed = [
                f"{titles[column]}“{before[key][column]}”更正为“{after[key][column]}”"
                for column in titles
                if column != "no" and str(before[key][column]) != str(after[key][column])
            ]
            if changed:
                lines.append(f"{name}：{'，'.join(changed)}")
    return lines


def _by_identity(table: pd.DataFrame) -> dict[tuple[str, ...], dict[str, object]]:
    """Rows by their identifying columns; rows with equal values are numbered."""
    columns = next((names for names in _IDENTITIES if set(names) <= set(table.columns)), ())
    found: dict[tuple[str, ...], dict[str, object]] = {}
    for place, row in enumerate(table.to_dict("records")):
        plain = {str(name): value for name, value in row.items()}
        key = tuple(str(plain[name]) for name in columns) or (str(place + 1),)
        if key in found or not any(key):
            key = (*key, str(plain.get("session", place + 1)))
        found[key] = plain
    return found
