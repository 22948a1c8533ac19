"""Bilingual texts: what a user reads, in Chinese and in English.

A :class:`Text` is a pair, so ``zh, en = text`` works and a plain pair can be turned into one by ``Text(*pair)``. Sentences that
depend on values are templates with named fields; a field may itself be a Text, which is inserted in its own language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from geo.wording import counted


class Text(NamedTuple):
    """One text in both languages.

    >>> reason = Text("第{row}行没有坐标", "row {row} has no coordinates")
    >>> reason.fill(row=3).en
    'row 3 has no coordinates'
    >>> print(Text("达标", "met"))
    达标 met
    """

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} {self.en}"

    def fill(self, **values: Any) -> Text:
        """Fill the fields of a template; a value that is a Text is inserted in the language of each side.

        >>> Text("{kind}网格", "{kind} grid").fill(kind=Text("二级", "second-level")).zh
        '二级网格'
        """
        sides = (
            {name: value[side] if isinstance(value, Text) else value for name, value in values.items()}
            for side in (0, 1)
        )
        return Text(*(template.format(**side) for template, side in zip(self, sides, strict=True)))


def amount(number: int, one: str, several: str = "") -> Text:
    """A number for a template: alone in Chinese, with the words that follow it in English (:func:`geo.wording.counted`).

    >>> Text("{n}行为空", "{n} empty").fill(n=amount(1, "row is", "rows are")).en
    '1 row is empty'
    """
    return Text(f"{number:,}", counted(number, one, several))


def joined(texts: Iterable[Text], *, zh: str = "；", en: str = "; ") -> Text:
    """Join texts, with a separator for each language.

    >>> joined([Text("过短", "too short"), Text("过快", "too fast")]).zh
    '过短；过快'
    """
    pairs = list(texts)
    return Text(zh.join(text.zh for text in pairs), en.join(text.en for text in pairs))


def listed(labels: Sequence[Any], most: int = 5, unit: str = "个") -> Text:
    """Name the first few of many labels: ``a, b, c and 7 more``; `unit` follows their number in Chinese.

    >>> listed([1, 2, 3], most=2)
    Text(zh='1、2等3个', en='1, 2 and 1 more')
    >>> f"第{listed([1, 2, 3], most=2, unit='').zh}行"
    '第1、2等3行'
    """
    shown = [str(label) for label in list(labels)[:most]]
    rest = len(labels) - len(shown)
    if rest <= 0:
        return Text("、".join(shown), ", ".join(shown))
    return Text(f"{'、'.join(shown)}等{len(labels)}{unit}", f"{', '.join(shown)} and {rest} more")


def as_columns(name: str, texts: Iterable[Text]) -> dict[str, list[str]]:
    """Two columns of a frame, ``name_zh`` and ``name_en``.

    >>> as_columns("reason", [Text("过短", "too short")])
    {'reason_zh': ['过短'], 'reason_en': ['too short']}
    """
    pairs = list(texts)
    return {f"{name}_zh": [text.zh for text in pairs], f"{name}_en": [text.en for text in pairs]}
