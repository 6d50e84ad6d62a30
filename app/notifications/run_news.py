"""What a person hears when long work of the own has ended: a list written out, a sheet taken in, work on a case.

Of a cluster that was merged all reviewers hear, once, instead of once a tip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.cases.imports import ImportKind, ImportState
from app.cases.ledger_models import CaseTask
from app.cases.models import FundraisingCase, SheetImport
from app.cases.tasks import TaskKind
from app.foundation import clock
from app.foundation.database import db, new_id
from app.notifications.models import Notice
from app.notifications.service import officers
from app.notifications.steps import Circle
from app.notifications.wording import with_number
from app.outbox.tasks import TaskState
from app.tips.export_models import ListExport
from app.tips.list_exports import KEPT
from app.tips.merge_models import ClusterMerge
from app.tips.models import Tip


def announce_end(table: str, row_id: UUID, event_id: UUID) -> None:
    """Tell whoever it concerns how a run of this table ended; the notice leads to it. A repeat adds nothing."""
    account_ids, columns = RUNS[table](row_id)
    row = columns | {"event_id": event_id, "run_of": table, "run_id": row_id, "created_at": clock.now()}
    told = insert(Notice.__table__).on_conflict_do_nothing()  # type: ignore[arg-type]
    db.session.execute(told, [row | {"id": new_id(), "account_id": account_id} for account_id in account_ids])


_Told = tuple[Sequence[UUID], dict[str, Any]]
"""Who is told, and the columns of the notice."""


def _of_list(row_id: UUID) -> _Told:
    row = db.session.get_one(ListExport, row_id)
    done = f"线索清单已导出（{row.rows} 件），请在 {KEPT.days} 日内下载"
    return [row.account_id], {"title": done if row.state == TaskState.DONE else "线索清单未能导出，请查看原因"}


_SHEETS: Final[Mapping[str, str]] = {
    ImportKind.CASES: "案件台账",
    ImportKind.CLAIMS: "集资参与人名单",
    ImportKind.PAYMENT_RESULTS: "银行发放结果",
}


def _of_sheet(row_id: UUID) -> _Told:
    row = db.session.get_one(SheetImport, row_id)
    counted = f"新增 {row.created}，更新 {row.updated}，有误 {row.refused}"
    titles = {
        ImportState.DONE: f"试运行完成：将{counted}" if row.dry_run else f"已导入：{counted}",
        ImportState.REFUSED: "有错误，未导入，请查看标注",
        ImportState.FAILED: "未能导入，请查看原因",
    }
    return [row.uploaded_by], {"case_id": row.case_id, "title": _SHEETS[row.kind] + titles[ImportState(row.state)]}


def _of_task(row_id: UUID) -> _Told:
    row = db.session.get_one(CaseTask, row_id)
    case = db.session.get_one(FundraisingCase, row.case_id)
    title = _title_of_task(TaskKind(row.kind), row.given, done=row.state == TaskState.DONE)
    return [row.asked_by], {"case_id": case.id, "title": with_number(title, case.case_no)}


def _title_of_task(kind: TaskKind, given: Mapping[str, Any], *, done: bool) -> str:
    match kind:
        case TaskKind.ROUND:
            return f"第 {given['round']} 轮清退分配已计算" if done else "清退分配未能计算，请查看原因"
        case TaskKind.BATCH:
            return (
                f"第 {given['batch']} 批发放清单已制作"
                if done
                else f"第 {given['round']} 轮发放批次未能制作，请查看原因"
            )
        case TaskKind.BANK_FILE:
            return f"第 {given['batch']} 批银行代发清单{'已生成，请下载' if done else '未能生成，请查看原因'}"


def _of_merger(row_id: UUID) -> _Told:
    row = db.session.get_one(ClusterMerge, row_id)
    number = db.session.scalars(select(Tip.receipt_number).where(Tip.id == row.into_tip_id)).one()
    left = f"，{row.refused} 件没有并入" if row.refused else ""
    title = with_number(f"整组并案已完成：{row.merged} 件已并入主件{left}", number)
    return list({*officers(Circle.REVIEWERS, {}), row.ordered_by}), {"tip_id": row.into_tip_id, "title": title}


RUNS: Final[Mapping[str, Callable[[UUID], _Told]]] = {
    ListExport.__tablename__: _of_list,
    SheetImport.__tablename__: _of_sheet,
    CaseTask.__tablename__: _of_task,
    ClusterMerge.__tablename__: _of_merger,
}
"""Table → who is told of a row's end, and the words."""
