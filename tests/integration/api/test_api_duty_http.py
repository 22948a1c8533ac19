"""A case from the phone to its closing over HTTP, with several accounts; refusals with their reasons; the import command."""

from __future__ import annotations

import io
import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import openpyxl
import pytest
from PIL import Image
from sqlalchemy import select, text

from api.access import Grant, Role
from api.app import create_app
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.database.models import ReportRow
from api.settings import Settings
from geo.layers import lon_lat
from tests.integration.api.serving import serving

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COMMUNITY = "320113003001"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(request, tmp_path_factory, division):
    folder = tmp_path_factory.mktemp("duty-http")
    if request.param == "sqlite":
        address = str(shutil.copy(request.getfixturevalue("empty_store"), folder / "store.sqlite"))
    else:
        address = request.getfixturevalue("postgres").create("dutyhttp", template="template")
    engine = open_store(address)
    people = {
        "clerk": Grant(Role.CLERK),
        "secretary": Grant(Role.COMMUNITY, COMMUNITY),
        "stranger": Grant(Role.COMMUNITY, "320113003002"),
        "unit": Grant(Role.OFFICER),
        "officer": Grant(Role.OFFICER, f"{COMMUNITY}001"),
        "leader": Grant(Role.LEADER),
        "supervisor": Grant(Role.SUPERVISOR),
    }
    tokens = {}
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=NOW.date(), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
        for name, grant in people.items():
            account = add_account(opened, 1, name, [grant], at=NOW, by="test")
            tokens[name] = add_token(opened, "program", account=account, at=NOW).text
    clock = SimpleNamespace(now=NOW)
    settings = Settings(database=address, pages=folder, follow=False, contact_key=str(folder / "key"))
    point = lon_lat(division.third.geometry.iloc[:1].representative_point()).iloc[0]
    lon, lat = point.x, point.y
    with serving(create_app(settings, clock=lambda: clock.now)) as client:
        yield SimpleNamespace(
            client=client,
            tokens=tokens,
            clock=clock,
            place={"lon": float(lon), "lat": float(lat)},
            engine=engine,
            cell=str(division.third["code"].iloc[0]),
            address=address,
            folder=folder,
        )
    engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop("dutyhttp")


def ask(service, who, method, path, body=None, **params):
    headers = {"Authorization": f"Bearer {service.tokens[who]}"}
    return service.client.request(method, path, json=body, params=params, headers=headers)


def report(service, client_id, **change):
    body = {
        "client_id": client_id,
        "channel": "12345",
        "text": "万寿村小区12幢垃圾满溢",
        "standard_ref": "GB/T 47678.5-2026",
        "kind": "06010",
        "address": "万寿村小区12幢",
        "reporter": {"name": "王先生", "contact": "13812345678", "wants_reply": True},
        **service.place,
        **change,
    }
    return ask(service, "clerk", "POST", "/api/reports", body)


def test_a_report_without_a_position_lies_in_its_grid_and_community(service):
    cell = service.cell
    bare = {"lon": None, "lat": None}
    for k, code in enumerate((cell[:15], cell)):
        number = report(service, f"chosen-{k}", second=code, **bare).json()["case"]["number"]
        listed = {case["number"]: case for case in ask(service, "clerk", "GET", "/api/cases").json()["cases"]}[number]
        assert (listed["second"], listed["community"]) == (cell[:15], cell[:12])
        assert listed["third"] == ("" if code != cell else cell)
    wrong = report(service, "chosen-9", second="999", **bare)
    assert (wrong.status_code, wrong.json()["zh"]) == (422, "划分方案中没有网格“999”")
    wrong = report(service, "chosen-9", kind="99999")
    assert wrong.status_code == 422
    assert "不是 GB/T 47678.5-2026 中的事项" in wrong.json()["zh"]


def step(service, who, number, seq, action, **more):
    service.clock.now += timedelta(minutes=10)
    return ask(service, who, "POST", f"/api/cases/{number}/events", {"seq": seq, "action": action, **more})


