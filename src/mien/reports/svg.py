"""A small plot as inline SVG: axes, bands, lines, dots, and text that stays text.

Knows nothing of what is plotted. Law: colours are CSS classes, so that a page's light and dark
themes and its print style reach into the picture; every piece of text is escaped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Literal, TypeAlias

Scale: TypeAlias = Literal["linear", "log"]
Point: TypeAlias = tuple[float, float]

WIDTH, HEIGHT = 620.0, 330.0
# A phone's: at this width the text of a plot is as large on a small screen as the page's own.
NARROW = 330.0
# Of a tick's letter, and between two ticks, in units.
_LETTER, _GAP = 7.0, 8.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 22.0, 28.0, 46.0


class Plot:
    """A plot in a box of some units, made from back to front.

    Args:
        title: For people who cannot see it.
        x: Range of x.
        y: Range of y.
        x_label: Under the axis.
        y_label: Above the axis.
        x_scale: Linear or logarithmic.
        height: Of the whole plot, in units.
        width: Likewise.

    Example:
        >>> plot = Plot(title="t", x=(0, 10), y=(0, 1), x_label="epochs", y_label="accuracy")
        >>> plot.line([(0, 0.2), (10, 0.8)], style="mean")
        >>> plot.svg().startswith('<svg viewBox="0 0 620 330" role="img"')
        True
    """

    def __init__(
        self,
        *,
        title: str,
        x: tuple[float, float],
        y: tuple[float, float],
        x_label: str,
        y_label: str,
        x_scale: Scale = "linear",
        height: float = HEIGHT,
        width: float = WIDTH,
    ) -> None:
        self._title, self._height, self._width = title, height, width
        self._labels = (x_label, y_label)
        self._parts: list[str] = []
        self._x = _scaled(x, _LEFT, self._width - _RIGHT, x_scale)
        self._y = _scaled(y, height - _BOTTOM, _TOP, "linear")
        self._range = (x, y)

    def x_ticks(self, ticks: Iterable[tuple[float, str]]) -> None:
        """Mark values of x, each with its text."""
        bottom = self._height - _BOTTOM
        for value, text in ticks:
            x = self._x(value)
            self._add(f'<path class="tick" d="M{x:.1f} {bottom:.1f}v5"/>')
            self._text(x, bottom + 19, text, anchor="middle")

    def y_ticks(self, ticks: Iterable[tuple[float, str]]) -> None:
        """Mark values of y with a line across, each with its text."""
        for value, text in ticks:
            y = self._y(value)
            self._add(f'<path class="grid" d="M{_LEFT} {y:.1f}H{self._width - _RIGHT}"/>')
            self._text(_LEFT - 7, y + 4, text, anchor="end")

    def band(self, points: Sequence[tuple[float, float, float]], *, style: str) -> None:
        """Fill between low and high at each x."""
        upper = [self._at(x, high) for x, _, high in points]
        lower = [self._at(x, low) for x, low, _ in reversed(points)]
        self._add(f'<path class="{style}" d="M{"L".join([*upper, *lower])}Z"/>')

    def line(self, points: Sequence[Point], *, style: str) -> None:
        """Join points."""
        self._add(f'<path class="line {style}" d="M{"L".join(self._at(*p) for p in points)}"/>')

    def level(self, y: float, text: str = "", *, style: str) -> None:
        """Draw a line across at y, with any text at its left end, where the eye comes from."""
        height = self._y(y)
        self._add(f'<path class="line {style}" d="M{_LEFT} {height:.1f}H{self._width - _RIGHT}"/>')
        if text:
            self._text(_LEFT + 6, height - 5, text, anchor="start", style=style)

    def interval(self, x: float, low: float, high: float, *, style: str) -> None:
        """Draw a line from low to high at x."""
        self._add(f'<path class="line {style}" d="M{self._at(x, low)}L{self._at(x, high)}"/>')

    def dots(
        self, points: Iterable[tuple[float, float, str]], *, style: str, radius: float = 4
    ) -> None:
        """Draw dots, each with words that show when it is pointed at."""
        for x, y, words in points:
            self._add(
                f'<circle class="{style}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" '
                f'r="{radius:g}"><title>{escape(words)}</title></circle>'
            )

    def diamonds(
        self, points: Iterable[tuple[float, float, str]], *, style: str, radius: float = 5.5
    ) -> None:
        """Draw diamonds, each with words that show when it is pointed at."""
        for x, y, words in points:
            a, b, r = self._x(x), self._y(y), radius
            self._add(
                f'<path class="{style}" d="M{a - r:.1f} {b:.1f}l{r} {-r}l{r} {r}l{-r} {r}z">'
                f"<title>{escape(words)}</title></path>"
            )

    def note(self, x: float, y: float, text: str, *, anchor: str = "start", dy: float = 0) -> None:
        """Write text at a point, `dy` units lower."""
        self._text(self._x(x), self._y(y) + dy, text, anchor=anchor, style="note")

    def svg(self) -> str:
        """The picture."""
        bottom, (x_label, y_label) = self._height - _BOTTOM, self._labels
        frame = f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom:.1f}H{self._width - _RIGHT}"/>'
        words = [
            _text((_LEFT + self._width - _RIGHT) / 2, self._height - 6, x_label, "middle", "label"),
            _text(8, 13, y_label, "start", "label"),
        ]
        return (
            f'<svg viewBox="0 0 {self._width:g} {self._height:g}" role="img" '
            f'xmlns="http://www.w3.org/2000/svg"><title>{escape(self._title)}</title>'
            f"{''.join(self._parts)}{frame}{''.join(words)}</svg>"
        )

    def _at(self, x: float, y: float) -> str:
        return f"{self._x(x):.1f} {self._y(y):.1f}"

    def _add(self, part: str) -> None:
        self._parts.append(part)

    def _text(self, x: float, y: float, text: str, *, anchor: str, style: str = "") -> None:
        self._add(_text(x, y, text, anchor, style))


def log_ticks(values: Sequence[float], *, width: float = WIDTH, letters: int = 5) -> list[float]:
    """Those of rising values that can be marked on a log axis without touching each other.

    Args:
        values: Above 0.
        width: Of the plot, in units.
        letters: Of the longest of their texts.

    Example:
        >>> log_ticks([1, 2, 10, 11, 100])
        [1, 2, 10, 100]
    """
    if len(values) < 2:
        return list(values)
    whole = math.log(values[-1] / values[0]) or 1
    least_gap = (letters * _LETTER + _GAP) / (width - _LEFT - _RIGHT)
    kept = [values[0]]
    for value in values[1:-1]:
        far = math.log(value / kept[-1]) / whole >= least_gap
        if far and math.log(values[-1] / value) / whole >= least_gap:
            kept.append(value)
    return [*kept, values[-1]]


def _scaled(
    ends: tuple[float, float], start: float, stop: float, scale: Scale
) -> Callable[[float], float]:
    log = math.log if scale == "log" else float
    low, high = log(ends[0]), log(ends[1])
    span = (high - low) or 1.0
    return lambda value: start + (log(value) - low) / span * (stop - start)


def _text(x: float, y: float, text: str, anchor: str, style: str) -> str:
    name = f' class="{style}"' if style else ""
    return f'<text{name} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
