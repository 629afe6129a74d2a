"""`hallmark replay`: stored inspections, recomputed from their stored frame bytes, must be the same again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hallmark.record_comparison import Outcome, Replayed, compare

if TYPE_CHECKING:
    from calibration import CameraCalibration
    from evidence import Inspection
    from golden.keys import TrustStore
    from golden.sample import GoldenSample
    from stations import SpooledUnit, SpoolReader
    from vision import GoldenColours, Inspector, VariationModel
    from vision.certified import Check

_Digests = tuple[tuple[str, str], ...]  # by view

# Reasons that the station gives without asking the inspector.
STATION_REASONS = frozenset(
    {"interrupted", "camera_failed", "frame_unreadable", "inspection_failed", "timeout"}
)


class Replay:
    """Recomputes units of a spool. Everything that depends on time comes from the records.

    Args:
        reader: the spool.
        goldens: `.golden` files, of which those are opened that judged a unit.
        trust: trusted keys.
        certificates: camera certificates by digest; expired ones too, since each frame states its time.
        archive: the server's folder of frames, for those that the spool has dropped.
        models: folders of released models; the one that a record names is opened.
        checks: what check standards say of certificates, by the certificates' digests.
        colours: golden samples' colours as stations measured them, by digest.
        variations: what approved units show, by digest.
        at: the time at which a golden sample must have been valid; None: when the first of the units that
            it judged was triggered.
    """

    def __init__(
        self,
        reader: SpoolReader,
        goldens: Iterable[Path],
        trust: TrustStore,
        certificates: Mapping[str, CameraCalibration],
        archive: Path | None = None,
        at: datetime | None = None,
        models: Iterable[Path] = (),
        checks: Mapping[str, Check] | None = None,
        colours: Mapping[str, GoldenColours] | None = None,
        variations: Mapping[str, VariationModel] | None = None,
    ) -> None:
        """Read the bundles; a seal is verified when the first unit needs it."""
        from golden import bundle
        from golden.errors import in_file
        from golden.sample import read_file
        from models.kinds import card_of

        self._reader, self._trust, self._certificates, self._at = reader, trust, certificates, at
        self._archive, self._checks, self._colours = archive, checks or {}, colours or {}
        self._variations = variations or {}
        self._bundles: dict[str, bytes] = {}
        for path in goldens:
            data = read_file(path)
            with in_file(path):
                self._bundles[bundle.read(data).digest] = data
        self._goldens: dict[str, GoldenSample] = {}
        self._models = {card_of(folder).reference.digest: folder for folder in models}
        self._inspectors: dict[tuple[str, str | None, _Digests, _Digests, _Digests], Inspector] = {}

    def run(self, units: Sequence[SpooledUnit]) -> Iterator[Replayed]:
        """Recompute the units, in the order given.

        Raises:
            GoldenError: a golden sample's seal does not hold at that time.
            SpoolError: the spool cannot be read.
        """
        first: dict[str, datetime] = {}
        for unit in units:
            at = datetime.fromisoformat(unit.reserved_at)
            digest = unit.inspection.golden.digest
            first[digest] = min(at, first.get(digest, at))
        for unit in units:
            yield self._replay(unit, self._at or first[unit.inspection.golden.digest])

    def _replay(self, unit: SpooledUnit, now: datetime) -> Replayed:
        from stations import FrameDroppedError, FrameLostError

        stored = unit.inspection
        if unit.state == "open":
            return Replayed(unit.sequence, "not_compared", why="the station is inspecting it")
        absent = self._absent(stored)
        if absent is not None:
            return Replayed(unit.sequence, "not_compared", why=absent)
        try:
            frames = self._reader.frames(unit.sequence, self._archive)
        except FrameDroppedError as error:
            return Replayed(unit.sequence, "not_compared", why=str(error))
        except FrameLostError as error:
            return Replayed(unit.sequence, "disagrees", "frames", why=str(error))
        found = compare(unit.sequence, stored, self._recompute(unit, stored, frames, now))
        return found if found.outcome == "disagrees" else self._follows(unit.sequence, stored) or found

    def _follows(self, sequence: int, stored: Inspection) -> Replayed | None:
        """Return where a record does not go on with the lamp as the one before it left it, or None."""
        from stations import SpoolConflictError, known_light

        for i, frame in enumerate(stored.frames):
            if frame.light is None or frame.light.before is None:
                continue
            place = f"frames[{i}].light.before"
            colours = self._colours[frame.colours or ""]
            certificate = self._certificates[frame.calibration or ""]
            try:
                left = known_light(self._reader, colours, certificate, sequence)
            except SpoolConflictError as error:
                return Replayed(sequence, "disagrees", place, why=str(error))
            if frame.light.before != left:
                stated, known = frame.light.before.model_dump(), left.model_dump()
                return Replayed(
                    sequence, "disagrees", place, stated, known, "not as the record before left it"
                )
        return None

    def _absent(self, stored: Inspection) -> str | None:
        """Return what must be given to recompute a record, and was not."""
        if stored.golden.digest not in self._bundles:
            return f"judged against {stored.golden.digest}: give that golden sample"
        needed = (
            ("calibration", self._certificates, "measured with {}: give that certificate"),
            ("colours", self._colours, "compared with golden colours {}: give that file"),
            ("variation", self._variations, "compared with variation model {}: give that file"),
        )
        for name, given, sentence in needed:
            absent = {getattr(f, name) for f in stored.frames} - {None, *given}
            if absent:
                return sentence.format(min(absent))
        if self._held_by_check(stored):
            return "held by a check standard: give its definition and its log of checks"
        if stored.model is not None and stored.model.digest not in self._models:
            return f"named by model {stored.model.name!r}, {stored.model.digest}: give that model"
        return None

    def _held_by_check(self, stored: Inspection) -> bool:
        """Return whether a check standard decided that was not given."""
        unchecked = [
            f for f in stored.frames if f.calibration is not None and f.calibration not in self._checks
        ]
        if not unchecked:
            return False
        covered = all(self._certificates[f.calibration or ""].covers(f.captured_at) for f in unchecked)
        reasons = {c.reason for c in stored.characteristics}
        return "calibration_suspect" in reasons or ("calibration_expired" in reasons and covered)

    def _recompute(
        self, unit: SpooledUnit, stored: Inspection, data: Mapping[str, bytes], now: datetime
    ) -> Inspection:
        """Make the record again: pixels from the stored bytes, identity from the spool's row."""
        from vision import held, read_frame

        frames = {
            f.view: read_frame(
                data[f.view], view=f.view, camera=f.camera, captured_at=f.captured_at, source=unit.serial
            )
            for f in stored.frames
            if f.view in data
        }
        golden = self._golden(stored.golden.digest, now)
        station = self._reader.station
        by_station = set(stored.reasons) <= STATION_REASONS | (set() if frames else {"golden_expired"})
        if stored.reasons and by_station:
            return held(
                golden, serial=unit.serial, lot=unit.lot, station=station, sequence=unit.sequence,
                reason=stored.reasons[0], frames=tuple(frames.values()),
            )  # fmt: skip
        inspector = self._inspector(golden, stored)
        lights = {f.view: f.light.before for f in stored.frames if f.light and f.light.before}
        return inspector.inspect(
            frames, serial=unit.serial, lot=unit.lot, station=station, sequence=unit.sequence, lights=lights
        )

    def _golden(self, digest: str, now: datetime) -> GoldenSample:
        from golden.sample import GoldenSample

        if digest not in self._goldens:
            self._goldens[digest] = GoldenSample.from_bytes(self._bundles[digest], trust=self._trust, now=now)
        return self._goldens[digest]

    def _inspector(self, golden: GoldenSample, stored: Inspection) -> Inspector:
        from models.kinds import open_release
        from vision import Inspector

        certified = tuple((f.view, f.calibration) for f in stored.frames if f.calibration is not None)
        model = None if stored.model is None else stored.model.digest
        coloured = tuple((f.view, f.colours) for f in stored.frames if f.colours is not None)
        varied = tuple((f.view, f.variation) for f in stored.frames if f.variation is not None)
        key = (golden.digest, model, certified, coloured, varied)
        if key not in self._inspectors:
            namer = None if model is None else open_release(self._models[model])
            certificates = {view: self._certificates[digest] for view, digest in certified}
            checks = {
                view: self._checks[digest] for view, digest in certified
                if digest in self._checks and golden.spec.view(view).artwork is None
            }  # fmt: skip
            colours = {view: self._colours[digest] for view, digest in coloured}
            variations = {view: self._variations[digest] for view, digest in varied}
            self._inspectors[key] = Inspector(
                golden, certificates, namer, checks=checks, colours=colours, variations=variations
            )
        return self._inspectors[key]


