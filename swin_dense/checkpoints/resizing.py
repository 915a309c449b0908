"""Tables and kernels that depend on a size, for another size. Each says how it was brought there."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# of photographs: red, green, blue
_COLOURS = 3


def resized_bias_table(table: Tensor, num_rows: int) -> Tensor | None:
    """A relative position bias table ((2M-1)^2, heads) for another window, bicubically; None if no window fits.

    As official Swin does (microsoft/Swin-Transformer@f82860b utils.py, load_pretrained).
    """
    side, new_side = math.isqrt(table.shape[0]), math.isqrt(num_rows)
    if side * side != table.shape[0] or new_side * new_side != num_rows or not side % 2 or not new_side % 2:
        return None
    image = table.float().T.reshape(1, -1, side, side)
    image = F.interpolate(image, size=(new_side, new_side), mode='bicubic', align_corners=False)
    return image.flatten(2)[0].T.contiguous()


def resized_relative_rows(table: Tensor, num_rows: int) -> Tensor | None:
    """Relative positions (2L-1, D) along one axis for another length, linearly; None if no length fits.

    As ViTDet does (facebookresearch/detectron2@55145ba, modeling/backbone/utils.py, get_rel_pos).
    """
    if not table.shape[0] % 2 or not num_rows % 2:
        return None
    return F.interpolate(table.float().T[None], size=num_rows, mode='linear')[0].T.contiguous()


def kernel_for_channels(weight: Tensor, in_channels: int) -> Tensor | None:
    """A patch embedding (C, 3, P, P) of colour images for images of other channels; None if it is of others already.

    As timm does (adapt_input_conv): for one channel the three are summed, so that a grey image has the embedding that
    it had as a colour image; for others they repeat, times 3 / in_channels, so that sums keep their size.
    """
    if weight.ndim != 4 or weight.shape[1] != _COLOURS:
        return None
    if in_channels == 1:
        return weight.float().sum(1, keepdim=True)
    repeated = weight.float().repeat(1, math.ceil(in_channels / _COLOURS), 1, 1)[:, :in_channels]
    return repeated * (_COLOURS / in_channels)


def kernel_for_patch_size(weight: Tensor, size: tuple[int, int]) -> Tensor:
    """A patch embedding (C, C_in, P, P) for patches of another size, by the pseudo-inverse of resizing.

    As FlexiViT does (Beyer et al., 2022, arXiv 2212.08013, section 3.4), and timm: of all kernels it has, for images
    that are resized with their patches, the tokens closest to the former ones; equal ones if patches grow.
    """
    old = weight.shape[2:]
    pixels = torch.eye(old.numel(), dtype=torch.float64).view(-1, 1, *old)
    resizing = F.interpolate(pixels, size=size, mode='bicubic', antialias=True).flatten(1)  # old pixels, new pixels
    kernel = weight.double().flatten(2) @ torch.linalg.pinv(resizing).to(weight.device).T
    return kernel.unflatten(2, size).float()
