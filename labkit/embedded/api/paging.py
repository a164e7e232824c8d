"""Pages of an answer: at most so many items, and a token for the next page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from labkit.embedded.api.refusals import AwsError

Some = TypeVar("Some", covariant=True)


class Items(Protocol[Some]):
    """What can be cut into pages, such as a sequence."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: slice, /) -> Iterable[Some]: ...


def page(items: Items[Some], token: str | None, size: int, *, code: str) -> tuple[list[Some], str | None]:
    """Return one page of some items.

    Args:
        items: All items, in order.
        token: What the last page's answer gave; None for the first page.
        size: How many items a page has at most.
        code: The code of the service's refusal of any other token.

    Returns:
        The page's items, and the token of the next page; None where there is none.

    Raises:
        AwsError: The token is none that the last page's answer gave.

    >>> page("abcde", "2", 2, code="InvalidNextToken")
    (['c', 'd'], '4')
    """
    if token and not token.isdecimal():
        raise AwsError(code, f"The token '{token}' is not one that the last call gave.")
    begin = int(token or 0)
    end = begin + size
    return list(items[begin:end]), str(end) if end < len(items) else None
