"""English names of places: pinyin if there is no English one, with the kind of place translated.

A name is transliterated by character with a table of the readings used in place names (``pinyin.txt``, about 900
characters). A name with a character missing in the table is unchanged.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

#: Endings of names with their English words; the first match is used.
KINDS = (
    ("街道", "Subdistrict"),
    ("社区", "Community"),
    ("创业园", "Business Park"),
    ("产业园", "Industrial Park"),
    ("工业园", "Industrial Park"),
    ("科技园", "Science Park"),
    ("园区", "Park"),
    ("公园", "Park"),
)
#: The same for roads.
ROAD_KINDS = (
    ("大道", "Avenue"),
    ("大街", "Street"),
    ("路", "Road"),
    ("街", "Street"),
    ("巷", "Lane"),
    ("桥", "Bridge"),
)

_GRID = re.compile(r"^(?P<place>.*?)第(?P<number>\d+)(?:二级|三级)?网格(?P<rest>(?:-\d+)*)$")
_PLAIN = re.compile(r"[\x00-\x7f]*")


def english_name(name: str, kinds: tuple[tuple[str, str], ...] = KINDS) -> str:
    """The name of a street, community or grid in English.

    Parameters
    ----------
    name
        The name in the layer.
    kinds
        Endings with their English words; :data:`ROAD_KINDS` for roads.

    Returns
    -------
    str
        The English name; the name itself if it is not Chinese, or if a character has no reading in the table.

    Examples
    --------
    >>> english_name("迈皋桥街道"), english_name("合班村社区")
    ('Maigaoqiao Subdistrict', 'Hebancun Community')
    >>> english_name("长营社区第11网格"), english_name("长营社区第11网格-02")
    ('Changying Community Grid 11', 'Changying Community Grid 11-02')
    """
    if found := _GRID.match(name):
        place = english_name(found["place"])
        if _PLAIN.fullmatch(place):
            return f"{place} Grid {found['number']}{found['rest']}".strip()
        return name
    for ending, kind in kinds:
        if name == ending:
            return kind
        if name.endswith(ending):
            read = pinyin(name.removesuffix(ending))
            return name if read is None else f"{read} {kind}"
    return pinyin(name) or name


def pinyin(text: str) -> str | None:
    """Pinyin of a name as one word with a capital, without tones; None if a character is not in the table.

    >>> pinyin("金宁新村"), pinyin("龘")
    ('Jinningxincun', None)
    """
    if _PLAIN.fullmatch(text):
        return text or None
    syllables = [_readings().get(letter, letter if letter.isascii() else None) for letter in text]
    known = [syllable for syllable in syllables if syllable is not None]
    if len(known) < len(syllables):
        return None
    # A syllable that begins with a vowel is separated from the preceding one: Xi'an.
    word = known[0] + "".join(f"'{one}" if one[0] in "aeo" else one for one in known[1:])
    return word[0].upper() + word[1:]


@cache
def _readings() -> dict[str, str]:
    lines = (Path(__file__).parent / "pinyin.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(" ", 1) for line in lines if not line.startswith("#"))
    return {letter: syllable for syllable, letters in pairs for letter in letters}


def english_matter(name: str) -> str:
    """English name of a matter of the standard; the name itself if it is not one of them.

    >>> english_matter("噪声扰民"), english_matter("其他")
    ('Noise', '其他')
    """
    return _matters().get(name, name)


@cache
def _matters() -> dict[str, str]:
    with (Path(__file__).parent / "matters_english.csv").open(encoding="utf-8", newline="") as lines:
        return {row["zh"]: row["en"] for row in csv.DictReader(lines)}
