"""Notices about an imported file in both languages, as its other findings are."""

from __future__ import annotations

import pandas as pd

from api.translations.messages import in_chinese


def in_both_languages(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings of an import in which notices about reading the file stand in Chinese and English."""
    notice = findings["kind"] == "reading"
    texts = [
        f"{in_chinese(text)} / {text}" if is_notice else text
        for text, is_notice in zip(findings["explanation"], notice, strict=True)
    ]
    return findings.assign(explanation=pd.Series(texts, index=findings.index, dtype=object))
