"""Draw how many records were accepted and rejected over time, as a small SVG. The flow explorer shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from labkit.show.figure import BLUE, VERMILION

#: The seconds that a bar may cover, and the distances between the times that are written below.
_STEPS = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 7 * 86400)
_MOST_BARS, _MOST_TIMES = 100, 7

#: A color that goes with the page's theme, light or dark.
_INK = "color-mix(in srgb, {} 82%, currentColor)"

_WIDTH, _LEFT, _RIGHT, _PANEL, _TOP, _GAP = 760, 64, 36, 62, 18, 22
_BOTTOM = _TOP + 2 * _PANEL + _GAP


def step_for(seconds: int) -> int:
    """Return how many seconds one bar covers, so that there are about a hundred bars at most.

    >>> step_for(86400), step_for(600)
    (900, 10)
    """
    return next((step for step in _STEPS if seconds <= step * _MOST_BARS), -(-seconds // (_MOST_BARS * 86400)) * 86400)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Records over time.

    Attributes:
        begin: When the first bar begins, in Unix seconds.
        step: How many seconds a bar covers.
        accepted: For each bar, the number of records with the action ACCEPT.
        rejected: For each bar, the number of records with the action REJECT.
    """

    begin: int
    step: int
    accepted: Sequence[int]
    rejected: Sequence[int]

    def __str__(self) -> str:
        """Say in words what the picture shows.

        >>> print(Timeline(1764774300, 60, [3, 1], [0, 2]))
        Records from 2025-12-03 15:05 to 15:07 UTC. ACCEPT: 4, most from 15:05 (3). REJECT: 2, most from 15:06 (2).
        """
        first, last = self._moment(0), self._moment(len(self.accepted))
        day = "" if first.date() == last.date() else f"{last:%Y-%m-%d} "
        parts = [f"Records from {first:%Y-%m-%d} {self._clock(first)} to {day}{self._clock(last)} UTC."]
        for action, counts in (("ACCEPT", self.accepted), ("REJECT", self.rejected)):
            most = max(counts, default=0)
            peak = self._clock(self._moment(list(counts).index(most))) if most else ""
            parts.append(f"{action}: {sum(counts):,}, most from {peak} ({most:,})." if most else f"{action}: none.")
        return " ".join(parts)

    def svg(self) -> str:
        """Draw two rows of bars, each to its own scale: ACCEPT filled, REJECT hollow.

        Returns:
            One `<svg>` element; the same numbers give the same text.

        >>> picture = Timeline(1764774300, 60, [3, 1], [0, 2]).svg()
        >>> picture.startswith("<svg") and "ACCEPT" in picture and 'role="img"' in picture
        True
        """
        wide = (_WIDTH - _LEFT - _RIGHT) / max(len(self.accepted), 1)
        filled, hollow = f"fill: {_INK.format(BLUE)}", f"fill: none; stroke: {_INK.format(VERMILION)}"
        body = self._bars("ACCEPT", self.accepted, _TOP + _PANEL, wide, filled)
        body += self._bars("REJECT", self.rejected, _BOTTOM, wide, hollow)
        body += self._times(wide)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(str(self))}" '
            f'viewBox="0 0 {_WIDTH} {_BOTTOM + 40}" '
            'style="width: 100%; max-width: 60em; color: var(--jp-ui-font-color1, #1f2933); '
            'font-family: var(--jp-ui-font-family, sans-serif); font-size: 12px" fill="currentColor">'
            f"{''.join(body)}</svg>"
        )

    def _bars(self, action: str, counts: Sequence[int], floor: float, wide: float, paint: str) -> list[str]:
        """Draw a row of bars whose lower edge is at `floor`."""
        most = max(counts, default=0)
        body = [
            f'<text x="{_LEFT}" y="{floor - _PANEL - 5}" font-weight="bold">{action}</text>',
            f'<text x="{_LEFT - 6}" y="{floor - _PANEL + 10}" text-anchor="end">{most:,}</text>',
            f'<text x="{_LEFT - 6}" y="{floor}" text-anchor="end">0</text>',
            f'<path d="M{_LEFT} {floor}H{_WIDTH - _RIGHT}" stroke="currentColor" fill="none"/>',
        ]
        for at, count in enumerate(counts):
            if count:
                high = max(_PANEL * count / most, 1)
                edge = f'x="{_LEFT + at * wide + 0.75:.2f}" y="{floor - high:.2f}"'
                size = f'width="{max(wide - 1.5, 0.5):.2f}" height="{high:.2f}"'
                title = f"{self._clock(self._moment(at))} {action} {count:,}"
                body.append(f'<rect {edge} {size} style="{paint}"><title>{title}</title></rect>')
        return body

    def _times(self, wide: float) -> list[str]:
        """Write round times below the bars, and the date where a day begins."""
        seconds = self.step * max(len(self.accepted), 1)
        least = -(-seconds // _MOST_TIMES)
        every = next((each for each in _STEPS if each >= max(least, self.step)), least)
        body, day = [f'<text x="2" y="{_BOTTOM + 18}">UTC</text>'], None
        for moment in range(-(-self.begin // every) * every, self.begin + seconds + 1, every):
            at = (moment - self.begin) / self.step
            x, when = _LEFT + at * wide, self._moment(at)
            body.append(f'<path d="M{x:.2f} {_BOTTOM}v5" stroke="currentColor"/>')
            body.append(f'<text x="{x:.2f}" y="{_BOTTOM + 18}" text-anchor="middle">{self._clock(when)}</text>')
            if when.date() != day:
                body.append(f'<text x="{x:.2f}" y="{_BOTTOM + 33}" text-anchor="middle">{when:%Y-%m-%d}</text>')
                day = when.date()
        return body

    def _moment(self, bar: float) -> datetime:
        return datetime.fromtimestamp(round(self.begin + bar * self.step), UTC)

    def _clock(self, when: datetime) -> str:
        return f"{when:%H:%M:%S}" if self.step < 60 else f"{when:%H:%M}"
