"""The comparison as a table and as a page: counts by file, and by strength of source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hallmark.eligibility.comparison import FileResult

_UNGRADED = "as its file"
_INTRO = """\
# Computed against published values

Every table and formula that decides something is compared with results that others published or computed.
Each case of an oracle file gives an input and what is expected. Hallmark's own functions answer from the
input alone; only then is the answer compared, within the case's tolerance. `hallmark eligibility
tests/oracles` repeats the comparison. A file's `meta.source` names its sources, its `meta.notes` its
conventions.

Made by `make reference`; a test fails where this page is not current.
"""
_STRENGTH = """\
## Strength of the sources

Some cases carry a confidence of their own, in the words of who collected them. All others stand on how their
whole file was verified, told below.
"""


def table(results: Sequence[FileResult]) -> str:
    """Return the counts as text for a terminal, disagreements below their file."""
    width = max(len(r.file) for r in results)
    lines = [f"{'file':<{width}}  {'cases':>6}  {'agreed':>6}  {'disagreed':>9}  {'unsupported':>11}"]
    for r in results:
        disagreed = len(r.disagreements)
        lines.append(f"{r.file:<{width}}  {r.cases:>6}  {r.agreed:>6}  {disagreed:>9}  {r.unsupported:>11}")
        if _is_graded(r):
            lines += [f"  {s.agreed} of {s.cases}: {s.confidence or _UNGRADED}" for s in r.strengths]
        if r.left_out:
            lines.append(f"  not answered: {', '.join(r.left_out)}")
        lines += [
            f"  {d.case}: expected {d.expected}, answered {d.answered} ({d.why})" for d in r.disagreements
        ]
    return "\n".join(lines)


def page(results: Sequence[FileResult]) -> str:
    """Return the comparison as a Markdown page; the same results give the same text."""
    return "\n".join([
        _INTRO,
        *_counts(results),
        *_left_out(results),
        *_disagreements(results),
        "",
        _STRENGTH,
        *_strengths(results),
        "",
        "## How each file was verified",
        "",
        *(f"* `{r.file}`: {r.verified_by or 'its file does not say'}" for r in results),
        "",
    ])  # fmt: skip


def _counts(results: Sequence[FileResult]) -> Iterator[str]:
    cases, agreed = sum(r.cases for r in results), sum(r.agreed for r in results)
    disagreed = sum(len(r.disagreements) for r in results)
    unsupported = sum(r.unsupported for r in results)
    yield (
        f"Of {cases} cases in {len(results)} files {agreed} agree, {disagreed} disagree and {unsupported} "
        "are not supported."
    )
    yield ""
    yield "| file | what | cases | agreed | disagreed | unsupported |"
    yield "|---|---|---:|---:|---:|---:|"
    for r in results:
        numbers = (r.cases, r.agreed, len(r.disagreements), r.unsupported)
        yield f"| `{r.file}` | {_cell(r.title)} | {' | '.join(map(str, numbers))} |"


def _strengths(results: Sequence[FileResult]) -> Iterator[str]:
    yield from ("| file | confidence | cases | agreed |", "|---|---|---:|---:|")
    for r in results:
        if _is_graded(r):
            for s in r.strengths:
                yield f"| `{r.file}` | {_cell(s.confidence or _UNGRADED)} | {s.cases} | {s.agreed} |"


def _is_graded(result: FileResult) -> bool:
    return any(s.confidence is not None for s in result.strengths)


def _left_out(results: Sequence[FileResult]) -> Iterator[str]:
    for r in results:
        if r.left_out:
            yield ""
            yield f"Not answered of `{r.file}`, and counted neither way: {', '.join(r.left_out)}."


def _disagreements(results: Sequence[FileResult]) -> Iterator[str]:
    if any(r.disagreements for r in results):
        yield from ("", "## Where answers differ", "")
    for r in results:
        for d in r.disagreements:
            yield f"* `{r.file}`, {d.case}: expected `{d.expected}`, answered `{d.answered}` ({_cell(d.why)})"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
