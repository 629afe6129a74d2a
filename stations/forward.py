"""Store and forward: the spool's pending records travel to the server, in sequence order, until it has them.

The server is idempotent by station and sequence, so that a record whose answer was lost is simply sent again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Literal, cast

import httpx

from stations.errors import FrameLostError
from stations.spool import Spool, SpooledUnit

PATH = "/api/v1/inspections"

PROBLEM = "application/problem+json"

# Problems that say something about the station or the server and nothing about the record: without
# credentials, not allowed, too slow, too early, too many. The record stays pending.
_TRY_AGAIN = frozenset({401, 403, 408, 425, 429})

_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)

Outcome = Literal["acknowledged", "refused", "unreachable", "idle"]


@dataclass
class Forwarder:
    """Sends one spool's records to one server. Several threads may ask it to; each record goes once.

    Attributes:
        spool: where pending records come from and their state is kept.
        client: httpx client whose base URL is the server's and whose headers carry the API key
            (`Forwarder.to` makes one).
        sleep: waits so many seconds; injected.
        first_wait_s: wait after a first failure; doubled after each further one.
        longest_wait_s: the cap.
        trouble: why the last attempt failed, or None.
    """

    spool: Spool
    client: httpx.Client
    sleep: Callable[[float], object]
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    trouble: str | None = None
    _turn: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def to(cls, server: str, api_key: str, spool: Spool, sleep: Callable[[float], object]) -> Forwarder:
        """Return a forwarder to a server's base URL. Close `client` when done."""
        client = httpx.Client(
            base_url=server,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(30, connect=5),
        )
        return cls(spool, client, sleep)

    def step(self) -> Outcome:
        """Send the oldest pending record once, and keep what the server said."""
        with self._turn:
            return self._step()

    def _step(self) -> Outcome:
        unit = self.spool.next_pending()
        if unit is None:
            return "idle"
        try:
            answer = self._post(unit)
        except FrameLostError as error:  # nothing to send, and what comes after it must not wait
            self.spool.refuse(unit.sequence, f"not sent: {error}")
            return "refused"
        except httpx.RequestError as error:
            self.trouble = f"{type(error).__name__}: {error}"
            return "unreachable"
        if answer.status_code in (200, 201) and _confirms(answer, unit):
            self.spool.acknowledge(unit.sequence)
            self.trouble = None
            return "acknowledged"
        if _refuses(answer):
            self.spool.refuse(unit.sequence, _problem(answer))
            self.trouble = None
            return "refused"
        self.trouble = _problem(answer)
        return "unreachable"

    def drain(self, patience: int | None = None) -> bool:
        """Send until nothing is pending.

        Args:
            patience: give up after so many failures in a row; None tries forever.

        Returns:
            Whether nothing is pending any more; otherwise `trouble` says why.
        """
        failures = 0
        while (outcome := self.step()) != "idle":
            failures = failures + 1 if outcome == "unreachable" else 0
            if patience is not None and failures >= patience:
                return False
            if failures:
                self.sleep(self._wait(failures))
        return True

    def follow(self, stop: Event, poll_s: float = 0.2) -> None:
        """Send whatever becomes pending until `stop` is set: the body of a thread beside the line."""
        failures = 0
        while not stop.is_set():
            outcome = self.step()
            failures = failures + 1 if outcome == "unreachable" else 0
            if outcome in ("idle", "unreachable"):
                stop.wait(poll_s if outcome == "idle" else self._wait(failures))

    def _wait(self, failures: int) -> float:
        return min(self.first_wait_s * 2.0 ** min(failures - 1, 30), self.longest_wait_s)

    def _post(self, unit: SpooledUnit) -> httpx.Response:
        files = {
            view: (view, data, _media_type(data)) for view, data in self.spool.frames(unit.sequence).items()
        }
        body = {"inspection": unit.record.decode("utf-8")}
        if not files:  # without a file httpx would send a form, not multipart
            return self.client.post(PATH, files={"inspection": (None, body["inspection"])})
        return self.client.post(PATH, data=body, files=files)


def _confirms(answer: httpx.Response, unit: SpooledUnit) -> bool:
    """Whether the answer is the server's receipt of this record, and not some other page with status 200."""
    body = _object(answer)
    return body is not None and body.get("id") == json.loads(unit.record)["id"]


def _refuses(answer: httpx.Response) -> bool:
    """Whether the API itself says that it will not take this record: a problem (RFC 9457) of the 4xx.

    A page of a proxy or of another server on the way says nothing about the record.
    """
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    client_error = 400 <= answer.status_code < 500 and answer.status_code not in _TRY_AGAIN
    return client_error and media_type == PROBLEM


def _problem(answer: httpx.Response) -> str:
    """Return what the server said, from an RFC 9457 problem where it is one."""
    body = _object(answer) or {}
    said = [str(body[key]) for key in ("title", "detail") if body.get(key)]
    return f"{answer.status_code} " + (": ".join(said) or answer.reason_phrase or "no reason given")


def _object(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return cast("dict[str, Any]", body) if isinstance(body, dict) else None


def _media_type(data: bytes) -> str:
    return next((name for magic, name in _MAGIC if data.startswith(magic)), "application/octet-stream")
