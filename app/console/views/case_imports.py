"""A sheet that was handed in: what its columns are taken for, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import request, url_for

from app.cases import imports
from app.cases.imports import ImportState
from app.cases.models import SheetImport
from app.foundation import clock

STATE_TEXTS: Final[Mapping[ImportState, tuple[str, str]]] = {
    ImportState.PREVIEW: ("待核对", "wait"),
    ImportState.QUEUED: ("排队中", "run"),
    ImportState.RUNNING: ("导入中", "run"),
    ImportState.DONE: ("已完成", "done"),
    ImportState.REFUSED: ("有错误，未导入", "warn"),
    ImportState.FAILED: ("未能处理", "urgent"),
}
UNDER_WAY: Final = frozenset({ImportState.QUEUED, ImportState.RUNNING})
_UNITS: Final = {"1": "元", "1000": "千元", "10000": "万元", "100000000": "亿元"}


def import_line(row: SheetImport) -> dict[str, Any]:
    """One import in the list."""
    text, tone = _state(row)
    return {
        "href": url_for("console.show_case_import", import_id=row.id),
        "at": clock.beijing(row.uploaded_at),
        "sheet": row.sheet,
        "rows": row.rows,
        "state": {"text": text, "tone": tone},
        "created": row.created,
        "updated": row.updated,
        "refused": row.refused,
    }


def _state(row: SheetImport) -> tuple[str, str]:
    text, tone = STATE_TEXTS[ImportState(row.state)]
    return (f"试运行{text}" if row.dry_run and row.state == ImportState.DONE else text), tone


def import_view(
    row: SheetImport, samples: Sequence[Sequence[str]], problem: Mapping[str, Any] | None
) -> dict[str, Any]:
    """One import whole; the mapping can be changed while nothing was kept."""
    text, tone = _state(row)
    kept = row.state == ImportState.DONE and not row.dry_run
    return {
        "row": row,
        "state": {"text": text, "tone": tone},
        "under_way": row.state in UNDER_WAY,
        "progress": _progress(row),
        "columns": [_column(one, problem) for one in row.columns],
        "samples": samples,
        "missing": imports.headings_of(row).missing(imports.COLUMNS[row.kind]),
        "fields": [{"value": one.field, "label": one.text} for one in imports.COLUMNS[row.kind]],
        "startable": not kept and row.state not in UNDER_WAY and row.file_id is not None,
        "removed": row.file_id is None,
        "ended": row.state in {ImportState.DONE, ImportState.REFUSED, ImportState.FAILED},
        "kept": kept,
        "state_url": url_for("console.follow_case_import", import_id=row.id),
        "start_url": url_for("console.start_case_import", import_id=row.id),
        "result_url": url_for("console.fetch_import_result", import_id=row.id) if row.result_file_id else None,
        "lacks_result": imports.lacks_result(row),
        "list_url": url_for("console.list_case_imports"),
        "problem": problem and {"title": problem["title"], "text": problem.get("detail"), "fields": _faults(problem)},
    }


def _progress(row: SheetImport) -> dict[str, Any]:
    done = imports.rows_done(row)
    return {"done": done, "whole": row.rows, "share": min(done / row.rows, 1) if row.rows else 0}


def _column(one: Mapping[str, Any], problem: Mapping[str, Any] | None) -> dict[str, Any]:
    name = f"column-{one['column']}"
    chosen = request.form.get(name, "") if problem else one["field"] or ""
    unit = _UNITS.get(one["unit_yuan"]) if one["unit_yuan"] != "1" else None
    return {"name": name, "letters": one["column"], "heading": one["heading"], "value": chosen, "unit": unit}


def _faults(problem: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"label": "栏目对应", "text": text} for texts in problem.get("errors", {}).values() for text in texts]


def typed_columns(row: SheetImport) -> dict[str, str | None]:
    """What the form says of each column: a field, or none."""
    return {one["column"]: request.form.get(f"column-{one['column']}") or None for one in row.columns}
