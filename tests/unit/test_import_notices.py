"""Notices about an imported file stand in both languages."""

from __future__ import annotations

import pandas as pd

from api.translations.import_notices import in_both_languages


def test_only_notices_are_translated() -> None:
    findings = pd.DataFrame(
        {
            "kind": ["missing_code", "reading"],
            "explanation": ["第6行没有编码 / row 6 has no code", "a.gpkg: heights are dropped"],
        }
    )
    assert in_both_languages(findings)["explanation"].tolist() == [
        "第6行没有编码 / row 6 has no code",
        "a.gpkg：高程值已舍去 / a.gpkg: heights are dropped",
    ]
    assert in_both_languages(findings[:0]).empty
