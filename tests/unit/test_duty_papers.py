"""Papers: fonts, sizes, identical bytes, rare characters, and an imprint that is never alone on a page."""

from __future__ import annotations

import datetime as dt
import io
import itertools

import pandas as pd
import pypdf
import pytest
import typst

from geo.duty.briefs.blocks import DefinitionsBlock, FunnelBlock, Heading, Paragraph, TableBlock
from geo.duty.briefs.composing import Brief, Issue
from geo.duty.ledgers.columns import LedgerKind, columns_of
from geo.errors import ImpossibleError
from maps.prints import typesetting
from maps.prints.papers import Heading as PaperHeading
from maps.prints.papers import accounts_pdf, badges_pdf, brief_pdf, cards_pdf, ledger_pdf, letters_pdf
from maps.prints.word import brief_docx

DAY = dt.date(2026, 3, 9)
MM = 72 / 25.4


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    try:
        typesetting.families()
    except ImpossibleError as error:
        pytest.skip(str(error))


def made(paragraphs: int, *, length: int = 60) -> Brief:
    text = "办件2602-00116，万寿村三组12幢，占用消防通道，期末仍未办结。"
    blocks = (
        Heading("一、总体情况"),
        *(Paragraph((text * 4)[:length]) for _ in range(paragraphs)),
        TableBlock("各社区进展", ("序号", "社区"), (1, 3), tuple((k, f"社区{k}") for k in range(13)), "按编码顺序。"),
        FunnelBlock(
            "按期结案率与应结案数",
            0.8,
            1.2,
            ((1, 40, 0.7, "within"), (2, 20, 0.9, "few")),
            (((1.0, 0.3), (40.0, 0.7)), ((1.0, 1.0), (40.0, 0.9))),
            (((1.0, 0.1), (40.0, 0.6)), ((1.0, 1.0), (40.0, 1.0))),
        ),
        DefinitionsBlock(("应结案：……",)),
    )
    issue = Issue("2026年第9期", DAY, copies=45)
    return Brief("网格化服务管理工作督查简报", "王堃、李喆", dt.date(2026, 3, 2), DAY, issue, blocks)


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


@pytest.mark.parametrize("paragraphs", range(0, 42, 3))
def test_the_imprint_never_stands_alone(paragraphs: int) -> None:
    last = pages(brief_pdf(made(paragraphs)))[-1]
    assert "印发" in last
    assert "应结案：" in last


def test_the_brief_has_the_measures_of_the_standard_and_the_same_bytes() -> None:
    pdf = brief_pdf(made(12))
    assert pdf == brief_pdf(made(12))
    assert pdf != brief_pdf(made(13))
    page = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]
    assert (float(page.mediabox.width) / MM, float(page.mediabox.height) / MM) == pytest.approx((210, 297), abs=0.1)
    lines: dict[float, float] = {}

    def visit(text: str, matrix: list[float], _: object, __: object, size: float) -> None:
        if text.strip() and round(size, 2) == 15.75:
            lines.setdefault(round(matrix[5], 1), matrix[4])

    page.extract_text(visitor_text=visit)
    pitches = sorted(lines, reverse=True)
    steps = [high - low for high, low in itertools.pairwise(pitches)]
    # 22 lines in 225 mm, the left edge at 28 mm.
    assert min(steps) == pytest.approx(225 * MM / 22, abs=0.4)
    assert min(lines.values()) == pytest.approx(28 * MM, abs=1)


def ledger(kind: LedgerKind, rows: int, text: str = "有事") -> pd.DataFrame:
    names = [column.name for column in columns_of(kind)]
    table = pd.DataFrame([[k, *([text] * (len(names) - 1))] for k in range(rows)], columns=names, dtype=object)
    table.attrs = {"kind": kind.value, "scope": "", "start": "2026-03-03", "end": "2026-03-04", "keys": [""] * rows}
    return table


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_every_ledger_is_a_page_with_its_own_columns(kind: LedgerKind) -> None:
    text = "".join(pages(ledger_pdf(ledger(kind, 3), PaperHeading("迈皋桥街道", "长营村", "王堃、李喆")))).replace(
        "\n", ""
    )
    for column in columns_of(kind):
        assert column.title.zh.replace("95%", "95%") in text.replace(" ", "")
    assert "王堃" in text
    assert "李喆" in text


