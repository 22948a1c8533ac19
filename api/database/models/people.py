"""Persons, devices, and holdings of devices."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, UtcDateTime


class PersonRow(Base):
    """A person with a duty in the street; ``code`` is unique there (a staff number, or the name)."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("street", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    code: Mapped[str]
    name: Mapped[str]
    office_phone: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeviceRow(Base):
    """A device that sends fixes. Its name is unique in the street and is called ``device`` in the API."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("street", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class HoldingRow(Base):
    """A person held a device in ``[valid_from, valid_to)``; NULL if open-ended. Intervals of one device do not overlap."""

    __tablename__ = "holding"

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
