"""A report (上报件): what one person reported. It is kept as received; corrections are events of its case."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from geo.errors import InputError


class Channel(StrEnum):
    """How a report came in."""

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
    """Who reported. `contact` is personal: encrypted in the store, never in ledgers A to H."""

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
        When the street received it; aware. When a hotline or the city took it is `taken_at`, where that is known.
    external_no
        Number at the hotline or in the mailbox.
    lon, lat, datum
        Place, as given; missing where the place is not known. `address_text` may stand instead.
    third, second, community, division_version
        Cells of the place at the time, and the version of the division that says so; empty outside and where there is no place.
    photos
        SHA-256 of each photo; none is asked for.
    case_id
        The case that it belongs to from the start; merges are links between cases.
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
