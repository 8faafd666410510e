"""Where a person was at each moment of decision: from a second table of the trial that names no moments.

It holds the same moments but for some, in the same order, without their numbers. Runs of at least three rows with the
same steps before and the same act are taken for the same moments (difflib; on the shared half nine rows in ten find
their place, and in all of them the steps after, which are not compared, agree). The rest is not known.
"""

from difflib import SequenceMatcher
from typing import Final

from .tables import Row, number

_RUN: Final = 3


def aligned(moments: list[Row], contexts: list[Row]) -> dict[int, Row]:
    """Return the context of each moment by its place among a person's moments, where it was found."""
    keys = [
        [(f"{number(row, 'jbsteps30pre.log'):.2f}", number(row, "send")) for row in table]
        for table in (moments, contexts)
    ]
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    return {
        block.a + i: contexts[block.b + i]
        for block in matcher.get_matching_blocks()
        if block.size >= _RUN
        for i in range(block.size)
    }
