"""What a characterised camera records of colours is borne out by its own numbers, and papers show it."""

from __future__ import annotations

from evidence import Inspection, complete
from hallmark.report import inspection_sheet, to_html
from quality.colour_trend import lot_colours
from quality.record_checks import check_results
from tests.vision.colour_scene import golden, inspected, shot


def test_a_record_follows_from_its_intervals_and_is_shown() -> None:
    spec = golden().spec
    records = [inspected(shot(30 + i, 1 + 0.02 * i))[1] for i in range(2)]
    for record in records:
        check_results(spec, record)
        again = Inspection.model_validate_json(record.to_json())
        assert again.to_json() == record.to_json()
    fields = records[0].model_dump(mode="json", by_alias=True, exclude={"id", "digest"})
    assert complete(fields).digest == records[0].digest
    page = to_html(inspection_sheet(golden(), records[0], [], issued="2026-11-23T08:16:00Z"))
    for result in records[0].characteristics:
        assert (result.colour is None) or (result.name in page)
    assert "How the colours differ" in page
    trends = {t.characteristic: t for t in lot_colours(spec, records)}
    assert trends["copper"].units == 2
    assert trends["copper"].mean[0] > 0.2  # the second is lighter by 2 %
