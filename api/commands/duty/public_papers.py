"""Public papers printed from a database: letters, service cards, work badges, public boards, yearly accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo.errors import FileError, InputError
from geo.layers.transformers import to_crs

if TYPE_CHECKING:
    import geopandas as gpd

    from api.commands.duty_papers import Source
    from geo.layers import Division


class Paper(StrEnum):
    """Kinds of papers."""

    LETTERS = "letters"
    CARDS = "cards"
    BADGES = "badges"
    BOARDS = "boards"
    ACCOUNTS = "accounts"


#: The ledger that supplies the content of each paper.
_LEDGERS = {Paper.LETTERS: "I", Paper.CARDS: "J", Paper.BADGES: "K", Paper.BOARDS: "K"}


def paper_of(text: str) -> Paper:
    """Parse the name of a paper.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    try:
        return Paper(text.strip().lower())
    except ValueError as error:
        raise InputError(f"'{text[:30]}' is no paper; there are {', '.join(Paper)}") from error


def printed_paper(
    source: Source, paper: Paper, day: dt.date, scope: str, *, audience: str = "", layers: str = ""
) -> tuple[bytes, int]:
    """Print a paper; returns the PDF and its number of letters, cards, badges, boards or sheets.

    Parameters
    ----------
    day
        The day whose roster is shown; letters cover the thirty days before, accounts the year up to it.
    scope
        Code of a community or second-level grid; empty for the whole street, which is not allowed for accounts.
    audience
        Only letters to ``residents``, ``businesses`` or ``bodies``; all by default.
    layers
        GeoPackage whose layer ``roads`` is drawn on the maps of boards; none by default.

    Raises
    ------
    InputError
        If there is no such cell or audience, or nothing to print.
    """
    if paper is Paper.ACCOUNTS:
        return _accounts(source, day, scope)
    from api.commands.duty_papers import made_ledger
    from geo.duty.ledgers.street import AUDIENCES
    from maps.prints import papers, public_papers

    rows, facts = made_ledger(source, _LEDGERS[paper], day, scope)
    values: list[dict[str, Any]]
    printed: Callable[[Sequence[Mapping[str, Any]], dt.date], bytes]
    if paper is Paper.LETTERS:
        names = {name: text.zh for name, text in AUDIENCES}
        if audience and audience not in names:
            raise InputError(f"'{audience[:30]}' is not an audience; there are {', '.join(names)}")
        rows = rows[rows["audience"] == names[audience]] if audience else rows
        values, printed = public_papers.letter_values(rows, facts.street), papers.letters_pdf
    elif paper is Paper.CARDS:
        values, printed = public_papers.card_values(rows, facts.street), papers.cards_pdf
    elif paper is Paper.BADGES:
        values, printed = public_papers.badge_values(rows, facts.street), papers.badges_pdf
    else:
        codes, roads = facts.cells_of(2, scope), _roads(layers, source.division)
        values = public_papers.board_values(rows, codes, source.division, facts.street, roads=roads)
        printed = papers.boards_pdf
    return printed(_some(values, paper), day), len(values)


def write_paper(
    source: Source, paper: Paper, day: dt.date, scope: str, target: Path, *, audience: str = "", layers: str = ""
) -> int:
    """Write a paper as .pdf; returns its number of letters, cards, badges, boards or sheets."""
    from geo.layers import aside

    if target.suffix.lower() != ".pdf":
        raise FileError(f"{target}: papers are written as .pdf; change the ending of the name")
    content, count = printed_paper(source, paper, day, scope, audience=audience, layers=layers)
    with aside(target) as temporary:
        temporary.write_bytes(content)
    return count


def _accounts(source: Source, day: dt.date, scope: str) -> tuple[bytes, int]:
    from api.commands.duty_papers import facts_of
    from geo.duty.briefs.accounts import account_of
    from maps.prints.papers import accounts_pdf
    from maps.prints.public_papers import account_values

    if not scope:
        raise InputError("accounts are those of a community or grid; give its code")
    facts = facts_of(source, day.replace(month=1, day=1), day + dt.timedelta(days=1), scope=scope)
    if scope not in facts.cell_names:
        raise InputError(f"there is no cell '{scope[:50]}' in the division")
    made = [account_of(facts, code, day) for code in facts.cells_of(2, scope)]
    values = [account_values(one, facts) for one in made if one is not None]
    return accounts_pdf(_some(values, Paper.ACCOUNTS), day), len(values)


def _some(values: list[dict[str, Any]], paper: Paper) -> list[dict[str, Any]]:
    if not values:
        raise InputError(f"there are no {paper.value} to print: no grid of the place has a responsible person")
    return values


def _roads(layers: str, division: Division) -> gpd.GeoDataFrame | None:
    """Roads in the CRS of a division; None if the file or the layer does not exist."""
    import geopandas as gpd
    import pyogrio

    if not layers or not Path(layers).is_file() or "roads" not in {name for name, _ in pyogrio.list_layers(layers)}:
        return None
    return to_crs(gpd.read_file(layers, layer="roads"), division.crs)
