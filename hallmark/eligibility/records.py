"""Lot decisions, effectiveness, due dates and the records of FAI, IQC and 8D: files g1 to g5."""

from __future__ import annotations

from hallmark.eligibility.adapter import Adapter

ADAPTERS: dict[str, Adapter] = {}
