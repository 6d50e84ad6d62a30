"""A Word file as a PDF: headers and footers of each section, fields of the page, and the number where no footer says it."""

from __future__ import annotations

import io
from typing import Any

import pypdfium2
from docx import Document
from docx.enum.section import WD_SECTION_START
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from app.files import word
from app.files.word_as_pdf import as_pdf

FIELD = "<w:r><w:fldChar w:fldCharType='{}'/></w:r>"


def complex_field(instruction: str, kept: str) -> str:
    """A field as Word writes it: begin, instruction, what it said last, end."""
    asked = f"<w:r><w:instrText xml:space='preserve'> {instruction} \\* MERGEFORMAT </w:instrText></w:r>"
    said = f"<w:r><w:t>{kept}</w:t></w:r>"
    return FIELD.format("begin") + asked + FIELD.format("separate") + said + FIELD.format("end")


def simple_field(instruction: str, kept: str) -> str:
    return f"<w:fldSimple w:instr=' {instruction} '><w:r><w:t>{kept}</w:t></w:r></w:fldSimple>"


def text(said: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{said}</w:t></w:r>"


def add(edge: Any, *pieces: str) -> None:
    """A paragraph of these pieces of XML at the end of a header or footer."""
    edge.is_linked_to_previous = False
    edge._element.append(parse_xml(f"<w:p {nsdecls('w')}>{''.join(pieces)}</w:p>"))


def pages(document: Any) -> list[str]:
    """What each page of the PDF says, lines joined."""
    target = io.BytesIO()
    document.save(target)
    found = pypdfium2.PdfDocument(as_pdf(target.getvalue(), "函"))
    return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in found]


def letter(paragraphs: int = 1) -> Any:
    document = Document()
    for number in range(paragraphs):
        document.add_paragraph(f"正文{number}。")
    return document


def test_header_and_footer_stand_on_every_page_above_and_below_the_text() -> None:
    document = letter(60)
    document.sections[0].header.paragraphs[0].text = "市处非办专用"
    document.sections[0].footer.paragraphs[0].text = "抄送：存档"
    found = pages(document)
    assert len(found) > 2
    for number, page in enumerate(found, 1):
        lines = [line.strip() for line in page.strip().split("\n")]
        assert "市处非办专用" in lines, page
        assert "抄送：存档" in lines, page
        assert f"— {number} —" in lines, page
    assert "正文0。" in found[0]
    assert "正文59。" in found[-1]


def test_what_stands_in_the_margin_does_not_touch_the_text() -> None:
    document = letter(60)
    for line in range(12):
        document.sections[0].header.add_paragraph(f"页眉{line}")
        document.sections[0].footer.add_paragraph(f"页脚{line}")
    target = io.BytesIO()
    document.save(target)
    page = pypdfium2.PdfDocument(as_pdf(target.getvalue(), "函"))[1].get_textpage()

    def spans(word_: str) -> tuple[float, float]:
        found = page.search(word_).get_next()
        assert found is not None, word_
        _, bottom, _, top = page.get_charbox(found[0])
        return bottom, top

    text_below, text_above = 35 * 72 / 25.4, 842 - 37 * 72 / 25.4
    assert spans("页眉11")[0] > text_above
    assert 20 < spans("页脚11")[0] < spans("页脚0")[1] < text_below


def test_the_first_page_and_even_pages_may_have_their_own() -> None:
    document = letter(60)
    section = document.sections[0]
    section.different_first_page_header_footer = True
    document.settings.odd_and_even_pages_header_footer = True
    for edge, said in (
        (section.first_page_header, "首页"), (section.even_page_header, "双页"), (section.header, "单页"),
    ):  # fmt: skip
        add(edge, text(said))
    found = pages(document)
    assert [next(said for said in ("首页", "双页", "单页") if said in page) for page in found[:3]] == [
        "首页",
        "双页",
        "单页",
    ]


def test_a_footer_that_says_the_number_of_the_page_says_it_alone() -> None:
    document = letter(60)
    add(
        document.sections[0].footer, text("第"), complex_field("PAGE", "99"), text("页，共"), simple_field("NUMPAGES", "88"),
        text("页，"), complex_field("DATE", "去年"),
    )  # fmt: skip
    found = pages(document)
    for number, page in enumerate(found, 1):
        assert f"第{number}页，共{len(found)}页，去年" in page
        assert "—" not in page


def test_a_number_in_a_text_box_is_said_once() -> None:
    """Word and WPS put numbers of pages into floating boxes, and once more for programs that know no boxes."""
    document = letter(60)
    box = f"<w:txbxContent><w:p>{complex_field('PAGE', '1')}</w:p></w:txbxContent>"
    add(
        document.sections[0].footer,
        "<w:r><mc:AlternateContent xmlns:mc='http://schemas.openxmlformats.org/markup-compatibility/2006'>"
        f"<mc:Choice Requires='wps'>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>",
    )
    found = pages(document)
    assert [line for line in found[1].split("\n") if line.strip() in {"2", "22"}] == ["2"]
    assert "—" not in found[1]


def test_a_line_with_tabs_has_a_left_a_middle_and_a_right() -> None:
    document = letter()
    document.sections[0].header.paragraphs[0].text = "左边\t中间\t右边"
    target = io.BytesIO()
    document.save(target)
    page = pypdfium2.PdfDocument(as_pdf(target.getvalue(), "函"))[0].get_textpage()
    places = [page.get_charbox(page.search(said).get_next()[0])[0] for said in ("左边", "中间", "右边")]
    assert places[0] < 100 < places[1] < 330 < places[2]


def test_each_section_has_its_own_and_begins_a_page() -> None:
    document = letter()
    document.sections[0].header.paragraphs[0].text = "正件"
    second = document.add_section()
    second.header.is_linked_to_previous = False
    second.header.paragraphs[0].text = "附件"
    document.add_paragraph("附件清单。")
    document.add_section(WD_SECTION_START.CONTINUOUS)
    document.add_paragraph("同页。")
    found = pages(document)
    assert len(found) == 2
    assert "正件" in found[0]
    assert "附件" not in found[0]
    assert all(said in found[1] for said in ("附件清单。", "附件", "同页。"))


def test_a_table_in_a_header_is_drawn_without_lines_and_alignment_is_kept() -> None:
    document = letter()
    header = document.sections[0].header
    table = header.add_table(1, 2, document.sections[0].page_width)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "机密", "特急"
    header.add_paragraph("居右").alignment = WD_ALIGN_PARAGRAPH.RIGHT
    (page,) = pages(document)
    assert all(said in page for said in ("机密", "特急", "居右"))


def test_everything_that_is_written_is_read() -> None:
    """What must not leave is looked for in the same places that a template may fill."""
    document = letter()
    section = document.sections[0]
    section.different_first_page_header_footer = True
    for edge, said in (
        (section.first_page_header, "首页眉"),
        (section.even_page_footer, "双页脚"),
        (section.header, "页眉"),
    ):
        add(edge, text(said))
    box = "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>文本框</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{box}</w:p>"))
    document.core_properties.comments = "属性"
    target = io.BytesIO()
    document.save(target)
    found = word.text_of(target.getvalue()).split("\n")
    assert {"正文0。", "首页眉", "双页脚", "页眉", "文本框", "属性"} <= set(found)
