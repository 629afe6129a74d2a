"""Conformity and uncertainty: files e1 to e5."""

from __future__ import annotations

from hallmark.eligibility.adapter import Adapter

ADAPTERS: dict[str, Adapter] = {}
