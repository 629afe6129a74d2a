"""A station as a process of its own: everything opened by path, from one picklable configuration."""
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import httpx
import numpy as np
import structlog

from calibration import CameraCalibration
from datasets.twin import DEMO_RANGES, CaptureRanges, Change, Twin
from evidence import Inspection, ModelReference
from evidence.inspection import Verdict
from golden.keys import TrustStore
from golden.sample import GoldenSample
from models.fitting import model_for
from models.release import PACKAGED
from stations.camera import Camera, CapturedImage, FolderCamera, TwinCamera, TwinScene
from stations.checks import CheckWatch
from stations.errors import JobError
from stations.forward import Forwarder
from stations.lights import FollowingInspector, LampFollower
from stations.line import Line, recordable, run_line
from stations.model_registry import model_folder
from stations.outputs import JsonLinesOutput, Output, RecordingOutput
from stations.spool import Spool, SpoolReader
from vision import GoldenColours, Inspector, VariationModel, held, read_frame

ANY_VIEW = "*"


@dataclass(frozen=True)
class ImageJob:
    """A unit whose pictures exist: one file per view, or one under `*` where one view is captured."""

    serial: str
    images: Mapping[str, Path]


@dataclass(frozen=True)
class TwinJob:
    """A unit that the twin captures: what is drawn, what is changed, and the capture time it states."""

    serial: str
    seed: int
    changes: tuple[Change, ...] = ()
    captured_at: datetime | None = None


@dataclass(frozen=True)
class StationConfig:
    """What a station needs to run a series of units. Picklable.

    Raises JobError where a station, lot, serial or camera cannot stand in a record as it is, where a
    serial occurs twice, and where the server is no web address.

    Attributes:
        station: the station's id; its spool belongs to it.
        golden: the sealed `.golden` file.
        trust: folder of trusted public keys.
        spool: folder of the spool.
        jobs: the units, in order; serials differ.
        calibrations: certificate files by view id; `*` stands for every view without its own. A view
            without a certificate is measured by nothing: its units are HOLD.
        certifiers: folder of public keys, of which one must have signed each certificate; None: certificates
            need no signature.
        colours: files of the golden sample's colours as this station measured them by view id, `*` as above;
            where a certificate has colour, a view without them decides none that is compared with the golden
            sample.
        variations: files of what approved units show by view id, signed by a key of `trust`, `*` as above.
        standards: definition files of the check standards by view id, `*` as above.
        checks: their logs, which `hallmark calibrate check` appends to while the station runs; needed where
            there is a standard. Units are HOLD while a check is overdue or was beyond its limits.
        lot: the lot, or None.
        view: the one view to capture, or None for all that the golden sample names.
        cameras: identity of the camera by view id; `*` stands for every view without its own. Units measured
            with the certificate of another camera are HOLD `calibration_foreign`. A camera that is not named
            here has the name on its certificate, so that a mistaken certificate goes unnoticed.
        ranges: what the twin may draw.
        takt_s: seconds per unit, or None.
        clock: stands in for the system's clock where given (demonstrations and tests).
        signals: file to append the outputs to, or None.
        server: base URL of the API, http or https, or None: records stay in the spool.
        api_key: the station's key for it.
        keep_frames: after forwarding, drop acknowledged frames but of so many newest units; None keeps all.
        model: folder of the model that names defects, signed by a key of `trust`, or of a registry
            (`stations.model_registry`), whose model in use is taken; PACKAGED or NONE, see
            `models.fitting.model_for`.
    """

    station: str
    golden: Path
    trust: Path
    spool: Path
    jobs: tuple[ImageJob | TwinJob, ...]
    calibrations: Mapping[str, Path] = field(default_factory=dict[str, Path])
    certifiers: Path | None = None
    colours: Mapping[str, Path] = field(default_factory=dict[str, Path])
    variations: Mapping[str, Path] = field(default_factory=dict[str, Path])
    standards: Mapping[str, Path] = field(default_factory=dict[str, Path])
    checks: Mapping[str, Path] = field(default_factory=dict[str, Path])
    lot: str | None = None
    view: str | None = None
    cameras: Mapping[str, str] = field(default_factory=dict[str, str])
    ranges: CaptureRanges = DEMO_RANGES
    takt_s: float | None = None
    clock: datetime | None = None
    signals: Path | None = None
    server: str | None = None
    api_key: str = field(default="", repr=False)
    keep_frames: int | None = None
    model: str = PACKAGED

    def __post_init__(self) -> None:
        serials = Counter(job.serial for job in self.jobs)
        for serial, count in serials.items():
            if count > 1:
                raise JobError(f"unit {serial} occurs {count} times among the jobs of station {self.station}")
        if self.lot is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.lot):
            raise JobError(f"{self.lot!r} is no lot: 1 to 64 letters, digits, dots, dashes and underscores")
        for name in (self.station, *serials, *self.cameras.values()):
            if not recordable(name):
                raise JobError(
                    f"{name!r}: a station, serial or camera has 1 to 128 printable characters, and no "
                    "space before or after"
                )
        if self.server is not None and not _is_web_address(self.server):
            raise JobError(f"{self.server!r} is no server: give http://HOST[:PORT] or https://HOST[:PORT]")


