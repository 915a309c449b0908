"""Tables that depend on a size, for another size."""

from math import isqrt

import torch.nn.functional as F
from torch import Tensor


def resized_bias_table(table: Tensor, num_rows: int) -> Tensor | None:
    """A relative position bias table ((2M-1)^2, heads) for another window, bicubically; None if no window fits.

    As official Swin does (microsoft/Swin-Transformer@f82860b utils.py, load_pretrained).
    """
    side, new_side = isqrt(table.shape[0]), isqrt(num_rows)
    if side * side != table.shape[0] or new_side * new_side != num_rows or not side % 2 or not new_side % 2:
        return None
    image = table.float().T.reshape(1, -1, side, side)
    image = F.interpolate(image, size=(new_side, new_side), mode='bicubic', align_corners=False)
    return image.flatten(2)[0].T.contiguous()
