"""Catalogues, kinds in everyday words, time limits and working days."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from geo.errors import CodeError, ColumnError, FileError, InputError
from geo.incidents import Calendar, Catalogue, Limit, due_times, find_matter, match_kinds, matters, time_limits
from geo.incidents.catalogue import OLD_STANDARD_REF, STANDARD_REF
from geo.incidents.kinds import match_kind

ZONE = "Asia/Shanghai"


def local(*texts: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(texts)).tz_localize(ZONE))


def said(times: pd.Series) -> list[str]:
    return times.dt.tz_convert(ZONE).dt.strftime("%m-%d %H:%M").tolist()


class TestCatalogue:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("01-10", "06010"),
            ("0405", "09005"),
            ("4-5", "09005"),
            ("06-02", "09013"),
            ("05-07", "10001"),
            ("01010", "06010"),
        ],
    )
    def test_old_codes_and_their_successors(self, old, new):
        found = find_matter(old, standard_ref=OLD_STANDARD_REF)
        assert found is not None
        assert (found.current, found.standard_ref, found.basis) == (new, OLD_STANDARD_REF, "rule")

    def test_every_old_code_leads_to_a_matter_of_today(self):
        old, new = matters(standard_ref=OLD_STANDARD_REF), matters()
        assert old["code"].is_unique
        assert set(old["current"]) <= set(new["code"])
        assert old["current"].is_unique

    def test_old_classes_without_successor_find_nothing(self):
        assert find_matter("05-01", standard_ref=OLD_STANDARD_REF) is None

    def test_anomalies_by_major_class_where_the_name_is_not_listed(self):
        found = find_matter("1023", standard_ref=STANDARD_REF)
        assert (found.code, found.name, found.kind, found.listed) == ("01023", "市政公用设施异常", "anomaly", False)
        assert find_matter("05002", standard_ref=STANDARD_REF).listed
        assert find_matter("06031", standard_ref=STANDARD_REF) is None  # Missing in the standard.
        assert find_matter("77001", standard_ref=STANDARD_REF) is None

    def test_unknown_standard(self):
        with pytest.raises(CodeError, match="'GB 1' is not known"):
            matters(standard_ref="GB 1")

    def test_a_customers_own_goes_first(self, tmp_path):
        path = tmp_path / "本街道目录.csv"
        path.write_bytes("code,name,current\nA1,店外经营,09005\nA2,宠物扰民,\n".encode("gbk"))
        own = Catalogue.read(path)
        assert own.standard_ref == "本街道目录"
        assert match_kind("A2", None, own=own).matter.name == "宠物扰民"
        assert match_kind(None, "店外经营", own=own).matter.code == "A1"
        assert match_kind(None, "出店经营", own=own).matter.code == "A1"  # Phrases are matched by its national code.
        assert match_kind(None, "暴露垃圾", own=own).matter.code == "06010"

    @pytest.mark.parametrize(
        ("text", "error", "message"),
        [
            ("code,name\n1,a\n1,b\n", CodeError, "more than once: 1"),
            ("code,title\n1,a\n", ColumnError, "no column 'name'"),
            ("code,name\n1,\n", ColumnError, "rows without code or name: 2"),
            ("code,name,standard_ref\n1,a,X\n2,b,Y\n", ColumnError, "names 2 standards"),
            ("code,name\n", FileError, "has no rows"),
        ],
    )
    def test_catalogues_that_are_none(self, tmp_path, text, error, message):
        (tmp_path / "c.csv").write_text(text, encoding="utf-8")
        with pytest.raises(error, match=message):
            Catalogue.read(tmp_path / "c.csv")


class TestWords:
    @pytest.mark.parametrize(
        ("text", "name", "how"),
        [
            ("店外经营", "店外经营", "name"),
            ("乱停车", "机动车乱停放", "phrase"),
            ("夜里施工噪音太大睡不着", "施工扰民", "inside"),
            ("路灯不亮", "市政公用设施异常", "phrase"),
            ("道路的破损", "道路破损", "like"),
        ],
    )
    def test_matches_with_falling_confidence(self, text, name, how):
        found = match_kind(None, text)
        assert (found.matter.name, found.method) == (name, how)
        least, most = {"name": (1.0, 1.0), "phrase": (0.9, 0.9), "inside": (0.8, 0.8), "like": (0.5, 0.75)}[how]
        assert least <= found.confidence <= most

    def test_confidence_is_told_and_doubtful_matches_are_not_taken(self):
        frame = pd.DataFrame(
            {
                "kind_code": ["09005", None, None, None, "99"],
                "kind_name": [None, "乱停车", "表扬民警", None, "乱停车"],
                "standard_ref": [STANDARD_REF, None, None, None, None],
            },
            index=list("abcde"),
        )
        before = frame.copy()
        found = match_kinds(frame)
        pd.testing.assert_frame_equal(frame, before)
        assert found.index.tolist() == list("abcde")
        assert found["kind_code"].tolist() == ["09005", "09009", None, None, "09009"]
        assert found["kind_name"].tolist() == ["店外经营", "乱停车", "表扬民警", None, "乱停车"]
        assert found["kind_match"].tolist() == ["code", "phrase", "none", "none", "phrase"]
        assert found["kind_confidence"].fillna(-1).tolist()[:2] == [1.0, 0.9]
        assert found["kind_confidence"].iloc[2] < 0.5
        assert np.isnan(found["kind_confidence"].iloc[3])


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "amount", "unit"),
        [
            ("2紧急工作时", 2, "emergency_hour"),
            ("2 紧急工作日", 48, "emergency_hour"),
            ("4工作时", 4, "working_hour"),
            ("3个工作日", 3, "working_day"),
            ("15天", 15, "calendar_day"),
            ("２小时", 2, "emergency_hour"),
        ],
    )
    def test_units(self, text, amount, unit):
        assert Limit.parse(text) == Limit(amount, unit)

    @pytest.mark.parametrize("text", ["", "快", "2周", "工作日"])
    def test_what_is_no_limit(self, text):
        with pytest.raises(InputError, match="is not a time limit"):
            Limit.parse(text)

    def test_holidays_and_days_worked_for_them(self):
        calendar = Calendar.china()
        days = {
            "2026-10-01": False,
            "2026-10-08": True,
            "2026-10-10": True,
            "2026-09-20": True,
            "2026-10-11": False,
            "2025-01-26": True,
            "2025-02-04": False,
            "2026-03-05": True,
        }
        assert {day: calendar.working(dt.date.fromisoformat(day)) for day in days} == days

    def test_the_clock_of_each_unit(self):
        calendar = Calendar.china()
        given = local("2026-09-30 17:00", "2026-10-03 09:00", "2026-03-05 11:30", "2026-02-13 19:00")
        assert said(calendar.due(given, Limit.parse("2紧急工作时"))) == [
            "09-30 19:00",
            "10-03 11:00",
            "03-05 13:30",
            "02-13 21:00",
        ]
        # Friday evening before Spring Festival: Saturday 14 is a working day.
        assert said(calendar.due(given, Limit.parse("4工作时"))) == [
            "10-08 11:00",
            "10-08 12:00",
            "03-05 17:30",
            "02-14 12:00",
        ]
        assert said(calendar.due(given, Limit.parse("2工作日"))) == [
            "10-09 18:00",
            "10-09 18:00",
            "03-09 18:00",
            "02-24 18:00",
        ]
        assert said(calendar.due(given, Limit.parse("15天"))) == [
            "10-15 17:00",
            "10-18 09:00",
            "03-20 11:30",
            "02-28 19:00",
        ]

    def test_working_hours_against_walking_minute_by_minute(self):
        calendar = Calendar.china()
        rng = np.random.default_rng(3)
        for _ in range(25):
            start = pd.Timestamp("2026-04-20") + pd.Timedelta(minutes=int(rng.integers(0, 20 * 1440)))
            left, now = 60 * (hours := int(rng.integers(1, 20))), start
            while left:
                open_ = any(a <= now.time() < b for a, b in calendar.office_hours)
                left -= calendar.working(now.date()) and open_
                now += pd.Timedelta(minutes=1)
            due = calendar.due(local(str(start)), Limit(float(hours), "working_hour"))
            assert due.dt.tz_convert(ZONE).dt.tz_localize(None).iloc[0] == now

    def test_deadlines_in_years_that_are_not_listed_are_provisional(self):
        calendar = Calendar.china()
        start = local("2026-12-31 17:00", "2026-12-28 09:00", "2026-12-28 09:00").where([True, True, False])
        due = calendar.due(start, Limit.parse("3工作日"))
        # Monday to Friday count in 2027: Friday 1, Monday 4, Tuesday 5 January; the New Year's holiday is not announced.
        assert said(due.iloc[:2]) == ["01-05 18:00", "12-31 18:00"]
        assert calendar.provisional(start, due).tolist() == [True, False, False]
        assert calendar.announced(2024)
        assert not calendar.announced(2027)

    def test_office_hours_can_change_from_a_day_on(self):
        summer = ((dt.time(9), dt.time(12)), (dt.time(15), dt.time(19)))
        calendar = Calendar(Calendar.china().days, hours_from=[(dt.date(2026, 6, 1), summer)])
        given = local("2026-05-29 17:00", "2026-05-29 17:00")
        assert said(calendar.due(given[:1], Limit.parse("2工作时"))) == ["06-01 10:00"]
        assert said(calendar.due(given[:1], Limit.parse("1工作日"))) == ["06-01 19:00"]
        assert calendar.version != Calendar.china().version

    def test_missing_times_and_kinds_without_limit(self):
        frame = pd.DataFrame(
            {
                "reported_at": local("2026-03-05 11:30", "2026-03-05 11:30", "2026-03-05 11:30").where(
                    [True, True, False]
                ),
                "kind_code": ["06001", "09999", "06001"],
                "standard_ref": STANDARD_REF,
            }
        )
        due = due_times(frame, time_limits(), Calendar.china())
        # Two conditions, 48 hours and 15 days: it is unknown which one applies, so the longer one is used.
        assert said(due.iloc[:1]) == ["03-20 11:30"]
        assert due.isna().tolist() == [False, True, True]

    def test_own_files(self, tmp_path):
        (tmp_path / "limits.csv").write_text("code,limit\n06010,4工作时\n06012,很快\n", encoding="utf-8")
        with pytest.raises(InputError, match="row 3: '很快' is not a time limit"):
            time_limits(tmp_path / "limits.csv")
        (tmp_path / "days.csv").write_text("day,kind\n2027-01-01,holiday\n2027-01-02,feast\n", encoding="utf-8")
        with pytest.raises(ColumnError, match="row 3 is no day"):
            Calendar.read(tmp_path / "days.csv")

    def test_a_day_that_is_both_is_refused_and_gbk_is_read(self, tmp_path):
        path = tmp_path / "days.csv"
        path.write_bytes("day,kind,name\n2027-01-01,holiday,元旦\n2027-01-01,holiday,元旦\n".encode("gb18030"))
        assert not Calendar.read(path).working(dt.date(2027, 1, 1))
        path.write_text("day,kind\n2027-01-01,holiday\n2027-01-01,workday\n", encoding="utf-8")
        with pytest.raises(ColumnError, match="row 3 says that 2027-01-01 is a workday, an earlier row the opposite"):
            Calendar.read(path)
