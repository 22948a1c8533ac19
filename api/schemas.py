"""Bodies of requests and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from api.ingest.fix import datum_name

if TYPE_CHECKING:
    from api.snapshot import Place, Snapshot


RoleName = Literal[
    "administrator", "planner", "leader", "checker", "supervisor", "community", "officer", "clerk", "resident"
]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
DatumName = Annotated[Literal["WGS-84", "CGCS2000", "GCJ-02", "BD-09"], BeforeValidator(datum_name)]


class Problem(BaseModel):
    """An error (RFC 9457); ``title`` is in Chinese and English, ``zh`` and ``en`` are complete sentences."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["未登录 Unauthorized"])
    status: int = Field(examples=[401])
    detail: str
    zh: str = Field(examples=["请登录，或发送令牌（Authorization: Bearer）"])
    en: str = Field(examples=["log in, or send a token (Authorization: Bearer)"])
    instance: str
    kind: str | None = None
    errors: list[dict[str, str]] | None = None


class Health(BaseModel):
    """State of the server, and the version of the division in force."""

    status: Literal["ok", "no division"]
    division: int | None


class Ready(BaseModel):
    """Whether database and index are available."""

    ready: bool
    reason: str | None


class Login(BaseModel):
    """Name and password of an account."""

    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=1, max_length=200)


class NewPassword(BaseModel):
    """A new password, and the present one if the account has one."""

    present: str | None = Field(default=None, max_length=200)
    new: str = Field(max_length=200)


class GrantBody(BaseModel):
    """A role, and the code of the community or grid to which it is limited; empty: the whole street."""

    role: RoleName
    scope: str = Field(default="", max_length=50)


class Me(BaseModel):
    """The caller's account and roles."""

    kind: Literal["session", "program", "device"]
    name: str
    grants: list[GrantBody]


class NewAccount(BaseModel):
    """A new account; `person` is the code of its person in the roster."""

    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    grants: list[GrantBody] = Field(min_length=1, max_length=50)
    person: str = Field(default="", max_length=100, pattern=r"^[^\x00]*$")


class AccountBody(BaseModel):
    """An account."""

    id: int
    name: str
    grants: list[GrantBody]
    created_at: datetime
    disabled_at: datetime | None


class Link(BaseModel):
    """A one-time link, shown once."""

    link: str


class NewDevice(BaseModel):
    """A new device."""

    name: str = Field(min_length=1, max_length=100, pattern=r"\S")
    holder: str | None = Field(default=None, min_length=1, max_length=100, pattern=r"\S")


class DeviceBody(BaseModel):
    """A device and its present holder."""

    name: str
    holder: str | None
    created_at: datetime
    retired_at: datetime | None


class DeviceToken(BaseModel):
    """A device and its token, which is shown once."""

    device: str
    token: str


class OwnData(BaseModel):
    """Stored data about an account and its person."""

    account: dict[str, Any]
    roles: list[dict[str, Any]]
    person: dict[str, Any] | None
    devices: list[dict[str, Any]]
    fixes: list[dict[str, Any]]
    incidents: list[dict[str, Any]]
    audit: list[dict[str, Any]]


class FixOut(BaseModel):
    """A stored fix in WGS-84."""

    device: str
    time: datetime
    lon: float
    lat: float
    accuracy_m: float | None
    speed_m_s: float | None
    mock: bool | None
    future: bool
    received: datetime


class RefusedFix(BaseModel):
    """A refused fix: its position in the request, from 0, and the reason."""

    position: int
    reason: str = Field(examples=["纬度 132.0 不在-90至90之间 lat 132.0 is not from -90 to 90"])


class Stored(BaseModel):
    """Result for the fixes of a request."""

    stored: int
    repeated: int
    conflicting: int
    refused: list[RefusedFix]


