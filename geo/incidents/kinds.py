"""Matches kinds of incident, as people write them, to matters of a catalogue, with a confidence."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.incidents.catalogue import STANDARD_REF, Catalogue, Matter, data_rows, find_matter, national, plain
from geo.incidents.columns import KIND_CODE, KIND_CONFIDENCE, KIND_MATCH, KIND_NAME
from geo.incidents.columns import STANDARD_REF as REF

#: Minimum confidence of an accepted match. With each phrase of the list left out in turn and matched by similarity, nine in ten
#: matches at or above this value are right, and one in two below it.
LEAST_CONFIDENCE = 0.5

# Confidence of each way of matching: codes and names are stated by the file; a rule or a known phrase is as reliable as its
# author; a phrase inside a longer text may be incidental.
_CODE, _NAME, _RULE, _PHRASE, _INSIDE = 1.0, 1.0, 0.9, 0.9, 0.8
# Maximum confidence of a match by similarity of character pairs, below all others.
_LIKENESS_TOP = 0.75


class Match(NamedTuple):
    """A matter for a text: `matter` (None if there is none), `confidence` 0 to 1, and the `method` that found it.

    `method` is ``code``, ``name``, ``rule`` (a number whose minor class is not listed, or of the old standard), ``phrase``,
    ``inside`` (a known phrase in a longer text), ``like`` (similar characters) or ``none``.
    """

    matter: Matter | None
    confidence: float
    method: str


NO_MATCH = Match(None, 0.0, "none")


def match_kind(
    code: str | None, name: str | None, *, standard_ref: str | None = None, own: Catalogue | None = None
) -> Match:
    """Find the matter of an incident.

    Parameters
    ----------
    code, name
        As given by the incident; either may be None.
    standard_ref
        Standard of the code. A code without a standard is looked up in the customer's catalogue only.
    own
        A customer's catalogue, searched first.

    >>> match_kind(None, "小区门口有人乱停车,堵住出口").matter.name
    '机动车乱停放'
    >>> match_kind(None, "我要表扬").confidence < LEAST_CONFIDENCE
    True
    """
    if code is not None:
        found = find_matter(code, standard_ref=standard_ref, own=own) if standard_ref or own else None
        if found is not None:
            exact = found.listed and found.basis != "rule"
            return Match(found, _CODE if exact else _RULE, "code" if exact else "rule")
    if name is None:
        return NO_MATCH
    # A code in no catalogue indicates another meaning: the name is then matched by similarity only.
    found = find_matter(name, standard_ref=standard_ref, own=own) or find_matter(name, own=own)
    if found is not None:
        return Match(found, _NAME, "name")
    return _by_words(plain(name), own)


def match_kinds(frame: pd.DataFrame, *, own: Catalogue | None = None) -> pd.DataFrame:
    """Complete `kind_code`, `kind_name` and `standard_ref` of incidents, with a confidence.

    Parameters
    ----------
    frame
        Columns `kind_code`, `kind_name`, `standard_ref`, text or None.
    own
        A customer's catalogue, searched first.

    Returns
    -------
    DataFrame
        Same rows and index: the three columns, completed if the confidence is at least :data:`LEAST_CONFIDENCE`; a name given
        by the incident is not changed. Added: `kind_confidence` (0 to 1, NaN if the incident names no kind) and `kind_match`
        (see :class:`Match`).

    Notes
    -----
    Cost: each distinct combination is matched once.
    """
    key = frame[[KIND_CODE, KIND_NAME, REF]]
    number = key.groupby([KIND_CODE, KIND_NAME, REF], dropna=False, sort=False).ngroup().to_numpy()
    _, first = np.unique(number, return_index=True)
    rows = [_completed(*(None if pd.isna(v) else str(v) for v in key.iloc[i]), own=own) for i in first]
    table = np.array(rows, dtype=object).reshape(-1, 5)[number]
    columns: dict[str, Any] = {
        name: pd.Series(table[:, i], index=frame.index, dtype=object) for i, name in enumerate([*key, KIND_MATCH])
    }
    columns[KIND_CONFIDENCE] = pd.Series(table[:, 4], index=frame.index, dtype=object).astype(float)
    return frame.assign(**columns)


def _completed(code: str | None, name: str | None, ref: str | None, *, own: Catalogue | None) -> tuple[Any, ...]:
    if code is None and name is None:
        return None, None, ref, "none", np.nan
    match = match_kind(code, name, standard_ref=ref, own=own)
    if match.matter is None or match.confidence < LEAST_CONFIDENCE:
        return code, name, ref, "none", match.confidence
    matter = match.matter
    return matter.code, name or matter.name, matter.standard_ref, match.method, match.confidence


def _by_words(text: str, own: Catalogue | None) -> Match:
    """Match by known phrases, then by similarity to phrases and names."""
    phrases, matters = _phrases(own)
    for phrase, matter in zip(phrases, matters, strict=True):
        if text == phrase:
            return Match(matter, _PHRASE, "phrase")
    # The longest contained phrase is the most specific: 施工噪音 before 噪音.
    inside = [(len(phrase), -i) for i, phrase in enumerate(phrases) if len(phrase) >= 2 and phrase in text]
    if inside:
        return Match(matters[-max(inside)[1]], _INSIDE, "inside")
    likeness = _likeness(text, phrases)
    best = int(np.argmax(likeness)) if len(likeness) else -1
    if best < 0 or likeness[best] <= 0.0:
        return NO_MATCH
    return Match(matters[best], round(float(likeness[best]) * _LIKENESS_TOP, 3), "like")


def _likeness(text: str, phrases: list[str]) -> npt.NDArray[np.float64]:
    """Dice coefficient of single characters and pairs of characters between the text and each phrase."""
    mine = _grams(text)
    return np.array([2 * len(mine & theirs) / (len(mine) + len(theirs)) for theirs in map(_grams, phrases)])


@cache
def _grams(text: str) -> frozenset[str]:
    return frozenset([*text, *(text[i : i + 2] for i in range(len(text) - 1))])


def _phrases(own: Catalogue | None) -> tuple[list[str], list[Matter]]:
    standard = _standard_phrases()
    if own is None:
        return list(standard[0]), list(standard[1])
    # If a customer maps kinds to national codes, the phrases of those apply too.
    mapped = {m.current: m for m in own.matters if m.current}
    mine = [(plain(m.name), m) for m in own.matters]
    rest = [(phrase, mapped.get(m.code, m)) for phrase, m in zip(*standard, strict=True)]
    return [p for p, _ in mine + rest], [m for _, m in mine + rest]


@cache
def _standard_phrases() -> tuple[tuple[str, ...], tuple[Matter, ...]]:
    names = [(plain(m.name), m) for m in national().matters]
    said = []
    for row in data_rows("phrases.csv"):
        matter = national().by_any_code(row["code"])
        if matter is None:
            raise KeyError(f"phrases.csv: code {row['code']} is in no catalogue")
        said.append((plain(row["phrase"]), matter))
    both = names + said
    return tuple(p for p, _ in both), tuple(m for _, m in both)


__all__ = ["LEAST_CONFIDENCE", "STANDARD_REF", "Match", "match_kind", "match_kinds"]
