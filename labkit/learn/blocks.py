"""The marks and the HTML of which judgments, exercises and checks are made."""

from __future__ import annotations

#: The marks of what is right, wrong and not there yet, each with the words that a screen reader says.
RIGHT_MARK, WRONG_MARK, ABSENT_MARK = ("✓", "right"), ("✗", "not right"), ("·", "not there yet")


def mark_html(mark: tuple[str, str]) -> str:
    """Return a mark in HTML, with its meaning also in words for screen readers."""
    return "<b role='img' aria-label='{1}'>{0}</b>".format(*mark)


def html_block(kind: str, inner: str) -> str:
    """Return HTML as one block, in which `$` is a dollar sign and never begins a formula.

    Its last two classes are those that MathJax leaves alone: version 3 in JupyterLab, and version 2 in exported pages.

    Args:
        kind: Its class after `labkit-`.
        inner: The HTML that it holds.

    Sources: https://docs.mathjax.org/en/latest/options/document.html,
    https://docs.mathjax.org/en/v2.7/options/preprocessors/tex2jax.html

    >>> html_block("answer", "${srcaddr} ${dstaddr}")
    "<div class='labkit-answer mathjax_ignore tex2jax_ignore'>${srcaddr} ${dstaddr}</div>"
    """
    return f"<div class='labkit-{kind} mathjax_ignore tex2jax_ignore'>{inner}</div>"
