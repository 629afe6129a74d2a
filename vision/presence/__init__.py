"""Presence, identity and print: components, texts, logos and codes of a unit against the golden sample."""

from vision.presence.view import PresenceView

__all__ = ["PresenceView"]
