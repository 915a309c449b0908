"""Boxes that the border of a tile cut."""

import torch

from swin_dense.inference.tiled import _covered_elsewhere, _is_cut
from swin_dense.inference.tiles import Tile, tile_grid


def test_boxes_are_cut_by_inner_borders_alone() -> None:
    tile, size = Tile(0, 100, 100, 200), (100, 300)
    boxes = torch.tensor([[1.0, 1, 50, 99], [20, 0, 60, 100], [20, 5, 99, 60], [20, 20, 60, 60]])
    assert _is_cut(boxes, tile, size).tolist() == [True, False, True, False]


def test_parts_go_where_the_whole_was_seen_about_as_surely() -> None:
    part, whole, other = [90.0, 10, 100, 30], [80.0, 8, 130, 32], [80.0, 8, 95, 32]
    cut, tiles = torch.tensor([True, False]), torch.tensor([0, 1])

    def covered(second: list, scores: tuple, labels: tuple = (0, 0), tiles: torch.Tensor = tiles) -> bool:
        boxes = torch.tensor([part, second])
        return bool(_covered_elsewhere(boxes, torch.tensor(labels), torch.tensor(scores), cut, tiles)[0])

    assert covered(whole, (0.9, 0.8))
    assert not covered(whole, (0.95, 0.06))  # an unsure box takes no sure one away
    assert not covered(whole, (0.9, 0.8), labels=(0, 1))
    assert not covered(other, (0.9, 0.8))  # half of it lies outside
    assert not covered(whole, (0.9, 0.8), tiles=torch.tensor([0, 0]))


def test_tiles_cover_all_and_lie_inside() -> None:
    for size in ((1, 1), (5, 300), (100, 100), (101, 257)):
        seen = torch.zeros(size)
        for tile in tile_grid(size, (100, 100), (75, 75)):
            assert 0 <= tile.top < tile.bottom <= size[0]
            assert 0 <= tile.left < tile.right <= size[1]
            seen[tile.top : tile.bottom, tile.left : tile.right] += 1
        assert seen.min() >= 1
