"""A certificate's colour in words, as a table and as JSON holds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from calibration.colour import ColourCalibration, ErrorSummary

_HEAD = (
    f"{'patch':<22}{'the chart says':>24}{'measured':>24}{'fitted':>9}{'left out':>10}\n"
    f"{'':<22}{'L*':>8}{'a*':>8}{'b*':>8}{'L*':>8}{'a*':>8}{'b*':>8}{'CIEDE2000':>19}"
)


def figures(colour: ColourCalibration) -> Iterator[str]:
    """Yield what a certificate says of colour, line by line, the subject in the first 13 columns."""
    model, chart = colour.model, colour.chart
    kind = f"{model.kind.replace('_', ' ')}{'' if model.degree == 1 else f' of degree {model.degree}'}"
    yield (
        f"colour       {kind}, L*a*b* for {colour.illuminant} and {colour.observer} degrees; light: "
        f"{colour.light}"
    )
    named = [chart.title or chart.id, chart.serial and f"serial {chart.serial}", chart.certificate,
             chart.expires and f"holds until {chart.expires}"]  # fmt: skip
    yield f"chart        {', '.join(str(each) for each in named if each)}; {chart.geometry}"
    yield f"errors       CIEDE2000 of {_summary(colour.left_out)}, each left out in turn"
    yield f"             fitted: {_summary(colour.fitted)}"
    if colour.slope_residual is not None:
        yield (
            f"differences  of one material: a small Delta E is known to {colour.slope_residual:.1%} of "
            "itself, beside the readings' noise"
        )
    flat = {
        "none": "of lens and light is not corrected",
        "frames": "of lens and light corrected by frames of an even surface",
        "chart": "of lens and light corrected by a plane through the chart's own patches",
    }  # fmt: skip
    yield f"falloff      {flat[colour.flat_field]}"
    if colour.linearity is not None:
        yield f"codes        {colour.transfer}: {colour.linearity.evidence}"
    yield f"rule         {colour.rule}"
    for number, said in enumerate(colour.statements):
        yield f"{'holds' if number == 0 else '':<13}{said}"
    if colour.metamerism is not None:
        for number, said in enumerate(colour.metamerism.statements):
            yield f"{'metamerism' if number == 0 else '':<13}{said}"


def table(colour: ColourCalibration) -> Iterator[str]:
    """Yield a line for each patch: what the chart says, what was measured, both errors."""
    yield _HEAD
    for patch in colour.patches:
        lab = "".join(f"{value:8.2f}" for value in (*patch.reference, *patch.measured))
        error = (
            f"{patch.delta_e:9.2f}{patch.delta_e_left_out:10.2f}"
            if patch.delta_e_left_out is not None
            else f"{f'excluded: {patch.excluded}':>19}"
        )
        yield f"{f'{patch.id} {patch.name}'[:21]:<22}{lab}{error}"


def as_json(colour: ColourCalibration) -> dict[str, Any]:
    """Return patches, summary and statements as `--json` prints them."""
    told = colour.model_dump(
        mode="json",
        include={
            "chart", "light", "illuminant", "observer", "adaptation", "white", "transfer", "flat_field",
            "rule", "fitted", "left_out", "linearity", "metamerism", "slope_residual", "statements",
        },
    )  # fmt: skip
    return {
        **told,
        "model": {"kind": colour.model.kind, "degree": colour.model.degree},
        "patches": [
            {
                "id": patch.id, "name": patch.name, "reference_lab": list(patch.reference),
                "measured_lab": list(patch.measured), "delta_e": patch.delta_e,
                "left_out_lab": None if patch.left_out is None else list(patch.left_out),
                "delta_e_left_out": patch.delta_e_left_out, "excluded": patch.excluded,
            }
            for patch in colour.patches
        ],
    }  # fmt: skip


def _summary(errors: ErrorSummary) -> str:
    return (
        f"{errors.patches} patches: mean {errors.mean:.2f}, median {errors.median:.2f}, 95 % below "
        f"{errors.p95:.2f}, largest {errors.max:.2f}"
    )