def _is_web_address(address: str) -> bool:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return False
    if url.userinfo or url.query or url.fragment or not 0 < (url.port or 80) < 65536:
        return False
    return url.scheme in ("http", "https") and re.fullmatch(r"[^\s%]+", url.host) is not None


class Progress(NamedTuple):
    """One unit done, for whoever watches."""

    station: str
    sequence: int
    serial: str
    verdict: Verdict
    reasons: tuple[str, ...]


class ProgressQueue(Protocol):
    """The sending end of a queue between processes."""

    def put(self, item: Progress, /) -> object:
        """Send one item."""
        ...


@dataclass(frozen=True)
class StationSummary:
    """What a run of a station came to.

    Attributes:
        station: its id.
        verdicts: units of this run by verdict.
        recovered: sequences that an earlier kill had left open; they are HOLD `interrupted` now.
        states: all units of the spool by state.
    """

    station: str
    verdicts: Mapping[str, int]
    recovered: tuple[int, ...]
    states: Mapping[str, int]


def run_station(config: StationConfig, progress: ProgressQueue | None = None) -> StationSummary:
    """Run all jobs of a station in this process, on one OpenCV thread; the target of a spawned process.

    Raises:
        StationError, GoldenError, CalibrationError, ModelError: something that was configured does not hold.
    """
    cv2.setNumThreads(1)
    verdicts: Counter[str] = Counter()
    with open_station(config) as station:
        for inspection in station.units():
            verdicts[inspection.verdict] += 1
            if progress is not None:
                progress.put(
                    Progress(
                        config.station, inspection.sequence or 0, inspection.serial or "",
                        inspection.verdict, inspection.reasons,
                    )
                )  # fmt: skip
        station.settle()
        return StationSummary(config.station, dict(verdicts), station.spool.recovered, station.spool.counts())


@dataclass(frozen=True)
class Outbox:
    """An opened spool, whose records travel to the server while it is open."""

    config: StationConfig
    spool: Spool
    forwarder: Forwarder | None

    def settle(self) -> None:
        """Send what is pending, give up after a few failures in a row, then drop frames by policy."""
        if self.forwarder is not None:
            self.forwarder.drain(patience=4)
        if self.config.keep_frames is not None:
            self.spool.prune(self.config.keep_frames)


@dataclass(frozen=True)
class Station(Outbox):
    """An opened station.

    Attributes:
        line: what inspects.
        model: names what deviates on its units, None where nothing does.
        lamps: what earlier units have shown of the lamps.
    """

    line: Line
    model: ModelReference | None
    lamps: LampFollower

    def units(self) -> Iterator[Inspection]:
        """Inspect the jobs, one after the other; yield each record once it is durable and signalled."""
        for inspection in run_line(self.line, (job.serial for job in self.config.jobs)):
            self.lamps.saw(inspection)
            yield inspection


@contextmanager
def open_outbox(config: StationConfig) -> Generator[Outbox]:
    """Open an existing spool to forward what it holds, and inspect nothing.

    Golden sample and certificates are not opened: records travel after those have expired, too.
    """
    SpoolReader.read(config.spool).close()  # forwarding makes no new spool
    with Spool.open(config.spool, config.station) as spool, _forwarding(config, spool) as forwarder:
        yield Outbox(config, spool, forwarder)


@contextmanager
def open_station(config: StationConfig) -> Generator[Station]:
    """Open golden sample, certificates, model, cameras and spool; forward beside the line while open.

    Nothing is created before everything that was given has been read. Log lines go to standard error unless
    the process has configured structlog.
    """
    _log_to_stderr()
    now = partial(_clock, config.clock)
    trust = TrustStore.open(config.trust)
    golden = GoldenSample.open(config.golden, trust, now())
    views = _views(config, golden)
    certifiers = None if config.certifiers is None else TrustStore.open(config.certifiers)
    certificates = {
        view: CameraCalibration.open(path, now=now(), trust=certifiers)
        for view in views
        if (path := _of_view(config.calibrations, view)) is not None
    }
    checks = _checks(config, certificates)
    folder = model_folder(config.model)  # a registry answers for its models by keys of its own
    model = model_for(golden, folder, trust if folder == config.model else None)
    colours = {
        view: GoldenColours.open(path)
        for view in views
        if (path := _of_view(config.colours, view)) is not None
    }
    variations = {
        view: VariationModel.open(path, trust)
        for view in views
        if (path := _of_view(config.variations, view)) is not None
    }
    inspector = Inspector(
        golden, certificates, model, stopwatch=time.perf_counter, checks=checks, colours=colours,
        variations=variations,
    )  # fmt: skip
    cameras = {
        view: _camera(config, golden, view, _identity(config, view, certificates.get(view)), now)
        for view in views
    }
    with Spool.open(config.spool, config.station) as spool:
        newest = spool.newest_version(golden.spec.part.number)
        if newest is not None and newest > golden.version:
            GoldenSample.open(config.golden, trust, now(), newest_seen=newest)
        spool.saw_version(golden.spec.part.number, golden.version)
        output: Output = RecordingOutput() if config.signals is None else JsonLinesOutput(config.signals)
        lamps = LampFollower(spool, colours, certificates)
        line = Line(
            cameras, FollowingInspector(inspector, lamps), read_frame, partial(held, golden), spool, output,
            now, lot=config.lot, takt_s=config.takt_s, expires=golden.expires,
        )  # fmt: skip
        with _forwarding(config, spool) as forwarder:
            named_by = None if model is None else model.reference
            yield Station(config, spool, forwarder, line, named_by, lamps)


