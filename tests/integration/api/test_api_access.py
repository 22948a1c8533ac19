"""Accounts and rights: logins, sessions, and every role against every route."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from starlette.routing import Mount

from api.access import Caller, Grant, Right, Role, allowed, passwords
from api.access.admission import COOKIE
from api.access.rights import RIGHTS, scopes
from api.access.secrets import digest, new_secret
from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.database.accounts import (
    add_account,
    add_link,
    add_token,
    change_grants,
    disable,
    set_password,
    start_session,
)
from api.database.people import add_device, hand_over, holder_at, person_of
from api.openapi import routes_of
from api.settings import Settings
from geo.errors import ImpossibleError, InputError
from maps.pages.navigation import ENTRIES
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PASSWORD = "three old bridges"
ROLES = [role.value for role in Role]
EVERYBODY = {*ROLES, "device", "public"}
ACCOUNTS = set(ROLES)
LOGGED_IN = {*ROLES, "device"}
A = "administrator"
PLANNERS = {A, "planner"}
LEDGER_READERS = {A, "leader", "supervisor", "community", "officer", "clerk"}

#: Accounts allowed on each route, written by hand. A route that is missing here fails the test below.
TABLE: dict[tuple[str, str], set[str]] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/today.{ending}"): ACCOUNTS - {"clerk", "resident"},
    ("GET", "/plan"): PLANNERS,
    ("GET", "/checker"): {A, "checker"},
    ("GET", "/coverage"): ACCOUNTS - {"clerk", "resident"},
    ("GET", "/heat"): ACCOUNTS - {"resident"},
    ("GET", "/qr"): EVERYBODY,
    ("GET", "/fairness"): ACCOUNTS - {"resident"},
    ("GET", "/health"): EVERYBODY,
    ("GET", "/ready"): EVERYBODY,
    ("GET", "/metrics"): {A},
    ("GET", "/openapi.json"): EVERYBODY,
    ("GET", "/api/locate"): EVERYBODY,
    ("POST", "/api/locate"): EVERYBODY,
    ("GET", "/api/resident"): EVERYBODY,
    ("GET", "/locate"): EVERYBODY,
    ("GET", "/layers/{level}.geojson"): EVERYBODY,
    ("GET", "/divisions/current"): EVERYBODY,
    ("GET", "/login"): EVERYBODY,
    ("POST", "/login"): EVERYBODY,
    ("GET", "/login/{link}"): EVERYBODY,
    ("GET", "/sso"): EVERYBODY,
    ("GET", "/sso/callback"): EVERYBODY,
    ("POST", "/api/login"): EVERYBODY,
    ("POST", "/api/logout"): LOGGED_IN,
    ("GET", "/api/me"): LOGGED_IN,
    ("GET", "/api/me/data"): LOGGED_IN,
    ("POST", "/api/me/password"): LOGGED_IN,
    ("GET", "/api/divisions/current"): ACCOUNTS - {"resident"},
    ("GET", "/api/layers/{level}.geojson"): ACCOUNTS - {"resident"},
    ("GET", "/api/accounts"): {A},
    ("POST", "/api/accounts"): {A},
    ("PUT", "/api/accounts/{name}/grants"): {A},
    ("DELETE", "/api/accounts/{name}"): {A},
    ("GET", "/api/devices"): {A},
    ("POST", "/api/devices"): {A},
    ("PUT", "/api/devices/{name}/holder"): {A},
    ("GET", "/api/audit"): {A},
    ("POST", "/api/fixes"): {A, "checker", "device"},
    ("POST", "/api/fixes/files"): {A, "checker", "device"},
    ("GET", "/api/tracks/{device}"): {A, "checker"},
    ("GET", "/api/verdicts"): ACCOUNTS - {"clerk", "resident"},
    ("GET", "/api/me/grids"): ACCOUNTS - {"clerk", "resident"},
    ("GET", "/api/verdicts/{day}/{code}"): ACCOUNTS - {"clerk", "resident"},
    ("GET", "/api/verdicts/{day}/{code}/evidence"): {A, "checker"},
    ("GET", "/api/due"): ACCOUNTS - {"clerk", "resident"},
    ("GET", "/api/coverage"): ACCOUNTS - {"clerk", "resident"},
    ("POST", "/api/rules"): {A, "planner"},
    ("GET", "/api/events"): ACCOUNTS - {"clerk", "resident"},
    ("GET", "/api/incidents"): ACCOUNTS - {"resident"},
    ("POST", "/api/incidents"): {A, "community", "officer", "clerk"},
    ("GET", "/api/incidents/{number}"): ACCOUNTS - {"resident"},
    ("POST", "/api/incidents/{number}/corrections"): {A, "clerk"},
    ("POST", "/api/incidents/{number}/photos"): {A, "community", "officer", "clerk"},
    ("GET", "/api/incidents/{number}/photos/{sha256}"): ACCOUNTS - {"resident"},
    ("GET", "/api/jobs"): {A, "planner", "checker"},
    ("POST", "/api/jobs"): {A, "planner", "checker"},
    ("GET", "/api/jobs/{number}"): {A, "planner", "checker"},
    ("DELETE", "/api/jobs/{number}"): {A, "planner", "checker"},
    ("GET", "/ogc"): EVERYBODY,
    ("GET", "/ogc/"): EVERYBODY,
    ("GET", "/ogc/help"): EVERYBODY,
    ("GET", "/ogc/conformance"): EVERYBODY,
    ("GET", "/ogc/api"): EVERYBODY,
    ("GET", "/ogc/collections"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/queryables"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/schema"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/items"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/items/{feature}"): EVERYBODY,
    ("GET", "/api/drafts"): PLANNERS,
    ("POST", "/api/drafts"): PLANNERS,
    ("GET", "/api/drafts/{number}"): PLANNERS,
    ("GET", "/api/drafts/{number}/snapshot"): PLANNERS,
    ("GET", "/api/drafts/{number}/layers/{name}"): PLANNERS,
    ("POST", "/api/drafts/{number}/edits"): PLANNERS,
    ("POST", "/api/drafts/{number}/consequences"): PLANNERS,
    ("GET", "/api/drafts/{number}/consequences/{key}"): PLANNERS,
    ("POST", "/api/drafts/{number}/undo"): PLANNERS,
    ("POST", "/api/drafts/{number}/redo"): PLANNERS,
    ("GET", "/api/drafts/{number}/events"): PLANNERS,
    ("GET", "/api/drafts/{number}/comments"): PLANNERS,
    ("POST", "/api/drafts/{number}/comments"): PLANNERS,
    ("POST", "/api/drafts/{number}/comments/{comment}/replies"): PLANNERS,
    ("POST", "/api/drafts/{number}/comments/{comment}/resolve"): PLANNERS,
    ("POST", "/api/drafts/{number}/presence"): PLANNERS,
    ("GET", "/ogc/tileMatrixSets"): EVERYBODY,
    ("GET", "/ogc/tileMatrixSets/{set}"): EVERYBODY,
    ("GET", "/ogc/tiles"): EVERYBODY,
    ("GET", "/ogc/tiles/WebMercatorQuad"): EVERYBODY,
    ("GET", "/ogc/tiles/WebMercatorQuad/tilejson"): EVERYBODY,
    ("GET", "/ogc/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/tiles"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/tiles/WebMercatorQuad"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/tiles/WebMercatorQuad/tilejson"): EVERYBODY,
    ("GET", "/ogc/collections/{collection}/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}"): EVERYBODY,
    ("POST", "/ogc/collections/{collection}/items"): {A, "community", "officer", "clerk"},
    ("PUT", "/ogc/collections/{collection}/items/{feature}"): {A, "clerk"},
    ("PATCH", "/ogc/collections/{collection}/items/{feature}"): {A, "clerk"},
    ("DELETE", "/ogc/collections/{collection}/items/{feature}"): {A, "clerk"},
    ("POST", "/api/reports"): {A, "supervisor", "officer", "clerk"},
    ("GET", "/api/reports/{number}"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("POST", "/api/reports/{number}/photos"): {A, "supervisor", "officer", "clerk"},
    ("GET", "/api/reports/{number}/photos/{sha256}"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("GET", "/api/reports/{number}/reporter"): {A, "clerk"},
    ("POST", "/api/reports/{number}/erasure"): {A, "clerk"},
    ("GET", "/api/cases"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("GET", "/api/cases/{number}"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("GET", "/api/cases/{number}/events"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("POST", "/api/cases/{number}/events"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("GET", "/api/cases/{number}/deadlines"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("GET", "/api/cases/{number}/duplicates"): {A, "leader", "supervisor", "community", "officer", "clerk"},
    ("GET", "/api/roster"): ACCOUNTS - {"resident"},
    ("GET", "/api/roster/findings"): ACCOUNTS - {"resident"},
    ("GET", "/api/roster/gaps"): ACCOUNTS - {"resident"},
    ("POST", "/api/roster/absences"): {A, "community"},
    ("DELETE", "/api/roster/absences/{number}"): {A, "community"},
    ("POST", "/api/roster/departures"): {A, "community"},
    ("GET", "/api/shifts"): ACCOUNTS - {"resident"},
    ("POST", "/api/shifts"): {A, "community"},
    ("DELETE", "/api/shifts/{number}"): {A, "community"},
    ("POST", "/api/shifts/swaps"): {A, "community"},
    ("POST", "/api/shifts/files"): {A, "community"},
    ("POST", "/api/shifts/posts"): {A, "community"},
    ("DELETE", "/api/shifts/posts/{number}"): {A, "community"},
    ("GET", "/api/notices"): ACCOUNTS - {"resident"},
    ("POST", "/api/notices"): {A, "leader", "community", "clerk"},
    ("POST", "/api/notices/{number}/receipts"): ACCOUNTS - {"resident"},
    ("GET", "/api/rectifications"): LEDGER_READERS,
    ("POST", "/api/rectifications"): LEDGER_READERS - {"clerk"},
    ("POST", "/api/rectifications/{number}/steps"): LEDGER_READERS - {"clerk"},
    ("POST", "/api/rectifications/{number}/steps/{seq}/photos"): LEDGER_READERS - {"clerk"},
    ("GET", "/api/rectifications/{number}/photos/{sha256}"): LEDGER_READERS,
    ("GET", "/me"): LEDGER_READERS,
    ("GET", "/desk"): LEDGER_READERS,
    ("GET", "/board"): LEDGER_READERS,
    ("GET", "/roster"): ACCOUNTS - {"resident"},
    ("GET", "/notices"): ACCOUNTS - {"resident"},
    ("GET", "/rectification"): LEDGER_READERS,
    ("GET", "/ledgers"): LEDGER_READERS,
    ("GET", "/brief"): LEDGER_READERS,
    ("GET", "/meeting"): LEDGER_READERS,
    ("GET", "/api/duty/ledgers/{kind}.xlsx"): LEDGER_READERS,
    ("GET", "/api/duty/ledgers/{kind}.pdf"): LEDGER_READERS,
    ("POST", "/api/duty/ledgers/{kind}/signature"): LEDGER_READERS - {"clerk"},
    ("POST", "/api/duty/typed"): LEDGER_READERS - {"clerk"},
    ("GET", "/api/duty/papers/{kind}.pdf"): LEDGER_READERS,
    ("GET", "/api/duty/agenda.pdf"): LEDGER_READERS,
    ("GET", "/api/duty/brief.pdf"): LEDGER_READERS,
    ("GET", "/api/duty/brief.docx"): LEDGER_READERS,
    ("GET", "/api/duty/review.xlsx"): LEDGER_READERS,
    ("POST", "/api/duty/meetings"): LEDGER_READERS - {"clerk"},
    ("POST", "/api/duty/decisions"): LEDGER_READERS - {"clerk"},
    ("POST", "/api/duty/decisions/{number}/done"): LEDGER_READERS - {"clerk"},
    ("POST", "/api/drafts/{number}/review"): PLANNERS,
    ("POST", "/api/drafts/{number}/reopen"): PLANNERS,
    ("POST", "/api/drafts/{number}/publish"): PLANNERS,
    ("POST", "/api/drafts/{number}/merge"): PLANNERS,
    ("GET", "/api/drafts/{number}/compare"): PLANNERS,
    ("GET", "/api/drafts/{number}/crosswalk"): PLANNERS,
    ("GET", "/api/drafts/{number}/findings"): PLANNERS,
    ("POST", "/api/drafts/{number}/proposals"): PLANNERS,
    ("POST", "/api/drafts/{number}/proposals/split"): PLANNERS,
    ("GET", "/api/drafts/{number}/history"): PLANNERS,
    ("GET", "/api/drafts/{number}/lineage"): PLANNERS,
    ("GET", "/api/drafts/{number}/month"): PLANNERS,
    ("GET", "/api/drafts/{number}/export"): PLANNERS,
    ("POST", "/api/drafts/{number}/import"): PLANNERS,
    ("GET", "/api/divisions/{version}/lineage"): ACCOUNTS - {"resident"},
    ("GET", "/osmand"): {A, "checker", "device"},
    ("POST", "/osmand"): {A, "checker", "device"},
    ("POST", "/owntracks"): {A, "checker", "device"},
}
#: Statuses of a route that accepts the caller, regardless of the content of the request.
TAKEN = {200, 201, 204, 303, 308, 400, 404, 409, 415, 422}
#: A wrong password, a used link, and a password change by a program or device are rejected because of their content.
TURNED_AWAY = {("POST", "/api/login"), ("POST", "/login"), ("GET", "/login/{link}"), ("POST", "/api/me/password")}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request, tmp_path_factory, division):
    """A server with an account of each role, a device, and a clock that can be set."""
    import shutil

    folder = tmp_path_factory.mktemp("access")
    if request.param == "sqlite":
        address = str(shutil.copy(request.getfixturevalue("empty_store"), folder / "store.sqlite"))
    else:
        address = request.getfixturevalue("postgres").create("access", template="template")
    for name in ("coverage.html", "heat.html"):
        (folder / name).write_text("<!doctype html>", encoding="utf-8")
    engine = open_store(address)
    tokens = {}
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=NOW.date(), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
        for role in Role:
            account = add_account(opened, 1, role, [Grant(role)], at=NOW, by="test")
            tokens[role.value] = add_token(opened, "program", account=account, at=NOW).text
        device = add_device(opened, 1, "A", at=NOW)
        tokens["device"] = add_token(opened, "device", device=device, at=NOW).text
    clock = SimpleNamespace(now=NOW)
    settings = Settings(database=address, pages=folder, login_tries=3, session_hours=1.0, follow=False)
    app = create_app(settings, clock=lambda: clock.now)
    with serving(app) as client:
        yield SimpleNamespace(client=client, tokens=tokens, engine=engine, app=app, clock=clock)
    engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop("access")


@pytest.fixture(autouse=True)
def _fresh(request):
    """Each test starts at noon, without cookies and failed logins."""
    if "service" not in request.fixturenames:
        return
    service = request.getfixturevalue("service")
    service.client.cookies.clear()
    service.clock.now = NOW
    with service.engine.begin() as connection:
        connection.execute(text("DELETE FROM login_attempt"))


@pytest.fixture
def person(service):
    """An account of a person with a password; its name is unique."""
    name = f"p{new_secret('session').text[:8]}"
    with session(service.engine, write=True) as opened:
        number = add_account(opened, 1, name, [Grant(Role.CHECKER)], at=NOW, by="test")
        set_password(opened, number, passwords.hashed(PASSWORD, name), at=NOW)
    return SimpleNamespace(name=name, id=number)


def test_every_route_is_in_the_table(service):
    found = {(method, route.path) for route in routes_of(service.app) for method in route.methods}
    assert {entry for entry in found if entry[0] not in ("HEAD", "OPTIONS")} == set(TABLE)
    mounted = [route.path for route in service.app.routes if isinstance(route, Mount)]
    assert mounted == ["/static"]


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        ("public", ["/"]),
        ("resident", ["/"]),
        ("clerk", ["/", "/heat"]),
        ("checker", ["/", "/coverage", "/heat"]),
    ],
)
def test_navigation_shows_what_the_caller_may_open(service, who, shown):
    headers = {} if who == "public" else {"Authorization": f"Bearer {service.tokens[who]}"}
    page = service.client.get("/", headers=headers).text
    bar = page[page.index('<nav class="pages"') : page.index("</nav>")]
    paths = [entry.path for entry in ENTRIES if f'href="{entry.path}"' in bar]
    assert [path for path in paths if path in ("/", "/coverage", "/heat")] == shown
    known = {route.path for route in routes_of(service.app)}
    assert set(paths) <= known


@pytest.mark.parametrize("who", [*ROLES, "device", "public"])
def test_every_role_against_every_route(service, who):
    """Each combination is tried: callers with the right are accepted, others are rejected with 401 or 403."""
    headers = {} if who == "public" else {"Authorization": f"Bearer {service.tokens[who]}"}
    # A server that answers before it has read the body may close the connection.
    headers["Connection"] = "close"
    wrong = {}
    for (method, path), may in TABLE.items():
        address = path.replace("{level}", "third").replace("{feature}", "nobody").replace("{ending}", "csv")
        # Layers are public, incidents are editable.
        address = address.replace("{collection}", "third" if method == "GET" else "incidents")
        for part in ("{name}", "{device}", "{link}", "{day}", "{code}", "{number}", "{sha256}"):
            address = address.replace(part, "nobody")
        # Without a time zone it is refused after the right was checked; with one a day would be judged.
        address += "?at=2026-03-02T00:00:00" if path == "/api/due" else ""
        content = b"{}" if method != "GET" else None
        with service.client.stream(method, address, headers=headers, content=content) as answer:
            # The stream of events does not end.
            pass
        if who in may:
            good = answer.status_code in TAKEN | ({401, 403} if (method, path) in TURNED_AWAY else set())
        else:
            good = answer.status_code == (401 if who == "public" else 403)
        if not good:
            wrong[method, path] = answer.status_code
    assert wrong == {}


def test_a_token_that_is_not_valid_is_never_the_public(service):
    answer = service.client.get("/api/me", headers={"Authorization": "Bearer wg_api_x"})
    assert answer.status_code == 401
    assert answer.json()["title"] == "未登录 Unauthorized"


class TestScopes:
    """A single function decides; grants are limited to a street, a community or a grid."""

    OFFICER = Caller("session", "o", 1, grants=(Grant(Role.OFFICER, "320113003001001"), Grant(Role.CLERK)))

    def test_the_cell_or_what_is_in_it(self):
        assert allowed(self.OFFICER, Right.SEE_VERDICTS, ["320113003001001"])
        assert allowed(self.OFFICER, Right.SEE_VERDICTS, ["320113003001001007"])
        assert not allowed(self.OFFICER, Right.SEE_VERDICTS, ["320113003001002"])
        assert not allowed(self.OFFICER, Right.SEE_VERDICTS, ["320113003001"])
        assert not allowed(self.OFFICER, Right.SEE_TRACKS)
        assert allowed(self.OFFICER, Right.SEE_INCIDENTS, ["320113003002"])

    def test_a_parent_counts_where_codes_do_not_nest(self):
        merged = Caller("session", "m", 1, grants=(Grant(Role.COMMUNITY, "320113003601"),))
        assert allowed(merged, Right.SEE_VERDICTS, ["X-17", "320113003601"])
        assert not allowed(merged, Right.SEE_VERDICTS, ["X-17"])

    def test_scopes_limit_lists(self):
        assert scopes(self.OFFICER, Right.SEE_VERDICTS) == ("320113003001001",)
        assert scopes(self.OFFICER, Right.SEE_INCIDENTS) is None
        assert scopes(self.OFFICER, Right.SEE_TRACKS) == ()

    def test_residents_have_no_rights_and_devices_one(self):
        assert RIGHTS[Role.RESIDENT] == frozenset()
        device = Caller("device", "A", 1, device=1)
        assert {right for right in Right if allowed(device, right)} == {Right.SEND_FIXES}
        assert RIGHTS[Role.ADMINISTRATOR] == frozenset(Right)
        assert {role for role in Role if Right.SEE_TRACKS in RIGHTS[role]} == {Role.ADMINISTRATOR, Role.CHECKER}


class TestLogin:
    def log_in(self, service, name, password=PASSWORD, **headers):
        return service.client.post("/api/login", json={"name": name, "password": password}, headers=headers)

    def test_a_login_lasts_until_it_is_ended(self, service, person):
        answer = self.log_in(service, person.name)
        assert answer.status_code == 200
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert service.client.get("/api/me").json() == {
            "kind": "session",
            "name": person.name,
            "grants": [{"role": "checker", "scope": ""}],
        }
        secret = service.client.cookies[COOKIE]
        with service.engine.connect() as connection:
            stored = connection.execute(text("SELECT id FROM session")).scalars().all()
        assert digest(secret) in stored
        assert secret not in stored
        assert service.client.post("/api/logout").status_code == 204
        service.client.cookies.set(COOKIE, secret)
        assert service.client.get("/api/me").status_code == 401

    def test_every_login_has_a_session_of_its_own(self, service, person):
        """A session planted by an attacker before the login is not the one used after it."""
        service.client.cookies.set(COOKIE, "planted")
        answer = self.log_in(service, person.name)
        assert "planted" not in answer.headers["set-cookie"]
        service.client.cookies.clear()
        service.client.cookies.set(COOKIE, "planted")
        assert service.client.get("/api/me").status_code == 401

    def test_an_idle_login_ends_and_so_does_an_old_one(self, service, person):
        self.log_in(service, person.name)
        service.clock.now = NOW + timedelta(minutes=59)
        assert service.client.get("/api/me").status_code == 200
        service.clock.now = NOW + timedelta(minutes=118)
        assert service.client.get("/api/me").status_code == 200
        service.clock.now += timedelta(hours=1)
        assert service.client.get("/api/me").status_code == 401
        with session(service.engine, write=True) as opened:
            secret = start_session(opened, person.id, at=NOW, days=0.01).text
        service.client.cookies.clear()
        service.client.cookies.set(COOKIE, secret)
        service.clock.now = NOW + timedelta(minutes=14)
        assert service.client.get("/api/me").status_code == 200
        service.clock.now = NOW + timedelta(minutes=15)
        assert service.client.get("/api/me").status_code == 401

    @pytest.mark.parametrize("change", ["password", "roles", "disabled"])
    def test_a_change_of_the_account_ends_its_logins(self, service, person, change):
        self.log_in(service, person.name)
        with session(service.engine, write=True) as opened:
            if change == "password":
                set_password(opened, person.id, passwords.hashed("another old bridge"), at=NOW)
            elif change == "roles":
                change_grants(opened, person.id, [Grant(Role.CLERK)], at=NOW, by="test")
            else:
                disable(opened, person.id, at=NOW)
        assert service.client.get("/api/me").status_code == 401
        again = self.log_in(service, person.name)
        assert again.status_code == (200 if change == "roles" else 401)

    def test_names_cannot_be_told_from_the_answer(self, service, person):
        wrong = self.log_in(service, person.name, "not the password")
        unknown = self.log_in(service, "nobody", "not the password")
        assert (wrong.status_code, unknown.status_code) == (401, 401)
        assert wrong.json()["detail"] == unknown.json()["detail"]

    def test_after_three_failures_the_right_password_has_to_wait(self, service, person):
        for _ in range(3):
            assert self.log_in(service, person.name, "wrong").status_code == 401
        answer = self.log_in(service, person.name)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "301"
        service.clock.now = NOW + timedelta(seconds=299)
        assert self.log_in(service, person.name).status_code == 429
        service.clock.now = NOW + timedelta(seconds=301)
        assert self.log_in(service, person.name).status_code == 200

    def test_a_success_clears_the_failures_of_its_name_and_address(self, service, person):
        for _ in range(2):
            self.log_in(service, person.name, "wrong")
            service.clock.now += timedelta(seconds=1)
        assert self.log_in(service, person.name).status_code == 200
        service.clock.now += timedelta(seconds=1)
        assert self.log_in(service, person.name, "wrong").status_code == 401
        assert self.log_in(service, person.name).status_code == 200

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Sec-Fetch-Site": "same-origin"}, 204),
            ({"Sec-Fetch-Site": "none"}, 204),
        ],
    )
    def test_a_page_of_another_site_changes_nothing(self, service, person, headers, status):
        self.log_in(service, person.name)
        assert service.client.post("/api/logout", headers=headers).status_code == status
        assert service.client.get("/api/me", headers=headers).status_code == (200 if status == 403 else 401)

    def test_a_link_works_once_and_for_a_day(self, service, person):
        with session(service.engine, write=True) as opened:
            first, second = (add_link(opened, person.id, at=NOW).text for _ in range(2))
        answer = service.client.get(f"/login/{first}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert service.client.get("/api/me").json()["name"] == person.name
        service.client.cookies.clear()
        assert service.client.get(f"/login/{first}").status_code == 401
        service.clock.now = NOW + timedelta(hours=24)
        assert service.client.get(f"/login/{second}").status_code == 401
        headers = {"Authorization": f"Bearer {second}"}
        assert service.client.get("/api/me", headers=headers).status_code == 401

    def test_who_came_by_link_sets_a_password(self, service):
        name = f"n{new_secret('session').text[:8]}"
        headers = {"Authorization": f"Bearer {service.tokens[A]}"}
        body = {"name": name, "grants": [{"role": "officer", "scope": "320113003001001"}]}
        link = service.client.post("/api/accounts", json=body, headers=headers).json()["link"]
        service.client.get(link)
        assert service.client.post("/api/me/password", json={"new": "short"}).status_code == 422
        assert service.client.post("/api/me/password", json={"new": PASSWORD}).status_code == 204
        service.client.cookies.clear()
        assert self.log_in(service, name).status_code == 200
        wrong = {"present": "wrong", "new": "another old bridge"}
        assert service.client.post("/api/me/password", json=wrong).status_code == 403
        assert service.client.post("/api/me/password", json={"new": "another old bridge"}).status_code == 403
        entry = service.client.get("/api/audit?limit=2", headers=headers).json()
        assert [e["action"] for e in entry] == ["change password", "add account"]
        assert PASSWORD not in str(entry)

    def test_the_form_answers_in_words_and_escapes_them(self, service, person):
        page = service.client.post("/login", data={"name": "<script>", "password": "x"})
        assert page.status_code == 401
        assert "<script>" not in page.text
        answer = service.client.post("/login", data={"name": person.name, "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")

    def test_a_browser_without_login_is_sent_to_the_form(self, service):
        answer = service.client.get("/coverage", headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")


def test_an_invalid_token_is_told_also_where_everybody_may_enter(service):
    service.client.cookies.clear()
    for path in ("/", "/health"):
        assert service.client.get(path).status_code == 200
        assert service.client.get(path, headers={"Authorization": "Bearer wg_api_revoked"}).status_code == 401


def test_passwords_that_everybody_tries_are_refused():
    for word in ("short", "password123", "wangge-2026", "aaaaaaaaaaaa", "zhangsan-good", "x" * 201):
        with pytest.raises(InputError):
            passwords.hashed(word, "zhangsan")
    for word in ("ZhangSan-good", "abababababab"):
        with pytest.raises(InputError, match="easy to guess"):
            passwords.hashed(word, "ZhangSan")
    stored = passwords.hashed(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(stored, PASSWORD)
    assert not passwords.matches(stored, PASSWORD + "x")
    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches("no hash", PASSWORD)
    assert not passwords.outdated(stored)
    assert passwords.outdated("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$bWMY7AoyWmKAUNbbE7sW0Q")


def test_a_secret_is_not_in_its_repr():
    secret = new_secret("device")
    assert secret.text.startswith("wg_dev_")
    assert secret.text not in repr(secret)
    assert (len(secret.sha256), secret.last_four) == (64, secret.text[-4:])
    assert len(secret.text) >= len("wg_dev_") + 43


def test_devices_have_holders_by_dates(engine):
    later = NOW + timedelta(days=1)
    with session(engine, write=True) as opened:
        device = add_device(opened, 1, "A", at=NOW)
        first, second = (person_of(opened, 1, name, at=NOW) for name in ("甲", "乙"))
        assert person_of(opened, 1, "甲", at=NOW) == first
        hand_over(opened, device, first, at=NOW)
        hand_over(opened, device, second, at=later)
        assert holder_at(opened, device, NOW - timedelta(seconds=1)) is None
        assert holder_at(opened, device, NOW) == "甲"
        assert holder_at(opened, device, later - timedelta(microseconds=1)) == "甲"
        assert holder_at(opened, device, later) == "乙"
        with pytest.raises(InputError, match="later than"):
            hand_over(opened, device, first, at=NOW)
        hand_over(opened, device, None, at=later + timedelta(days=1))
        assert holder_at(opened, device, later + timedelta(days=1)) is None
        with pytest.raises(ImpossibleError, match="already"):
            add_device(opened, 1, " A ", at=NOW)
        for bad in ("", " ", "x" * 101, "a\nb"):
            with pytest.raises(InputError, match="printable"):
                add_device(opened, 1, bad, at=NOW)


def test_own_data_is_of_oneself_only_and_while_the_device_was_held(service):
    """Fixes before and after the holding are those of another person."""
    from api.database.models import AccountRow, FixRow
    from api.database.people import hand_over, person_of

    with session(service.engine, write=True) as opened:
        device = add_device(opened, 1, f"own{new_secret('session').text[:6]}", at=NOW)
        mine, other = (person_of(opened, 1, f"{name}{device}", at=NOW) for name in ("mine", "other"))
        hand_over(opened, device, other, at=NOW - timedelta(hours=3))
        hand_over(opened, device, mine, at=NOW - timedelta(hours=2))
        hand_over(opened, device, other, at=NOW - timedelta(hours=1))
        account = add_account(opened, 1, f"me{device}", [Grant(Role.OFFICER)], at=NOW, by="test")
        opened.get_one(AccountRow, account).person_id = mine
        token = add_token(opened, "program", account=account, at=NOW).text
        for minutes in (150, 120, 90, 60, 30):
            time_us = int((NOW - timedelta(minutes=minutes)).timestamp()) * 1_000_000
            opened.add(
                FixRow(
                    street=1,
                    device=device,
                    time_us=time_us,
                    lon_e7=minutes,
                    lat_e7=0,
                    future=0,
                    datum=0,
                    source=0,
                    received_us=0,
                )
            )
    span = {"start": (NOW - timedelta(days=1)).isoformat(), "end": (NOW + timedelta(days=1)).isoformat()}
    found = service.client.get("/api/me/data", params=span, headers={"Authorization": f"Bearer {token}"})
    assert found.status_code == 200, found.text
    assert [round(fix["lon"] * 1e7) for fix in found.json()["fixes"]] == [120, 90]
    assert [entry["action"] for entry in found.json()["audit"]][-1] == "look at own data"
    span["end"] = (NOW + timedelta(days=31)).isoformat()
    assert (
        service.client.get("/api/me/data", params=span, headers={"Authorization": f"Bearer {token}"}).status_code == 422
    )