class AuditEntry(BaseModel):
    """A change or access with its actor."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class DivisionSummary(BaseModel):
    """Summary of a version of a division."""

    version: int
    street_code: str
    street_name: str | None
    valid_from: date
    published_at: datetime | None
    crs: str
    communities: int
    seconds: int
    thirds: int
    area_km2: float
    population: int | None
    digest: str
    note: str | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> DivisionSummary:
        """Summary of a snapshot; the area is ellipsoidal."""
        from geo.layers import area_m2
        from geo.layers.columns import POPULATION

        version, street = snapshot.version, snapshot.division.street
        people = street[POPULATION].sum() if POPULATION in street.columns and street[POPULATION].notna().any() else None
        communities, seconds, thirds = version.counts
        return cls(
            version=version.id,
            street_code=version.street_code,
            street_name=version.street_name,
            valid_from=version.valid_from,
            published_at=version.published_at,
            crs=f"EPSG:{version.srid}",
            communities=communities,
            seconds=seconds,
            thirds=thirds,
            area_km2=round(float(area_m2(street.geometry).sum()) / 1e6, 6),
            population=None if people is None else round(float(people)),
            digest=version.digest,
            note=version.note,
        )


class CellName(BaseModel):
    """A cell that contains the point."""

    code: str
    name: str | None
    leader: str | None


class Located(BaseModel):
    """Location of a point; the three cells are null outside the street."""

    lon: float
    lat: float
    datum: str
    inside: bool
    community: CellName | None
    second: CellName | None
    third: CellName | None

    @classmethod
    def of(cls, lon: float, lat: float, datum: str, place: Place) -> Located:
        """Build the answer for one point."""
        cells: dict[str, Any] = dict.fromkeys(("community", "second", "third"))
        cells |= {level.layer: cell for level, cell in place.cells.items()}
        return cls(lon=lon, lat=lat, datum=datum, inside=place.inside, **cells)


class LocateMany(BaseModel):
    """Points to locate: longitude and latitude in degrees on one datum."""

    datum: DatumName
    points: list[tuple[Longitude, Latitude]] = Field(min_length=1, max_length=10_000)


class Resident(BaseModel):
    """The grid around a point, its leader and the leader's office telephone."""

    inside: bool
    grid: str | None
    community: str | None
    leader: str | None
    office_phone: str | None


class VerdictOut(BaseModel):
    """The verdict for a grid and day."""

    code: str
    day: date
    verdict: Literal["met", "short", "not_visited", "unknown"]
    visits: int
    required: int
    uncounted: int
    enough_probability: float | None
    visits_expected: float | None
    visits_hidden: float | None
    present_s: float
    unknown_s: float
    rules: str
    reason_zh: str
    reason_en: str


class OwnGrid(BaseModel):
    """A grid of the caller with the verdict stored last for a day; `made_at` is null where nothing was observed."""

    code: str
    name: str
    verdict: Literal["met", "short", "not_visited", "unknown"]
    visits: int
    required: int | None
    reason_zh: str
    reason_en: str
    made_at: datetime | None


class VerdictRevision(BaseModel):
    """The verdict on a grid and day as computed at one time."""

    made_at: datetime
    state: Literal["met", "short", "not_visited", "unknown"]
    visits: int
    required: int
    restated: bool
    rules: str
    division: int


class RuleText(BaseModel):
    """A rule set as the text of its TOML file."""

    text: str = Field(min_length=1, max_length=100_000)


Words = Annotated[str, Field(min_length=1, max_length=4000)]


class IncidentIn(BaseModel):
    """A new incident; ``number`` is assigned by the sender."""

    number: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")
    reported_at: datetime
    datum: DatumName
    lon: Longitude
    lat: Latitude
    text: Words
    kind: str | None = Field(default=None, min_length=1, max_length=100)
    address: str | None = Field(default=None, min_length=1, max_length=400)

    @field_validator("text", "kind", "address")
    @classmethod
    def _without_nul(cls, value: str | None) -> str | None:
        if value is not None and "\x00" in value:
            raise ValueError("text has a NUL character")
        return value


class Near(BaseModel):
    """A possible duplicate of an incident."""

    id: int
    number: str
    distance_m: float


class IncidentStored(BaseModel):
    """A stored incident, its cells, and possible duplicates."""

    id: int
    third: str | None
    second: str | None
    community: str | None
    duplicates: list[Near]


class IncidentOut(BaseModel):
    """An incident with its corrections applied, in WGS-84."""

    id: int
    number: str
    reported_at: datetime
    received_at: datetime
    lon: float
    lat: float
    kind: str | None
    text: str
    address: str | None
    third: str | None
    second: str | None
    community: str | None
    corrections: int
    photos: list[str]


class Correction(BaseModel):
    """Corrected fields of an incident, and the reason."""

    reason: Words
    kind: str | None = Field(default=None, min_length=1, max_length=100)
    text: str | None = Field(default=None, min_length=1, max_length=4000)
    address: str | None = Field(default=None, min_length=1, max_length=400)


class PhotoStored(BaseModel):
    """A stored photo."""

    sha256: str
