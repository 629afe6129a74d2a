"""Which model a golden sample takes: a detector fits its artwork and its catalogue, or is refused at once."""

from __future__ import annotations

from typing import Any

import pytest

from evidence import sha256
from golden.sample import GoldenSample
from models import CLASSES
from models.detector.card import DetectorCard, read_detector_card
from models.errors import ModelForeignError
from models.fitting import model_for, named_by_models, require_fitting
from models.release import packaged
from tests.vision import artwork_board as board
from tests.vision import board as ordinary

CARD = read_detector_card(packaged("artwork"))


def carded(**changes: Any) -> DetectorCard:
    return CARD.model_copy(update=changes)


def taking(**changes: Any) -> DetectorCard:
    return carded(input=CARD.input.model_copy(update=changes))


def with_rules(*rules: dict[str, Any]) -> GoldenSample:
    fields = board.fields()
    fields["catalogue"]["rules"] = list(rules)
    return board.sample(fields)


def test_a_detector_fits_artwork_of_its_scale_and_image() -> None:
    sample = board.sample()
    image = sha256(sample.images["images/top.png"])
    for card in (CARD, carded(golden_image=image), taking(mm_per_px=1.09 * board.MM_PER_PX)):
        require_fitting(card, sample, "given")


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (taking(channels=3), "takes pictures of 3 channels, artwork has one"),
        (taking(mm_per_px=0.0232), r"fitted at 0\.0232 mm per pixel, and view 'top' has 0\.0208333"),
        (carded(golden_image="sha256:" + "0" * 64), "which is not that of view 'top'"),
        (carded(classes=(*CARD.classes, "dent", "dirt")), "names dent, dirt, of which no line"),
    ],
)
def test_one_that_does_not_fit_is_refused_in_words(card: DetectorCard, said: str) -> None:
    with pytest.raises(ModelForeignError, match=rf"^given: detector .artwork. .*{said}"):
        require_fitting(card, board.sample(), "given")


def test_a_line_for_any_class_knows_them_all_but_one_in_another_zone_does_not() -> None:
    every = {"id": "any", "defect_class": "any", "from_mm": 5.0, "severity": "major"}
    require_fitting(CARD, with_rules(every), "given")
    elsewhere = board.fields()
    elsewhere["views"].append({**elsewhere["views"][0], "id": "bottom", "artwork": None})
    elsewhere["zones"].append({**elsewhere["zones"][0], "id": "back", "view": "bottom"})
    elsewhere["catalogue"]["rules"] = [{**every, "zone": "back"}]
    with pytest.raises(ModelForeignError, match=r"open, short, .* speaks in board"):
        require_fitting(CARD, board.sample(elsewhere), "given")
    unnamed = {"id": "rest", "defect_class": "unclassified", "severity": "major"}
    with pytest.raises(ModelForeignError, match="names open, short"):
        require_fitting(CARD, with_rules(unnamed), "given")


def test_detectors_are_for_artwork_and_cell_classifiers_are_not() -> None:
    with pytest.raises(ModelForeignError, match="this golden sample states none"):
        model_for(ordinary.sample(), str(packaged("artwork")))
    with pytest.raises(ModelForeignError, match="none of this golden sample's"):
        model_for(board.sample(), str(packaged()))
    assert model_for(board.sample()) is None
    assert model_for(board.sample(), "none") is None


def in_colour(**changes: Any) -> DetectorCard:
    fields = {"classes": ("not_a_defect", "open"), "input": taking(channels=3).input, **changes}
    return carded(**fields)


def test_a_detector_of_three_channels_fits_views_of_its_image_that_are_no_artwork() -> None:
    sample, other = ordinary.sample(), "sha256:" + "0" * 64
    image = sha256(sample.images["images/top.png"])
    scale = taking(channels=3, mm_per_px=1.09 * ordinary.MM_PER_PX).input
    for card in (in_colour(), in_colour(golden_image=image), in_colour(input=scale)):
        require_fitting(card, sample, "given")
    two = ordinary.fields()
    two["views"].append({**two["views"][0], "id": "back", "image": "images/back.png"})
    two["zones"].append({**two["zones"][1], "id": "back", "view": "back"})
    images = {**sample.images, "images/back.png": b"another picture"}
    require_fitting(in_colour(golden_image=image), ordinary.sample(two, images), "given")
    with pytest.raises(ModelForeignError, match="which is not that of view 'top'"):
        require_fitting(in_colour(golden_image=other), ordinary.sample(two, images), "given")
    lines = two["catalogue"]["rules"]
    lines[0]["zone"] = "back"
    with pytest.raises(ModelForeignError, match=r"names open, of which no line .* speaks in field, rim:"):
        require_fitting(in_colour(golden_image=image), ordinary.sample(two, images), "given")
    scale = taking(channels=3, mm_per_px=1.2 * ordinary.MM_PER_PX).input
    with pytest.raises(ModelForeignError, match=r"fitted at 0\.024 mm per pixel, and view 'top' has 0\.02"):
        require_fitting(in_colour(input=scale), sample, "given")
    two["views"][1]["artwork"] = {"shade": "dark"}  # whose image does not count
    lines[0].pop("zone")
    require_fitting(in_colour(golden_image=image), ordinary.sample(two, images), "given")


def test_a_cell_classifier_made_from_an_image_of_artwork_does_not_name_it() -> None:
    from models.card import read_card
    from models.release import fits

    image = sha256(board.sample().images["images/top.png"])
    card = read_card(packaged()).model_copy(update={"golden_image": image})
    assert not fits(card, board.sample())
    assert fits(card, board.sample(board.fields(artwork=None)))


def test_classes_that_models_name_follow_the_views() -> None:
    assert named_by_models(board.sample().spec) == CARD.classes[1:]
    assert named_by_models(ordinary.sample().spec) == CLASSES[1:]
