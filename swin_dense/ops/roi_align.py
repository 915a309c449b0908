"""RoIAlign: the mean, or the maximum, of bilinear samples on a regular grid in each bin of a region of interest.

Follows mmcv's kernels: a sample further than one pixel outside of the map counts as 0, one that is nearer takes the
border's value. In one dimension a sample is at most two weighted pixels, and a sample in two dimensions is their
product, so that the mean of a bin is a weighted sum over a small window of pixels, computed as in `rows`.

Legend: R regions, P bins (or single samples) along an axis, S samples per bin, K pixels per bin, C channels.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from swin_dense.ops import torchvision_kernels
from swin_dense.ops.precision import computable
from swin_dense.ops.rows import to_rows

MAX_TAPS = 2**22  # pixels read by one call of embedding_bag: 32 MB of indices, 16 MB of weights


class Sampling(NamedTuple):
    """The arguments of RoIAlign other than tensors; see `roi_align`."""

    output_size: tuple[int, int]
    spatial_scale: float
    sampling_ratio: int
    aligned: bool


class Regions(NamedTuple):
    """Some regions with one sampling grid in common, in pixels of the map; pairs are (y, x)."""

    order: Tensor  # (R,) their places in the list of all regions
    images: Tensor  # (R,) the image that each is in
    starts: Tensor  # (R, 2)
    bin_sizes: Tensor  # (R, 2)
    grid: tuple[int, int]  # samples per bin
    largest_bin: tuple[float, float]


class Bags(NamedTuple):
    """Weighted sums to take over rows: one for each bin of some regions."""

    order: Tensor  # (R,) as in Regions
    indices: Tensor  # (taps,) rows
    weights: Tensor  # (taps,)
    sizes: Tensor  # (bins,) taps of each bin


def roi_align(features: Tensor, rois: Tensor, sampling: Sampling) -> Tensor:
    """RoIAlign with the mean of each bin.

    Args:
        features: (B, C, H, W).
        rois: (R, 5) as image index, x1, y1, x2, y2 in pixels of the input image.
        sampling: output_size (height, width) in bins; spatial_scale from input to features; sampling_ratio, samples
            per bin and axis, or 0 for about one sample a pixel; aligned, whether pixel centres are at half coordinates.

    Returns:
        (R, C, height, width) in the dtype of the features.
    """
    kernels = _kernels(features)
    if kernels is not None:
        return kernels.roi_align(computable(features), computable(rois), *sampling).to(features.dtype)
    rows = to_rows(features)
    bins = sampling.output_size[0] * sampling.output_size[1]
    pooled = rows.new_zeros(len(rois), bins, rows.shape[1])
    for bags in _bags(rois, features.shape, sampling):
        starts = bags.sizes.cumsum(0) - bags.sizes
        sums = embedding_bag(bags.indices, rows, starts, mode='sum', per_sample_weights=bags.weights.to(rows.dtype))
        pooled[bags.order] = sums.view(-1, bins, rows.shape[1])
    return pooled.transpose(1, 2).unflatten(2, sampling.output_size).to(features.dtype)


def roi_align_backward(grad_output: Tensor, rois: Tensor, shape: torch.Size, sampling: Sampling) -> Tensor:
    """Gradient of `roi_align` for features of a shape (B, C, H, W), in float32 at least."""
    batch, channels, height, width = shape
    kernels = _kernels(grad_output)
    if kernels is not None:
        with torch.enable_grad():
            # the gradient does not depend on the features, and torchvision has no public function for it alone
            features = computable(grad_output).new_zeros(shape, requires_grad=True)
            pooled = kernels.roi_align(features, computable(rois), *sampling)
            return torch.autograd.grad(pooled, features, computable(grad_output))[0]
    grads = computable(grad_output).flatten(2).transpose(1, 2)
    grad_rows = None
    for bags in _bags(rois, shape, sampling):
        # What autograd calls for embedding_bag. Called directly since the gradient needs no forward pass.
        share = torch.ops.aten._embedding_bag_dense_backward(
            grads[bags.order].reshape(-1, channels),
            bags.indices,
            torch.repeat_interleave(bags.sizes),  # the bin of each tap
            bags.sizes,
            bags.sizes,  # in place of the maxima, which a sum does not have
            batch * height * width,
            False,
            0,
            bags.weights.to(grads.dtype),
        )
        grad_rows = share if grad_rows is None else grad_rows.add_(share)
    if grad_rows is None:
        return grads.new_zeros(shape)
    return grad_rows.view(batch, height, width, channels).permute(0, 3, 1, 2)


def _kernels(features: Tensor) -> ModuleType | None:
    """torchvision's kernels; not on CPUs, where they go channel by channel, several times slower than rows."""
    return None if features.device.type == 'cpu' else torchvision_kernels.load()


