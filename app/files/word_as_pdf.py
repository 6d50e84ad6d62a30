"""The pages of a Word file as a PDF to be printed and sealed.

Drawn from the finished file, paragraph by paragraph and table by table, so that there is one text: A4, margins of GB/T
9704, headers and footers of each section, page numbers, and room for the seal. The Chinese letters are those that every
PDF reader brings along (Adobe-GB1). Pictures are left out.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from xml.sax.saxutils import escape

_FONT: Final = "STSong-Light"
_LINE: Final = 28
_BODY_POINTS: Final = 16
_CELL_POINTS: Final = 12
_EDGE_POINTS: Final = 10.5
_EDGE_GAP: Final = 36
"""Points between the rim of the paper and what stands in the margin, the number of the page apart."""
_LEFT, _CENTRE, _RIGHT = 0, 1, 2
_Said: TypeAlias = Callable[[Any], str]
"""What a paragraph of the Word file says."""


def as_pdf(document: bytes, title: str) -> bytes:
    """The pages of a Word file as a PDF."""
    from docx import Document
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import BaseDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    whole, target = Document(io.BytesIO(document)), io.BytesIO()
    pages = BaseDocTemplate(
        target, pagesize=A4, topMargin=37 * mm, bottomMargin=35 * mm, leftMargin=28 * mm, rightMargin=26 * mm,
        title=title, author="", invariant=1,
    )  # fmt: skip
    pages.addPageTemplates(list(_sheets(whole, pages)))
    pages.build(list(_drawn(whole, pages.width)), canvasmaker=_canvas())
    return target.getvalue()


def _drawn(document: Any, width: float) -> Iterator[Any]:
    """The paragraphs and tables of each section in their order, as reportlab draws them."""
    from docx.enum.section import WD_SECTION_START
    from docx.table import Table
    from reportlab.platypus import NextPageTemplate, PageBreak, Spacer

    for number, section in enumerate(document.sections):
        if number:
            yield NextPageTemplate(str(number))
        if number and section.start_type is not WD_SECTION_START.CONTINUOUS:
            yield PageBreak()
        for block in section.iter_inner_content():
            if isinstance(block, Table):
                yield _table(block, width, _text)
            elif block.text.strip():
                yield _paragraph(block, block.text, _BODY_POINTS, _LINE)
            else:
                yield Spacer(1, _LINE)


def _text(paragraph: Any) -> str:
    said: str = paragraph.text
    return said


def _paragraph(paragraph: Any, said: str, usual: float, line: float, alignment: int | None = None) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    size = max((run.font.size.pt for run in paragraph.runs if run.font.size), default=usual)
    indent = paragraph.paragraph_format.first_line_indent
    style = ParagraphStyle(
        "written", fontName=_FONT, fontSize=size, leading=max(line, size * 1.4), wordWrap="CJK",
        alignment=_alignment(paragraph) if alignment is None else alignment, firstLineIndent=indent.pt if indent else 0,
    )  # fmt: skip
    return Paragraph(escape(said).replace("\n", "<br/>"), style)


def _alignment(paragraph: Any) -> int:
    own = paragraph.alignment
    wanted = paragraph.style.paragraph_format.alignment if own is None and paragraph.style else own
    return int(wanted) if wanted in {_CENTRE, _RIGHT} else _LEFT


def _table(table: Any, width: float, said: _Said, *, grid: bool = True) -> Any:
    from reportlab.lib import colors
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Table

    points = _CELL_POINTS if grid else _EDGE_POINTS
    style = ParagraphStyle("cell", fontName=_FONT, fontSize=points, leading=points * 1.5, wordWrap="CJK")

    def drawn(cell: Any) -> Any:
        return Paragraph("<br/>".join(escape(said(one)).replace("\n", "<br/>") for one in cell.paragraphs), style)

    rows = [[drawn(cell) for cell in row.cells] for row in table.rows]
    widths = [cell.width.pt if cell.width else 1 for cell in table.rows[0].cells] if rows else []
    scale = width / sum(widths) if widths else 1
    made = Table(rows, colWidths=[one * scale for one in widths], repeatRows=0)
    made.setStyle([("VALIGN", (0, 0), (-1, -1), "MIDDLE"), *([("GRID", (0, 0), (-1, -1), 0.5, colors.black)] * grid)])
    return made


# Headers, footers, numbers of pages -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What the margins of a page are drawn from, once it is known how many pages there are."""

    header: Any
    footer: Any
    pages: Any


def _sheets(document: Any, pages: Any) -> Iterator[Any]:
    """The pages of each section; each notes which header and footer of its section it carries."""
    from reportlab.platypus import Frame, PageTemplate

    begun = set[int]()
    for number, section in enumerate(document.sections):

        def begin(canvas: Any, _pages: Any, number: int = number, section: Any = section) -> None:
            canvas.sheet = _Sheet(*_edges(document, section, canvas.getPageNumber(), first=number not in begun), pages)
            begun.add(number)

        frame = Frame(pages.leftMargin, pages.bottomMargin, pages.width, pages.height, 0, 0, 0, 0)
        yield PageTemplate(str(number), [frame], onPage=begin)


