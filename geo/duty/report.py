"""Reports (上报件): what one person reported, stored as received; corrections are events of the case."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from geo.errors import InputError


class Channel(StrEnum):
    """Channel of a report."""

    PATROL = "patrol"
    PHONE = "phone"
    HOTLINE = "12345"
    MAYOR_MAIL = "mayor_mail"
    VISIT = "visit"
    LETTER = "letter"
    SUPERVISION = "supervision"
    OTHER = "other"


@dataclass(frozen=True)
class Reporter:
    """Person who reported. `contact` is personal: encrypted in the database, never in ledgers A to H."""

    name: str = ""
    contact: str = field(default="", repr=False)
    wants_reply: bool = False
    confidential: bool = False


@dataclass(frozen=True)
class Report:
    """One report.

    Attributes
    ----------
    report_id
        Number of the report.
    received_at
        Time of receipt by the street; timezone-aware. `taken_at` is the time of receipt by a hotline or the city, if known.
    external_no
        Number at the hotline or in the mailbox.
    lon, lat, datum
        Position as given; missing if unknown. `address_text` may be given instead.
    third, second, community, division_version
        Cells of the position at that time, and the version of the division; empty outside all cells and without a position.
    photos
        SHA-256 of each photo; photos are optional.
    case_id
        The case created or joined by the report; merges are links between cases.
    """

    report_id: str
    received_at: dt.datetime
    channel: Channel
    text: str
    external_no: str = ""
    taken_at: dt.datetime | None = None
    standard_ref: str = ""
    kind: str = ""
    lon: float | None = None
    lat: float | None = None
    datum: str = "WGS-84"
    address_text: str = ""
    third: str = ""
    second: str = ""
    community: str = ""
    division_version: str = ""
    photos: tuple[str, ...] = ()
    reporter: Reporter = field(default_factory=Reporter)
    entered_by: str = ""
    client_id: str | None = None
    case_id: str = ""

    def __post_init__(self) -> None:
        if self.received_at.tzinfo is None:
            raise InputError(f"report {self.report_id}: the time {self.received_at} has no zone; give one")
        if not self.text.strip():
            raise InputError(f"report {self.report_id}: says nothing; a report needs a text")
        if (self.lon is None) != (self.lat is None):
            raise InputError(f"report {self.report_id}: has one coordinate only; give both or none")
        try:
            object.__setattr__(self, "channel", Channel(self.channel))
        except ValueError as error:
            raise InputError(
                f"report {self.report_id}: '{self.channel}' is not a known channel; use {', '.join(Channel)}"
            ) from error
