"""Word files from templates (docxtpl), and everything that is written in one.

A template names its places as ``{{ name }}`` and repeats table rows with ``{%tr for … %}``. It is filled in a sandbox;
a name that nothing is given for is a fault of the template.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_WRITTEN: Final = ("/header", "/footer", "/footnotes")
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
    """Everything of a Word file that places may stand in: wherever docxtpl looks for them."""
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
    texts = [reader.patch_xml(reader.xml_to_string(one)) for one in _written(document)]
    return "".join([*texts, *_properties(document)])


def _written(document: Any) -> Iterator[Any]:
    """The body, every header and footer (of the first page and of even ones too) and the footnotes."""
    from docx.oxml import parse_xml

    yield document.element.body
    for one in document.part.rels.values():
        if one.reltype.endswith(_WRITTEN):
            yield parse_xml(one.target_part.blob)


def _properties(document: Any) -> list[str]:
    """What the file says of itself; docxtpl fills places there too."""
    kept = document.core_properties
    return [kept.author, kept.comments, kept.identifier, kept.language, kept.subject, kept.title]


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
    """Everything that is written in a Word file, paragraph by paragraph: tables, text boxes, headers, what it says of
    itself.
    """
    from docx import Document
    from docx.oxml.ns import qn

    whole = Document(io.BytesIO(document))
    paragraphs = [paragraph for root in _written(whole) for paragraph in root.iter(qn("w:p"))]
    said = ["".join(run.text for run in paragraph.iter(qn("w:r"))) for paragraph in paragraphs]
    return "\n".join([*said, *_properties(whole)])
