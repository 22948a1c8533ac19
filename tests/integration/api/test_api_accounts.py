"""What the database says about tokens, logins, jobs and one's own data, at the boundaries; on SQLite, without a server."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select
from starlette.requests import Request

from api.access import Caller, Grant, Role, oidc
from api.access.admission import require_same_site
from api.access.own_data import own_data
from api.background_jobs import job_table as jobs
from api.database import open_store, session
from api.database.accounts import (
    access_generation,
    add_account,
    add_link,
    add_token,
    caller_of_token,
    change_grants,
    disable,
    failed_logins,
    grants_of,
    has_administrator,
    note_login,
    use_link,
)
from api.database.events import audit
from api.database.incidents import add_incident
from api.database.models import DeviceRow, LoginAttemptRow, TokenRow
from api.database.people import add_device
from api.duty.desk import roles_in
from api.errors import DeniedError, UnknownCallerError
from api.ingest import phones
from api.ingest.decode import MOST_FIXES, Context, read_batch
from geo.errors import ImpossibleError, InputError

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture
def opened(empty_store, tmp_path):
    engine = open_store(shutil.copy(empty_store, tmp_path / "store.sqlite"))
    with session(engine, write=True) as found:
        yield found
    engine.dispose()


@pytest.fixture
def account(opened):
    return add_account(opened, 1, "zhang", [Grant(Role.CHECKER)], at=NOW, by="test")


def test_an_administrator_who_is_disabled_is_none(opened, account):
    assert not has_administrator(opened, 1)
    chief = add_account(opened, 1, "chief", [Grant(Role.ADMINISTRATOR)], at=NOW, by="test")
    assert has_administrator(opened, 1)
    disable(opened, chief, at=NOW)
    assert not has_administrator(opened, 1)


def test_tokens_end_with_their_time_their_account_and_their_device(opened, account):
    short = add_token(opened, "program", account=account, at=NOW, expires_at=NOW + DAY)
    assert caller_of_token(opened, short.sha256, at=NOW + DAY - SECOND).name == "zhang"
    assert caller_of_token(opened, short.sha256, at=NOW + DAY) is None
    link = add_link(opened, account, at=NOW)
    assert caller_of_token(opened, link.sha256, at=NOW) is None, "a link logs in once; it is no token"
    with pytest.raises(UnknownCallerError):
        use_link(opened, link.text, at=NOW + DAY)
    assert use_link(opened, link.text, at=NOW + DAY - SECOND) == account
    device = add_device(opened, 1, "A", at=NOW)
    own = add_token(opened, "device", device=device, at=NOW)
    assert caller_of_token(opened, own.sha256, at=NOW).device == device
    opened.get_one(DeviceRow, device).retired_at = NOW
    opened.flush()
    assert caller_of_token(opened, own.sha256, at=NOW) is None
    program = add_token(opened, "program", account=account, at=NOW)
    disable(opened, account, at=NOW + SECOND)
    assert caller_of_token(opened, program.sha256, at=NOW) is None
    revoked = opened.scalars(select(TokenRow.revoked_at).where(TokenRow.account_id == account)).all()
    assert set(revoked) == {NOW + SECOND}, "they do not work again if the account does"


def test_other_grants_replace_those_of_before(opened, account):
    before = access_generation(opened)
    change_grants(opened, account, [Grant(Role.OFFICER, "1")], at=NOW, by="test")
    assert grants_of(opened, account) == (Grant(Role.OFFICER, "1"),)
    middle = access_generation(opened)
    change_grants(opened, account, [], at=NOW, by="test")
    assert grants_of(opened, account) == ()
    emptied = access_generation(opened)
    device = add_device(opened, 1, "A", at=NOW)
    with_device = access_generation(opened)
    opened.get_one(DeviceRow, device).retired_at = NOW
    opened.flush()
    seen = [before, middle, emptied, with_device, access_generation(opened)]
    assert len(set(seen)) == 5, "servers notice each change"


def test_failed_logins_count_by_name_and_by_address(opened):
    since = NOW - timedelta(hours=1)
    note_login(opened, "zhang", "10.0.0.1", at=NOW, succeeded=False)
    note_login(opened, "li", "10.0.0.1", at=NOW + SECOND, succeeded=False)
    note_login(opened, "zhang", "10.0.0.2", at=NOW + 2 * SECOND, succeeded=False)
    assert failed_logins(opened, "zhang", "10.0.0.1", since=since) == (3, NOW)
    assert failed_logins(opened, "wang", "10.0.0.1", since=since)[0] == 2, "many names from one address"
    # Somebody else's success there, or one's own elsewhere, does not reset the count; one's own there does.
    note_login(opened, "li", "10.0.0.1", at=NOW + 3 * SECOND, succeeded=True)
    note_login(opened, "zhang", "10.0.0.2", at=NOW + 3 * SECOND, succeeded=True)
    assert failed_logins(opened, "zhang", "10.0.0.1", since=since)[0] == 3
    note_login(opened, "zhang", "10.0.0.1", at=NOW + 4 * SECOND, succeeded=True)
    assert failed_logins(opened, "zhang", "10.0.0.1", since=since) == (0, None)


def test_addresses_of_logins_are_kept_for_a_week(opened):
    for days in (0, 1, 8):
        note_login(opened, "zhang", "10.0.0.1", at=NOW + days * DAY, succeeded=False)
    assert opened.scalars(select(LoginAttemptRow.at)).all() == [NOW + DAY, NOW + 8 * DAY]


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, False),
        ("DELETE", {"sec-fetch-site": "cross-site"}, True),
        ("POST", {"sec-fetch-site": "same-site"}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, False),
        ("POST", {"sec-fetch-site": "none"}, False),
        ("POST", {"origin": "null"}, True),
        ("POST", {"origin": "https://grid.example:8443"}, True),
        ("POST", {"origin": "https://grid.example"}, False),
        ("POST", {}, False),
    ],
)
def test_only_pages_of_this_service_change_something(method, headers, refused):
    given = [(name.encode(), value.encode()) for name, value in {"host": "grid.example", **headers}.items()]
    request = Request({"type": "http", "method": method, "headers": given, "path": "/api/x", "query_string": b""})
    if refused:
        with pytest.raises(DeniedError):
            require_same_site(request)
    else:
        require_same_site(request)


def test_a_role_holds_in_its_cell_and_below():
    officer = Caller("session", "o", 1, grants=(Grant(Role.OFFICER, "320113003001001"),))
    cells = ("320113003001", "320113003001001", "320113003001001007", "320113003001002")
    assert [bool(roles_in(officer, [code])) for code in cells] == [False, True, True, False]


def test_own_data_are_those_of_the_account(opened, account):
    other = add_account(opened, 1, "li", [Grant(Role.CLERK)], at=NOW, by="test")
    for number, who in ((1, account), (2, other)):
        values = {
            "street": 1,
            "number": f"N{number}",
            "reported_at": NOW,
            "received_at": NOW,
            "lon": 118.8,
            "lat": 32.1,
        }
        more = {
            "datum": "WGS-84",
            "kind": None,
            "text": "",
            "address": "",
            "third": None,
            "second": None,
            "community": None,
        }
        add_incident(opened, {**values, **more, "version_id": None, "account_id": who})
    for actor in ("session:zhang", "program:zhang", "session:li"):
        audit(opened, 1, actor, "look", "somebody", at=NOW)
    audit(opened, 1, "session:li", "disable", "zhang", at=NOW)
    found = own_data(opened, 1, account, NOW, NOW + DAY)
    assert [row["number"] for row in found["incidents"]] == ["N1"]
    assert [(row["actor"], row["action"]) for row in found["audit"]] == [
        ("session:zhang", "look"),
        ("program:zhang", "look"),
        ("session:li", "disable"),
    ]
    assert own_data(opened, 1, account, NOW + SECOND, NOW + DAY)["incidents"] == []
    assert own_data(opened, 1, account, NOW - DAY, NOW)["incidents"] == []


def test_a_provider_signs_with_its_own_key_and_over_tls():
    assert not [name for name in oidc.ALGORITHMS if name.startswith("HS") or name == "none"]
    addresses = (
        "https://login.example",
        "http://127.0.0.1:8000",
        "http://[::1]",
        "http://login.example",
        "ftp://127.0.0.1",
    )
    assert [oidc._safe(address) for address in addresses] == [True, True, True, False, False]


def test_a_cancelled_job_stops_and_has_no_result(opened, account):
    number = jobs.add_job(opened, 1, account, "divide", {}, at=NOW)
    assert jobs.take_job(opened, "w1", at=NOW) == number
    jobs.report(opened, number, "w1", "half", 7.0)
    assert jobs.get_job(opened, 1, number, account)["progress"] == 1.0
    assert jobs.renew(opened, number, "w1", at=NOW)
    assert not jobs.renew(opened, number, "w2", at=NOW)
    jobs.cancel(opened, 1, number, account, at=NOW)
    assert not jobs.renew(opened, number, "w1", at=NOW), "the worker hears of it"
    assert not jobs.finish(opened, number, "w1", {"a": 1}, at=NOW)
    jobs.give_up(opened, number, "w1", "cancelled", at=NOW)
    shown = jobs.get_job(opened, 1, number, account)
    assert (shown["state"], shown["message"], shown["result"]) == ("cancelled", "", None)


def test_a_lease_holds_until_its_end_and_fifty_jobs_wait(opened, account):
    number = jobs.add_job(opened, 1, account, "divide", {}, at=NOW)
    assert jobs.take_job(opened, "w1", at=NOW) == number
    assert jobs.take_job(opened, "w2", at=NOW + jobs.LEASE) is None
    assert jobs.take_job(opened, "w2", at=NOW + jobs.LEASE + SECOND) == number
    assert not jobs.finish(opened, number, "w1", {}, at=NOW), "the lease is another worker's"
    for _ in range(50):
        jobs.add_job(opened, 1, account, "divide", {}, at=NOW)
    with pytest.raises(ImpossibleError, match="50 jobs wait"):
        jobs.add_job(opened, 1, account, "divide", {}, at=NOW)


def test_what_a_phone_does_not_know_is_not_stored():
    fields = {"id": "A", "lat": "32.1", "lon": "118.8", "timestamp": "1772424000", "speed": "-1", "accuracy": "-1"}
    report = phones.osmand(fields)
    assert report.speed_m_s is None
    now_us = report.time_us - 60_000_000
    fix = report.fix(street=1, device=1, source=0, now_us=now_us, future_after_us=60_000_000)
    assert (fix.accuracy_m, fix.future) == (None, 0)
    assert report.fix(street=1, device=1, source=0, now_us=now_us - 1, future_after_us=60_000_000).future == 1
    flags = ("1", "true", "YES", "0", "false", "")
    assert [phones.osmand({**fields, "mock": flag}).mock for flag in flags] == [True, True, True, False, False, None]


def test_a_batch_has_twenty_thousand_fixes_at_most():
    one = {"device": "A", "time": "2026-03-02T04:00:00Z", "lon": 118.8, "lat": 32.1}
    context = Context(Caller("program", "p", 1), {"A": 1}, 1_772_424_000_000_000, 0)
    body = msgspec.json.encode({"datum": "WGS-84", "fixes": [one] * MOST_FIXES})
    assert len(read_batch(body, context).rows) == 20_000
    with pytest.raises(InputError, match="not a batch"):
        read_batch(msgspec.json.encode({"datum": "WGS-84", "fixes": [one] * 20_001}), context)
