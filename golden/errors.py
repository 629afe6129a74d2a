"""What can be wrong with a golden sample. One sentence each: what, where, and what to do.

GoldenError
+-- SpecError                  the written specification; itself: a file that cannot be read
|   +-- SpecSyntaxError        not YAML, or YAML that is not allowed here (aliases, anchors, tags)
|   +-- SpecTooLargeError      larger or deeper than any specification
|   +-- SpecInvalidError       well-formed, but not a specification; `problems` lists each
|   `-- ImageError             an image is missing, unreadable, or not the one declared
+-- KeyFileError               a key file is missing, malformed, in the way, or contradicts another
+-- BundleError                the file is not a bundle as this program writes it
|   +-- NotABundleError        not an archive, or truncated
|   +-- UnknownFormatError     a format or schema that this release does not know
|   +-- BundleTooLargeError    too many bytes or files, or sizes that cannot be true (bombs)
|   +-- CompressedEntryError   a file in it is compressed
|   +-- EncryptedEntryError    a file in it is encrypted
|   +-- LinkEntryError         a file in it is a link or another special file
|   +-- UnsafePathError        a path leads out of the bundle
|   +-- DuplicateFileError     a path occurs twice
|   +-- MissingFileError       a file that must be there is not
|   +-- ExtraFileError         a file that nobody signed
|   +-- AlteredFileError       a file's bytes are not the ones in the manifest
|   `-- NotCanonicalError      the same content in other bytes, or documents that contradict each other
+-- MeasurementError           a value, uncertainty, limit or risk that no decision can follow from
|   `-- ReadingError           an instrument's reading does not answer what was agreed
`-- SealError                  the bundle is sound, but the seal does not hold
    +-- UnsignedError          nobody has signed
    +-- BelowThresholdError    a party that must sign has not
    +-- UnknownSignerError     signed by a key that is not trusted here
    +-- WrongSignerError       signed by someone who is no party in that role
    +-- InvalidSignatureError  a signature does not verify
    +-- ExpiredError           the agreement has ended
    +-- NotYetValidError       issued in the future
    +-- RolledBackError        an older version than one already seen
    `-- DifferentManifestError two copies to merge do not hold the same agreement
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path


class GoldenError(ValueError):
    """Anything wrong with a golden sample, its parts or its keys."""


class MeasurementError(GoldenError):
    """A value, uncertainty, limit or risk that no decision can follow from."""


class ReadingError(MeasurementError):
    """An instrument's reading does not answer what was agreed."""


class SpecError(GoldenError):
    """The written specification cannot be used."""


class SpecSyntaxError(SpecError):
    """The text is not YAML, or uses YAML that a specification may not."""


class SpecTooLargeError(SpecError):
    """The text is larger or more deeply nested than any specification."""


class SpecInvalidError(SpecError):
    """The text is well-formed but not a specification."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        """Keep every problem, each a sentence with its field; the message holds the first ones."""
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__(f"{source}: {self.problems[0]}")
            return
        lines = [f"{source}: {len(self.problems)} problems", *self.problems[:20]]
        super().__init__("\n  ".join(lines))


class ImageError(SpecError):
    """An image of the golden sample is missing, unreadable or not the one declared."""


class KeyFileError(GoldenError):
    """A key file is missing, malformed, in the way, or contradicts another."""


class BundleError(GoldenError):
    """The file is not a bundle as this program writes it."""


class NotABundleError(BundleError):
    """Not an archive, or truncated."""


class UnknownFormatError(BundleError):
    """A format or schema that this release does not know."""


class BundleTooLargeError(BundleError):
    """Too many bytes or files, or sizes that cannot be true."""


class CompressedEntryError(BundleError):
    """A file in the bundle is compressed."""


class EncryptedEntryError(BundleError):
    """A file in the bundle is encrypted."""


class LinkEntryError(BundleError):
    """A file in the bundle is a link, a folder or a device."""


class UnsafePathError(BundleError):
    """A path in the bundle leads out of it, or has characters that no path of ours has."""


class DuplicateFileError(BundleError):
    """A path occurs twice."""


class MissingFileError(BundleError):
    """A file that must be there is not."""


class ExtraFileError(BundleError):
    """The bundle holds a file that its manifest does not name."""


class AlteredFileError(BundleError):
    """A file's bytes are not the ones that the manifest names."""


class NotCanonicalError(BundleError):
    """The same content in other bytes, or documents in it that contradict each other."""


class SealError(GoldenError):
    """The bundle is sound, but its seal does not hold."""


class UnsignedError(SealError):
    """Nobody has signed."""


class BelowThresholdError(SealError):
    """A party that must sign has not."""


class UnknownSignerError(SealError):
    """Signed by a key that is not in the trust store."""


class WrongSignerError(SealError):
    """Signed by a trusted key whose holder is not a party, in that role, to this specification."""


class InvalidSignatureError(SealError):
    """A signature does not verify; the bundle is refused even where enough others do."""


class ExpiredError(SealError):
    """The agreement has ended."""


class NotYetValidError(SealError):
    """The agreement was issued in the future."""


class RolledBackError(SealError):
    """An older version than one already seen."""


class DifferentManifestError(SealError):
    """Two copies that should be merged do not hold the same agreement."""


@contextmanager
def in_file(path: Path | str) -> Generator[None]:
    """Name the file in what is found wrong with a bundle, its images or its seal."""
    try:
        yield
    except (BundleError, ImageError, SealError) as error:
        raise type(error)(f"{path}: {error}") from error
