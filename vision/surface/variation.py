# pyright: reportUnknownMemberType=false
"""The variation model of a view: what approved units show at each pixel, by whom they were approved, signed.

One file, an npz archive: the arrays of the sums (`vision.surface.tally`) and of the places that many units
share, `header` (canonical JSON with the digest of each array) and `signatures` (canonical JSON). The model's
digest is that of its header; signatures are Ed25519 over it, as on a certificate.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, Any, Literal, Self, cast

import numpy as np
import numpy.typing as npt
from numpy.lib.format import read_array_header_1_0, read_magic
from pydantic import Field, TypeAdapter, ValidationError

from evidence.frame import Timestamp
from evidence.inspection import Digest, Name, PixelBox
from golden import dsse
from golden.detached import DetachedSignature, signers, with_signature
from golden.digests import canonical_json, sha256
from golden.errors import NotCanonicalError, SealError
from golden.keys import SigningKey, TrustStore
from golden.regions import Closed, Identifier
from golden.sample import write_file
from golden.seal import Signature
from vision.surface.errors import (
    VariationAlteredError,
    VariationForeignError,
    VariationFormatError,
    VariationUnitsError,
    VariationUnsignedError,
)
from vision.surface.tally import FEWEST, MOST, Tally

SIGNED_TYPE = "application/vnd.hallmark.variation"
LARGEST_FILE = 2_000_000_000

U16 = npt.NDArray[np.uint16]
_SUMS = tuple(f.name for f in fields(Tally) if f.name != "count")


class Approval(Closed):
    """An approved unit: its frame, and who approved it when."""

    frame: Digest
    serial: Name
    approved_by: Name
    approved_at: Timestamp


class SharedRegion(Closed):
    """A place where several units deviate from the golden image alone, or their mean lies beyond it.

    `box_mm` is x, y, width, height in the golden view; `units` the most that deviate at one pixel of it, or
    all where only their mean lies beyond. Until a person confirms that it is right, the golden image alone is
    the measure there.
    """

    box_mm: PixelBox
    size_mm: Annotated[float, Field(ge=0)]
    area_mm2: Annotated[float, Field(ge=0)]
    zones: tuple[Identifier, ...]
    units: Annotated[int, Field(ge=2, le=MOST)]
    confirmed: bool = False


class VariationHeader(Closed):
    """What a variation model is of; `arrays` are digests of the arrays' bytes, by name."""

    schema_: Literal["hallmark.variation/1"] = Field(alias="schema", default="hallmark.variation/1")
    golden: Digest
    view: Identifier
    height: Annotated[int, Field(ge=1, le=20000)]
    width: Annotated[int, Field(ge=1, le=20000)]
    units: Annotated[tuple[Approval, ...], Field(min_length=FEWEST, max_length=MOST)]
    shared: Annotated[tuple[SharedRegion, ...], Field(max_length=65535)]
    arrays: dict[str, Digest]


_SIGNATURES = TypeAdapter(tuple[DetachedSignature, ...])


