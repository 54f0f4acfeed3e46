"""Random views of grey faces, a whole batch at a time.

In: uint8 `(n, 96, 96)`. Out: float32 `(n, 3, size, size)`, range -1..1, one grey value
three times. A framing is the side of the middle view as a share of the picture's side, one
number for each of `data.SOURCES`. Each function takes a `torch.Generator`; the same state
gives the same pictures.

The photos that people bring are sharper than FER-2013 and not so well framed. So the
views differ in sharpness (from blurred to over-sharpened) and framing, lest the network
lean on either.
"""

import math

import torch
from torch.nn import functional as F

# Side of a view / side of the middle framing.
CROP_FACTORS = (0.90, 1.25)
ROTATION_SD_DEG = 9.0
SHIFT_MAX = 0.08
STRETCH_MAX = 0.08
CUT_OUT_SIDES = (0.15, 0.45)


def uniform(rng: torch.Generator, n: int, low: float, high: float) -> torch.Tensor:
    return torch.rand(n, generator=rng) * (high - low) + low


def frame(
    images: torch.Tensor,
    framing: torch.Tensor,
    *,
    size: int,
    rng: torch.Generator | None,
) -> torch.Tensor:
    """Cuts the face out of `(n, 1, h, w)`; with `rng`, turned, shifted, stretched, mirrored."""
    n, scale = len(images), framing
    if rng is None:
        theta = torch.zeros(n, 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = scale
    else:
        scale = scale * torch.exp(uniform(rng, n, *(math.log(f) for f in CROP_FACTORS)))
        stretch = torch.exp(uniform(rng, n, -STRETCH_MAX, STRETCH_MAX))
        mirror = torch.randint(0, 2, (n,), generator=rng) * 2.0 - 1.0
        angle = torch.randn(n, generator=rng).clamp(-2.5, 2.5) * math.radians(ROTATION_SD_DEG)
        across, down = scale * stretch, scale / stretch
        theta = torch.stack(
            [
                torch.stack([across * angle.cos() * mirror, -down * angle.sin()], 1),
                torch.stack([across * angle.sin() * mirror, down * angle.cos()], 1),
            ],
            1,
        )
        shift = uniform(rng, 2 * n, -2 * SHIFT_MAX, 2 * SHIFT_MAX).view(n, 2, 1) * scale.view(
            n, 1, 1
        )
        theta = torch.cat([theta, shift], 2)
    grid = F.affine_grid(theta, [n, 1, size, size], align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def sharpness(x: torch.Tensor, rng: torch.Generator, strength: float) -> torch.Tensor:
    """Half of the pictures: mixed with (or pushed away from) a blurred copy."""
    n = len(x)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    amount = uniform(rng, n, -1.0, 1.5) * (torch.rand(n, generator=rng) < 0.5 * strength)
    return x + amount.view(n, 1, 1, 1) * (x - blurred)


def low_resolution(x: torch.Tensor, rng: torch.Generator, strength: float) -> torch.Tensor:
    """A quarter of the pictures: shrunk and enlarged again."""
    n, _, size, _ = x.shape
    few = torch.randperm(n, generator=rng)[: int(n / 4 * strength)]
    small = int(size * float(uniform(rng, 1, 0.3, 0.7)))
    shrunk = F.interpolate(x[few], size=(small, small), mode="area")
    x = x.clone()
    x[few] = F.interpolate(shrunk, size=(size, size), mode="bilinear", align_corners=False)
    return x


def light(x: torch.Tensor, rng: torch.Generator, strength: float) -> torch.Tensor:
    """Gamma, contrast, brightness, light from one side, grain. Range 0..1 in and out."""
    n, _, size, _ = x.shape
    column = lambda values: values.view(n, 1, 1, 1)  # noqa: E731
    x = x.clamp(1e-3, 1) ** column(torch.exp(torch.randn(n, generator=rng) * 0.25 * strength))
    middle = x.mean((1, 2, 3), keepdim=True)
    x = middle + (x - middle) * column(torch.exp(uniform(rng, n, -0.45, 0.35) * strength))
    ramp = torch.linspace(-1, 1, size)
    slope = (strength * uniform(rng, 2 * n, -0.15, 0.15)).view(2, n, 1, 1, 1)
    x = x + slope[0] * ramp.view(1, 1, 1, size) + slope[1] * ramp.view(1, 1, size, 1)
    x = x + column(uniform(rng, n, -0.15, 0.15) * strength)
    grain = uniform(rng, n, 0, 0.05) * (torch.rand(n, generator=rng) < 0.3 * strength)
    return (x + column(grain) * torch.randn(x.shape, generator=rng)).clamp(0, 1)


def cut_out(x: torch.Tensor, rng: torch.Generator, strength: float) -> torch.Tensor:
    """Half of the pictures: a rectangle of one random grey."""
    n, _, size, _ = x.shape
    at = torch.arange(size).view(1, size) / size
    inside = []
    for _ in range(2):
        side, middle = uniform(rng, n, *CUT_OUT_SIDES), uniform(rng, n, 0, 1)
        inside.append((at - middle.view(n, 1)).abs() < side.view(n, 1) / 2)
    hole = inside[0].view(n, 1, size, 1) & inside[1].view(n, 1, 1, size)
    hole &= (torch.rand(n, generator=rng) < 0.5 * strength).view(n, 1, 1, 1)
    return torch.where(hole, torch.rand(n, generator=rng).view(n, 1, 1, 1), x)


def as_input(x: torch.Tensor) -> torch.Tensor:
    """Grey 0..1 `(n, 1, s, s)` to what the network takes, channels last in memory."""
    return (x * 2 - 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def random_views(
    images: torch.Tensor,
    framing: torch.Tensor,
    *,
    size: int,
    strength: float,
    rng: torch.Generator,
) -> torch.Tensor:
    """A random view of each face; `strength` 1 is all that is written above, 0 only frames."""
    x = frame(images.unsqueeze(1).float() / 255, framing, size=size, rng=rng)
    for change in (sharpness, low_resolution, light, cut_out):
        x = change(x, rng, strength)
    return as_input(x)


def plain_views(images: torch.Tensor, framing: torch.Tensor, *, size: int) -> torch.Tensor:
    """The middle view of each face, nothing random."""
    x = frame(images.unsqueeze(1).float() / 255, framing, size=size, rng=None)
    return as_input(x.clamp(0, 1))
