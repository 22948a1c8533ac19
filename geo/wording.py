"""Numbers in English messages: messages are written for several things, and shown in the singular for one."""

from __future__ import annotations

import re

_NOUNS = (
    "accounts areas buildings bytes cases causes cells characters codes columns communities days devices duplicates edges "
    "errors files findings fixes gaps grids groups holders incidents layers leaders lines matters officers orders overlaps "
    "parents parts people pieces places points polygons roads rows seconds sheets tracks values vertices visits warnings"
)
_VERBS = {
    "are": "is",
    "have": "has",
    "were": "was",
    "do": "does",
    "consist": "consists",
    "contain": "contains",
    "get": "gets",
    "hold": "holds",
    "lie": "lies",
    "miss": "misses",
    "name": "names",
    "overlap": "overlaps",
    "need": "needs",
    "touch": "touches",
}
_ONES = {"people": "person", "vertices": "vertex", "fixes": "fix", "communities": "community"}
# Of a count: not the end of a longer number, nor a name ("level 1 cells").
_COUNT = r"(?<![\w.,/+-])(?<!level )(?<!row )(?<!version )"
_ADJECTIVES = "repaired|second-level|third-level|more|detached|refused"
# The noun with an adjective, names in parentheses and the verb.
_ONE = re.compile(
    rf"{_COUNT}1 (?P<adjective>(?:(?:{_ADJECTIVES}) )?)(?P<noun>{'|'.join(_NOUNS.split())})\b(?! or | and )"
    rf"(?P<named>(?: \([^()]*\))?)(?: (?P<verb>{'|'.join(_VERBS)})\b)?"
)
_ONE_OF = re.compile(rf"{_COUNT}(?P<of>1 of (?:the )?[\d,]+ [a-z-]+) (?P<verb>{'|'.join(_VERBS)})\b")


def singular(text: str) -> str:
    """A message with the noun and the verb after a count of one in the singular; otherwise unchanged.

    Messages are written for several things; the tables of translations contain them in that form.

    >>> singular("cells: 1 cells have no code, 1 of 12 rows are empty")
    'cells: 1 cell has no code, 1 of 12 rows is empty'
    >>> singular("21 cells have no code; level 1 cells are whole")
    '21 cells have no code; level 1 cells are whole'
    """

    def one(found: re.Match[str]) -> str:
        noun, verb = found["noun"], found["verb"]
        said = f"1 {found['adjective']}{_ONES.get(noun, noun.removesuffix('s'))}{found['named']}"
        return said if verb is None else f"{said} {_VERBS[verb]}"

    return _ONE_OF.sub(lambda found: f"{found['of']} {_VERBS[found['verb']]}", _ONE.sub(one, text))