def register(app: typer.Typer) -> None:
    """Add `hallmark replay`."""
    app.command("replay")(replay)


def replay(
    spool: Annotated[Path, typer.Argument(metavar="SPOOL_DIR", help="A station's spool.", exists=True)],
    *,
    golden: Annotated[
        list[Path],
        typer.Option(
            help="The golden sample that judged (repeat for several).",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_GOLDEN",
        ),
    ],
    trust: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder of trusted public keys.",
            exists=True,
            file_okay=False,
            envvar="HALLMARK_TRUST",
        ),
    ],
    calibration: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="F",
            help="A camera certificate that was used (repeat for several).",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_CALIBRATION",
        ),
    ] = None,
    check_standard: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="The check standard by which certificates were followed.",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_CHECK_STANDARD",
        ),
    ] = None,
    check_log: Annotated[
        Path | None,
        typer.Option(
            metavar="F", help="Its log of checks.", exists=True, dir_okay=False, envvar="HALLMARK_CHECK_LOG"
        ),
    ] = None,
    colours: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="F",
            help="The golden sample's colours as the station measured them (repeat for several).",
            exists=True,
            dir_okay=False,
            envvar="HALLMARK_GOLDEN_COLOURS",
        ),
    ] = None,
    variation: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="F",
            help="What approved units show, signed by a key in --trust (repeat for several).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER",
            help="A model that named defects, beside the packaged ones (repeat for several).",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    frames: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The server's folder of frames, for those that the spool has dropped.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    sequence: Annotated[
        list[int] | None, typer.Option(metavar="N", min=1, help="Only this unit (repeat for several).")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%SZ"],
            help="UTC time for which seals are verified. Default: the first unit's trigger.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per unit.")] = False,
) -> None:
    """Recompute stored inspections from their stored frame bytes and compare.

    A golden sample or certificate that has expired since changes nothing: seals are verified at the time of
    the inspections. Exit 0 if every unit was compared and agrees (other software versions are told, and
    agree where all results do), 1 if not, 2 on bad input.

    Examples:
    `hallmark replay spool-3 --golden part.golden --trust keys --calibration top.cal`

    `hallmark replay spool-3 --golden part.golden --trust keys --calibration top.cal --sequence 17 --json`
    """  # fmt: skip
    from datetime import UTC

    from calibration import CameraCalibration, CheckError
    from golden.keys import TrustStore
    from models.release import packaged
    from stations import CheckWatch, SpoolReader
    from vision import GoldenColours, VariationModel

    brought = packaged(), packaged("artwork")
    models = [folder for folder in (*brought, *(model or [])) if folder.exists()]
    parsed = [CameraCalibration.parse(path.read_bytes(), source=str(path)) for path in calibration or []]
    certificates = {certificate.digest: certificate for certificate in parsed}
    keys = TrustStore.open(trust)
    variations = [VariationModel.open(path, keys) for path in variation or []]
    if (check_standard is None) != (check_log is None):
        raise CheckError("give both --check-standard and --check-log, or neither")
    checks: dict[str, Check] = {}
    if check_standard is not None and check_log is not None:
        checks = {c.digest: CheckWatch(c, check_standard, check_log) for c in parsed}
    with SpoolReader.read(spool) as reader:
        units = [reader.unit(number) for number in sequence] if sequence else reader.units()
        replay = Replay(
            reader, golden, keys, certificates, frames,
            at.replace(tzinfo=UTC) if at else None, models, checks,
            {measured.digest: measured for measured in map(GoldenColours.open, colours or [])},
            {learned.digest: learned for learned in variations},
        )  # fmt: skip
        good = _report(replay.run(units), len(units), as_json=as_json)
    raise typer.Exit(0 if good else 1)


