"""Times in the spellings of files."""

from __future__ import annotations

import pandas as pd
import pytest

from geo.errors import InputError
from geo.notices import WanggeWarning
from geo.tables.clock_texts import read_moment
from geo.tables.times import NO_ZONE, join_clock, read_times

UTC = pd.Timestamp("2026-11-23T00:05:09Z")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T00:05:09Z",
        "2026-11-23 08:05:09+08:00",
        "2026-11-23T08:05:09+0800",
        "2026-11-23 08:05:09 +08:00",
        "1795392309",
        "1795392309000",
        "1795392309000000",
        "2026-11-23 08:05:09",
        "2026/11/23 8:5:9",
        "2026年11月23日 08时05分09秒",
        "2026年11月23日8时5分9秒",
        "20261123080509",
        "  2026-11-23 08:05:09 ",
    ],
)
def test_one_moment_in_many_spellings(text):
    times, reason = read_times(pd.Series([text]), "Asia/Shanghai")
    assert reason.tolist() == [None]
    assert times.iloc[0] == UTC


def test_fractions_survive():
    times, _ = read_times(pd.Series(["2026-11-23T00:05:09.5Z", "1795392309.25"]), None)
    assert [t.microsecond for t in times] == [500_000, 250_000]


def test_what_cannot_be_read_has_a_reason():
    text = pd.Series([None, "", "yesterday", "1/2/2026 08:00", "2026-11-23 08:00:00"])
    times, reason = read_times(text, None)
    assert times.isna().all()
    assert reason[0].en == reason[1].en == "has no time"
    assert "'yesterday' is not understood" in reason[2].en
    assert reason[3].en.startswith("'1/2/2026 08:00' is 2026-01-02 or 2026-02-01")
    assert reason[4] is NO_ZONE


def test_dates_with_two_readings_are_read_by_order_column_or_zone():
    days = pd.Series(["05/06/2026", "04/07/2026 10:00", "5/5/2026"])
    read, reason = read_times(days, "UTC")
    assert read.isna().tolist() == [True, True, False]
    assert reason[1].en.startswith("'04/07/2026 10:00' is 2026-04-07 or 2026-07-04")
    for order, months in (("month-first", [5, 4, 5]), ("day-first", [6, 7, 5])):
        assert read_times(days, "UTC", order=order).utc.dt.month.tolist() == months
    with pytest.warns(WanggeWarning, match="are read month first, as in the US .zone America/Chicago.: 2026-05-06"):
        assert read_times(days, "America/Chicago").utc.dt.month.tolist() == [5, 4, 5]
    # A row decides, or rows that contradict each other: no zone is asked.
    assert read_times(pd.Series(["05/06/2026", "18/06/2026"]), "America/Chicago").utc.dt.month.tolist() == [6, 6]
    assert read_times(pd.Series(["05/06/2026", "18/06/2026", "06/18/2026"]), "America/Chicago").utc.isna().all()
    assert read_times(days, "America/Sao_Paulo").utc.isna().tolist() == [True, True, False]
    with pytest.raises(InputError, match="month-first or day-first"):
        read_times(days, "UTC", order="mdy")


@pytest.mark.parametrize(
    "value", ["2026-05", "2026年5月", "202605", 202605, 202605.0, "05/2026", "May 2026", "2026 Q2"]
)
def test_months_without_a_day_are_told_as_such(value):
    read, reason = read_times(pd.Series([value], dtype=object), "Asia/Shanghai")
    assert read.isna().all()
    assert f"'{value}' is a month without a day" in reason[0].en


def test_the_hour_that_summer_time_skips():
    times, reason = read_times(pd.Series(["2024-03-10 02:30:00", "2024-03-10 03:30:00"]), "America/New_York")
    assert "does not exist" in reason[0].en
    assert pd.isna(times.iloc[0])
    assert times.iloc[1] == pd.Timestamp("2024-03-10T07:30:00Z")


def test_unknown_zone():
    with pytest.raises(InputError, match="'Nanjing' is not a time zone"):
        read_times(pd.Series(["2026-11-23 08:00:00"]), "Nanjing")


