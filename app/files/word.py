"""Word files from templates (docxtpl), and the same pages as a PDF to be printed and sealed.

A template names its places as ``{{ name }}`` and repeats table rows with ``{%tr for … %}``. It is filled in a sandbox;
a name that nothing is given for is a fault of the template. The PDF is drawn from the finished Word file, paragraph by
paragraph and table by table, so that there is one text: A4, margins of GB/T 9704, page numbers, and room for the seal.
The Chinese letters are those that every PDF reader brings along (Adobe-GB1).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

_FONT: Final = "STSong-Light"
_LINE: Final = 28
_BODY_POINTS: Final = 16
_CELL_POINTS: Final = 12
_WRITTEN: Final = ("/header", "/footer")
_ALLOWED: Final = frozenset({
    "Template", "Output", "TemplateData", "Name", "Getattr", "Const", "For", "If", "Compare", "Operand", "Not", "And",
    "Or",
})  # fmt: skip


class UnusableTemplate(Exception):
    """A Word file that cannot serve as a template; the text says why, for the office."""


def names_in(template: bytes) -> set[str]:
    """The names of the places of a template that came from outside, checked before anything is filled.

    Only places, loops and conditions are let through: no call, no filter, no arithmetic, nothing that begins with an
    underscore. Nothing may be fetched from elsewhere when the document is opened.

    Raises:
        UnusableTemplate: not a Word file, a mistake in a place, something else than a place, or a foreign part.
    """
    from jinja2 import TemplateSyntaxError, meta, nodes

    source = _source_of(template)
    try:
        parsed = _environment().parse(source)
    except TemplateSyntaxError as fault:
        raise UnusableTemplate("模板中的占位符写法有误，请检查 {{ }} 和 {% %} 是否成对") from fault
    for node in parsed.find_all(nodes.Node):
        if type(node).__name__ not in _ALLOWED:
            raise UnusableTemplate("模板中只能使用占位符、循环和条件，不能使用计算、函数或者过滤器")
        named = node.attr if isinstance(node, nodes.Getattr) else node.name if isinstance(node, nodes.Name) else ""
        if named.startswith("_"):
            raise UnusableTemplate("占位符的名称不能以下划线开头")
    return meta.find_undeclared_variables(parsed)


def _source_of(template: bytes) -> str:
    """Everything of a Word file that places may stand in."""
    from docx import Document
    from docx.opc.exceptions import PackageNotFoundError
    from docxtpl import DocxTemplate

    try:
        document = Document(io.BytesIO(template))
    except (PackageNotFoundError, KeyError, ValueError, zipfile.BadZipFile) as fault:
        raise UnusableTemplate("不是可以打开的 Word 文件（.docx）") from fault
    parts = [document.part, *(one.target_part for one in document.part.rels.values() if not one.is_external)]
    for part in parts:
        if any(one.is_external and not one.reltype.endswith("/hyperlink") for one in part.rels.values()):
            raise UnusableTemplate("模板引用了外部文件（如链接的图片、附加模板），请改为嵌入后再上传")
    reader = DocxTemplate(io.BytesIO(template))
    texts = [reader.xml_to_string(document.element.body)]
    texts += [one.target_part.blob.decode() for one in document.part.rels.values() if one.reltype.endswith(_WRITTEN)]
    return "".join(reader.patch_xml(one) for one in texts)


def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=True)


def filled(template: Path | bytes, values: Mapping[str, Any]) -> bytes:
    """A Word file with the places of ``template`` filled; raise ``UndefinedError`` for a name without a value."""
    from docxtpl import DocxTemplate

    document = DocxTemplate(io.BytesIO(template) if isinstance(template, bytes) else str(template))
    document.render(dict(values), _environment(), autoescape=True)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def text_of(document: bytes) -> str:
    """Everything that is written in a Word file: tables, headers and footers included."""
    from docx import Document

    whole = Document(io.BytesIO(document))
    edges = [edge for section in whole.sections for edge in (section.header, section.footer)]
    said: list[str] = []
    for body in (whole, *edges):
        said += [paragraph.text for paragraph in body.paragraphs]
        said += [cell.text for table in body.tables for row in table.rows for cell in row.cells]
    return "\n".join(said)


def as_pdf(document: bytes, title: str) -> bytes:
    """The pages of a Word file as a PDF."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    target = io.BytesIO()
    pages = SimpleDocTemplate(
        target, pagesize=A4, topMargin=37 * mm, bottomMargin=35 * mm, leftMargin=28 * mm, rightMargin=26 * mm,
        title=title, author="", invariant=1,
    )  # fmt: skip
    pages.build(list(_drawn(document, pages.width)), onFirstPage=_number_page, onLaterPages=_number_page)
    return target.getvalue()


def _number_page(canvas: Any, pages: Any) -> None:
    canvas.setFont(_FONT, 14)
    canvas.drawCentredString(pages.pagesize[0] / 2, 20, f"— {canvas.getPageNumber()} —")


def _drawn(document: bytes, width: float) -> Iterator[Any]:
    """The paragraphs and tables of a Word file in their order, as reportlab draws them."""
    from docx import Document
    from docx.table import Table
    from docx.text.paragraph import Paragraph
    from reportlab.platypus import Spacer

    for block in Document(io.BytesIO(document)).iter_inner_content():
        if isinstance(block, Table):
            yield _drawn_table(block, width)
        elif isinstance(block, Paragraph) and block.text.strip():
            yield _drawn_paragraph(block)
        else:
            yield Spacer(1, _LINE)


def _drawn_paragraph(paragraph: Any) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    sizes = [run.font.size.pt for run in paragraph.runs if run.font.size]
    size = max(sizes, default=_BODY_POINTS)
    indent = paragraph.paragraph_format.first_line_indent
    style = ParagraphStyle(
        "written", fontName=_FONT, fontSize=size, leading=max(_LINE, size * 1.4), wordWrap="CJK",
        alignment={1: 1, 2: 2}.get(int(paragraph.alignment or 0), 0), firstLineIndent=indent.pt if indent else 0,
    )  # fmt: skip
    return Paragraph(escape(paragraph.text).replace("\n", "<br/>"), style)


def _drawn_table(table: Any, width: float) -> Any:
    from reportlab.lib import colors
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, Table

    style = ParagraphStyle("cell", fontName=_FONT, fontSize=_CELL_POINTS, leading=_CELL_POINTS * 1.5, wordWrap="CJK")
    rows = [[Paragraph(escape(cell.text).replace("\n", "<br/>"), style) for cell in row.cells] for row in table.rows]
    widths = [cell.width.pt if cell.width else 1 for cell in table.rows[0].cells] if rows else []
    scale = width / sum(widths) if widths else 1
    drawn = Table(rows, colWidths=[one * scale for one in widths], repeatRows=0)
    drawn.setStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")])
    return drawn