def regions(rois: Tensor, sampling: Sampling) -> Iterator[Regions]:
    """The regions, grouped by their sampling grids. Regions without samples are left out."""
    rois = computable(rois)
    corners = rois[:, [2, 1, 4, 3]] * sampling.spatial_scale - (0.5 if sampling.aligned else 0.0)
    starts, sizes = corners[:, :2], corners[:, 2:] - corners[:, :2]
    if not sampling.aligned:
        sizes = sizes.clamp(min=1)
    bin_sizes = sizes / sizes.new_tensor(sampling.output_size)
    # Grid sizes become shapes, so they are needed on the host: one transfer for all regions.
    on_host = bin_sizes.cpu()
    sound = on_host.isfinite().all(dim=1)
    if bool((on_host[sound] < 0).any()):
        worst = rois[int(on_host.amin(dim=1).where(sound, 0).argmin())].tolist()
        raise ValueError(
            f'RoIAlign needs regions with x1 <= x2 and y1 <= y2; one is (image, x1, y1, x2, y2) = {worst}. '
            f'Sort the corners, or drop such boxes.'
        )
    grids = on_host.ceil() if sampling.sampling_ratio <= 0 else torch.full_like(on_host, sampling.sampling_ratio)
    # Not finite after a step that diverged: no samples, as in mmcv's GPU kernel, so that the loss scaler can skip it.
    grids[~sound] = 0
    kinds, kind_of_region = grids.long().unique(dim=0, return_inverse=True)
    for kind, grid in enumerate(kinds.tolist()):
        if min(grid) == 0:
            continue
        members = (kind_of_region == kind).nonzero()[:, 0]
        largest = on_host[members].amax(dim=0).tolist()
        order = members.to(rois.device)
        yield Regions(order, rois[order, 0].long(), starts[order], bin_sizes[order], tuple(grid), tuple(largest))


def sample_positions(group: Regions, axis: int, bins: int) -> Tensor:
    """(R, P, S): where the samples of each bin lie along an axis (0: y, 1: x)."""
    start, bin_size = group.starts[:, axis, None, None], group.bin_sizes[:, axis, None, None]
    samples = group.grid[axis]
    within = torch.arange(samples, device=start.device) + 0.5
    return start + torch.arange(bins, device=start.device)[:, None] * bin_size + within * bin_size / samples


def axis_taps(positions: Tensor, length: int, window: int) -> tuple[Tensor, Tensor]:
    """The pixels along an axis that each bin reads, and with what weights.

    Args:
        positions: (R, P, S).
        length: of the axis.
        window: how many pixels hold all samples of a bin; 0 if that is more than two for each sample.

    Returns:
        Pixels and weights (R, P, K); K is the window, or 2 S.
    """
    inside = (positions >= -1) & (positions <= length)
    positions = positions.clamp(0, length - 1)
    share = inside.to(positions.dtype) / positions.shape[2]
    if window > 0:
        pixels = positions[..., :1].floor() + torch.arange(window, device=positions.device)
        hats = (1 - (positions[..., None] - pixels[..., None, :]).abs()).clamp(min=0)
        weights = (hats * share[..., None]).sum(dim=2)
    else:
        low = positions.floor()
        upper_weight = positions - low
        pixels = torch.stack([low, low + 1], dim=3).flatten(2)
        weights = torch.stack([(1 - upper_weight) * share, upper_weight * share], dim=3).flatten(2)
    return pixels.clamp(max=length - 1).long(), weights


def combine(
    images: Tensor, y: tuple[Tensor, Tensor], x: tuple[Tensor, Tensor], shape: torch.Size
) -> tuple[Tensor, Tensor]:
    """Taps (R, P, K) of both axes -> rows and weights (R, P_y, P_x, K_y K_x) in a map (B, C, H, W)."""
    height, width = shape[2:]
    rows_y = (images[:, None, None] * height + y[0]) * width
    rows = rows_y[:, :, None, :, None] + x[0][:, None, :, None, :]
    weights = y[1][:, :, None, :, None] * x[1][:, None, :, None, :]
    return rows.flatten(3), weights.flatten(3)


def split(group: Regions, cost: int, budget: int) -> Iterator[Regions]:
    """The same regions in pieces within a budget, where each region has a cost."""
    size = max(1, budget // cost)
    for start in range(0, len(group.order), size):
        piece = slice(start, start + size)
        yield group._replace(
            order=group.order[piece],
            images=group.images[piece],
            starts=group.starts[piece],
            bin_sizes=group.bin_sizes[piece],
        )


def _bags(rois: Tensor, shape: torch.Size, sampling: Sampling) -> Iterator[Bags]:
    """All regions as a few large Bags: each costs a pass over the whole map in the backward step."""
    pending: list[Bags] = []
    taps = 0
    for group in regions(rois, sampling):
        windows = [_window(samples, largest) for samples, largest in zip(group.grid, group.largest_bin, strict=True)]
        per_bin = [window or 2 * samples for window, samples in zip(windows, group.grid, strict=True)]
        per_region = sampling.output_size[0] * per_bin[0] * sampling.output_size[1] * per_bin[1]
        for piece in split(group, per_region, MAX_TAPS):
            if pending and taps + per_region * len(piece.order) > MAX_TAPS:
                yield _join(pending)
                pending, taps = [], 0
            y, x = (
                axis_taps(sample_positions(piece, axis, sampling.output_size[axis]), shape[2 + axis], windows[axis])
                for axis in (0, 1)
            )
            rows, weights = combine(piece.images, y, x, shape)
            sizes = torch.full((rows.shape[:3].numel(),), rows.shape[3], device=rows.device)
            pending.append(Bags(piece.order, rows.flatten(), weights.flatten(), sizes))
            taps += rows.numel()
    if pending:
        yield _join(pending)


def _window(samples: int, largest_bin: float) -> int:
    """For `axis_taps`: samples at most a pixel apart share pixels, and span samples - 1 pixels or less."""
    return samples + 1 if largest_bin <= samples else 0


def _join(bags: list[Bags]) -> Bags:
    return Bags(*(torch.cat(column) for column in zip(*bags, strict=True)))
