"""Pages of an answer: at most so many items, and a token for the next page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.embedded.api.refusals import AwsError


def page(items: Sequence[Any], token: str | None, size: int, *, invalid: AwsError) -> tuple[list[Any], str | None]:
    """Return one page of some items.

    Args:
        items: All items, in order.
        token: What the last page's answer gave; None for the first page.
        size: How many items a page has at most.
        invalid: What to raise where the token is not one of these.

    Returns:
        The page's items, and the token of the next page; None where there is none.

    >>> page("abcde", "2", 2, invalid=AwsError("InvalidNextToken", "…"))
    (['c', 'd'], '4')
    """
    if token and not token.isdecimal():
        raise invalid
    begin = int(token or 0)
    end = begin + size
    return list(items[begin:end]), str(end) if end < len(items) else None
