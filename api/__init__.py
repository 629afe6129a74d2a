"""Records, HTTP, keys, audit.

Start at `create_app` (the ASGI application) and `Store` (what it keeps); `ledger` is the one place that
writes. `routes` lists what is served and `roles_of` whom each route admits, of which `READERS` may read
everything but the journal. Errors: `ApiError`.
"""

from api.app import create_app, routes
from api.errors import ApiError
from api.guard import READERS, Limits, roles_of
from api.store import Store

__all__ = ["READERS", "ApiError", "Limits", "Store", "create_app", "roles_of", "routes"]
