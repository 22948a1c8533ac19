"""The navigation of the pages of the server: one list of pages, in display order.

A page is added by one line in :data:`ENTRIES`: its path and its name in Chinese and English. The server shows an entry if the
application has a ``GET`` route with this path and the caller has the required right (``api.routes.navigation``), so an entry may
precede its page. Templates of pages extend ``frame.html`` (see :mod:`maps.pages.frame`), which contains the navigation; served
maps get it in their payload.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One page: its path and its name.

    Attributes
    ----------
    path
        Path of the page, such as ``/coverage``.
    zh, en
        Name in Chinese and English, short enough for a bar of ten.
    """

    path: str
    zh: str
    en: str


ENTRIES = (
    Entry("/", "今日", "Today"),
    Entry("/me", "我的网格", "My grid"),
    Entry("/coverage", "巡查", "Patrols"),
    Entry("/checker", "核验", "Checking"),
    Entry("/heat", "案件", "Incidents"),
    Entry("/desk", "受理", "Desk"),
    Entry("/board", "办件", "Cases"),
    Entry("/roster", "值守", "On duty"),
    Entry("/notices", "通知", "Notices"),
    Entry("/rectification", "整改", "Rectification"),
    Entry("/meeting", "例会", "Meeting"),
    Entry("/ledgers", "台账", "Ledgers"),
    Entry("/brief", "简报", "Brief"),
    Entry("/fairness", "均衡", "Fairness"),
    Entry("/plan", "划分", "Plan"),
    Entry("/ogc", "数据服务", "Data service"),
)


def shown_entries(existing: Container[str]) -> list[Entry]:
    """Entries of the existing pages, in display order.

    >>> [entry.en for entry in shown_entries({"/heat", "/"})]
    ['Today', 'Incidents']
    """
    return [entry for entry in ENTRIES if entry.path in existing]
