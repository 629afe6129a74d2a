"""The check standard in its place: which feature in the picture shows each of its sizes."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import Field, field_validator

from calibration.check_standard import CheckedSize, CheckStandard
from golden.sizes import CentreDistance, CircleDiameter, EdgeWidth

PlacedFeature = Annotated[CircleDiameter | CentreDistance | EdgeWidth, Field(discriminator="type")]


class PlacedSize(CheckedSize):
    """A size with the feature that shows it: pixels of the raw frame, as the standard usually lies."""

    feature: PlacedFeature

    @field_validator("feature", mode="before")
    @classmethod
    def _of_any_view(cls, feature: Any) -> Any:  # noqa: ANN401 (not validated yet)
        """A check standard belongs to no golden sample, so no view need be named."""
        return {"view": "check", **cast("dict[str, Any]", feature)} if isinstance(feature, dict) else feature


class PlacedStandard(CheckStandard):
    """A check standard whose sizes can be measured in a picture.

    Attributes:
        height_mm: of its edges above the calibrated plane, towards the camera.
        u_height_mm: standard uncertainty of that.
        expansion_per_k: linear thermal expansion coefficient, 1/K; used where a check states its temperature.
    """

    sizes: Annotated[tuple[PlacedSize, ...], Field(min_length=1, max_length=50)]  # pyright: ignore[reportIncompatibleVariableOverride]
    height_mm: Annotated[float, Field(ge=-10_000, le=10_000)] = 0.0
    u_height_mm: Annotated[float, Field(ge=0, le=1000)] = 0.0
    expansion_per_k: Annotated[float, Field(ge=-1e-5, le=3e-4)] = 0.0
