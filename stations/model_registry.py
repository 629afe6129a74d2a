"""The models of a station: every release that was ever in use, and a journal that says which one is.

    releases/<digest>/     released models, never changed
    journal/000001.json    one line for each deed (`evidence.journal`): the newest names the model in use
    trust/                 public keys of those who may release here

The pointer to the model in use is the journal itself. A deed is one new file, synced and then renamed, so
that whatever kills the machine, a station finds the model from before or the one from after, and the reason.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from evidence import ModelReference
from evidence.inspection import Digest, Name
from evidence.journal import BrokenChain, JournalLine, append, verify_chain
from golden import dsse
from golden.digests import canonical_json
from golden.dsse import Envelope
from golden.errors import BundleError
from golden.keys import SigningKey, TrustStore
from golden.regions import Closed, Stated
from models.errors import ModelError
from models.kinds import card_of, verify_release
from models.release.seal import RELEASE, SEAL, Carded, check_release, listed, signed
from stations.camera import timestamp
from stations.errors import ModelRegistryError, SpoolInUseError
from stations.frame_files import sync_folder
from stations.spool_database import take_lock

JOURNAL: Final = "journal"
RELEASES: Final = "releases"
TRUST: Final = "trust"

_MOST_SAID: Final = 128  # as `evidence.inspection.Name`
_LINE = re.compile(r"\d{6}\.json")
_NO_REGISTRY: Final = (
    "{}: no registry of models: it has no journal folder; `hallmark model release` with this folder makes one"
)


class Shadow(Closed):
    """What a shadow run found: `flips` of `units` that the new model would decide otherwise."""

    digest: Digest
    old: ModelReference
    new: ModelReference
    units: int
    flips: int


class Deed(Closed):
    """Body of a journal line: the model in use from now on, by its release, and why."""

    model: ModelReference
    release: Digest
    why: Name
    shadow: Stated[Shadow] = None


@dataclass(frozen=True, slots=True)
class InUse:
    """The model in use: where it lies, and the deed that put it there."""

    folder: Path
    deed: Deed
    line: JournalLine


class ModelRegistry:
    """A folder as described above. Looking at it needs no lock; each deed takes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def is_one(cls, folder: Path) -> bool:
        """Return whether a folder is a registry; a released model's is none."""
        return (folder / JOURNAL).is_dir()

    @classmethod
    def create(cls, folder: Path) -> ModelRegistry:
        """Make the folders of a registry where they are absent."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in (JOURNAL, RELEASES, TRUST):
            (folder / name).mkdir(exist_ok=True)
        sync_folder(folder)
        sync_folder(folder.absolute().parent)
        return cls(folder)

    def lines(self) -> list[JournalLine]:
        """Return the journal, oldest first.

        Raises:
            ModelRegistryError: a line is missing, altered or unreadable, or this is no registry.
        """
        if not self.is_one(self.folder):
            raise ModelRegistryError(_NO_REGISTRY.format(self.folder))
        paths = sorted(p for p in (self.folder / JOURNAL).iterdir() if _LINE.fullmatch(p.name))
        try:
            lines = [JournalLine.model_validate_json(path.read_bytes()) for path in paths]
            verify_chain(lines)
        except (ValidationError, BrokenChain) as error:
            raise ModelRegistryError(
                f"{self.folder / JOURNAL}: altered or damaged ({dsse.first(error)}); restore it from a copy"
            ) from error
        return lines

    def in_use(self) -> InUse | None:
        """Return the model in use, None before the first release.

        Raises:
            ModelRegistryError: see `lines`.
            ModelUnsignedError: nobody whose key is in `trust` has signed it.
            ModelError: its files are not the ones that were signed.
        """
        lines = self.lines()
        return self._verified(lines[-1], lines) if lines else None

    def release(
        self, source: Path, *, key: SigningKey, why: str, now: datetime, shadow: Shadow | None = None
    ) -> InUse:
        """Sign a release, take a copy of it and use it from now on.

        The first release of a registry needs no shadow run; every other one must have run in shadow of the
        model in use. All of the parity of both its networks is checked before anything is written.

        Raises:
            ModelRegistryError: the shadow run is absent or about other models, the signer is not trusted
                here, the journal cannot say why, or another deed is being done.
            ModelError: the release is damaged.
            BundleError, OSError: the disk is full or cannot be written to.
        """
        _require_told("--why", why)
        with self._alone():
            trust = self.folder / TRUST
            if not any(trust.glob("*.pub.json")) or key.keyid not in TrustStore.open(trust).keys:
                raise ModelRegistryError(
                    f"{trust}: does not hold the key of {key.party}: put their .pub.json there "
                    "if they may release models here"
                )
            card = card_of(source)
            verify_release(source)
            before = self.in_use()
            _check_shadow(shadow, before, card.reference)
            digest = self._install(source, key)
            deed = Deed(model=card.reference, release=digest, why=why, shadow=shadow)
            return self._append("model.released", deed, key.party, now, key)

    def roll_back(self, *, actor: str, why: str, now: datetime) -> InUse:
        """Use the model from before the one in use again; it was signed when it was released.

        Raises:
            ModelRegistryError: there is none before it, the journal cannot say who or why, or another deed
                is being done.
            ModelError: its files are not the ones that were signed.
        """
        _require_told("--by", actor)
        _require_told("--why", why)
        with self._alone():
            lines = self.lines()
            target = _before(lines)
            if target is None:
                raise ModelRegistryError(f"{self.folder}: no model was in use before: nothing to return to")
            back = self._verified(target, lines)
            deed = Deed(model=back.deed.model, release=back.deed.release, why=why)
            return self._append("model.rolled_back", deed, actor, now, None)

    def _append(self, kind: str, deed: Deed, actor: str, now: datetime, key: SigningKey | None) -> InUse:
        """Write the line that does the deed."""
        lines = self.lines()
        body = deed.model_dump(mode="json")
        sealed = {} if key is None else {"seal": _sealed(body, key)}
        last = lines[-1] if lines else None
        line = append(
            last, time=timestamp(now), actor=actor, kind=kind, subject=deed.model.name,
            body={"deed": body, **sealed},
        )  # fmt: skip
        path = self.folder / JOURNAL / f"{line.sequence:06d}.json"
        half = path.with_suffix(".tmp")
        _write(half, canonical_json(line.model_dump(mode="json")) + b"\n")
        half.replace(path)
        sync_folder(path.parent)
        return InUse(self._place(deed.release), deed, line)

    def _install(self, source: Path, key: SigningKey) -> str:
        """Copy a release and sign the copy; return its digest.

        What a kill leaves half copied is used by no line of the journal, and written anew.
        """
        card = card_of(source)
        release, sealed = signed(source, card, key)
        place = self._place(release.digest)
        if self._holds(place, card):
            return release.digest
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        files = {entry.path: (source / entry.path).read_bytes() for entry in release.files}
        for name, data in {**files, RELEASE: release.to_bytes(), SEAL: sealed}.items():
            _write(place / name, data)
        sync_folder(place)
        sync_folder(place.parent)
        return release.digest

    def _holds(self, place: Path, card: Carded) -> bool:
        if not place.exists():
            return False
        try:
            check_release(place, card, TrustStore.open(self.folder / TRUST))
        except ModelError:
            return False
        return True

    def _verified(self, line: JournalLine, lines: list[JournalLine]) -> InUse:
        deed = _deed(line)
        folder = self._place(deed.release)
        trust = TrustStore.open(self.folder / TRUST)
        _check_seal(line, lines, trust)
        card = card_of(folder)
        check_release(folder, card, trust)
        if (card.reference, listed(folder).digest) != (deed.model, deed.release):
            raise ModelRegistryError(
                f"{folder}: not the release that line {line.sequence} of the journal names; restore it"
            )
        return InUse(folder, deed, line)

    def _place(self, digest: str) -> Path:
        return self.folder / RELEASES / digest.removeprefix("sha256:")

    @contextmanager
    def _alone(self) -> Generator[None]:
        if not self.is_one(self.folder):
            raise ModelRegistryError(_NO_REGISTRY.format(self.folder))
        try:
            lock = take_lock(self.folder)
        except SpoolInUseError as error:
            raise ModelRegistryError(f"{self.folder}: someone else changes it now; try again") from error
        try:
            yield
        finally:
            lock.close()


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def model_folder(model: str) -> str:
    """Return the folder of the model in use where `model` names a registry, else `model` itself.

    Raises:
        ModelRegistryError: the registry has no model yet; also as `ModelRegistry.in_use`.
    """
    folder = Path(model)
    if not ModelRegistry.is_one(folder):
        return model
    found = ModelRegistry(folder).in_use()
    if found is None:
        raise ModelRegistryError(f"{folder}: no model was released here yet (hallmark model release)")
    return str(found.folder)


def _require_told(option: str, text: str) -> None:
    """Refuse what a line of the journal cannot hold before anything is done."""
    if not text.strip() or len(text) > _MOST_SAID:
        raise ModelRegistryError(
            f"{option} of {len(text)} characters: the journal takes 1 to {_MOST_SAID}, and not only blanks"
        )


def _check_seal(line: JournalLine, lines: list[JournalLine], trust: TrustStore) -> None:
    """Check that one who is trusted signed the deed that first brought a line's model here."""
    wanted = _deed(line).release
    origin = next(o for o in lines if _deed(o).release == wanted)
    try:
        envelope = dsse.decode(str(origin.body.get("seal")).encode(), f"line {origin.sequence}")
    except BundleError as error:
        raise ModelRegistryError(f"line {origin.sequence} of the journal is not signed: {error}") from error
    message = dsse.pae(envelope.payload)
    genuine = envelope.payload == canonical_json(_deed(origin).model_dump(mode="json")) and any(
        keyid in trust.keys and trust.keys[keyid].verifies(signature, message)
        for keyid, signature in envelope.signatures.items()
    )
    if not genuine:
        raise ModelRegistryError(
            f"line {origin.sequence} of the journal, which brought this model, is not signed by a key that "
            "is trusted here"
        )


