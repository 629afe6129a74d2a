"""Measurement systems: files d1 to d3."""

from __future__ import annotations

from hallmark.eligibility.adapter import Adapter

ADAPTERS: dict[str, Adapter] = {}