def test_a_case_from_the_telephone_to_its_closing(service):
    answer = report(service, "call-1")
    assert answer.status_code == 201, answer.text
    case = answer.json()["case"]
    number = case["number"]
    assert (case["state"], case["second"], case["current_second"]) == ("reported", service.cell[:15], None)
    assert "file" in case["allowed"]["clerk"]
    assert report(service, "call-1").status_code == 200
    for seq, (who, action, more) in enumerate(
        [
            ("clerk", "file", {}),
            ("secretary", "assign", {"payload": {"unit": "环卫所"}}),
            ("unit", "sign", {}),
            ("unit", "done", {"reason": "已清运"}),
            ("officer", "verify_ok", {"reason": "现场查看"}),
            ("clerk", "visit_solved", {"reason": "满意", "payload": {"result": "solved"}}),
        ],
        start=2,
    ):
        answer = step(service, who, number, seq, action, **more)
        assert answer.status_code == 201, (action, answer.text)
    assert (answer.json()["state"], answer.json()["outcome"]) == ("closed", "solved")
    log = ask(service, "leader", "GET", f"/api/cases/{number}/events").json()
    assert [entry["action"] for entry in log][:3] == ["report", "file", "assign"]
    assert all(entry["prev_hash"] for entry in log[1:])
    assert "13812345678" not in str(log)
    found = ask(service, "leader", "GET", f"/api/cases/{number}").json()
    assert found["current_second"] == service.cell[:15]


def test_the_second_of_two_is_told_the_new_state(service):
    number = report(service, "call-2").json()["case"]["number"]
    assert step(service, "clerk", number, 2, "file").status_code == 201
    late = step(service, "clerk", number, 2, "reject", reason="不属于街道")
    assert late.status_code == 409
    body = late.json()
    assert (body["kind"], body["case"]["state"], body["case"]["seq"]) == ("stale", "filed", 2)
    assert body["zh"]
    again = step(service, "clerk", number, 3, "assign", client_id="c-1", payload={"unit": "环卫所"})
    assert again.status_code == 201
    assert step(service, "clerk", number, 3, "assign", client_id="c-1", payload={"unit": "环卫所"}).status_code == 200


def test_who_may_do_what(service):
    number = report(service, "call-3").json()["case"]["number"]
    assert step(service, "unit", number, 2, "file").status_code == 403, "filing is the centre's"
    assert step(service, "stranger", number, 2, "file").status_code == 403, "another community"
    assert ask(service, "stranger", "GET", f"/api/cases/{number}").status_code == 403
    assert step(service, "clerk", number, 2, "reject").status_code == 422, "no reason"
    assert step(service, "clerk", number, 2, "file", payload={"kind": "99999"}).status_code == 422, "no such matter"
    assert step(service, "clerk", number, 2, "sign").status_code == 409
    assert step(service, "clerk", number, 2, "file", role="level1").status_code == 403
    assert step(service, "clerk", number, 2, "dance").status_code == 422
    own = report(service, "call-own").json()["case"]["number"]
    assert step(service, "unit", own, 2, "self_solve", reason="当场清理").status_code == 201
    assert step(service, "unit", own, 3, "verify_ok", reason="现场看过").status_code == 403, "somebody else verifies"
    assert ask(service, "clerk", "GET", "/api/cases/none").status_code == 404
    assert ask(service, "stranger", "GET", "/api/cases").json()["total"] == 0
    assert ask(service, "secretary", "GET", "/api/cases", open_only=True).json()["total"] >= 1


def test_why_this_is_the_deadline_and_what_may_be_the_same(service):
    report(service, "call-before-4")
    one = report(service, "call-4").json()
    number = one["case"]["number"]
    assert [c["case_id"] for c in one["duplicates"]], "the calls before were about the same building"
    assert one["duplicates"][0]["same_building"]
    (accept,) = ask(service, "clerk", "GET", f"/api/cases/{number}/deadlines").json()
    assert accept["clock"] == "accept"
    assert accept["why"][0].endswith("起2个工作小时")
    assert accept["due"] == one["case"]["due"]
    assert ask(service, "clerk", "GET", f"/api/cases/{number}/duplicates").json() == one["duplicates"]


def test_reports_without_a_place_are_found_by_words_and_number(service):
    bare = {"lon": None, "lat": None, "address": "", "text": "迈化路口东侧井盖缺失，夜间行人容易摔倒"}
    first = report(service, "words-1", external_no="W2026-77", **bare).json()["case"]["number"]
    same = report(service, "words-2", **{**bare, "text": "迈化路口东侧井盖缺失，行人夜间容易摔倒。"}).json()[
        "duplicates"
    ]
    assert [(one["case_id"], one["distance_m"]) for one in same] == [(first, None)]
    assert same[0]["why_en"].startswith("0 hours between, same matter, words alike")
    sent = report(service, "words-3", external_no="W2026-77", text="请尽快补装井盖").json()["duplicates"]
    assert sent[0]["case_id"] == first
    assert sent[0]["why"].startswith("来件编号相同")


