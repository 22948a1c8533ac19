"""Exports of cities in other languages: headers, clock columns, calendars and orders of coordinates; made up, one row each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from geo.incidents import read_incidents
from geo.tables.times import read_times

LON, LAT = 13.4125, 52.5175

#: Header, row and local time of the report; the row is at (LON, LAT).
EXPORTS = {
    "hong-kong": (
        "Case No.,Date Received,Category,Latitude,Longitude",
        "1,05-Mar-2026 02:05 PM,Street,{lat},{lon}",
        "14:05",
    ),
    "taipei": ("案件編號,受理時間,案件類型,經度,緯度", "A1,115/03/05 14:05:00,路燈故障,{lon},{lat}", "14:05"),
    "taipei-police": ("編號,發生日期,發生時間,案類,經度,緯度", "1,1150305,1405,竊盜,{lon},{lat}", "14:05"),
    "berlin": ("ID;Datum;Uhrzeit;Betreff;Breitengrad;Längengrad", "1;05.03.2026;14:05;Müll;{lat};{lon}", "14:05"),
    "hamburg": ("Vorgang;Erstellt am;Art;Breite;Länge", "1;05.03.2026 14:05;Lärm;{lat};{lon}", "14:05"),
    "paris": (
        "ID_DECLARATION,TYPE DECLARATION,DATE DE DECLARATION,geo_point_2d",
        '1,Propreté,2026-03-05,"{lat}, {lon}"',
        "00:00",
    ),
    "madrid": (
        "FECHA DE RECEPCIÓN;HORA DE RECEPCIÓN;TIPO;LATITUD;LONGITUD",
        "05/03/2026;14:05;Aviso;{lat};{lon}",
        None,
    ),
    "buenos-aires": (
        "contacto,fecha_ingreso,hora_ingreso,categoria,long,lat",
        "1,2026-03-05,14:05:00,ARBOL,{lon},{lat}",
        "14:05",
    ),
    "lisbon": ("Ocorrência,Data Registo,Tipo,Latitude,Longitude", "1,2026-03-05 14:05,Lixo,{lat},{lon}", "14:05"),
    "milan": (
        "Numero,Data segnalazione,Tipo,Latitudine,Longitudine",
        "1,2026-03-05 14:05,Rifiuti,{lat},{lon}",
        "14:05",
    ),
    "amsterdam": ("Nummer,Created,Soort,Breedtegraad,Lengtegraad", "1,2026-03-05 14:05,Afval,{lat},{lon}", "14:05"),
    "moscow": ("Номер;Дата обращения;Категория;Широта;Долгота", "1;05.03.2026 14:05;Яма;{lat};{lon}", "14:05"),
    "seoul": ("접수번호,접수일시,민원유형,위도,경도", "1,2026-03-05 오후 2:05,불법주정차,{lat},{lon}", "14:05"),
    "tokyo": ("受付番号,受付日時,種別,緯度,経度", "1,2026/3/5 14:05,道路損傷,{lat},{lon}", "14:05"),
    "dubai": ("رقم,تاريخ البلاغ,النوع,خط العرض,خط الطول", "1,2026-03-05 14:05,نظافة,{lat},{lon}", "14:05"),
    "saigon": ("Mã,Ngày tiếp nhận,Loại,Vĩ độ,Kinh độ", "1,2026-03-05 14:05,Rác,{lat},{lon}", "14:05"),
    "order-in-brackets": ("编号,时间,类别,位置(纬度 经度)", "1,2026-03-05 14:05,垃圾,{lat} {lon}", "14:05"),
}


@pytest.mark.parametrize("city", EXPORTS)
def test_an_export_is_read_without_a_column_map(tmp_path: Path, city: str) -> None:
    header, row, clock = EXPORTS[city]
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n{row.format(lon=LON, lat=LAT)}\n", encoding="utf-8")
    found = read_incidents(path, datum="WGS-84", zone="Asia/Shanghai", dates="day-first" if clock is None else None)
    assert found.attrs["refused"] == []
    assert (found.geometry.x[0], found.geometry.y[0]) == pytest.approx((LON, LAT))
    expected = pd.Timestamp(f"2026-03-05 {clock or '14:05'}", tz="Asia/Shanghai")
    assert found["reported_at"][0] == expected


def test_eastings_and_northings_in_german(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Vorgang;Erstellt am;Art;Rechtswert;Hochwert\n1;05.03.2026 14:05;Lärm;391000.50;5820000.25\n", encoding="utf-8"
    )
    twin = pd.read_csv(path, sep=";")
    found = read_incidents(path, crs="EPSG:25833").to_crs(25833)
    assert found.geometry.x[0] == pytest.approx(twin["Rechtswert"][0], abs=1e-3)
    assert found.geometry.y[0] == pytest.approx(twin["Hochwert"][0], abs=1e-3)


def test_years_of_taiwan() -> None:
    days = pd.date_range("2012-01-01", "2035-12-31", freq="97D").to_series(index=None).reset_index(drop=True)
    roc = (days.dt.year - 1911).astype(str)
    month, day = days.dt.month.astype(str), days.dt.day.astype(str)
    for texts in (
        roc + "/" + month + "/" + day,
        roc + "-" + month.str.zfill(2) + "-" + day.str.zfill(2),
        roc + month.str.zfill(2) + day.str.zfill(2),
        "民國" + roc + "年" + month + "月" + day + "日",
        roc + "年" + month + "月" + day + "日",
    ):
        assert read_times(texts, "UTC").utc.dt.tz_localize(None).tolist() == days.tolist()
    wrong = pd.Series(["115/13/01", "115/02/30", "1151301", "099/01/01x", "1150230"])
    assert read_times(wrong, "UTC").utc.isna().all()
