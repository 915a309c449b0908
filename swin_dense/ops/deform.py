"""Deformable convolution (with and without modulation) and multi-scale deformable attention.

Both read a map at fractional places: bilinear, zero outside of the map, each missing neighbour counting as zero. Both
are weighted sums of rows, see `rows`. The functions are differentiable by autograd in all floating-point arguments.

Legend: B images, H W map, P Q output map, K kernel positions, G deformable groups, C channels, N heads, L levels.
"""

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from swin_dense.ops.precision import computable
from swin_dense.ops.rows import to_rows

MAX_VALUES = 2**24  # of the unfolded input held at a time: 64 MB


def deform_conv2d(
    images: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor | None,
    *,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    deform_groups: int,
) -> Tensor:
    """Convolution whose kernel positions are moved by offsets, and weighted by a mask.

    Args:
        images: (B, C_in, H, W).
        offset: (B, 2 G K, P, Q) as (y, x) pairs, K kernel positions row by row, for each deformable group.
        mask: (B, G K, P, Q), or None for ones.
        weight: (C_out, C_in / groups, kernel height, kernel width).
        bias: (C_out,) or None.
        stride, padding, dilation: (height, width).
        groups, deform_groups: the channels are split into this many equal parts, for the weights and the offsets.

    Returns:
        (B, C_out, P, Q) in the dtype of the images.
    """
    dtype = images.dtype
    images, offset, weight = computable(images), computable(offset), computable(weight)
    batch, positions = images.shape[0], weight.shape[2] * weight.shape[3]
    height, width = (
        (images.shape[2 + axis] + 2 * padding[axis] - dilation[axis] * (weight.shape[2 + axis] - 1) - 1) // stride[axis]
        + 1
        for axis in (0, 1)
    )
    expected = (batch, 2 * deform_groups * positions, height, width)
    if offset.shape != expected:
        raise ValueError(
            f'Deformable convolution needs offsets of shape {expected} for this input, weight and stride, not '
            f'{tuple(offset.shape)}: let the layer that predicts them have the same kernel size, stride and padding.'
        )
    places = _kernel_places(weight, (height, width), stride, padding, dilation)  # (K, P, Q, 2)
    places = places + offset.view(batch, deform_groups, positions, 2, height, width).movedim(3, -1)
    scale = None if mask is None else computable(mask).view(batch, deform_groups, positions, height, width)

    per_image = images.shape[1] * positions * height * width
    pieces = max(1, MAX_VALUES // max(1, per_image))
    outputs = [
        _convolve(images[part], places[part], None if scale is None else scale[part], weight, groups)
        for part in (slice(start, start + pieces) for start in range(0, batch, pieces))
    ]
    output = torch.cat(outputs) if outputs else images.new_zeros(0, weight.shape[0], height, width)
    if bias is not None:
        output = output + computable(bias)[:, None, None]
    return output.to(dtype)


def _kernel_places(
    weight: Tensor,
    output_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """(K, P, Q, 2): where an undeformed convolution reads, as (y, x) in pixels."""
    y, x = (
        (
            torch.arange(output_size[axis], device=weight.device) * stride[axis]
            - padding[axis]
            + torch.arange(weight.shape[2 + axis], device=weight.device)[:, None] * dilation[axis]
        )
        for axis in (0, 1)
    )
    shape = (y.shape[0], x.shape[0], *output_size)
    grid = (y[:, None, :, None].expand(shape), x[None, :, None, :].expand(shape))
    return torch.stack(grid, dim=-1).flatten(0, 1).to(weight.dtype)


def _convolve(images: Tensor, places: Tensor, scale: Tensor | None, weight: Tensor, groups: int) -> Tensor:
    """Places (B, G, K, P, Q, 2) and their scale (B, G, K, P, Q) -> (B, C_out, P, Q)."""
    batch, channels, height, width = images.shape
    deform_groups, positions, *output_size = places.shape[1:5]
    y, x = places.unbind(dim=-1)
    pixels, weights = bilinear_taps(y, x, height, width)
    if scale is not None:
        weights = weights * scale[..., None]
    image = torch.arange(batch, device=images.device).view(-1, 1, 1, 1, 1, 1)
    group = torch.arange(deform_groups, device=images.device).view(-1, 1, 1, 1, 1)
    # a row of channels in rows of deformable groups: (B H W, C) -> (B H W G, C / G)
    rows = to_rows(images).view(-1, channels // deform_groups)
    indices = (image * (height * width) + pixels) * deform_groups + group
    # bags in the order (B, P, Q, K, G), so that what they sum up to is the unfolded input (B P Q, K, C)
    order = (0, 3, 4, 2, 1, 5)
    unfolded = embedding_bag(
        indices.permute(order).reshape(-1, 4),
        rows,
        mode='sum',
        per_sample_weights=weights.permute(order).reshape(-1, 4),
    )
    unfolded = unfolded.view(-1, positions, groups, channels // groups)
    kernels = weight.view(groups, -1, channels // groups, positions)
    with torch.autocast(images.device.type, enabled=False):  # which would take the float32 away again
        output = torch.einsum('nkgc,gock->ngo', unfolded, kernels)
    return output.reshape(batch, *output_size, -1).permute(0, 3, 1, 2)


def ms_deform_attn(
    value: Tensor, spatial_shapes: Tensor, level_start_index: Tensor, locations: Tensor, attention: Tensor
) -> Tensor:
    """Multi-scale deformable attention.

    Args:
        value: (B, all pixels, N, C), the levels one after the other.
        spatial_shapes: (L, 2) as (height, width).
        level_start_index: (L,) the first pixel of each level.
        locations: (B, queries, N, L, points, 2) as (x, y), where 0 and 1 are the outer borders of a level.
        attention: (B, queries, N, L, points).

    Returns:
        (B, queries, N C) in the dtype of the values. Source: Zhu et al., Deformable DETR, equation 3.
    """
    batch, pixels_per_image, heads, channels = value.shape
    locations, attention = computable(locations), computable(attention)
    heights, widths = (spatial_shapes[:, axis, None] for axis in (0, 1))  # (L, 1) against (..., L, points)
    x, y = locations[..., 0] * widths - 0.5, locations[..., 1] * heights - 0.5
    pixels, weights = bilinear_taps(y, x, heights, widths)
    image = torch.arange(batch, device=value.device).view(-1, 1, 1, 1, 1, 1)
    head = torch.arange(heads, device=value.device).view(-1, 1, 1, 1)
    indices = (image * pixels_per_image + level_start_index[:, None, None] + pixels) * heads + head
    sums = embedding_bag(
        indices.flatten(3).flatten(0, 2),
        computable(value).reshape(-1, channels),
        mode='sum',
        per_sample_weights=(weights * attention[..., None]).flatten(3).flatten(0, 2).to(computable(value).dtype),
    )
    return sums.view(batch, -1, heads * channels).to(value.dtype)


def bilinear_taps(y: Tensor, x: Tensor, height: int | Tensor, width: int | Tensor) -> tuple[Tensor, Tensor]:
    """The four pixels around each place and their weights, 0 for those outside of the map.

    Args:
        y, x: (...) in pixels.
        height, width: of the map, or tensors that broadcast to the places.

    Returns:
        Indices into the H W pixels and weights, both (..., 4).
    """
    # far places are as good as any that is outside, and integers hold them; what is not finite reads nothing
    y, x = (
        place.nan_to_num(nan=-2.0).clamp(min=-2).minimum(_bound(size, place))
        for place, size in ((y, height), (x, width))
    )
    pixels, weights = [], []
    low_y, low_x = y.detach().floor(), x.detach().floor()
    for row, share_y in ((low_y, low_y + 1 - y), (low_y + 1, y - low_y)):
        for column, share_x in ((low_x, low_x + 1 - x), (low_x + 1, x - low_x)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            pixels.append((row.long() * width + column.long()) * inside)
            weights.append(share_y * share_x * inside)
    return torch.stack(pixels, dim=-1), torch.stack(weights, dim=-1)


def _bound(size: int | Tensor, like: Tensor) -> Tensor:
    return torch.as_tensor(size, device=like.device, dtype=like.dtype) + 1
