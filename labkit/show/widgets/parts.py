"""Building blocks of the widgets: labelled controls, escaped HTML, code to copy, and errors as sentences.

Every text that comes from outside (a student's input, a resource's name, AWS's words) goes through `escape` here, or
through one of the functions, which all escape what they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import ipywidgets as w

from labkit.errors import LabError

#: Colours are the page's own, sizes its font's: so a widget follows theme and presentation.
#: https://jupyterlab.readthedocs.io/en/stable/developer/css.html
_STYLE = """<style>
.labkit { color: var(--jp-ui-font-color1, #1f2933); font-size: var(--jp-content-font-size1, 14px); }
.labkit .widget-html-content { line-height: 1.45; font-size: var(--jp-content-font-size1, 14px); }
.labkit p { margin: .2em 0 .4em; }
.labkit table { border-collapse: collapse; }
.labkit caption { text-align: left; font-weight: bold; padding: .2em 0; white-space: nowrap; }
.labkit th, .labkit td { text-align: left; vertical-align: top; padding: .15em 1em .15em .4em;
  border-bottom: 1px solid var(--jp-border-color1, #9aa5b1); }
.labkit tr.chosen { background: var(--jp-layout-color2, #eef2f6); font-weight: bold; }
.labkit code, .labkit-code textarea { font-family: var(--jp-code-font-family, monospace); }
.labkit .quiet { color: var(--jp-ui-font-color2, #52606d); }
.labkit .good, .labkit .bad { border-left: .3em solid #009e73; padding-left: .6em; }
.labkit .bad { border-left-color: #d55e00; }
.labkit .labkit-wide { overflow-x: auto; }
.labkit :focus-visible { outline: .15em solid #0072b2; outline-offset: .1em; }
.labkit .widget-label, .labkit .widget-select select, .labkit button { font-size: inherit; }
</style>"""

_MARKS = {"good": "✓ ", "bad": "✗ ", "plain": "", "quiet": ""}


class Lines(str):
    """A text that a notebook shows line by line, as print would: the still form of a widget."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Without this, IPython would show a string's subclass as a string, in quotes and with \\n.
        printer.text(str(self))


def root(name: str, *children: w.Widget) -> w.VBox:
    """The outermost box of a widget, which says its name to style sheets and tests: `labkit-packet-lab`."""
    box = w.VBox([w.HTML(_STYLE, layout=w.Layout(display="none")), *children])
    box.add_class("labkit")
    box.add_class(f"labkit-{name}")
    return box


def row(*children: w.Widget) -> w.HBox:
    """Side by side, and below each other where there is no room."""
    return w.HBox(list(children), layout=w.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 1em"))


def columns(left: w.Widget, right: w.Widget) -> w.HBox:
    """A list and what is chosen from it, side by side where there is room: the right one takes what is left."""
    right.layout.width, right.layout.flex = "auto", "1 1 24em"
    return w.HBox([left, right], layout=w.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="0 1em"))


def answer(*children: w.Widget) -> w.VBox:
    """The part of a widget that shows its answer."""
    box = w.VBox(list(children))
    box.add_class("labkit-answer")
    return box


def html(value: str = "") -> w.HTML:
    """A place for HTML that is filled in later. It takes what it is given: escape first."""
    return w.HTML(value, layout=w.Layout(width="100%"))


_LABEL = {"description_width": "initial"}


def dropdown(label: str, options: Iterable[Any], tooltip: str = "", **more: Any) -> w.Dropdown:
    return w.Dropdown(options=list(options), description=label, tooltip=tooltip or label, style=_LABEL, **more)


def text(label: str, value: str = "", placeholder: str = "", tooltip: str = "", **more: Any) -> w.Text:
    """A line to type in; its value changes with Enter, or when the person leaves it."""
    return w.Text(
        value, description=label, placeholder=placeholder, tooltip=tooltip or label, continuous_update=False,
        style=_LABEL, **more,
    )  # fmt: skip


def toggles(label: str, options: Iterable[Any], **more: Any) -> w.ToggleButtons:
    style = {**_LABEL, "button_width": "auto"}
    return w.ToggleButtons(options=list(options), description=label, style=style, **more)


def button(label: str, tooltip: str, action: Callable[[], None], **more: Any) -> w.Button:
    made = w.Button(description=label, tooltip=tooltip, layout=w.Layout(width="auto"), **more)
    made.on_click(lambda _: action())
    return made


def code(label: str = "As code") -> w.Textarea:
    """Code to copy: reached by Tab, taken whole with Ctrl+A. Fill it with `show_code`."""
    made = w.Textarea(description=label, rows=1, style=_LABEL, layout=w.Layout(width="auto", max_width="60em"))
    made.tooltip = "Copy this into a cell: it does the same"
    made.add_class("labkit-code")
    return made


def show_code(area: w.Textarea, lines: str) -> None:
    area.rows = sum(1 + len(line) // 90 for line in lines.split("\n"))  # long lines go on in the next row
    area.value = lines


def sentence(said: str, kind: str = "plain") -> str:
    """A paragraph; `kind` is `good`, `bad`, `quiet` or `plain`. Good and bad ones have a mark, not only a colour.

    >>> sentence("Subnets & routes", "bad")
    '<p class="bad" role="status">✗ Subnets &amp; routes</p>'
    """
    role = ' role="status"' if kind in ("good", "bad") else ""
    return f'<p class="{kind}"{role}>{_MARKS[kind]}{escape(said)}</p>'


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", chosen: Iterable[int] = ()
) -> str:
    """A table of texts; the rows whose numbers are `chosen` are marked with ▶ and stand out.

    >>> table(["name"], [["<b>"]])
    '<table><thead><tr><th scope="col">name</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """
    marked = set(chosen)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = []
    for number, cells in enumerate(rows):
        first, *rest = map(str, cells)
        words = [f"▶ {first}" if number in marked else first, *rest]
        mark = ' class="chosen"' if number in marked else ""
        body.append(f"<tr{mark}>" + "".join(f"<td>{escape(word)}</td>" for word in words) + "</tr>")
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def scrolling(html: str, label: str) -> str:
    """HTML that may be wider than the page, and then scrolls, also by keyboard.

    >>> scrolling("<p>wide</p>", "Records")
    '<div class="labkit-wide" tabindex="0" role="region" aria-label="Records"><p>wide</p></div>'
    """
    return f'<div class="labkit-wide" tabindex="0" role="region" aria-label="{escape(label)}">{html}</div>'


def refusal(error: Exception) -> str:
    """An error as a sentence for the person at the widget.

    >>> refusal(LabError("There is no VPC."))
    'There is no VPC.'
    """
    response = getattr(error, "response", None)  # of botocore's ClientError
    if isinstance(response, dict) and "Error" in response:
        said = response["Error"]
        return f"AWS refused: {str(said.get('Message', '')).rstrip('.')}. ({said.get('Code')})"
    if isinstance(error, (LabError, ValueError, LookupError)) and str(error):
        return str(error)
    return f"This went wrong, and nothing was changed on this page: {type(error).__name__}: {error}"
