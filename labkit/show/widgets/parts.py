"""Building blocks of the widgets: labeled controls, escaped HTML, code to copy, and errors as sentences.

Every text that comes from outside (a student's input, a resource's name, AWS's words) goes through `escape` here, or
through one of the functions, which escape whatever they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any, Literal

import ipywidgets as w

from labkit.errors import LabError
from labkit.show.widgets import controls

#: How a sentence looks. Good and bad ones have a mark, not only a color.
Tone = Literal["plain", "quiet", "good", "bad"]
_MARKS = {"good": "✓ ", "bad": "✗ "}

_STYLE = f"<style>{Path(__file__).with_name('widgets.css').read_text(encoding='utf-8')}</style>"
_LABEL = {"description_width": "initial"}


class Lines(str):
    """A text that a notebook shows line by line, as print would: the still form of a widget."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Without this, IPython would show a string's subclass as a string, in quotes and with \\n.
        printer.text(str(self))


class Moves:
    """Calls back when a person moves a control, but not while the widget itself sets controls."""

    def __init__(self) -> None:
        self._quiet = False

    def watch(self, action: Callable[[], None], *controls: w.Widget) -> None:
        """Call `action` whenever a person moves one of the controls."""
        for control in controls:
            control.observe(lambda _: None if self._quiet else action(), "value")

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Set controls in the block without a call."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False


def root(name: str, *children: w.Widget) -> w.VBox:
    """Return the outermost box of a widget, whose CSS class says its name: `labkit-packet-lab`."""
    style = controls.HTML(_STYLE, layout=w.Layout(display="none"))
    return w.VBox([style, *children]).add_class("labkit").add_class(f"labkit-{name}")


def row(*children: w.Widget) -> w.HBox:
    """Put widgets side by side, or below each other where there is no room."""
    return w.HBox(list(children), layout=w.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 1em"))


def columns(left: w.Widget, right: w.Widget) -> w.HBox:
    """Put a list beside what is chosen from it, which takes the rest of the width."""
    right.layout.width, right.layout.flex = "auto", "1 1 24em"
    return w.HBox([left, right], layout=w.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="0 1em"))


def beside(picture: w.Widget, choice: w.Widget, detail: w.Widget) -> w.HBox:
    """Put a picture beside a list and what is chosen from it; where there is no room, these two side by side below."""
    for widget in (choice, detail):
        widget.layout.flex = "1 1 15em"
    side = w.Box([choice, detail], layout=w.Layout(flex="1 1 17em")).add_class("labkit-side")
    return w.HBox([picture, side], layout=w.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="0 1em"))


def answer(*children: w.Widget) -> w.VBox:
    """Return the part of a widget that shows its answer."""
    return w.VBox(list(children)).add_class("labkit-answer")


def html(value: str = "") -> w.HTML:
    """Return a place for HTML that is filled in later. It does not escape what it is given."""
    return controls.HTML(value)


def dropdown(label: str, options: Iterable[Any], tooltip: str = "", **more: Any) -> w.Dropdown:
    """Return a list to choose from, as wide as its longest option; `more` are traits of `ipywidgets.Dropdown`."""
    layout = w.Layout(width="auto")
    return controls.Dropdown(
        options=list(options), description=label, tooltip=tooltip or label, style=_LABEL, layout=layout, **more
    )


def text(
    label: str, value: str = "", placeholder: str = "", tooltip: str = "", width: str | None = None,
    disabled: bool = False, at_once: bool = False,
) -> w.Text:  # fmt: skip
    """Return a line to type in; its value changes with Enter or when the person leaves it, or with each key."""
    return controls.Text(
        value, description=label, placeholder=placeholder, tooltip=tooltip or label, continuous_update=at_once,
        style=_LABEL, layout=w.Layout(width=width), disabled=disabled,
    )  # fmt: skip


def suggesting(label: str, value: str = "", placeholder: str = "", tooltip: str = "") -> w.Combobox:
    """Return a line to type in that suggests `options`; its value changes with each key."""
    return controls.Combobox(
        value=value, description=label, placeholder=placeholder, tooltip=tooltip or label, continuous_update=True,
        ensure_option=False, style=_LABEL,
    )  # fmt: skip


def choice(label: str, tooltip: str, width: str, rows: int, options: Sequence[Any] = ()) -> w.Select:
    """Return a list of which all `rows` are in view."""
    return controls.Select(
        options=options, rows=rows, description=label, tooltip=tooltip, style=_LABEL, layout=w.Layout(width=width)
    )


def toggles(label: str, options: Iterable[Any], **more: Any) -> w.ToggleButtons:
    """Return options side by side, of which one is chosen."""
    style = {**_LABEL, "button_width": "auto"}
    return controls.ToggleButtons(options=list(options), description=label, style=style, **more)


def button(label: str, tooltip: str, action: Callable[[], None]) -> w.Button:
    """Return a button that calls `action`."""
    made = controls.Button(description=label, tooltip=tooltip, layout=w.Layout(width="auto"))
    made.on_click(controls.in_turn(lambda _: action()))
    return made


def code(label: str = "As code") -> w.Textarea:
    """Return a place for code to copy: Tab reaches it, Ctrl+A selects all of it. Fill it with `show_code`."""
    made = controls.Textarea(description=label, rows=1, style=_LABEL, layout=w.Layout(width="auto", max_width="60em"))
    made.tooltip = "Copy this into a cell: it does the same"
    return made.add_class("labkit-code")


def show_code(area: w.Textarea, lines: str) -> None:
    """Show code in the area that `code` returned, which grows or shrinks to fit it."""
    area.rows = sum(1 + len(line) // 90 for line in lines.split("\n"))  # long lines continue in the next row
    area.value = lines


def sentence(said: str, tone: Tone = "plain") -> str:
    """Return a paragraph of HTML.

    >>> sentence("Subnets & routes", "bad")
    '<p class="bad" role="status">✗ Subnets &amp; routes</p>'
    """
    mark = _MARKS.get(tone, "")
    role = ' role="status"' if mark else ""
    return f'<p class="{tone}"{role}>{mark}{escape(said)}</p>'


def table(
    header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", chosen: Iterable[int] = ()
) -> str:
    """Return a table of HTML; the rows whose numbers are `chosen` stand out and are marked with ▶.

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


def aligned(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table as text, the header first, as the still form of a widget shows it.

    >>> print(*aligned(["destination", "state"], [["::/0", "active"]]), sep="\\n")
      destination  state
      ::/0         active
    """
    lines = [list(header), *(list(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  " + "  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def scrolling(html: str, label: str) -> str:
    """Let HTML that is wider than the page scroll, also by keyboard.

    >>> scrolling("<p>wide</p>", "Records")
    '<div class="labkit-wide" tabindex="0" role="region" aria-label="Records"><p>wide</p></div>'
    """
    return f'<div class="labkit-wide" tabindex="0" role="region" aria-label="{escape(label)}">{html}</div>'


def refusal(error: Exception) -> str:
    """Return an error as a sentence for the person at the widget.

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
