"""Where things lie: the face's own coordinates, the pose that maps them to pixels, and the canvas.

Face frame: x to the right of the picture, y down, origin between the eyes; half the width of a
head is about 0.8, the chin lies near y = 1.1, the crown near y = -1.15. Points on the face lie on
an ellipsoid, so a turn of the head (yaw) moves the nose further than the ears.
Knows nothing of what is drawn. Pixels on the canvas are `OVERSAMPLING` times those of the photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFilter

OVERSAMPLING: Final = 2
HEAD_HALF: Final = (0.82, 1.16, 0.85)  # half width, half height and half depth of the ellipsoid

Points: TypeAlias = Float[np.ndarray, "n 2"]
Fill: TypeAlias = tuple[int, int, int] | tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How the head is held and where it is in the photo.

    Attributes:
        unit_px: Canvas pixels of one unit of the face frame.
        centre_px: Canvas position of the origin, x and y.
        roll, yaw: Radians; positive roll is clockwise, positive yaw turns to the right.
    """

    unit_px: float
    centre_px: tuple[float, float]
    roll: float
    yaw: float

    def turned(self, points: Points, *, depth: float | None = None) -> Points:
        """Turn points of the face by the yaw, still in the face frame.

        Args:
            points: ``(n, 2)``.
            depth: z of all of them; None puts them on the ellipsoid of the head.
        """
        x, y = points[:, 0], points[:, 1]
        if depth is None:
            a, b, c = HEAD_HALF
            z = c * np.sqrt(np.maximum(0.0, 1 - (x / a) ** 2 - (y / b) ** 2))
        else:
            z = np.full(len(points), depth)
        return np.stack([x * np.cos(self.yaw) + z * np.sin(self.yaw), y], axis=1)

    def to_px(self, points: Points) -> Points:
        """Map points of the (turned) face frame to canvas pixels, ``(n, 2)`` each."""
        cos, sin = np.cos(self.roll) * self.unit_px, np.sin(self.roll) * self.unit_px
        x, y = points[:, 0], points[:, 1]
        cx, cy = self.centre_px
        return np.stack([cx + cos * x - sin * y, cy + sin * x + cos * y], axis=1)


class Canvas:
    """An RGB picture that is drawn on in the face frame.

    All drawing takes points that are already turned (`Pose.turned`).
    """

    def __init__(self, image: Image.Image, pose: Pose) -> None:
        self.image = image
        self.pose = pose
        self._draw = ImageDraw.Draw(image, "RGBA")

    def polygon(self, points: Points, fill: Fill) -> None:
        """Fill a polygon; a fourth number of `fill` is its opacity, 0 to 255."""
        self._draw.polygon(self._flat(points), fill=fill)

    def line(self, points: Points, fill: Fill, *, width: float) -> None:
        """Draw an open line of a width in units of the face frame."""
        pixels = max(1, round(width * self.pose.unit_px))
        self._draw.line(self._flat(points), fill=fill, width=pixels, joint="curve")

    def disc(self, centre: tuple[float, float], radius: float, fill: Fill) -> None:
        """Fill a circle."""
        x, y = self.pose.to_px(np.array([centre]))[0]
        r = radius * self.pose.unit_px
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    def texture(
        self, points: Points, picture: Image.Image, grid: Grid, *, soft_px: float = 0.0
    ) -> None:
        """Fill a polygon with a picture that is defined on a grid of the face frame.

        Args:
            points: The polygon.
            picture: RGB, the size of the grid or a multiple of it (`finer`).
            grid: Where its pixels lie in the face frame.
            soft_px: Radius by which the polygon's edge is blurred, canvas pixels.
        """
        outline = self.pose.to_px(points)
        margin = int(3 * soft_px) + 2
        left, top = np.floor(outline.min(axis=0)).astype(int) - margin
        right, bottom = np.ceil(outline.max(axis=0)).astype(int) + margin
        left, top = max(0, left), max(0, top)
        right, bottom = min(self.image.width, right), min(self.image.height, bottom)
        if right <= left or bottom <= top:
            return
        size = (int(right - left), int(bottom - top))
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon(list((outline - (left, top)).ravel()), fill=255)
        if soft_px:
            mask = mask.filter(ImageFilter.BoxBlur(soft_px))
        coefficients = self._inverse(left, top, grid, finer=picture.width / grid.width)
        # The nearest pixel will do: the picture is about as fine as the canvas, and the canvas
        # finer than the photo. Interpolating would cost a third of the whole drawing.
        lit = picture.transform(
            size, Image.Transform.AFFINE, coefficients, Image.Resampling.NEAREST
        )
        self.image.paste(lit, (int(left), int(top)), mask)

    def _inverse(self, left: int, top: int, grid: Grid, *, finer: float) -> tuple[float, ...]:
        # Canvas pixel (u, v) of the box -> grid pixel: invert the pose, then the grid's spacing.
        cos, sin = np.cos(self.pose.roll), np.sin(self.pose.roll)
        k = finer * grid.per_unit / self.pose.unit_px
        dx, dy = left - self.pose.centre_px[0], top - self.pose.centre_px[1]
        x0 = k * (cos * dx + sin * dy) - finer * grid.left * grid.per_unit
        y0 = k * (-sin * dx + cos * dy) - finer * grid.top * grid.per_unit
        return (k * cos, k * sin, x0, -k * sin, k * cos, y0)

    def _flat(self, points: Points) -> list[float]:
        flat: list[float] = self.pose.to_px(points).ravel().tolist()
        return flat


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A grid of points in the face frame on which soft things (light, hair) are computed.

    Attributes:
        left, top, right, bottom: Its extent.
        per_unit: Pixels a unit.
    """

    left: float
    top: float
    right: float
    bottom: float
    per_unit: float

    @property
    def width(self) -> int:
        """Number of columns."""
        return round((self.right - self.left) * self.per_unit)

    @property
    def x(self) -> Float[np.ndarray, " w"]:
        """Coordinates of the columns."""
        return (self.left + (np.arange(self.width) + 0.5) / self.per_unit).astype(np.float32)

    @property
    def y(self) -> Float[np.ndarray, " h"]:
        """Coordinates of the rows."""
        n = round((self.bottom - self.top) * self.per_unit)
        return (self.top + (np.arange(n) + 0.5) / self.per_unit).astype(np.float32)


def finer(pixels: Float[np.ndarray, "h w 3"]) -> Image.Image:
    """Make a picture of values computed on a grid, twice as fine, for `Canvas.texture`."""
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    size = (2 * picture.width, 2 * picture.height)
    return picture.resize(size, Image.Resampling.BILINEAR)


def smooth(points: Points, *, closed: bool = False, steps: int = 8) -> Points:
    """Pass a Catmull-Rom spline through points.

    Args:
        points: ``(n, 2)``, at least three.
        closed: Whether the last is joined to the first.
        steps: Points a stretch.
    """
    p = np.asarray(points, float)
    ring = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    p0, p1, p2, p3 = ring[:-3], ring[1:-2], ring[2:-1], ring[3:]
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = (q[:, None, :] for q in (p0, p1, p2, p3))
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    flat: Points = curve.reshape(-1, 2)
    return flat if closed else np.concatenate([flat, p[-1:]])


def mirrored(points: Points) -> Points:
    """Mirror left and right of the face, in reverse order, so that outlines go on."""
    back: Points = points[::-1] * np.array([-1.0, 1.0])
    return back
