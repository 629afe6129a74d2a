"""Which model names what is found on units of a golden sample, of either kind, and whether it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evidence import sha256
from golden.keys import TrustStore
from golden.sample import GoldenSample
from golden.spec import GoldenSpec, View
from models.classifier import CLASSES
from models.detector.card import DetectorCard, read_detector_card
from models.detector.release import open_detector
from models.detector.runtime import ReleasedDetector
from models.errors import ModelForeignError
from models.kinds import is_detector
from models.release import NONE, PACKAGED, ReleasedModel, classifier_for, packaged

_SAME_SCALE: Final = 0.1  # relative difference of millimetres per pixel up to which a detector fits


def model_for(
    sample: GoldenSample, model: str = PACKAGED, trust: TrustStore | None = None
) -> ReleasedModel | ReleasedDetector | None:
    """Return the model of either kind that names what is found on units of a golden sample.

    A detector of one channel names what differs on views of artwork, one of three what deviates on others; it
    must fit these views, and the catalogue must speak of each class that it names.

    Args:
        sample: the golden sample that judges.
        model: as of `classifier_for`; a detector is given by its folder.
        trust: as of `classifier_for`.

    Raises:
        ModelForeignError: the model does not fit this golden sample.
        ModelError: see `open_release`.
    """
    if model in (PACKAGED, NONE) or not is_detector(Path(model)):
        return classifier_for(sample, model, trust)
    require_fitting(read_detector_card(Path(model)), sample, model)
    return open_detector(Path(model), trust)


def require_fitting(card: DetectorCard, sample: GoldenSample, source: str) -> None:
    """Raise ModelForeignError unless a detector fits the views that it names and the catalogue."""
    which = f"{source}: detector {card.name!r}"
    views = _named_views(card, sample, which)
    for view in views:
        scale = card.input.mm_per_px
        if scale is not None and abs(view.mm_per_px / scale - 1) > _SAME_SCALE:
            raise ModelForeignError(
                f"{which} was fitted at {scale:g} mm per pixel, and view {view.id!r} has {view.mm_per_px:g}; "
                "give one of this scale"
            )
    named = {view.id for view in views}
    zones = [zone.id for zone in sample.spec.zones if zone.view in named]
    lines = sample.spec.catalogue.rules
    unknown = [c for c in card.classes[1:] if not any(line.speaks_of(c, z) for line in lines for z in zones)]
    if unknown:
        raise ModelForeignError(
            f"{which} names {', '.join(unknown)}, of which no line of the golden sample's catalogue speaks "
            f"in {', '.join(zones) or 'any zone'}: write a line for each, or one for 'any', and seal it anew"
        )


def _named_views(card: DetectorCard, sample: GoldenSample, which: str) -> list[View]:
    """Return the views whose deviations a detector names: all artwork, or all others that show its image.

    Raises:
        ModelForeignError: there is none, or artwork of another image.
    """
    of_artwork = card.input.channels == 1
    views = [view for view in sample.spec.views if (view.artwork is not None) == of_artwork]
    if not views and of_artwork:
        raise ModelForeignError(
            f"{which} names what differs on views of artwork, and this golden sample states none; give a "
            "cell classifier of its image, a detector of three channels, or none"
        )
    if not views:
        raise ModelForeignError(f"{which} takes pictures of {card.input.channels} channels, artwork has one")
    own = [view for view in views if card.golden_image in (None, sha256(sample.images[view.image]))]
    if not own or (of_artwork and len(own) < len(views)):
        other = next(view for view in views if view not in own)
        raise ModelForeignError(
            f"{which} was made from the golden image {card.golden_image}, which is not that of view "
            f"{other.id!r}; give one of this image, or one of any"
        )
    return own


def named_by_models(spec: GoldenSpec) -> tuple[str, ...]:
    """Return the classes that models of this release name on a golden sample's views."""
    artwork = [view.artwork is not None for view in spec.views]
    detector = read_detector_card(packaged("artwork")).classes[1:] if any(artwork) else ()
    return (*(() if all(artwork) else CLASSES[1:]), *detector)
