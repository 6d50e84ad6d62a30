"""The table of mergers of whole clusters."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.foundation.database import Base, new_id


class ClusterMerge(Base):
    """A reviewer had the waiting tips of a cluster merged into its main one; the job notes here how far it is."""

    __tablename__ = "cluster_merges"
    __table_args__ = (Index("ix_cluster_merges_cluster", "cluster_id", "ordered_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    cluster_id: Mapped[UUID] = mapped_column(ForeignKey("tip_clusters.id"))
    into_tip_id: Mapped[UUID] = mapped_column(ForeignKey("tips.id"))
    ordered_by: Mapped[UUID]
    ordered_at: Mapped[datetime]
    wanted: Mapped[int]
    last_tip_id: Mapped[UUID | None]
    merged: Mapped[int] = mapped_column(server_default="0")
    refused: Mapped[int] = mapped_column(server_default="0")
    ended_at: Mapped[datetime | None]
