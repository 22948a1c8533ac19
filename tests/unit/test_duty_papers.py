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
from geo.duty.meetings.agendas import Agenda, Line, Rule
from geo.errors import ImpossibleError
from geo.texts import Text
from maps.prints import typesetting
from maps.prints.papers import Heading as PaperHeading
from maps.prints.papers import accounts_pdf, agenda_pdf, badges_pdf, brief_pdf, cards_pdf, ledger_pdf, letters_pdf
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


@pytest.mark.parametrize("rows", [0, 1, 2, 11, 12, 13, 14, 15, 26, 27, 28, 29, 30])
def test_signatures_stand_with_a_row(rows: int) -> None:
    shown = pages(ledger_pdf(ledger(LedgerKind.A, rows, "车辆占用消防通道多日" * 3)))
    assert "责任人：" in shown[-1]
    assert ("消防" in shown[-1]) == (rows > 0)


def words_of(pdf: bytes, page: int = 0) -> list[tuple[float, float, str]]:
    """Texts of a page with their positions in mm from the lower left corner."""
    found: list[tuple[float, float, str]] = []

    def visit(text: str, matrix: list[float], _: object, __: object, ___: float) -> None:
        if text.strip():
            found.append((matrix[4] / MM, matrix[5] / MM, text.strip()))

    pypdf.PdfReader(io.BytesIO(pdf)).pages[page].extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_no_heading_of_a_ledger_is_broken_into_two_lines(kind: LedgerKind) -> None:
    heads = [column.title.zh for column in columns_of(kind)]
    lines: dict[float, str] = {}
    for x, y, text in sorted(words_of(ledger_pdf(ledger(kind, 1)))):
        del x
        lines[round(y)] = lines.get(round(y), "") + text.replace(" ", "").replace("\n", "")
    assert "".join(heads).replace(" ", "") in {line.replace(" ", "") for line in lines.values()}


def test_names_of_grids_are_not_printed_with_their_community() -> None:
    table = ledger(LedgerKind.A, 2)
    table["place"] = ["长营村第3网格-09 万寿村12幢", "栖霞区迈皋桥街道万寿村"]
    shown = "".join(pages(ledger_pdf(table, PaperHeading("迈皋桥街道", "长营村", community="长营村")))).replace(
        "\n", ""
    )
    assert "长营村第3网格" not in shown.replace(" ", "")
    assert "第3网格-09" in shown.replace(" ", "")
    assert "栖霞区" not in shown
    cards = ledger(LedgerKind.J, 1)
    cards[["community", "grid"]] = ["长营村", "长营村第3网格"]
    shown = "".join(pages(ledger_pdf(cards))).replace("\n", "").replace(" ", "")
    assert "0长营村第3网格" in shown
    assert "长营村长营村" not in shown


def test_what_people_write_stays_empty_and_missing_values_are_dashes() -> None:
    table = ledger(LedgerKind.B, 1)
    table["remark"], table["reason"] = "", ""
    assert "".join(pages(ledger_pdf(table))).count("—") == 1


def test_a_row_is_not_cut_by_the_end_of_a_page() -> None:
    numbers = "、".join(f"20260223-{n:04d}" for n in range(12))
    table = ledger(LedgerKind.C, 30)
    table["cases"] = numbers
    for page in pages(ledger_pdf(table)):
        assert page.count("20260223-0000") == page.count("20260223-0011")


def test_of_a_long_list_of_cases_the_first_are_printed() -> None:
    table = ledger(LedgerKind.D, 1)
    table["linked"] = "、".join(f"20260223-{n:04d}" for n in range(55))
    shown = "".join(pages(ledger_pdf(table))).replace("\n", "").replace(" ", "")
    assert shown.count("20260223-") == 12
    assert "等55件" in shown


@pytest.mark.parametrize(
    ("kind", "column", "length"),
    [(LedgerKind.B, "remark", 250), (LedgerKind.H, "decision", 290), (LedgerKind.C, "next_week", 3000)],
)
def test_a_long_text_is_printed_whole(kind: LedgerKind, column: str, length: int) -> None:
    table = ledger(kind, 3)
    table[column] = "甲" * length
    pdf = ledger_pdf(table)
    assert sum(page.count("甲") for page in pages(pdf)) == 3 * length
    for page in range(len(pages(pdf))):
        assert all(y > 14 for _, y, text in words_of(pdf, page) if "甲" in text), "below the last line of a page"


LONG = "阿卜杜热合曼·买买提依明"


@pytest.mark.parametrize("name", ["王堃", "欧阳昇喆", "买买提·热合曼", LONG, LONG + "汗"])
def test_a_long_name_leaves_its_telephone_on_the_card(name: str) -> None:
    card = {"street": "迈皋桥街道", "community": "金宁新村社区", "grid": "第1网格", "code": "", "post": "格长服务手机"}
    numbers = [["热线", "12345"], ["警务", "朱刚华 025-0000-0000"], ["物业", "025-85552220"], ["监督", "025-85550123"]]
    pdf = cards_pdf([{**card, "leader": name, "phone": "13800000000", "numbers": numbers}], DAY)
    words = words_of(pdf)
    assert name in "".join(text for _, _, text in words)
    # The card is the first of its sheet: 15 to 105 mm from the left, 13.5 to 67.5 mm from the top.
    assert all(15 < x < 100 and 297 - 67.5 < y < 297 - 13.5 for x, y, _ in words)
    levels = {round(y, 1) for _, y, text in words for mark in ("13800", "格长服务", "第", "警务") if mark in text}
    assert len(levels) == 4
    (left,) = [x for x, _, text in words if "13800000000" in text]
    assert left < 105 - 5 - 40


def test_a_long_name_is_one_line_of_the_badge_and_of_the_account() -> None:
    badge = badges_pdf([{"street": "迈皋桥街道", "name": LONG, "rows": [["职务", "格长"]]}], DAY)
    assert LONG in "".join(pages(badge))


def agenda_of(lines: int) -> Agenda:
    text = "万寿村社区第15网格-01 瑞丰宿舍区 暴露垃圾：拆迁围挡边倒了不少生活垃圾，招苍蝇 等18件"
    why = Text("下次例会前到期18件，其中已逾期9件，最早02-14 15:43", "why")
    line = Line(next(iter(Rule)), why, text, Text("能否按期办结，需要谁配合？", "?"), "环卫所", (), "")
    return Agenda(DAY, DAY + dt.timedelta(days=2), (line,) * lines, 108)


@pytest.mark.parametrize("lines", [0, 1, 8, 12])
def test_an_agenda_is_one_page(lines: int) -> None:
    assert len(pages(agenda_pdf(agenda_of(lines), PaperHeading("迈皋桥街道")))) == 1


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
