"""Random views of grey faces, a whole batch at a time.

In: uint8 `(n, 96, 96)`. Out: float32 `(n, 3, size, size)`, range -1..1, one grey value
three times, framed like a crop 1.0 to 1.2 times as wide as the detector's face box. Each
function takes a `torch.Generator`; the same state gives the same pictures.

The photos that people bring are sharper than FER-2013 and not so well framed. So the
views differ in sharpness (from blurred to over-sharpened) and framing, lest the network
lean on either.
"""

import math

import torch
from torch.nn import functional as F

# Side of the frame, as a share of the picture's side, that shows a face as wide as the
# detector's box. Median of YuNet's boxes on 400 pictures of each set: 1.01 and 0.70.
FACE_SHARE = torch.tensor([1.00, 0.72])
CROP_FACTORS = (0.90, 1.25)
ROTATION_SD_DEG = 9.0
SHIFT_MAX = 0.08
STRETCH_MAX = 0.08
CUT_OUT_SIDES = (0.15, 0.45)


def uniform(rng: torch.Generator, n: int, low: float, high: float) -> torch.Tensor:
    return torch.rand(n, generator=rng) * (high - low) + low


def frame(images: torch.Tensor, sources: torch.Tensor, *, size: int, rng: torch.Generator | None):
    """Cuts the face out of `(n, 1, h, w)`; with `rng`, turned, shifted, stretched, mirrored."""
    n = len(images)
    scale = FACE_SHARE[sources]
    if rng is None:
        theta = torch.zeros(n, 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = scale * 1.1
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


def sharpness(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Half of the pictures: mixed with (or pushed away from) a blurred copy."""
    n = len(x)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    amount = uniform(rng, n, -1.0, 1.5) * (torch.rand(n, generator=rng) < 0.5)
    return x + amount.view(n, 1, 1, 1) * (x - blurred)


def low_resolution(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """A quarter of the pictures: shrunk and enlarged again."""
    n, _, size, _ = x.shape
    few = torch.randperm(n, generator=rng)[: n // 4]
    small = int(size * float(uniform(rng, 1, 0.3, 0.7)))
    shrunk = F.interpolate(x[few], size=(small, small), mode="area")
    x = x.clone()
    x[few] = F.interpolate(shrunk, size=(size, size), mode="bilinear", align_corners=False)
    return x


def light(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Gamma, contrast, brightness, light from one side, grain. Range 0..1 in and out."""
    n, _, size, _ = x.shape
    column = lambda values: values.view(n, 1, 1, 1)  # noqa: E731
    x = x.clamp(1e-3, 1) ** column(torch.exp(torch.randn(n, generator=rng) * 0.25))
    middle = x.mean((1, 2, 3), keepdim=True)
    x = middle + (x - middle) * column(torch.exp(uniform(rng, n, -0.45, 0.35)))
    ramp = torch.linspace(-1, 1, size)
    slope = uniform(rng, 2 * n, -0.15, 0.15).view(2, n, 1, 1, 1)
    x = x + slope[0] * ramp.view(1, 1, 1, size) + slope[1] * ramp.view(1, 1, size, 1)
    x = x + column(uniform(rng, n, -0.15, 0.15))
    grain = uniform(rng, n, 0, 0.05) * (torch.rand(n, generator=rng) < 0.3)
    return (x + column(grain) * torch.randn(x.shape, generator=rng)).clamp(0, 1)


def cut_out(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Half of the pictures: a rectangle of one random grey."""
    n, _, size, _ = x.shape
    at = torch.arange(size).view(1, size) / size
    inside = []
    for _ in range(2):
        side, middle = uniform(rng, n, *CUT_OUT_SIDES), uniform(rng, n, 0, 1)
        inside.append((at - middle.view(n, 1)).abs() < side.view(n, 1) / 2)
    hole = inside[0].view(n, 1, size, 1) & inside[1].view(n, 1, 1, size)
    hole &= (torch.rand(n, generator=rng) < 0.5).view(n, 1, 1, 1)
    return torch.where(hole, torch.rand(n, generator=rng).view(n, 1, 1, 1), x)


def as_input(x: torch.Tensor) -> torch.Tensor:
    """Grey 0..1 `(n, 1, s, s)` to what the network takes, channels last in memory."""
    return (x * 2 - 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def random_views(images, sources, *, size: int, rng: torch.Generator) -> torch.Tensor:
    x = frame(images.unsqueeze(1).float() / 255, sources, size=size, rng=rng)
    x = sharpness(x, rng)
    x = low_resolution(x, rng)
    x = light(x, rng)
    return as_input(cut_out(x, rng))


def plain_views(images, sources, *, size: int) -> torch.Tensor:
    """The face as the product would frame it (factor 1.1), nothing random."""
    x = frame(images.unsqueeze(1).float() / 255, sources, size=size, rng=None)
    return as_input(x.clamp(0, 1))
