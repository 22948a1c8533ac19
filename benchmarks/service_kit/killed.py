"""Operations killed at random moments, and the conditions that must hold after each kill.

An operation runs in a child process that acknowledges each record through a pipe (for fixes: by its HTTP answer). After the
kill everything acknowledged must be in the database, and all other records either completely or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import geopandas as gpd
import shapely
from sqlalchemy import func, inspect, select

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session, upgrade
from api.database.accounts import add_account, add_token
from api.database.drafts.log import get_draft, new_draft
from api.database.migrate import head, revisions
from api.database.models import CellRow, DraftEntryRow, FixRow, VersionRow
from api.plans.keeper import Keeper
from api.settings import Settings
from benchmarks.service_kit.clients import Client, request
from geo.layers import Division, Level, area_m2

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FIXES_IN_BATCH = 50
SENDERS = 4


@dataclass
class Counts:
    """Counts of a kill run; `lost` and `half` must stay 0."""

    kills: int = 0
    acknowledged: int = 0
    unacknowledged_stored: int = 0
    lost: int = 0
    half: int = 0
    hit: int = 0


@dataclass
class Target:
    """The database used, and the records acknowledged so far."""

    url: str
    token: str = ""
    names: list[str] = field(default_factory=list)
    base: int = 0


def small_division() -> Division:
    """One street of 2 communities, 4 second-level and 16 third-level grids of 100 m."""
    rows: dict[Level, list[dict[str, object]]] = {level: [] for level in Level}

    def add(level: Level, code: str, x: int, y: int, wide: int, high: int) -> None:
        box = shapely.box(388_000 + x, 3_552_000 + y, 388_000 + x + wide, 3_552_000 + y + high)
        parent = None if level is Level.STREET else code[:-3]
        rows[level].append({"code": code, "name": code, "level": int(level), "parent": parent, "geometry": box})

    add(Level.STREET, "320113003", 0, 0, 800, 400)
    for i in range(2):
        community = f"320113003{i + 1:03d}"
        add(Level.COMMUNITY, community, i * 400, 0, 400, 400)
        for j in range(2):
            second, x = f"{community}{j + 1:03d}", i * 400 + j * 200
            add(Level.SECOND, second, x, 0, 200, 400)
            for k in range(4):
                add(Level.THIRD, f"{second}{k + 1:03d}", x, k * 100, 200, 100)
    layers = [gpd.GeoDataFrame(rows[level], crs="EPSG:4549") for level in Level]
    return Division(*(layer.assign(area_m2=area_m2(layer.geometry), population=16) for layer in layers))


def serve(target: Target, tell: Callable[[str], None], port: int) -> None:
    """Child: the service itself."""
    import uvicorn

    app = create_app(Settings(database=target.url, follow=False, jobs=False, log="error"))
    tell("up")
    uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=port, log_level="critical", loop="uvloop", http="httptools", ws="none"
        )
    ).run()


def send_fixes(target: Target, port: int, number: int, acknowledged: dict[str, bool]) -> None:
    """Send batches, each with a distinct device and minute, until the server is gone."""

    def run(sender: int) -> None:
        try:
            with Client(port, timeout_s=10) as client:
                for k in range(10_000):
                    key = f"{number}-{sender}-{k}"
                    start = NOW + timedelta(days=number % 20, seconds=(number // 20 * 10_000 + k) * FIXES_IN_BATCH)
                    fixes = [
                        {
                            "device": f"D{sender:03d}",
                            "time": (start + timedelta(seconds=n)).isoformat(),
                            "lon": 118.8,
                            "lat": 32.1,
                        }
                        for n in range(FIXES_IN_BATCH)
                    ]
                    acknowledged[key] = False
                    sent = request("POST", "/api/fixes", body={"datum": "WGS-84", "fixes": fixes}, token=target.token)
                    acknowledged[key] = client.exchange(sent)[0] == 200
        except OSError:
            return

    threads = [threading.Thread(target=run, args=(k,)) for k in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check_fixes(target: Target, number: int, acknowledged: dict[str, bool], counts: Counts) -> None:
    """Each batch is stored completely, or not at all if it was not acknowledged."""
    engine = open_store(target.url)
    with session(engine) as opened:
        for key, known in acknowledged.items():
            _, sender, k = map(int, key.split("-"))
            start = NOW + timedelta(days=number % 20, seconds=(number // 20 * 10_000 + k) * FIXES_IN_BATCH)
            first = int(start.timestamp()) * 1_000_000
            query = select(func.count()).where(
                FixRow.street == 1,
                FixRow.device == sender + 1,
                FixRow.time_us >= first,
                FixRow.time_us < first + FIXES_IN_BATCH * 1_000_000,
            )
            there = opened.scalar(query)
            counts.acknowledged += known
            counts.lost += known and there == 0
            counts.half += there not in (0, FIXES_IN_BATCH)
            counts.unacknowledged_stored += not known and there == FIXES_IN_BATCH
    engine.dispose()


def import_versions(target: Target, tell: Callable[[str], None]) -> None:
    """Child: store drafts of a division one after the other."""
    division, engine = small_division(), open_store(target.url)
    tell("up")
    while True:
        with session(engine, write=True) as opened:
            number = add_version(opened, division, valid_from=date(2026, 1, 1), created_at=NOW).id
        tell(str(number))


def publish_versions(target: Target, tell: Callable[[str], None]) -> None:
    """Child: store and publish versions one after the other."""
    division, engine = small_division(), open_store(target.url)
    tell("up")
    while True:
        with session(engine, write=True) as opened:
            number = add_version(opened, division, valid_from=date(2026, 1, 1), created_at=NOW).id
        with session(engine, write=True) as opened:
            publish(opened, number, published_at=NOW)
        tell(str(number))


def send_edits(target: Target, port: int, number: int, acknowledged: dict[str, bool]) -> None:
    """Rename cells of a draft over HTTP, one request after the other, until the server is gone."""
    codes = small_division().third["code"].tolist()
    try:
        with Client(port, timeout_s=10) as client:
            for k in range(10_000):
                key = f"{number}-{k}"
                edits = [{"edit": "Rename", "code": code, "name": f"{key}-{code[-3:]}"} for code in codes[k % 8 :: 8]]
                acknowledged[key] = False
                body = {"id": key, "client": "kills", "edits": edits}
                sent = request("POST", "/api/drafts/1/edits", body=body, token=target.token)
                status, answer = client.exchange(sent)
                acknowledged[key] = status == 200
                if status != 200:
                    raise RuntimeError(f"an edit is answered with {status}: {answer[:500]!r}")
    except OSError:
        return


def migrate(target: Target, tell: Callable[[str], None]) -> None:
    """Child: upgrade an empty database to the current schema."""
    engine = open_store(target.url, must_exist=False)
    tell("up")
    upgrade(engine)
    tell("done")


def check_versions(target: Target, told: list[str], counts: Counts, *, published: bool) -> None:
    """Every version has all its cells; acknowledged ones are stored, and published if that was acknowledged."""
    engine = open_store(target.url)
    with session(engine) as opened:
        cells = dict(opened.execute(select(CellRow.version_id, func.count()).group_by(CellRow.version_id)).all())
        known = {row.id: row for row in opened.scalars(select(VersionRow).where(VersionRow.id > target.base))}
        for number, row in known.items():
            counts.half += cells.get(number, 0) != 1 + row.communities + row.seconds + row.thirds
        counts.half += sum(number not in known for number in cells if number > target.base)
        acknowledged = {int(text) for text in told}
        counts.acknowledged += len(acknowledged)
        for number in acknowledged:
            counts.lost += number not in known or (published and known[number].published_at is None)
        counts.unacknowledged_stored += len(set(known) - acknowledged)
        target.base = max([target.base, *known])
    engine.dispose()


def check_draft(target: Target, number: int, acknowledged: dict[str, bool], counts: Counts) -> None:
    """The log has every acknowledged edit, without a gap; the cells of the resulting draft have the names of complete edits."""
    engine = open_store(target.url)
    with session(engine) as opened:
        rows = opened.execute(select(DraftEntryRow.revision, DraftEntryRow.key).order_by(DraftEntryRow.revision)).all()
        counts.half += [row[0] for row in rows] != list(range(1, len(rows) + 1))
        counts.half += get_draft(opened, 1, 1).revision != len(rows)
        there = {row[1] for row in rows}
    for key, known in acknowledged.items():
        counts.acknowledged += known
        counts.lost += known and key not in there
        counts.unacknowledged_stored += not known and key in there
    with Keeper(engine, "").use(1, 1) as opened_draft:
        names = dict(zip(*(opened_draft.draft.division().third[column] for column in ("code", "name")), strict=True))
    ours = {key for key in there if key.startswith(f"{number}-")}
    for first in range(8):
        # All cells of one edit have the name given by the last stored one.
        stored = [key for key in ours if int(key.split("-")[1]) % 8 == first]
        if stored:
            last = max(stored, key=lambda key: int(key.split("-")[1]))
            counts.half += any(names[code] != f"{last}-{code[-3:]}" for code in list(names)[first::8])
    engine.dispose()


def check_migration(target: Target, told: list[str], counts: Counts) -> None:
    """The database is empty or has the complete schema, and another migration succeeds."""
    engine = open_store(target.url, must_exist=False)
    found, _ = revisions(engine)
    tables = set(inspect(engine).get_table_names()) - {"spatial_ref_sys"}
    counts.half += not ((found is None and not tables) or found == head())
    counts.hit += "done" not in told
    counts.acknowledged += "done" in told
    counts.lost += "done" in told and found != head()
    counts.unacknowledged_stored += "done" not in told and found == head()
    counts.half += upgrade(engine)[1] != head()
    engine.dispose()


def prepare_draft(target: Target) -> None:
    """A published version, a draft on it, and the token of a planner."""
    engine = open_store(target.url)
    with session(engine, write=True) as opened:
        version = add_version(opened, small_division(), valid_from=date(2026, 1, 1), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
        new_draft(
            opened, street=1, key="kills", name="kills", version_id=version.id, created_at=NOW, created_by="kills"
        )
        account = add_account(opened, 1, "kills", [Grant(Role.PLANNER)], at=NOW, by="benchmark")
        target.token = add_token(opened, "program", account=account, at=NOW).text
    engine.dispose()