def test_the_input_stays_and_the_index_is_kept():
    text = pd.Series(["2026-11-23T00:05:09Z", "x"], index=[7, 3])
    before = text.copy()
    times, _ = read_times(text, None)
    assert times.index.tolist() == [7, 3]
    pd.testing.assert_series_equal(text, before)


def times(texts, zone="Asia/Shanghai"):
    return read_times(pd.Series(texts), zone)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01（补录）",
        "2026-11-03至2026-11-05",
        "2026.11.03.09.05",
        "2026-11-03Z",
        "2026-11-03 09-05",
        "2026-03-01 09:05-10:05",
        "2026-03-01 09:05-10:00",
        "2026-03-01-09:05",
        "2026-03-01 - 2026-03-05",
        "2026年3月1日 晚上12点",
        "2026-03-01 凌晨13点",
        "2026-03-01 下午14:30",
        "2026-03-01 上午12点",
        "2026-03-01 14:30 PM",
        "2026-02-30 10:00:00",
        "2026-13-01",
        "2026-03-01 25:00",
        "2026-03-01 08:60",
        "2026-03-01 08:00:60",
        "2026-03-01 24:00:01",
        "2026-03-01 08:00:00+15:00",
        "2026-03-01 08:00:00+08:17",
        "2026-03-01 08:00 XYZ",
        "3/5/2026",
        "12345",
    ],
)
def test_what_is_no_time_or_may_be_two_is_not_read_and_told(text):
    read = times([text])
    assert read.utc.isna().all()
    assert text in read.reason[0].zh
    assert text in read.reason[0].en


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-03上午9:05", "2026-11-03 09:05"),
        ("2026-03-01 09-05-00", "2026-03-01 09:05"),
        ("2026/11/3,9:05", "2026-11-03 09:05"),
        ("2026-11-3号", "2026-11-03"),
        ("2026030109", "2026-03-01 09:00"),
        ("202603010905", "2026-03-01 09:05"),
        ("20260301", "2026-03-01"),
        ("46084.333333", "2026-03-03 08:00"),
        ("2026-03-01 2:30 PM", "2026-03-01 14:30"),
        ("2026-03-01 12:05 AM", "2026-03-01 00:05"),
        ("2026-03-01 12:05 PM", "2026-03-01 12:05"),
        ("2026-03-01 PM 2:30", "2026-03-01 14:30"),
        ("2026-03-01 上午12:05", "2026-03-01 00:05"),
        ("2026年3月1日 下午2点半", "2026-03-01 14:30"),
        ("2026年3月1日 中午1点", "2026-03-01 13:00"),
        ("2026年3月1日 凌晨12点", "2026-03-01 00:00"),
        ("2026年3月1日 晚上8点5分", "2026-03-01 20:05"),
        ("2026-03-01 周日 08:00", "2026-03-01 08:00"),
        ("2026-03-01 24:00", "2026-03-02 00:00"),
        ("Mar 1, 2026 2:30 PM", "2026-03-01 14:30"),
        ("1-Mar-26", "2026-03-01"),
        ("1 March 2026 08:00", "2026-03-01 08:00"),
        ("２０２６－０３－０１ ０８：００", "2026-03-01 08:00"),
    ],
)
def test_local_times_as_people_write_them(text, local):
    assert times([text]).utc.iloc[0] == pd.Timestamp(local, tz="Asia/Shanghai")


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-03 08:00:00+08",
        "2026-03-03T08:00:00+0800",
        "2026-03-03 08:00:00 +08:00",
        "2026-03-03 08:00:00 GMT+8",
        "2026-03-03 00:00:00 UTC",
        "2026-03-02T19:00-05:00",
        "20260303T000000Z",
        "1772496000",
        "1772496000000",
        "1772496000000000",
        "1772496000000000000",
        "1772496000.0",
        "Tue, 03 Mar 2026 00:00:00 GMT",
    ],
)
def test_times_that_say_their_offset_or_count_from_1970(text):
    assert times([text], None).utc.iloc[0] == pd.Timestamp("2026-03-03T00:00:00Z")


