"""Control charts and capability: files c1 to c5."""

from __future__ import annotations

from hallmark.eligibility.adapter import Adapter

ADAPTERS: dict[str, Adapter] = {}
