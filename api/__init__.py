"""Records, HTTP, keys, audit.

Start at `create_app` (the ASGI application) and `Store` (what it keeps); `ledger` is the one place that
writes. Errors: `ApiError`.
"""

from api.app import create_app
from api.errors import ApiError
from api.guard import Limits
from api.store import Store

__all__ = ["ApiError", "Limits", "Store", "create_app"]
