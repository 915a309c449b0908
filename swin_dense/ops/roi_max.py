"""RoIAlign with the maximum of each bin, and RoIPool: both remember where the maximum was, for the gradient.

Legend as in `roi_align`: R regions, P bins or single samples along an axis, K pixels per bin, C channels.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from swin_dense.ops.precision import computable
from swin_dense.ops.roi_align import Sampling, axis_taps, combine, regions, sample_positions, split
from swin_dense.ops.rows import to_rows

MAX_VALUES = 2**24  # samples times channels held at a time: 64 MB
EMPTY_MAXIMUM = -10000.0  # what mmcv's kernel starts from, and gives for a region without samples
NOWHERE = -1  # the place of a maximum over nothing


def roi_align_max(features: Tensor, rois: Tensor, sampling: Sampling) -> tuple[Tensor, Tensor, Tensor]:
    """RoIAlign with the largest sample of each bin; arguments as in `roi_align`.

    Returns:
        Maxima, and the y and x of their samples in pixels of the map, each (R, C, height, width).
    """
    rows = to_rows(features)
    channels = rows.shape[1]
    maxima = rows.new_full((len(rois), *sampling.output_size, channels), EMPTY_MAXIMUM)
    where_y, where_x = torch.full_like(maxima, NOWHERE), torch.full_like(maxima, NOWHERE)
    for group in regions(rois, sampling):
        samples = [bins * per_bin for bins, per_bin in zip(sampling.output_size, group.grid, strict=True)]
        for piece in split(group, samples[0] * samples[1] * channels, MAX_VALUES):
            y, x = (sample_positions(piece, axis, sampling.output_size[axis]).flatten(1) for axis in (0, 1))
            taps = [axis_taps(points[..., None], features.shape[2 + i], 0) for i, points in enumerate((y, x))]
            indices, weights = combine(piece.images, taps[0], taps[1], features.shape)
            values = embedding_bag(
                indices.flatten(0, 2), rows, mode='sum', per_sample_weights=weights.flatten(0, 2).to(rows.dtype)
            )
            values = values.view(-1, *samples, channels)
            largest, index_y, index_x = _bin_maxima(values, group.grid)
            maxima[piece.order] = largest
            where_y[piece.order] = _pick(y, index_y)
            where_x[piece.order] = _pick(x, index_x)
    maxima, where_y, where_x = (result.permute(0, 3, 1, 2).to(features.dtype) for result in (maxima, where_y, where_x))
    return maxima, where_y, where_x


def _bin_maxima(values: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """(R, P_y S_y, P_x S_x, C) -> maxima (R, P_y, P_x, C) and their row and column among all samples.

    Of equal samples the first counts, as in mmcv's loop.
    """
    samples_y, samples_x = grid
    bins = values.unflatten(2, (-1, samples_x)).unflatten(1, (-1, samples_y)).transpose(2, 3).flatten(3, 4)
    first = bins.argmax(dim=3, keepdim=True)
    largest = bins.gather(3, first).squeeze(3)
    first = first.squeeze(3)
    bin_y = torch.arange(bins.shape[1], device=values.device)[:, None, None]
    bin_x = torch.arange(bins.shape[2], device=values.device)[:, None]
    return largest, bin_y * samples_y + first // samples_x, bin_x * samples_x + first % samples_x


def _pick(positions: Tensor, index: Tensor) -> Tensor:
    """Positions (R, N) at index (R, P_y, P_x, C)."""
    return positions.gather(1, index.flatten(1)).view(index.shape)


def roi_align_max_backward(
    grad_output: Tensor, rois: Tensor, where_y: Tensor, where_x: Tensor, shape: torch.Size
) -> Tensor:
    """Gradient of `roi_align_max` for features of a shape (B, C, H, W); where_y and where_x as it returned them."""
    channels, height, width = shape[1:]
    grads = computable(grad_output).flatten(1)
    y, x = computable(where_y).flatten(1), computable(where_x).flatten(1)
    pixels_y, weights_y = axis_taps(y[..., None], height, 0)
    pixels_x, weights_x = axis_taps(x[..., None], width, 0)
    somewhere = (y != NOWHERE).to(grads.dtype)
    weights = (grads * somewhere)[..., None, None] * weights_y[..., :, None] * weights_x[..., None, :]
    pixels = pixels_y[..., :, None] * width + pixels_x[..., None, :]
    planes = _planes(rois, grad_output.shape, channels)[..., None, None]
    grad_input = grads.new_zeros(shape.numel())
    grad_input.index_add_(0, (planes * height * width + pixels).flatten(), weights.flatten())
    return grad_input.view(shape)


def _planes(rois: Tensor, shape: torch.Size, channels: int) -> Tensor:
    """(R, C P_y P_x): in which of the planes of (B C, H, W) each entry of a shape (R, C, P_y, P_x) looks."""
    channel = torch.arange(channels, device=rois.device).repeat_interleave(shape[2:].numel())
    return rois[:, :1].long() * channels + channel


def roi_pool(
    features: Tensor, rois: Tensor, output_size: tuple[int, int], spatial_scale: float
) -> tuple[Tensor, Tensor]:
    """The largest pixel of each bin of a region whose borders are rounded outwards to pixels.

    Returns:
        Maxima (R, C, height, width), 0 for empty bins, and their indices in the plane of H W pixels, -1 for empty bins.
    """
    rows = to_rows(features)
    height, width = features.shape[2:]
    corners = computable(rois)[:, 1:] + rois.new_tensor([0, 0, 1, 1], dtype=torch.float32)
    corners = corners * spatial_scale
    y = _pool_bins(corners[:, 1], corners[:, 3], output_size[0], height)
    x = _pool_bins(corners[:, 0], corners[:, 2], output_size[1], width)
    malformed = (corners[:, 2:] <= corners[:, :2]).any(dim=1)
    y[malformed] = 0

    maxima = rows.new_zeros(len(rois), *output_size, rows.shape[1])
    where = torch.full_like(maxima, NOWHERE, dtype=torch.int)
    for piece, window in _pool_pieces(y, x, rows.shape[1]):
        plane, inside = _pool_window(y[piece], x[piece], window, width)
        index = rois[piece, 0].long().view(-1, 1, 1, 1) * (height * width) + plane
        values = rows[index].masked_fill(~inside[..., None], -torch.inf)
        largest, first = values.max(dim=3).values, values.argmax(dim=3)
        some = inside.any(dim=3)[..., None]
        maxima[piece] = largest.where(some, 0)
        where[piece] = plane.gather(3, first).int().where(some, NOWHERE)
    return maxima.permute(0, 3, 1, 2).to(features.dtype), where.permute(0, 3, 1, 2)


def roi_pool_backward(grad_output: Tensor, rois: Tensor, where: Tensor, shape: torch.Size) -> Tensor:
    """Gradient of `roi_pool` for features of a shape (B, C, H, W)."""
    channels, height, width = shape[1:]
    where = where.flatten(1).long()
    grads = computable(grad_output).flatten(1) * (where >= 0)
    planes = _planes(rois, grad_output.shape, channels)
    grad_input = grads.new_zeros(shape.numel())
    grad_input.index_add_(0, (planes * height * width + where.clamp(min=0)).flatten(), grads.flatten())
    return grad_input.view(shape)


def _pool_bins(start: Tensor, end: Tensor, bins: int, length: int) -> Tensor:
    """(R, P, 2): the first pixel of each bin along an axis and the one after its last."""
    bin_size = (end - start)[:, None] / bins
    edges = torch.arange(bins + 1, device=start.device) * bin_size + start[:, None]
    return torch.stack([edges[:, :-1].floor(), edges[:, 1:].ceil()], dim=2).nan_to_num().clamp(0, length).long()


def _pool_pieces(y: Tensor, x: Tensor, channels: int) -> Iterator[tuple[Tensor, tuple[int, int]]]:
    """Indices of regions in pieces of bounded memory, and the pixels that the bins of a piece have at most."""
    extents = torch.stack([(axis[..., 1] - axis[..., 0]).amax(dim=1) for axis in (y, x)], dim=1).clamp(min=1).cpu()
    order = extents.prod(dim=1).argsort()
    start = 0
    while start < len(order):
        size = len(order) - start
        while True:
            piece = order[start : start + size]
            window = extents[piece].amax(dim=0).tolist()
            if size == 1 or size * y.shape[1] * x.shape[1] * window[0] * window[1] * channels <= MAX_VALUES:
                break
            size = (size + 1) // 2
        yield piece.to(y.device), (window[0], window[1])
        start += size


def _pool_window(y: Tensor, x: Tensor, window: tuple[int, int], width: int) -> tuple[Tensor, Tensor]:
    """(R, P_y, P_x, K): pixels of a plane, row by row, and whether each is in the bin."""
    pixels_y = y[..., :1] + torch.arange(window[0], device=y.device)
    pixels_x = x[..., :1] + torch.arange(window[1], device=x.device)
    inside_y, inside_x = pixels_y < y[..., 1:], pixels_x < x[..., 1:]
    inside = inside_y[:, :, None, :, None] & inside_x[:, None, :, None, :]
    plane = pixels_y[:, :, None, :, None] * width + pixels_x[:, None, :, None, :]
    return (plane * inside).flatten(3), inside.flatten(3)
