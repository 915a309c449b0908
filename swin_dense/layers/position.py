"""Tables of positions, for another grid than they were made for.

Legend in suffixes: H W map, C channels, D channels per head, L tokens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from swin_dense.layers.cache import cached_table
from swin_dense.layers.tracing import is_traced
from swin_dense.layers.windows import Size


def resized_position_embedding(table_1LC: Tensor, grid: Size, size: Size) -> Tensor:
    """A position embedding for a map of `size`, bicubically in 2-D; what stands before the grid's rows is kept.

    As timm 1.0 does (antialiased, in float32 at least). ViTDet and mmseg resize without antialiasing, by another cubic.

    Args:
        table_1LC: rows of other tokens, such as a class token, then height * width rows of `grid`.
        grid: (height, width) in patches that the table is for.
        size: (height, width) in patches that is wanted.
    """
    # tracers always resize, which on the same grid changes no bit: a choice by size would be compiled in
    if not is_traced(table_1LC) and grid == size:
        return table_1LC
    others, rows = table_1LC.split([table_1LC.shape[1] - grid[0] * grid[1], grid[0] * grid[1]], dim=1)
    map_1CHW = _exact(rows).unflatten(1, grid).permute(0, 3, 1, 2)
    map_1CHW = F.interpolate(map_1CHW, size=size, mode='bicubic', antialias=True)
    return torch.cat([others, map_1CHW.flatten(2).transpose(1, 2).to(rows.dtype)], dim=1)


def relative_rows(table: Tensor, size: int) -> Tensor:
    """(size, size, D): the row of a table of relative positions for each (query, key) along one axis.

    The table has one row for each offset from -(length - 1) to length - 1; for another length it is resized linearly,
    as ViTDet does (facebookresearch/detectron2@55145ba, modeling/backbone/utils.py).
    """
    if is_traced(table) or len(table) != 2 * size - 1:
        resized = F.interpolate(_exact(table).t()[None], size=2 * size - 1, mode='linear')
        table = resized[0].t().to(table.dtype)
    return F.embedding(_offsets(size, table.device), table)


@cached_table(max_entries=64)
def _offsets(size: int, device: torch.device) -> Tensor:
    position = torch.arange(size, device=device)
    return position[:, None] - position[None, :] + size - 1


def _exact(table: Tensor) -> Tensor:
    return table.to(torch.promote_types(table.dtype, torch.float32))
