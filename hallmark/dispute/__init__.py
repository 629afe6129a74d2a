"""The dispute pack: one offline file that holds a lot's evidence, and the verifier that needs nothing else.

    collect_pack(lot, get, ...) -> bytes, asked of the server
    read_pack(bytes) -> Pack, or refused; open_case(pack) -> Case
    verify(case, trust) -> what holds, what does not, what the pack cannot tell
    recompute(case, limits, aqls) -> which units and which decision would change

The commands are in `hallmark.dispute_cli`.
"""

from hallmark.dispute.checks import Case, Check, open_case, verify
from hallmark.dispute.collect import collect_pack
from hallmark.dispute.pack import Head, Manifest, Pack, read_pack, write_pack
from hallmark.dispute.recompute import Recomputed, read_aql, read_limit, recompute
from hallmark.errors import DisputeError

__all__ = [
    "Case", "Check", "DisputeError", "Head", "Manifest", "Pack", "Recomputed", "collect_pack", "open_case",
    "read_aql", "read_limit", "read_pack", "recompute", "verify", "write_pack",
]  # fmt: skip