def _check_shadow(shadow: Shadow | None, before: InUse | None, new: ModelReference) -> None:
    if before is None:
        return
    if shadow is None:
        raise ModelRegistryError(
            f"model {before.deed.model.name!r} ({before.deed.model.digest[:19]}) is in use: run the new one "
            "in its shadow first (hallmark model shadow) and give the report"
        )
    if (shadow.old, shadow.new) != (before.deed.model, new):
        raise ModelRegistryError(
            f"the shadow run was of {shadow.new.digest[:19]} behind {shadow.old.digest[:19]}, not of "
            f"{new.digest[:19]} behind {before.deed.model.digest[:19]}, which is in use: run it again"
        )
    if shadow.units < 1:
        raise ModelRegistryError("the shadow run saw no unit: run it on stored frames")


def _before(lines: list[JournalLine]) -> JournalLine | None:
    """Return the line that put the model to return to into use: undoing goes on where it left off."""
    stack: list[JournalLine] = []
    for line in lines:
        if line.kind == "model.released":
            stack.append(line)
        elif not stack:
            raise ModelRegistryError(f"line {line.sequence} of the journal takes back what nobody released")
        else:
            stack.pop()
    return stack[-2] if len(stack) > 1 else None


def _deed(line: JournalLine) -> Deed:
    try:
        return Deed.model_validate(line.body.get("deed"))
    except ValidationError as error:
        raise ModelRegistryError(f"line {line.sequence} of the journal says no deed: {error}") from error


def _sealed(body: dict[str, object], key: SigningKey) -> str:
    payload = canonical_json(body)
    return dsse.encode(Envelope(payload, {key.keyid: key.sign(dsse.pae(payload))})).decode()
