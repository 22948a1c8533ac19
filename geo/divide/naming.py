"""Names of grids in the usual form: 长营社区, 长营社区第3网格, 长营社区第3网格-05."""

from __future__ import annotations

_DIGITS = "零一二三四五六七八九"


def numeral(number: int) -> str:
    """Write a number from 1 to 99 in Chinese.

    >>> numeral(3), numeral(10), numeral(12), numeral(20), numeral(35)
    ('三', '十', '十二', '二十', '三十五')
    """
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones or not tens else "")


def community_name(code: str) -> str:
    """Name of a community without a given one: 第三社区; in digits from 100 on."""
    number = int(code[-3:])
    return f"第{numeral(number)}社区" if number < 100 else f"第{number}社区"


def second_name(community: str, code: str) -> str:
    """Name of a second-level grid: the community and the grid's number in it."""
    return f"{community}第{int(code[-3:])}网格"


def third_name(second: str, code: str) -> str:
    """Name of a third-level grid: the second-level grid and the number in it, two digits at least."""
    return f"{second}-{int(code[-3:]):02d}"