def test_contacts_are_seen_by_the_centre_alone_and_each_look_is_kept(service):
    number = report(service, "call-5").json()["report"]
    assert ask(service, "leader", "GET", f"/api/reports/{number}/reporter").status_code == 403
    found = ask(service, "clerk", "GET", f"/api/reports/{number}/reporter").json()
    assert found == {"name": "王先生", "contact": "13812345678"}
    with service.engine.connect() as connection:
        query = text("SELECT count(*) FROM audit WHERE action = 'look at reporter' AND subject = :n")
        assert connection.execute(query, {"n": number}).scalar() == 1
    assert "1381" not in ask(service, "leader", "GET", f"/api/reports/{number}").text
    erased = ask(service, "clerk", "POST", f"/api/reports/{number}/erasure", {"reason": "本人要求"})
    assert erased.status_code == 200
    assert ask(service, "clerk", "GET", f"/api/reports/{number}/reporter").json() == {"name": "", "contact": ""}


def sheet(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_roster_is_imported_and_a_leave_hands_cases_over(service, wangge):
    cell = service.cell[:15]
    rows = [
        ["网格编码", "姓名", "工号", "职责", "开始日期"],
        [COMMUNITY, "书记", "S1", "责任人", "2026-01-01"],
        [cell, "张三", "G1", "格长", "2026-01-01"],
        [cell, "李四", "G2", "副格长", "2026-01-01"],
        ["3.20113E+17", "王五", "G3", "责任人", "2026-01-01"],
    ]
    path = sheet(service.folder / "名册.xlsx", rows)
    code, out, _ = wangge("duty", "import", path, "--since", "2026-01-01", "--database", service.address, "--json")
    assert code == 1
    assert '"added": 3' in out
    assert "long code was cut by Excel" in out
    found = ask(service, "secretary", "GET", "/api/roster", day="2026-03-02", cell=cell).json()
    row = next(row for row in found if row["cell"] == cell)
    assert (row["person"], row["name"]) == ("G1", "张三")
    gaps = ask(service, "secretary", "GET", "/api/roster/findings", first="2026-03-02", last="2026-03-03").json()
    assert cell not in {gap["cell"] for gap in gaps}
    assert gaps
    number = report(service, "call-6").json()["case"]["number"]
    step(service, "clerk", number, 2, "hand_over", reason="请格长处理", payload={"to": "G1"})
    away = {"person": "G1", "first": "2026-03-02", "last": "2026-03-06", "deputy": "G2", "reason": "年休假"}
    assert ask(service, "officer", "POST", "/api/roster/absences", away).status_code == 403
    answer = ask(service, "secretary", "POST", "/api/roster/absences", away)
    assert answer.status_code == 201, answer.text
    assert answer.json()["cases"] == {number: "G2"}
    assert ask(service, "clerk", "GET", f"/api/cases/{number}").json()["owner"] == "G2"
    found = ask(service, "secretary", "GET", "/api/roster", day="2026-03-02", cell=cell).json()
    assert next(row for row in found if row["cell"] == cell)["instead_of"] == "G1"


def test_sheets_of_the_hotline_become_reports(service, wangge):
    lon, lat = service.place["lon"], service.place["lat"]
    rows = [
        ["工单编号", "受理时间", "事项名称", "诉求内容", "经度(WGS84)", "纬度(WGS84)", "来源", "联系电话"],
        ["H1", "2026-03-01 09:00", "暴露垃圾", "门口垃圾没人收", lon, lat, "12345热线", "13900000000"],
        ["H2", "2026-03-01 09:30", "道路破损", "路面坑洼", lon, lat, "市长信箱", None],
        ["H3", "2026-03-01 09:40", "道路破损", "北门路面坑洼", None, None, "市长信箱", None],
        ["H4", None, "道路破损", "路面坑洼", None, None, "市长信箱", None],
    ]
    path = sheet(service.folder / "12345.xlsx", rows)
    words = ("duty", "import", path, "--as", "reports", "--database", service.address, "--json")
    code, out, err = wangge(*words)
    assert code == 1, err
    assert '"added": 3' in out
    assert '"row": 5' in out, "neither place nor time"
    assert '"row": 4' not in out
    code, out, _ = wangge(*words)
    assert '"repeated": 3' in out
    total = ask(service, "clerk", "GET", "/api/cases").json()
    assert {"12345", "mayor_mail"} <= {case["channel"] for case in total["cases"]}
    (placeless,) = [case for case in total["cases"] if case["summary"] == "北门路面坑洼"]
    assert (placeless["second"], placeless["kind"]) == ("", "06013")


def test_a_relative_time_of_a_row_is_resolved_on_the_day_of_the_row(service, wangge):
    rows = [
        ["工单编号", "发生时间", "登记时间", "诉求内容", "事发地址"],
        ["W1", "昨晚9点", "2026-02-11 08:30", "夜间噪声", "12幢"],
        ["W2", "昨晚9点", None, "夜间施工", "12幢"],
    ]
    path = sheet(service.folder / "登记.xlsx", rows)
    words = ("--as", "reports", "--columns", "reported_at=发生时间", "--database", service.address)
    _, out, _ = wangge("duty", "import", path, *words)
    assert "第2行的时间（“昨晚9点”）按填表日期推算" in out
    assert "第3行 row 3: “昨晚9点”须按填表日期推算，而表内标题、文件名和本行都没有日期" in out
    with session(service.engine) as opened:
        (taken,) = opened.scalars(select(ReportRow.taken_at).where(ReportRow.external_no == "W1"))
    assert taken.isoformat() == "2026-02-10T13:00:00+00:00"


def test_the_third_return_is_refused_with_its_reason(service):
    """An account that is officer and department is told why the department may not return the case, not who else may."""
    number = report(service, "returned-3").json()["case"]["number"]
    step(service, "clerk", number, 2, "file", payload={"kind": "06010", "standard_ref": "GB/T 47678.5-2026"})
    for seq in (3, 5):
        step(service, "clerk", number, seq, "assign", payload={"unit": "环卫所"})
        returned = step(
            service, "officer", number, seq + 1, "return_up", reason="不属本单位", payload={"code": "not_ours"}
        )
        assert returned.status_code == 201, returned.text
    step(service, "clerk", number, 7, "assign", payload={"unit": "环卫所"})
    third = step(service, "officer", number, 8, "return_up", reason="不属本单位", payload={"code": "not_ours"})
    assert third.status_code == 409
    assert third.json()["proposal"] == "call_joint"


def test_a_sheet_of_the_hotline_without_coordinates(service, wangge):
    """The usual sheet: a title with the day, addresses, times as people write them; what is unclear is told by row."""
    community = ask(service, "secretary", "GET", "/api/roster", day="2026-03-02").json()[0]["cell"][:12]
    rows = [
        ["12345热线工单日报（2026年3月10日）", *[None] * 5],
        ["工单编号", "受理时间", "诉求内容", "事发地址", "联系电话", "所属社区"],
        ["N1", "2026-03-02 09:00", "楼道堆物影响通行", "12幢", "13800000000", community],
        ["N2", "昨天下午3点", "路灯不亮", "13幢", None, "月球社区"],
        ["N3", "刚才", "井盖丢失", "14幢", 1.38e20, None],
        ["N4", "前几天", "噪声扰民", "15幢", None, None],
        ["N5", "2月30日", "树枝断落", "15幢", None, None],
        ["N6", "3月8日", "占道经营", "大街1号", None, None],
        ["N6", "3月8日", "占道经营两处", "大街1号", None, None],
        ["N6", "3月8日", "占道经营", "大街1号", None, None],
        ["N7", "2126-03-08", "占道经营", "大街1号", None, None],
        [20260302000000123456, "2026-03-09 10:00", "有事情发生", None, None, None],
    ]
    path = sheet(service.folder / "热线.xlsx", rows)
    words = ("duty", "import", path, "--as", "reports", "--database", service.address)
    code, out, err = wangge(*words)
    assert code == 1, err
    lines = out.splitlines()
    assert lines[0] == "行 rows: 10；added 4，repeated 1；未收 refused 5"
    assert {line.split(" row")[0] for line in lines[1:] if " row " in line} == {f"第{n}行" for n in (6, 7, 9, 11, 12)}
    for said in (
        "第3行没有可用坐标，按表内的社区或网格入库",
        "第4行的时间（“昨天下午3点”）按填表日期推算",
        "第4行的“月球社区”不是本街道的社区或网格，已入库为地点待定",
        "第5行的联系电话被Excel按数字截断，未入库",
        "第5、8、10行没有可用坐标，已入库为地点待定",
        "“前几天”不能确定是哪一天",
        "与第8行编号相同而内容不同",
        "时间2126-03-08 00:00在导入之后",
        "长编码被Excel按数字截断",
    ):
        assert said in out
    stored = ask(service, "clerk", "GET", "/api/cases").json()["cases"]
    mine = {case["summary"]: case for case in stored if case["summary"] in {"楼道堆物影响通行", "路灯不亮", "井盖丢失"}}
    assert {case["channel"] for case in mine.values()} == {"12345"}
    assert mine["楼道堆物影响通行"]["community"] == community
    again = sheet(service.folder / "热线-另存.xlsx", rows)
    code, out, _ = wangge(*words[:2], again, *words[3:])
    assert out.splitlines()[0] == "行 rows: 10；added 0，repeated 5；未收 refused 5"
    assert "编号已入库" in out


def test_a_matter_outside_the_catalogue_is_told_and_stored(service, wangge):
    lon, lat = service.place["lon"], service.place["lat"]
    rows = [
        ["工单编号", "受理时间", "事项名称", "诉求内容", "经度(WGS84)", "纬度(WGS84)"],
        ["U1", "2026-03-01 09:00", "外星人入侵", "楼顶有异响", lon, lat],
        ["U2", "2026-03-01 09:30", "暴露垃圾", "脏", lon, lat],
        ["U3", "2026-03-01 09:40", None, None, lon, lat],
    ]
    path = sheet(service.folder / "unknown.xlsx", rows)
    code, out, err = wangge("duty", "import", path, "--as", "reports", "--database", service.address)
    assert code == 1, err
    assert "第2行的事项不在目录内" in out
    assert "rows 2: the matter is not in the catalogue" in out
    assert "第4行 row 4: 没有内容 says nothing: no text, kind or address\n" in out
    stored = {case["summary"]: case["kind"] for case in ask(service, "clerk", "GET", "/api/cases").json()["cases"]}
    assert stored["楼顶有异响"] == ""
    assert stored["暴露垃圾：脏"] == "06010"


def picture(kind="PNG", **more):
    content = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(content, kind, **more)
    return content.getvalue()


def send_photo(service, who, number, content):
    headers = {"Authorization": f"Bearer {service.tokens[who]}"}
    return service.client.post(f"/api/reports/{number}/photos", files={"file": ("../a.exe", content)}, headers=headers)


def test_a_report_has_any_number_of_photos_that_those_of_its_case_see(service):
    one = report(service, "photo-1").json()
    number, case = one["report"], one["case"]["number"]
    assert ask(service, "leader", "GET", f"/api/reports/{number}").json()["photos"] == []
    before = ask(service, "leader", "GET", f"/api/cases/{case}/events").json()
    keys = []
    for content in (picture(), picture("JPEG")):
        answer = send_photo(service, "clerk", number, content)
        assert answer.status_code == 201, answer.text
        keys.append(answer.json()["sha256"])
    assert send_photo(service, "officer", number, picture()).json()["sha256"] == keys[0], "sent twice, kept once"
    assert ask(service, "leader", "GET", f"/api/reports/{number}").json()["photos"] == keys
    assert ask(service, "leader", "GET", f"/api/cases/{case}").json()["attachments"] == 2
    assert ask(service, "leader", "GET", f"/api/cases/{case}/events").json() == before, "no step of the case"
    back = ask(service, "secretary", "GET", f"/api/reports/{number}/photos/{keys[1]}")
    assert (back.content, back.headers["content-type"]) == (picture("JPEG"), "image/jpeg")
    assert ask(service, "stranger", "GET", f"/api/reports/{number}/photos/{keys[1]}").status_code == 403
    assert send_photo(service, "leader", number, picture()).status_code == 403, "leaders send no reports"
    assert send_photo(service, "clerk", number, b"<svg/>").status_code == 422
    assert send_photo(service, "clerk", "R1", picture()).status_code == 404
    assert ask(service, "clerk", "GET", f"/api/reports/{number}/photos/{'0' * 64}").status_code == 404
    other = report(service, "photo-2").json()["report"]
    assert ask(service, "clerk", "GET", f"/api/reports/{other}/photos/{keys[0]}").status_code == 404