@contextmanager
def _forwarding(config: StationConfig, spool: Spool) -> Generator[Forwarder | None]:
    if config.server is None:
        yield None
        return
    forwarder = Forwarder.to(config.server, config.api_key, spool, sleep=time.sleep)
    stop = threading.Event()
    thread = threading.Thread(target=forwarder.follow, args=(stop,), name="forwarder", daemon=True)
    with forwarder.client:
        thread.start()
        try:
            yield forwarder
        finally:
            stop.set()
            thread.join()


@dataclass(frozen=True)
class _JobCamera:
    """Pictures that exist come from their files, all others from the twin."""

    files: FolderCamera
    twin: TwinCamera | None

    @property
    def identity(self) -> str:
        return self.files.identity

    @property
    def view(self) -> str:
        return self.files.view

    def capture(self, serial: str) -> CapturedImage:
        if self.twin is not None and serial in self.twin.scenes:
            return self.twin.capture(serial)
        return self.files.capture(serial)


def _camera(
    config: StationConfig, golden: GoldenSample, view_id: str, identity: str, now: Callable[[], datetime]
) -> Camera:
    files = {
        job.serial: path
        for job in config.jobs
        if isinstance(job, ImageJob)
        and (path := job.images.get(view_id, job.images.get(ANY_VIEW))) is not None
    }
    folder = FolderCamera(identity, view_id, files, now)
    scenes = {
        job.serial: TwinScene(job.seed, job.changes, job.captured_at)
        for job in config.jobs
        if isinstance(job, TwinJob)
    }
    if not scenes:
        return folder
    view = golden.spec.view(view_id)
    data = np.frombuffer(golden.images[view.image], np.uint8)
    rgb = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), np.uint8)
    return _JobCamera(folder, TwinCamera(identity, view_id, Twin(rgb, view.mm_per_px, config.ranges), scenes))


def _views(config: StationConfig, golden: GoldenSample) -> tuple[str, ...]:
    """Return the views to capture; raise JobError where configuration and golden sample disagree."""
    known = tuple(view.id for view in golden.spec.views)
    pictured = {view for job in config.jobs if isinstance(job, ImageJob) for view in job.images}
    by_view = (config.calibrations, config.colours, config.standards, config.checks, config.cameras)
    strange = ({config.view} | pictured).union(*by_view) - {None, ANY_VIEW, *known}
    if strange:
        names = ", ".join(sorted(map(str, strange)))
        raise JobError(f"the golden sample has no view {names}; it has {', '.join(known)}")
    views = known if config.view is None else (config.view,)
    one_view = ANY_VIEW in pictured or any(isinstance(job, TwinJob) for job in config.jobs)
    if one_view and len(views) > 1:
        raise JobError(f"which view do these pictures show? Choose one of {', '.join(known)}")
    return views


def _of_view(files: Mapping[str, Path], view: str) -> Path | None:
    return files.get(view, files.get(ANY_VIEW))


def _checks(config: StationConfig, certificates: Mapping[str, CameraCalibration]) -> dict[str, CheckWatch]:
    found: dict[str, CheckWatch] = {}
    for view, certificate in certificates.items():
        standard, log = _of_view(config.standards, view), _of_view(config.checks, view)
        if (standard is None) != (log is None):
            raise JobError(
                f"view {view}: give its check standard and that standard's log of checks, or neither"
            )
        if standard is not None and log is not None:
            found[view] = CheckWatch(certificate, standard, log)
    return found


def _identity(config: StationConfig, view: str, certificate: CameraCalibration | None) -> str:
    unnamed = f"{config.station}/{view}" if certificate is None else certificate.camera
    return config.cameras.get(view, config.cameras.get(ANY_VIEW, unnamed))


def _log_to_stderr() -> None:
    """Keep log lines off standard output, which is for records."""
    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.dev.ConsoleRenderer(
                    colors=False, exception_formatter=structlog.dev.plain_traceback
                ),
            ],
            logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        )


def _clock(instead: datetime | None) -> datetime:
    return instead or datetime.now(UTC)