def _report(results: Iterator[Replayed], total: int, *, as_json: bool) -> bool:
    """Print each result as it comes and a closing count; return whether every unit agrees."""
    from collections import Counter
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import track

    from evidence import canonical_json

    console = Console(stderr=True)
    counts: Counter[Outcome] = Counter()
    for result in track(
        results, total=total, description="replay", console=console, disable=not console.is_terminal,
        transient=True,
    ):  # fmt: skip
        counts[result.outcome] += 1
        if as_json:
            print(canonical_json(asdict(result)).decode())
        elif result.outcome != "agrees":
            print(f"{result.sequence:>6}  {_sentence(result)}")
    if not as_json:
        agreed, differ = total - counts["disagrees"] - counts["not_compared"], counts["disagrees"]
        print(f"{agreed} of {total} agree, {differ} disagree, {counts['not_compared']} not compared")
    return counts["disagrees"] + counts["not_compared"] == 0


def _sentence(result: Replayed) -> str:
    told = result.why or f"{result.field}: stored {result.stored!r}, recomputed {result.recomputed!r}"
    return f"{_HEADINGS[result.outcome]}: {told}"


_HEADINGS: Mapping[Outcome, str] = {
    "agrees": "agrees",
    "agrees_otherwise_versioned": "agrees, recomputed by other software",
    "disagrees": "DISAGREES",
    "not_compared": "not compared",
}
