"""How many records were accepted and rejected over time, as a small picture that a page can show at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from labkit.show.figure import BLUE, VERMILION

#: Seconds that a bar may stand for, and the distances between the times that are written below.
_STEPS = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400)
_MOST_BARS, _MOST_TIMES = 100, 7

#: A colour that goes with the page's theme, be it light or dark.
_INK = "color-mix(in srgb, {} 82%, currentColor)"

_WIDTH, _LEFT, _RIGHT, _PANEL, _TOP, _GAP = 760, 64, 36, 62, 18, 22


def step_for(seconds: int) -> int:
    """How many seconds one bar stands for, so that there are not too many.

    >>> step_for(86400), step_for(600)
    (900, 10)
    """
    return next((step for step in _STEPS if seconds <= step * _MOST_BARS), -(-seconds // (_MOST_BARS * 86400)) * 86400)


def describe(begin: int, step: int, accepted: Sequence[int], rejected: Sequence[int]) -> str:
    """The picture in words.

    >>> describe(1764774300, 60, [3, 1], [0, 2])
    'Records from 2025-12-03 15:05 to 15:07 UTC. ACCEPT: 4, most from 15:05 (3). REJECT: 2, most from 15:06 (2).'
    """
    first, last = _moment(begin), _moment(begin + step * len(accepted))
    day = "" if first.date() == last.date() else f"{last:%Y-%m-%d} "
    parts = [f"Records from {first:%Y-%m-%d} {_clock(first, step)} to {day}{_clock(last, step)} UTC."]
    for name, counts in (("ACCEPT", accepted), ("REJECT", rejected)):
        most = max(counts, default=0)
        when = _moment(begin + step * list(counts).index(most)) if most else None
        peak = f"{sum(counts):,}, most from {_clock(when, step)} ({most:,})" if when else "none"
        parts.append(f"{name}: {peak}.")
    return " ".join(parts)


def timeline(begin: int, step: int, accepted: Sequence[int], rejected: Sequence[int]) -> str:
    """Two rows of bars as SVG, each by its own scale: ACCEPT full, REJECT hollow; the same bytes for the same numbers.

    Parameters: `begin` in Unix seconds, `step` in seconds; `accepted` and `rejected`, the numbers for each bar.

    >>> picture = timeline(1764774300, 60, [3, 1], [0, 2])
    >>> picture.startswith("<svg") and "ACCEPT" in picture and 'role="img"' in picture
    True
    """
    bars = max(len(accepted), 1)
    wide = (_WIDTH - _LEFT - _RIGHT) / bars
    body = []
    for row, (name, counts) in enumerate((("ACCEPT", accepted), ("REJECT", rejected))):
        floor = _TOP + _PANEL + row * (_PANEL + _GAP)
        most = max(counts, default=0)
        ink = _INK.format(VERMILION if row else BLUE)
        paint = f"fill: none; stroke: {ink}" if row else f"fill: {ink}"
        body.append(f'<text x="{_LEFT}" y="{floor - _PANEL - 5}" font-weight="bold">{name}</text>')
        body.append(f'<text x="{_LEFT - 6}" y="{floor - _PANEL + 10}" text-anchor="end">{most:,}</text>')
        body.append(f'<text x="{_LEFT - 6}" y="{floor}" text-anchor="end">0</text>')
        body.append(f'<path d="M{_LEFT} {floor}H{_WIDTH - _RIGHT}" stroke="currentColor" fill="none"/>')
        for at, count in enumerate(counts):
            if count:
                high = max(_PANEL * count / most, 1)
                edge = f'x="{_LEFT + at * wide + 0.75:.2f}" y="{floor - high:.2f}"'
                size = f'width="{max(wide - 1.5, 0.5):.2f}" height="{high:.2f}"'
                title = f"{_clock(_moment(begin + at * step), step)} {name} {count:,}"
                body.append(f'<rect {edge} {size} style="{paint}"><title>{title}</title></rect>')
    bottom = _TOP + 2 * _PANEL + _GAP
    least = -(-step * bars // _MOST_TIMES)
    every = next((each for each in _STEPS if each >= max(least, step)), least)
    moment = -(-begin // every) * every
    day = None
    while moment <= begin + step * bars:
        x = _LEFT + (moment - begin) / step * wide
        when = _moment(moment)
        body.append(f'<path d="M{x:.2f} {bottom}v5" stroke="currentColor"/>')
        body.append(f'<text x="{x:.2f}" y="{bottom + 18}" text-anchor="middle">{_clock(when, step)}</text>')
        if when.date() != day:
            body.append(f'<text x="{x:.2f}" y="{bottom + 33}" text-anchor="middle">{when:%Y-%m-%d}</text>')
            day = when.date()
        moment += every
    body.append(f'<text x="2" y="{bottom + 18}">UTC</text>')
    said = escape(describe(begin, step, accepted, rejected))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{said}" viewBox="0 0 {_WIDTH} {bottom + 40}" '
        'style="width: 100%; max-width: 60em; color: var(--jp-ui-font-color1, #1f2933); '
        'font-family: var(--jp-ui-font-family, sans-serif); font-size: 12px" fill="currentColor">'
        f"{''.join(body)}</svg>"
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _clock(when: datetime, step: int) -> str:
    return f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}"