@dataclass(frozen=True, slots=True, eq=False)
class VariationModel:
    """A variation model. Make it with `vision.learn_variation` or `open` only.

    Attributes:
        header: what it is of.
        tally: sums over its units, at half resolution of the golden view.
        places: (h, w) uint16, number of the shared region, from 1, that each pixel belongs to; 0 for none.
        signatures: sorted by key id; not part of the digest, which they cover.
    """

    header: VariationHeader
    tally: Tally
    places: U16
    signatures: tuple[DetachedSignature, ...] = field(default=())

    @classmethod
    def of(
        cls,
        golden: str,
        view: str,
        units: tuple[Approval, ...],
        tally: Tally,
        shared: tuple[SharedRegion, ...],
        places: U16,
    ) -> Self:
        """Return an unsigned model of a golden sample's digest and view.

        Raises:
            VariationUnitsError: too few units or too many, or a frame twice.
        """
        frames = [unit.frame for unit in units]
        if not FEWEST <= len(units) <= MOST:
            raise VariationUnitsError(
                f"{len(units)} approved units: give {FEWEST} to {MOST}; "
                "with fewer the golden image alone decides"
            )
        if len(set(frames)) != len(frames):
            again = next(u for u in units if frames.count(u.frame) > 1)
            raise VariationUnitsError(f"unit {again.serial}: its frame occurs twice; give every unit once")
        height, width = places.shape
        arrays = {name: sha256(array.tobytes()) for name, array in _arrays(tally, places).items()}
        header = VariationHeader(
            golden=golden, view=view, height=height, width=width, units=units, shared=shared, arrays=arrays
        )
        return cls(header, tally, places)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of the header, which holds the digests of all arrays."""
        return sha256(self._head)

    @property
    def unconfirmed(self) -> npt.NDArray[np.bool_]:
        """Return (h, w) bool, where the golden image alone is the measure: shared and not yet confirmed."""
        waiting = np.array([False, *(not region.confirmed for region in self.header.shared)])
        return waiting[self.places]

    def confirm(self, numbers: frozenset[int]) -> Self:
        """Return the model, unsigned, with shared regions confirmed by their numbers, from 1.

        Raises:
            VariationUnitsError: there is no region of that number.
        """
        unknown = sorted(numbers - set(range(1, len(self.header.shared) + 1)))
        if unknown:
            raise VariationUnitsError(
                f"there is no shared region {unknown[0]}: the model has {len(self.header.shared)}"
            )
        shared = tuple(
            region.model_copy(update={"confirmed": region.confirmed or n in numbers})
            for n, region in enumerate(self.header.shared, 1)
        )
        if shared == self.header.shared:
            return self
        return replace(self, header=self.header.model_copy(update={"shared": shared}), signatures=())

    def require(self, golden: str, view: str, height: int, width: int) -> None:
        """Raise VariationForeignError unless it is of this golden sample, view and size of comparison."""
        h = self.header
        if (h.golden, h.view, h.height, h.width) != (golden, view, height, width):
            raise VariationForeignError(
                f"the variation model is of view {h.view!r} of golden sample {h.golden[:19]}, "
                f"{h.width} x {h.height}; here it is view {view!r} of {golden[:19]}, {width} x {height}: "
                "learn one for it"
            )

    def sign(self, key: SigningKey) -> Self:
        """Return the model with this key's signature; signing twice changes nothing."""
        return replace(self, signatures=with_signature(self.signatures, key, self.digest, SIGNED_TYPE))

    def verify(self, trust: TrustStore, *, source: str = "variation model") -> tuple[Signature, ...]:
        """Return who signed it, sorted by key id.

        Raises:
            VariationUnsignedError: nobody, someone who is not trusted here, or a signature is not genuine.
        """
        if not self.signatures:
            raise VariationUnsignedError(
                f"{source}: nobody has signed it as it is; look at it with `hallmark golden variation show`, "
                "then `hallmark golden variation sign`"
            )
        try:
            return signers(self.signatures, trust, self.digest, SIGNED_TYPE, may="approve units")
        except SealError as error:
            raise VariationUnsignedError(f"{source}: {error}") from error

    @classmethod
    def open(cls, path: Path, trust: TrustStore | None = None) -> Self:
        """Read the file; with `trust`, refuse it unless every signature is genuine and by a trusted key.

        Raises:
            VariationFormatError, VariationAlteredError, VariationUnsignedError: as named; OSError where the
            file cannot be read.
        """
        if path.stat().st_size > LARGEST_FILE:
            raise VariationFormatError(f"{path}: larger than {LARGEST_FILE} bytes; is it a .variation file?")
        model = cls.parse(path.read_bytes(), source=str(path))
        if trust is not None:
            model.verify(trust, source=str(path))
        return model

    @classmethod
    def parse(cls, data: bytes, *, source: str) -> Self:
        """Read the file's bytes, signed or not; errors as `open`."""
        stored = _stored(data, source)
        head, written = (stored.pop(name).tobytes() for name in ("header", "signatures"))
        try:
            dsse.parse_canonical(head, source)
            header = VariationHeader.model_validate_json(head, strict=True)
            signatures = _SIGNATURES.validate_json(written, strict=True)
        except NotCanonicalError as error:
            raise VariationAlteredError(f"{error}; fetch the original") from error
        except ValidationError as error:
            raise VariationFormatError(f"{source}: {dsse.first(error)}") from error
        empty = Tally.empty(header.height, header.width)
        places = np.zeros((header.height, header.width), np.uint16)
        for name, array in _arrays(empty, places).items():
            found = stored[name]
            if found.dtype != array.dtype or found.shape != array.shape:
                raise VariationFormatError(
                    f"{source}: {name} is {found.dtype} {found.shape}, not {array.dtype} {array.shape}"
                )
            if sha256(found.tobytes()) != header.arrays.get(name):
                raise VariationAlteredError(f"{source}: {name} was altered; fetch the original")
        if int(stored["places"].max(initial=0)) > len(header.shared):
            raise VariationFormatError(f"{source}: places name a region that the header does not")
        tally = Tally(len(header.units), **{name: cast("Any", stored[name]) for name in _SUMS})
        return cls(header, tally, cast("U16", stored["places"]), signatures)

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        signatures = canonical_json([s.model_dump() for s in self.signatures])
        texts = {"header": self._head, "signatures": signatures}
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            allow_pickle=False,
            **{name: np.frombuffer(text, np.uint8) for name, text in texts.items()},
            **_arrays(self.tally, self.places),
        )
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write the file: whole or not at all."""
        write_file(path, self.to_bytes())

    @property
    def _head(self) -> bytes:
        return canonical_json(self.header.model_dump(mode="json", by_alias=True))


def _arrays(tally: Tally, places: U16) -> dict[str, npt.NDArray[Any]]:
    return {**{name: getattr(tally, name) for name in _SUMS}, "places": places}


def _stored(data: bytes, source: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of the archive; exactly those that are written."""
    names = {"header", "signatures", "places", *_SUMS}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_FILE:
                raise VariationFormatError(f"{source}: more than {LARGEST_FILE} bytes; no view is that large")
            if sorted(archive.namelist()) != sorted(f"{name}.npy" for name in names):
                raise VariationFormatError(f"{source}: is no variation model; is it a .variation file?")
            return {name: _array(archive.read(f"{name}.npy"), source) for name in names}
    except (ValueError, EOFError, RuntimeError, TokenError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, VariationFormatError):
            raise
        raise VariationFormatError(f"{source}: {error}; is it a .variation file?") from error


def _array(data: bytes, source: str) -> npt.NDArray[Any]:
    """Return the array of an .npy file's bytes, which must be as many as its head says."""
    stream = io.BytesIO(data)
    if read_magic(stream) != (1, 0):
        raise VariationFormatError(f"{source}: is no variation model; is it a .variation file?")
    shape, fortran, dtype = read_array_header_1_0(stream)
    held = memoryview(data)[stream.tell() :]
    if fortran or dtype.kind != "u" or len(held) != math.prod(shape) * dtype.itemsize:
        raise VariationFormatError(f"{source}: an array is not as it was written; fetch the original")
    return np.frombuffer(held, dtype).reshape(shape)