def _edges(document: Any, section: Any, page: int, *, first: bool) -> tuple[Any, Any]:
    if first and section.different_first_page_header_footer:
        return section.first_page_header, section.first_page_footer
    if page % 2 == 0 and document.settings.odd_and_even_pages_header_footer:
        return section.even_page_header, section.even_page_footer
    return section.header, section.footer


def _canvas() -> Any:
    """A canvas that draws the margins at the end: a footer may say how many pages there are."""
    from reportlab.pdfgen.canvas import Canvas

    class Kept(Canvas):  # type: ignore[misc]  # reportlab has no types
        def showPage(self) -> None:  # noqa: N802  # reportlab's name
            self.__dict__.setdefault("kept", []).append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            kept = self.__dict__.get("kept", [])
            for page in kept:
                self.__dict__.update(page)
                _draw_margins(self, len(kept))
                super().showPage()
            super().save()

    return Kept


def _draw_margins(canvas: Any, count: int) -> None:
    """Header and footer; the number of the page below, unless the template says it itself."""
    sheet: _Sheet = canvas.sheet
    pages, number = sheet.pages, canvas.getPageNumber()
    fields = _Fields({"PAGE": str(number), "NUMPAGES": str(count)})
    if (header := _edge(canvas, sheet.header, pages, fields, pages.topMargin)) is not None:
        header.drawOn(canvas, pages.leftMargin, pages.pagesize[1] - _EDGE_GAP - header.height)
    if (footer := _edge(canvas, sheet.footer, pages, fields, pages.bottomMargin)) is not None:
        footer.drawOn(canvas, pages.leftMargin, _EDGE_GAP)
    if "PAGE" not in fields.asked:
        canvas.setFont(_FONT, 14)
        canvas.drawCentredString(pages.pagesize[0] / 2, 20, f"— {number} —")


def _edge(canvas: Any, edge: Any, pages: Any, fields: _Fields, margin: float) -> Any:
    """What stands in a margin, made smaller where it would reach into the text; ``None`` where nothing does."""
    from reportlab.platypus import KeepInFrame

    lines = list(_lines(edge, pages.width, fields))
    if not lines:
        return None
    drawn = KeepInFrame(pages.width, margin - _EDGE_GAP, lines, mode="shrink")
    drawn.wrapOn(canvas, pages.width, margin - _EDGE_GAP)
    return drawn


def _lines(edge: Any, width: float, fields: _Fields) -> Iterator[Any]:
    """A header or footer line by line; a tab leads to the middle, the next one to the right."""
    from docx.table import Table

    for block in edge.iter_inner_content():
        if isinstance(block, Table):
            yield _table(block, width, fields.said, grid=False)
        elif (said := fields.said(block)).strip():
            yield _parted(block, said.split("\t"), width)


def _parted(paragraph: Any, parts: Sequence[str], width: float) -> Any:
    from reportlab.platypus import Table

    line = _EDGE_POINTS * 1.4
    if len(parts) == 1:
        return _paragraph(paragraph, parts[0], _EDGE_POINTS, line)
    shown = [_paragraph(paragraph, said, _EDGE_POINTS, line, place) for place, said in enumerate(parts[:3])]
    return Table([[*shown, *[""] * (3 - len(shown))]], colWidths=[width / 3] * 3)


class _Fields:
    """What the fields of a header or footer say on one page, and which of them were asked for."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = told
        self.asked: set[str] = set()

    def said(self, paragraph: Any) -> str:
        """The text of a paragraph and of its text boxes; a field that is not known says what Word kept for it."""
        said: list[str] = []
        instruction, kept = "", True
        for kind, text in _pieces(paragraph):
            if kind == "instruction":
                instruction += text
            elif kind in {"separate", "end"}:
                answer = self._answer(instruction)
                said.append(answer or "")
                instruction, kept = "", kind == "end" or answer is None
            elif kept:
                said.append(text)
        return "".join(said)

    def _answer(self, instruction: str) -> str | None:
        name = next(iter(instruction.upper().split()), "")
        self.asked.add(name)
        return self._told.get(name)


_WRITTEN_AS: Final = {"tab": "\t", "br": "\n", "cr": "\n"}


def _pieces(paragraph: Any) -> Iterator[tuple[str, str]]:
    """Texts, and the beginnings and ends of fields, in their order. A fallback says again what was said before it."""
    from docx.oxml.ns import qn

    for run in paragraph._p.iter(qn("w:r")):  # noqa: SLF001  # python-docx has no fields
        if any(above.tag.endswith("}Fallback") for above in run.iterancestors()):
            continue
        simple = run.getparent() if run.getparent().tag == qn("w:fldSimple") else None
        if simple is not None:
            yield "instruction", simple.get(qn("w:instr"))
            yield "separate", ""
        for node in run:
            name = node.tag.rpartition("}")[2]
            if name == "fldChar":
                yield node.get(qn("w:fldCharType")), ""
            elif name == "instrText":
                yield "instruction", node.text or ""
            elif name == "t" or name in _WRITTEN_AS:
                yield "text", node.text or _WRITTEN_AS.get(name, "")
        if simple is not None:
            yield "end", ""
