"""Numbers in English messages: a number with its noun, in the singular after one.

Both forms are written out where a message is made. The tables of translations contain them as ``[cell has|cells have]``.
"""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """A number with the words that follow it; `several` is `one` with an s by default.

    >>> counted(1, "cell has", "cells have"), counted(1200, "cell")
    ('1 cell has', '1,200 cells')
    """
    return f"{number:,} {form(number, one, several or f'{one}s')}"


def form(number: float, one: str, several: str) -> str:
    """The form of a word for a number that stands elsewhere in the sentence.

    >>> form(1, "is", "are"), form(0, "is", "are")
    ('is', 'are')
    """
    return one if number == 1 else several
