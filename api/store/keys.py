"""API keys: who may do what. The secret is shown once; at rest there is only a salted hash.

The secret is 256 random bits, so guessing it is hopeless however fast the hash is; SHA-256 with a salt per
key is enough, and a slow hash would only slow down every request. (Slow hashes are for passwords.)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, RowMapping, insert, select, update

from api.errors import ApiError, KeyUnknownError
from api.store.journal import append_line
from api.store.tables import api_keys
from quality import Role as SigningRole

Role = Literal["station", "reader", "qc", "engineer", "approver", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
SIGNING_ROLES: tuple[SigningRole, ...] = get_args(SigningRole)
ENTROPY_BYTES = 54
CREATED, REVOKED = "apikey.created", "apikey.revoked"
_PREFIX = "hk"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret: its role, whose it is, and what it is bound to.

    A station's key is bound to the station's id, an approver's to a person (`name`), a party, and the roles
    that the person signs for.
    """

    id: str
    role: Role
    name: str
    station: str | None
    party: str | None
    created_at: str
    revoked_at: str | None
    signs: tuple[SigningRole, ...] = ()

    @property
    def actor(self) -> str:
        """How the journal names whoever uses the key."""
        return f"{self.role}:{self.name}:{self.id}"


def create(
    connection: Connection,
    *,
    role: Role,
    name: str,
    station: str | None,
    party: str | None,
    signs: Sequence[str] = (),
    entropy: bytes,
    actor: str,
    time: str,
) -> tuple[ApiKey, str]:
    """Write a new key with its journal line; return it and the token, which is kept nowhere.

    Args:
        connection: inside a write transaction.
        role: one of ROLES.
        name: of the person, station or system; at most 64 characters.
        station: the station's id, for the role `station` only.
        party: the party that the person approves for, for the role `approver` only.
        signs: the roles that the person signs for, of SIGNING_ROLES, for the role `approver` only.
        entropy: ENTROPY_BYTES random bytes: 6 for the id, 16 of salt, 32 of secret.
        actor: who creates it, for the journal.
        time: RFC 3339 UTC.

    Raises:
        ApiError: the binding does not fit the role.
    """
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise ApiError(f"key name {name!r}: needs 1 to 64 printable characters")
    for field, value, needed in (("station", station, "station"), ("party", party, "approver")):
        if (value is not None) != (role == needed) or value == "":
            raise ApiError(f"role {role}: give {field} for the role {needed}, and for no other")
    unknown = [one for one in signs if one not in SIGNING_ROLES]
    if unknown:
        raise ApiError(f"{unknown[0]!r} is no role to sign for; these are: {', '.join(SIGNING_ROLES)}")
    if signs and role != "approver":
        raise ApiError(f"role {role}: only an approver's key says what the person signs for")
    key_id, salt, secret = entropy[:6].hex(), entropy[6:22].hex(), entropy[22:].hex()
    key = ApiKey(key_id, role, name, station, party, time, None, _signing(signs))
    body = {"role": role, "name": name, "station": station, "party": party, "signs": " ".join(key.signs)}
    append_line(connection, time=time, actor=actor, kind=CREATED, subject=f"key-{key_id}", body=body)
    hashed = _hash(salt, secret)
    connection.execute(
        insert(api_keys).values(id=key_id, **body, salt=salt, hash=hashed, created_at=time, revoked_at=None)
    )
    return key, f"{_PREFIX}_{key_id}_{secret}"


def authenticate(connection: Connection, token: str) -> ApiKey | None:
    """Return the key of a token, or None where it is malformed, unknown, wrong or revoked."""
    parts = token.split("_")
    if len(parts) != 3 or parts[0] != _PREFIX:
        return None
    row = connection.execute(select(api_keys).where(api_keys.c.id == parts[1])).mappings().first()
    if row is None or row["revoked_at"] is not None:
        return None
    if not hmac.compare_digest(_hash(row["salt"], parts[2]), row["hash"]):
        return None
    return _key(row)


def revoke(connection: Connection, key_id: str, *, actor: str, time: str) -> ApiKey:
    """Revoke a key from now on, with its journal line; revoking it again changes nothing.

    Raises:
        KeyUnknownError: no such key.
    """
    row = connection.execute(select(api_keys).where(api_keys.c.id == key_id)).mappings().first()
    if row is None:
        raise KeyUnknownError(f"no API key {key_id!r}; `hallmark apikey list` shows them")
    if row["revoked_at"] is None:
        append_line(connection, time=time, actor=actor, kind=REVOKED, subject=f"key-{key_id}", body={})
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=time))
    return _key({**row, "revoked_at": row["revoked_at"] or time})


def every(connection: Connection) -> list[ApiKey]:
    """Return all keys, oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)).mappings()
    return [_key(row) for row in rows]


def _hash(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}:{secret}".encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: RowMapping | dict[str, str | None]) -> ApiKey:
    names = ("id", "role", "name", "station", "party", "created_at", "revoked_at")
    signs = _signing((row["signs"] or "").split())
    return ApiKey(**{name: row[name] for name in names}, signs=signs)  # pyright: ignore[reportArgumentType]


def _signing(names: Sequence[str]) -> tuple[SigningRole, ...]:
    return tuple(role for role in SIGNING_ROLES if any(role == name for name in names))
