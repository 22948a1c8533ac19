"""Persons, devices, and holdings of devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api.database.models import DeviceRow, HoldingRow, PersonRow
from api.errors import NotStoredError
from geo.errors import ImpossibleError, InputError

#: Maximum length of the name of a device, person or account.
LONGEST_NAME = 100


@dataclass(frozen=True)
class Device:
    """A device with its present holder."""

    id: int
    name: str
    holder: str | None
    created_at: datetime
    retired_at: datetime | None


def checked_name(name: str, what: str) -> str:
    """A name stripped of surrounding spaces.

    Raises
    ------
    InputError
        If it is empty, too long, or has control characters.
    """
    plain = name.strip()
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise InputError(f"'{name[:50]}' is no name of a {what}: 1 to {LONGEST_NAME} printable characters")
    return plain


def person_of(session: Session, street: int, code: str, *, at: datetime, phone: str | None = None) -> int:
    """Number of a person, by code or name; an unknown person is stored."""
    plain = checked_name(code, "person")
    row = session.scalar(select(PersonRow).where(PersonRow.street == street, PersonRow.code == plain))
    if row is None:
        row = PersonRow(street=street, code=plain, name=plain, office_phone=phone, created_at=at)
        session.add(row)
    elif phone is not None:
        row.office_phone = phone
    session.flush()
    return row.id


def add_device(session: Session, street: int, name: str, *, at: datetime) -> int:
    """Store a device.

    Raises
    ------
    ImpossibleError
        If the street has a device of this name already.
    """
    plain = checked_name(name, "device")
    if session.scalar(select(DeviceRow.id).where(DeviceRow.street == street, DeviceRow.name == plain)):
        raise ImpossibleError(f"there is a device '{plain}' already; choose another name, or make it a new token")
    row = DeviceRow(street=street, name=plain, created_at=at)
    session.add(row)
    session.flush()
    return row.id


def device_id(session: Session, street: int, name: str) -> int:
    """Number of a device.

    Raises
    ------
    NotStoredError
        If there is none of this name.
    """
    found = session.scalar(select(DeviceRow.id).where(DeviceRow.street == street, DeviceRow.name == name))
    if found is None:
        raise NotStoredError(f"there is no device '{name}'")
    return found


def hand_over(session: Session, device: int, person: int | None, *, at: datetime) -> None:
    """Assign a device to a person from `at` on, ending the present holding; None: to nobody.

    Raises
    ------
    InputError
        If the present holding starts after `at`.
    """
    present = session.scalar(
        select(HoldingRow)
        .where(HoldingRow.device_id == device, HoldingRow.valid_to.is_(None))
        .order_by(HoldingRow.valid_from.desc())
    )
    if present is not None:
        if present.valid_from > at:
            raise InputError(
                f"the device has its present holder since {present.valid_from.isoformat()}, later than {at}"
            )
        present.valid_to = at
    if person is not None:
        session.add(HoldingRow(device_id=device, person_id=person, valid_from=at))
    session.flush()


def holder_at(session: Session, device: int, at: datetime) -> str | None:
    """Code of the person who held a device at a time."""
    return session.scalar(
        select(PersonRow.code)
        .join(HoldingRow, HoldingRow.person_id == PersonRow.id)
        .where(HoldingRow.device_id == device, HoldingRow.valid_from <= at)
        .where(or_(HoldingRow.valid_to.is_(None), HoldingRow.valid_to > at))
    )


def holdings(session: Session, street: int) -> list[tuple[int, str, datetime, datetime | None]]:
    """All holdings of a street: device, code of the person, from and to."""
    query = (
        select(HoldingRow.device_id, PersonRow.code, HoldingRow.valid_from, HoldingRow.valid_to)
        .join(PersonRow, PersonRow.id == HoldingRow.person_id)
        .where(PersonRow.street == street)
        .order_by(HoldingRow.device_id, HoldingRow.valid_from)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query)]


def list_devices(session: Session, street: int) -> list[Device]:
    """Devices of a street by name, each with its present holder."""
    query = (
        select(DeviceRow, PersonRow.code)
        .outerjoin(HoldingRow, (HoldingRow.device_id == DeviceRow.id) & HoldingRow.valid_to.is_(None))
        .outerjoin(PersonRow, PersonRow.id == HoldingRow.person_id)
        .where(DeviceRow.street == street)
        .order_by(DeviceRow.name)
    )
    return [Device(row.id, row.name, code, row.created_at, row.retired_at) for row, code in session.execute(query)]


def device_names(session: Session, street: int) -> dict[str, int]:
    """Numbers of a street's active devices, by name."""
    query = select(DeviceRow.name, DeviceRow.id).where(DeviceRow.street == street, DeviceRow.retired_at.is_(None))
    return {str(row[0]): int(row[1]) for row in session.execute(query)}


def office_phone(session: Session, street: int, code: str) -> tuple[str, str | None] | None:
    """Name and office telephone of a person, by code."""
    row = session.scalar(select(PersonRow).where(PersonRow.street == street, PersonRow.code == code))
    return None if row is None else (row.name, row.office_phone)