def test_fractions_are_kept_to_the_microsecond():
    read = times(["2026-03-03T08:00:00.123456789Z", "1772496000123456789", "2026/3/3 8:00:00.5"]).utc
    assert [t.microsecond for t in read] == [123456, 123456, 500000]


def test_ten_digits_are_hours_only_where_all_of_the_column_can_be():
    assert times(["2026030109", "1772496000"]).utc.dt.year.tolist() == [2034, 2026]


def test_which_number_is_the_month_the_column_says():
    assert times(["03/05/2026", "03/18/2026"]).utc.dt.tz_convert("Asia/Shanghai").dt.month.tolist() == [3, 3]
    assert times(["05/03/2026", "18/03/2026"]).utc.dt.tz_convert("Asia/Shanghai").dt.month.tolist() == [3, 3]
    assert times(["03/05/2026", "04/05/2026"]).utc.isna().all()
    assert times(["18/03/2026", "03/18/2026"]).utc.isna().all()


def test_the_hour_that_comes_twice_is_the_first():
    read = times(["2026-11-01 01:30", "2026-11-01 00:30", "2026-11-01 02:30"], "America/New_York").utc
    assert read.dt.hour.tolist() == [5, 4, 7]


def test_a_date_and_a_clock_in_two_columns():
    days = pd.Series(
        ["2026-03-03", "2026/3/3", "20260303", "2026-03-03", None, "2026-03-03", "03/05/2026", "03/18/2026"]
    )
    clocks = pd.Series(["08:00:00", "下午2点", "930", "2026-03-03 14:30:00", "1:00", "x", "0.5", None])
    joined = join_clock(days, clocks)
    assert joined.tolist()[:4] == [
        "2026-03-03 08:00:00",
        "2026-03-03 14:00:00",
        "2026-03-03 09:30:00",
        "2026-03-03 14:30:00",
    ]
    assert pd.isna(joined[4])
    assert joined[5] == "2026-03-03 x"
    assert joined.tolist()[6:] == ["2026-03-05 12:00:00", "03/18/2026"]


def test_values_of_a_sheet():
    values = pd.Series([pd.Timestamp("2026-03-03 08:00").to_pydatetime(), 46084.5, True, None], dtype=object)
    read = times(values)
    assert read.utc.tolist()[:2] == [pd.Timestamp("2026-03-03T00:00Z"), pd.Timestamp("2026-03-03T04:00Z")]
    assert read.utc[2:].isna().all()
    assert read.reason[3].en == "has no time"


def test_the_quick_ways_give_what_the_slow_one_gives():
    stamps = pd.Series(pd.date_range("2026-02-27 22:10:05", periods=300, freq="617s"))
    expected = stamps.dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC").dt.as_unit("us")
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H时%M分%S秒", "%Y-%m-%dT%H:%M:%S+08:00"):
        texts = stamps.dt.strftime(form)
        assert read_times(texts, "Asia/Shanghai").utc.tolist() == expected.tolist()
        slow = [read_moment(text).at for text in texts]
        assert [t.replace(tzinfo=None) for t in slow] == stamps.dt.to_pydatetime().tolist()


def test_the_name_of_a_zone_and_a_weekday_after_the_time():
    kept = [
        "2026-03-02T08:30:00+08:00[Asia/Shanghai]",
        "Mon Mar 02 2026 08:30:00 GMT+0800 (China Standard Time)",
        "2026-03-02T00:30:00Z[UTC]",
        "2026-03-02T08:30+08:00[Etc/GMT-8]",
        "2026-03-02 08:30（周一）",
        "2026-03-02 08:30 星期一",
    ]
    assert read_times(pd.Series(kept), "Asia/Shanghai").utc.tolist() == [pd.Timestamp("2026-03-02T00:30Z")] * len(kept)
    # Without an offset the name of the zone would have to be looked up; two weekdays and other texts are no times.
    left = ["2026-03-02T08:30:00[Asia/Shanghai]", "2026-03-02 周一 08:30 周一", "2026-03-02 08:30+08:00[a b]"]
    assert read_times(pd.Series(left), "Asia/Shanghai").utc.isna().all()