@pytest.mark.parametrize("rows", [0, 1, 11, 12, 13, 14, 15, 26, 27, 28, 29, 30])
def test_signatures_stand_with_a_row(rows: int) -> None:
    shown = pages(ledger_pdf(ledger(LedgerKind.A, rows, "车辆占用消防通道多日" * 3)))
    assert "责任人：" in shown[-1]
    assert ("消防" in shown[-1]) == (rows > 0)


def test_text_is_never_markup() -> None:
    text = "#panic() *粗* $x$ <a> [b] \\ @c"
    shown = "".join(pages(ledger_pdf(ledger(LedgerKind.G, 1, text)))).replace("\n", "").replace(" ", "")
    assert "#panic()*粗*$x$<a>[b]\\@c" in shown


def picture(text: str) -> bytes:
    """A text as rendered by the papers."""
    named = ", ".join(f'"{name}"' for name in typesetting.families()["body"])
    source = f'#set page(width: 20mm, height: 10mm)\n#set text(font: ({named},))\n#"{text}"'
    return typst.compile(source.encode(), format="png")


def test_rare_characters_of_names_have_glyphs() -> None:
    missing = picture("\ue123")
    for letter in "堃喆昇燚甪囧":
        assert picture(letter) not in (missing, picture(" "))


def test_a_missing_font_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "families", lambda: {use: ["No Such Font"] for use in typesetting.FAMILIES})
    with pytest.raises(ImpossibleError, match="unknown font family"):
        brief_pdf(made(1))
    monkeypatch.undo()
    monkeypatch.setattr(typesetting, "NEEDED", ("No Such Font",))
    with pytest.raises(ImpossibleError, match="not installed"):
        typesetting.families.__wrapped__()


def card(name: str) -> dict[str, object]:
    return {
        "street": "迈皋桥街道",
        "community": "长营村",
        "grid": "第三网格",
        "code": "",
        "leader": name,
        "phone": "025-85550123",
        "post": "格长",
        "numbers": [["热线", "12345"]],
    }


def test_cards_are_90_by_54_mm_and_ten_on_a_sheet() -> None:
    pdf = cards_pdf([card(f"王{letter}") for letter in "甲乙丙丁戊己庚辛壬癸子"], DAY)
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 2
    places: dict[str, tuple[float, float]] = {}

    def visit(text: str, matrix: list[float], _: object, __: object, ___: object) -> None:
        if "王" in text:
            places[text.strip()] = (matrix[4], matrix[5])

    reader.pages[0].extract_text(visitor_text=visit)
    across = places["王乙"][0] - places["王甲"][0]
    down = places["王甲"][1] - places["王丙"][1]
    assert (across / MM, down / MM) == pytest.approx((90, 54), abs=0.2)


def test_letters_badges_and_accounts() -> None:
    letter = {
        "title": "致居民的一封信",
        "salutation": "居民朋友：",
        "paragraphs": ["一"],
        "contacts": [["格长", "李喆"]],
        "signature": ["街道"],
    }
    assert len(pages(letters_pdf([letter, letter], DAY))) == 2
    badge = {"street": "迈皋桥街道", "name": "李喆", "rows": [["职务", "格长"]]}
    assert len(pages(badges_pdf([badge] * 9, DAY))) == 2
    account = {"head": [["姓名", "王堃"]], "facts": [["立案", 3, "件"]], "statement": "", "foot": ""}
    assert "王堃" in pages(accounts_pdf([account], DAY))[0]


def test_word_has_the_text_and_the_same_bytes() -> None:
    import docx

    content = brief_docx(made(3))
    assert content == brief_docx(made(3))
    document = docx.Document(io.BytesIO(content))
    text = "\n".join(line.text for line in document.paragraphs)
    assert "王堃、李喆" in text
    assert "应结案：" in text
    assert document.tables[0].cell(1, 1).text == "社区0"
    fonts = {run._element.rPr.rFonts.get(docx.oxml.ns.qn("w:eastAsia")) for run in document.paragraphs[0].runs}
    assert fonts == {"方正小标宋简体"}
