"""The registry of reasons: every code that a record may carry, what it means and what to do.

Pages, documents and tests are made from this list; a code that is not here cannot enter a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason code: what happened, what it does to the unit's verdict and what a person can do."""

    code: str
    verdict: Literal["HOLD", "REJECT", "ACCEPT"]
    meaning: str
    remedy: str


_ALL = (
    # the picture cannot be judged
    Reason("view_missing", "HOLD", "a required view has no frame", "capture every view the golden sample names"),
    Reason("frame_dark", "HOLD", "the frame is too dark to judge", "check lamp, exposure and lens cap"),
    Reason("frame_saturated", "HOLD", "too much of the frame is saturated", "lower exposure or gain"),
    Reason("frame_blurred", "HOLD", "the unit is out of focus or moved", "refocus, shorten the exposure"),
    Reason("frame_not_binary", "HOLD", "artwork has two materials, but much of the frame is neither dark nor bright",
           "check light, focus and threshold of what delivers the picture"),
    Reason("light_changed", "HOLD", "the light differs too much from the golden sample's to be corrected",
           "check lamp and exposure; if they are as agreed, the unit itself is lighter or darker"),
    Reason("unit_not_found", "HOLD", "the golden sample was not found in the frame: another part, or none",
           "check that the right part is under the camera"),
    Reason("unit_upside_down", "HOLD", "the unit was found, but turned by about 180 degrees", "turn the unit"),
    Reason("unit_misplaced", "HOLD", "the unit lies outside the range of poses that the station can judge",
           "place the unit nearer to the taught pose"),
    Reason("unit_out_of_frame", "HOLD", "a part that must be judged lies outside the frame",
           "move unit or camera so that every zone and feature is visible"),
    # the measurement cannot be trusted
    Reason("calibration_absent", "HOLD", "the camera has no calibration certificate", "calibrate the camera"),
    Reason("calibration_expired", "HOLD", "the camera's certificate has expired, by time or by its check standard",
           "calibrate the camera again"),
    Reason("calibration_foreign", "HOLD", "the certificate belongs to another camera",
           "use the certificate of this camera"),
    Reason("calibration_suspect", "HOLD",
           "the last check of the check standard was beyond its limits, or a check is overdue",
           "check the check standard again; if it fails again, calibrate the camera"),
    Reason("calibration_mismatch", "HOLD", "the frame has another size or pixel format than the certificate",
           "restore the camera's settings, or calibrate it as it is set"),
    Reason("exposure_changed", "HOLD", "the frame has another exposure time than the certificate",
           "restore the exposure time, or calibrate the camera with the new one"),
    Reason("scale_disputed", "HOLD", "the certificate's scale and the golden view's disagree by more than 3 %",
           "check which camera the certificate is of, and mm_per_px of the golden view"),
    Reason("golden_expired", "HOLD", "the golden sample had expired when the frame was taken",
           "seal a new version of the golden sample"),
    Reason("edge_not_found", "HOLD", "the feature's edge was not found", "look at the picture; check focus and dirt"),
    Reason("edge_disputed", "HOLD", "too many edge points lie off the fitted form",
           "look at the picture: burr, chip, dirt or wrong feature"),
    Reason("feature_saturated", "HOLD", "the light at the feature's edge is clipped, which moves the edge",
           "lower exposure or gain until the bright side is below full scale"),
    Reason("operator_unsupported", "HOLD", "this release does not hold the association operator",
           "use a release that does, or agree on another operator"),
    Reason("region_unusable", "HOLD", "too little of the colour region can be judged", "check glare and dirt"),
    Reason("colour_saturated", "HOLD", "too much of the colour region is clipped, which moves its colour",
           "lower exposure or gain until the region is below full scale"),
    Reason("colour_reference_absent", "HOLD", "the golden sample's colours were not measured on this station",
           "measure the golden sample here: hallmark calibrate golden"),
    Reason("colour_absolute", "HOLD", "no camera decides an absolute colour to this tolerance: its uncertainty is about 2",
           "enter a spectrophotometer's reading under the agreed conditions"),
    Reason("light_drifted", "HOLD", "a white or tile in the scene says that the light has changed beyond its limit",
           "let the lamp warm up and clean the tile; if it stays so, calibrate the colour again"),
    Reason("illuminant_mismatch", "HOLD", "the light is not the one that the certificate or the golden sample names",
           "restore the agreed light, or calibrate the colour under it"),
    Reason("not_entered", "HOLD", "a result that a person or instrument must enter is missing", "enter the result"),
    # decided
    Reason("characteristic_undecided", "HOLD", "the uncertainty reaches over a limit",
           "measure with a better instrument, or let the party that must prove decide"),
    Reason("measurement_not_capable", "HOLD",
           "the uncertainty is too large a part of the tolerance for the measuring process to accept on its own",
           "measure with a better instrument; study it by gage R&R, bias and linearity"),
    Reason("characteristic_nonconform", "REJECT", "a characteristic is outside its limits", "quarantine the unit"),
    Reason("surface_unclassified", "HOLD", "a surface deviation that the catalogue does not weigh",
           "a person looks at the picture and names the deviation"),
    Reason("surface_too_different", "HOLD", "more places differ from the golden sample than are judged one by one",
           "check part, revision and picture; if they are right, quarantine the unit"),
    Reason("surface_rejected", "REJECT", "the catalogue rejects a surface deviation", "quarantine the unit"),
    # components, prints and codes
    Reason("component_missing", "REJECT", "a component is not there", "quarantine the unit; check the feeder"),
    Reason("component_wrong", "REJECT", "what sits in a component's place looks like another one, or like none",
           "quarantine the unit; check what the feeder was loaded with"),
    Reason("component_turned", "REJECT", "a component is turned beyond its limit, or the wrong way round",
           "quarantine the unit"),
    Reason("component_shifted", "REJECT", "a component lies farther from its place than its limit",
           "quarantine the unit"),
    Reason("component_unclear", "HOLD", "the picture does not tell whether a component is the right one, the right way round",
           "a person looks at the unit; check light and focus, and whether the golden image tells it at all"),
    Reason("print_missing", "REJECT", "a print is not there", "quarantine the unit"),
    Reason("print_differs", "REJECT", "a print says or shows something else in one place or more",
           "quarantine the unit"),
    Reason("print_discoloured", "REJECT", "a print stands out from its ground in another colour or with another contrast",
           "quarantine the unit; check ink, etching and light"),
    Reason("print_shifted", "REJECT", "a print lies farther from its place than its limit", "quarantine the unit"),
    Reason("print_unclear", "HOLD", "the picture does not tell whether a print is the agreed one",
           "a person looks at the unit; check light and focus"),
    Reason("code_wrong", "REJECT", "a code says something else than was agreed", "quarantine the unit"),
    Reason("code_unread", "HOLD", "no code, or more than one, was read in its region",
           "check focus, light and print; the region needs the whole symbol with its quiet zone"),
    Reason("identity_disputed", "HOLD", "the unit's code states another serial number than was given with it",
           "find out which unit this is; correct what gives the serial number"),
    # the station
    Reason("model_mismatch", "HOLD", "the model is not the one the golden sample or station names",
           "install the released model"),
    Reason("model_on_trial", "HOLD", "nobody who is trusted here has signed the model: its results are a trial",
           "have it signed: hallmark model sign; or inspect with a released model"),
    Reason("timeout", "HOLD", "the inspection took longer than the takt allows", "inspect the unit again"),
    Reason("interrupted", "HOLD", "the station stopped while the unit was being inspected", "inspect the unit again"),
    Reason("inspection_failed", "HOLD", "the inspection failed on this unit; the log has the cause",
           "inspect the unit again; if it fails again, report the log's lines with the unit's frames"),
    Reason("camera_failed", "HOLD", "the camera delivered no frame", "check camera, cable and trigger"),
    Reason("frame_unreadable", "HOLD", "the camera delivered bytes that do not decode",
           "check camera and transport"),
)  # fmt: skip

REASONS: dict[str, Reason] = {reason.code: reason for reason in _ALL}
