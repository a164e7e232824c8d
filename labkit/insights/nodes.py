"""Parts of a query's tree: where they are, and what they say."""

from __future__ import annotations

import re

from lark import Token, Tree

from labkit.errors import QueryError

Node = Tree[Token]


def malformed(message: str, where: Node | Token) -> QueryError:
    """The error at a part of the query."""
    if isinstance(where, Token):
        return QueryError(message, where.start_pos or 0, where.end_pos or 0)
    return QueryError(message, where.meta.start_pos, where.meta.end_pos)


def field_name(node: Node) -> str:
    """The name that a field, an alias or a subject has, without its backticks."""
    return str(node.children[0]).strip("`")


def unquoted(token: Token) -> str:
    """A text as it is meant: a backslash before a quote or a backslash is left out, any other stays."""
    return re.sub(r"\\([\"'\\])", r"\1", str(token)[1:-1])
