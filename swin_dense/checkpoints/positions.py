"""Absolute position embeddings of a file, for the grid of patches and the tokens of a backbone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from swin_dense.layers.position import resized_position_embedding
from swin_dense.layers.windows import Size

# a class token, and one of distillation
_MOST_TOKENS = 2


@dataclass(frozen=True)
class Grids:
    """What rows of position embeddings stand for; a file itself does not say.

    Attributes:
        own: (height, width) in patches of the backbone; None if it has no position embedding.
        given: the file's, if the caller knows it.
        num_tokens: tokens beside patches in the file.
    """

    own: Size | None = None
    given: Size | None = None
    num_tokens: int = 0


def fitted_positions(table_1LC: Tensor, num_rows: int, grids: Grids) -> tuple[Tensor, str] | None:
    """The table with `num_rows` rows for the backbone, and how it came to be; None if there is no way.

    Rows are of tokens, then of patches. Those of patches are resized in 2-D as the backbone itself does, rows of tokens
    that the backbone does not have are left out.

    Raises:
        ValueError: the file's grid is given and impossible, or not given and there are two it could be.
    """
    if grids.own is None:
        return (table_1LC, '') if table_1LC.shape[1] == num_rows else None
    area = math.prod(grids.own)
    grid = _grid_of_file(table_1LC.shape[1], grids)
    if grid is None:
        return None
    num_tokens, own_tokens = table_1LC.shape[1] - math.prod(grid), num_rows - area
    if num_tokens < own_tokens:
        return None
    notes = []
    if num_tokens > own_tokens:
        table_1LC = torch.cat([table_1LC[:, :own_tokens], table_1LC[:, num_tokens:]], dim=1)
        dropped = num_tokens - own_tokens
        notes.append('less the row of a token' if dropped == 1 else f'less the rows of {dropped} tokens')
    if grid != grids.own:
        table_1LC = resized_position_embedding(table_1LC, grid, grids.own)
        notes.append(f'grid {_by(grid)} -> {_by(grids.own)}, bicubic')
    return table_1LC, ', '.join(notes)


def _grid_of_file(num_rows: int, grids: Grids) -> Size | None:
    if grids.given is not None:
        if not 0 <= num_rows - math.prod(grids.given) <= _MOST_TOKENS:
            raise ValueError(
                f'The position embedding of the file has {num_rows} rows, and position_grid={grids.given} says '
                f'{math.prod(grids.given)} of them are of patches. It is (height, width) in patches.'
            )
        return grids.given
    assert grids.own is not None
    for grid in _likely_grids(num_rows, grids):
        if math.prod(grid) == math.prod(grids.own) and grid != grids.own:
            raise ValueError(
                f'The {num_rows} rows of the position embedding in the file may be of a grid of {_by(grid)} patches, '
                f'as pretrained models have, or of {_by(grids.own)} as here. Say which: position_grid={grid} or '
                f'position_grid={grids.own}.'
            )
        return grid
    return None


def _likely_grids(num_rows: int, grids: Grids) -> Iterator[Size]:
    """Square with the tokens that the file has, the backbone's own, and, where it has none, square with one: ViTDet
    keeps the row of a class token that it does not have.
    """
    if square := _square(num_rows - grids.num_tokens):
        yield square
    if grids.own is not None and math.prod(grids.own) == num_rows - grids.num_tokens:
        yield grids.own
    if not grids.num_tokens and (square := _square(num_rows - 1)):
        yield square


def _square(area: int) -> Size | None:
    side = math.isqrt(max(area, 0))
    return (side, side) if side and side * side == area else None


def _by(grid: Size) -> str:
    return f'{grid[0]} x {grid[1]}'
