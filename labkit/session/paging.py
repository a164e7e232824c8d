"""Reads all pages of an answer of AWS; the other modules of this room list things with it."""

from __future__ import annotations

from typing import Any


def all_of(client: Any, operation: str, path: str, **parameters: Any) -> list[Any]:
    """Return what an operation finds, from all pages of its answer.

    Args:
        client: A boto3 client.
        operation: The client's method, such as `describe_vpcs`.
        path: Where each part is in a page, as a JMESPath such as `Vpcs[]`.
        parameters: The parameters of the operation.
    """
    if not client.can_paginate(operation):
        return list(getattr(client, operation)(**parameters)[path.removesuffix("[]")])
    pages = client.get_paginator(operation).paginate(**parameters)
    return [part for part in pages.search(path) if part is not None]
