"""The filing proof on paper: one A4 page with the signed line as a QR code.

The Chinese letters are those that every PDF reader brings along (Adobe-GB1), so that no font has to be installed.
"""

from __future__ import annotations

import io
from typing import Final

from reportlab.graphics.barcode.qr import QrCodeWidget
from reportlab.graphics.renderPDF import draw
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from app.foundation import clock
from app.tips.filing_proof import Proved

_FONT: Final = "STSong-Light"
_WIDTH, _HEIGHT = A4
_LEFT: Final = 25 * mm
_QR_SIZE: Final = 62 * mm
_INK, _QUIET = HexColor("#1b2733"), HexColor("#55606b")
_EXPLAINED: Final = (
    "本证明记载举报提交的时间和内容摘要，不载明举报人、被举报对象和查询码。",
    "扫描二维码得到一行以 SHUDI1 开头的文字，在举报网页“核验登记证明”中粘贴即可核验真伪。",
    "内容摘要由举报陈述和随附材料按 SHA-256 算法计算，任何改动都会使摘要不同。",
)


def document_of(proof: str, proved: Proved, office: str) -> bytes:
    """The PDF of a signed proof."""
    target = io.BytesIO()
    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    canvas = Canvas(target, pagesize=A4, invariant=1)
    canvas.setTitle("举报登记证明")
    canvas.setAuthor(office)
    _head(canvas, office)
    _facts(canvas, proved)
    _code(canvas, proof)
    _foot(canvas)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def _head(canvas: Canvas, office: str) -> None:
    canvas.setFillColor(_INK)
    canvas.setFont(_FONT, 24)
    canvas.drawCentredString(_WIDTH / 2, _HEIGHT - 42 * mm, "举 报 登 记 证 明")
    canvas.setFont(_FONT, 12)
    canvas.drawCentredString(_WIDTH / 2, _HEIGHT - 53 * mm, office)
    canvas.setStrokeColor(_INK)
    canvas.line(_LEFT, _HEIGHT - 60 * mm, _WIDTH - _LEFT, _HEIGHT - 60 * mm)


def _facts(canvas: Canvas, proved: Proved) -> None:
    moment = clock.beijing(proved.registered_at)
    digest = proved.statement_sha256
    rows = (
        ("受理编号", proved.receipt_number),
        ("登记时间", f"{clock.day_text(moment)} {moment:%H:%M:%S}（北京时间）"),
        ("内容摘要", digest[:32]),
        ("", digest[32:]),
    )
    height = _HEIGHT - 76 * mm
    for label, value in rows:
        canvas.setFont(_FONT, 13)
        canvas.setFillColor(_QUIET)
        canvas.drawString(_LEFT, height, label)
        canvas.setFillColor(_INK)
        canvas.drawString(_LEFT + 30 * mm, height, value)
        height -= 11 * mm


def _code(canvas: Canvas, proof: str) -> None:
    widget = QrCodeWidget(proof, barLevel="M")
    left, bottom, right, top = widget.getBounds()
    scale = (_QR_SIZE / (right - left), 0, 0, _QR_SIZE / (top - bottom), 0, 0)
    drawing = Drawing(_QR_SIZE, _QR_SIZE, transform=scale)
    drawing.add(widget)
    draw(drawing, canvas, (_WIDTH - _QR_SIZE) / 2, _HEIGHT - 190 * mm)


def _foot(canvas: Canvas) -> None:
    canvas.setFont(_FONT, 10)
    canvas.setFillColor(_QUIET)
    for number, line in enumerate(_EXPLAINED):
        canvas.drawCentredString(_WIDTH / 2, _HEIGHT - (204 + 7 * number) * mm, line)
