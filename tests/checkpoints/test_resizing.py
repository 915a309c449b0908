"""Bias tables for another window, against a bicubic interpolation written out in numpy."""

import numpy as np
import pytest
import torch

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.resizing import resized_bias_table
from tests.checkpoints.models import small_swin
from tests.golden_files import draw, reference


def cubic_weights(new_size: int, size: int) -> np.ndarray:
    """(new_size, size) of cubic convolution (Keys 1981, a = -0.75), pixel centres aligned, edges repeated."""
    a = -0.75
    weights = np.zeros((new_size, size))
    for row in range(new_size):
        centre = (row + 0.5) * size / new_size - 0.5
        for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            x = abs(centre - tap)
            if x <= 1:
                weight = (a + 2) * x**3 - (a + 3) * x**2 + 1
            else:
                weight = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
            weights[row, min(max(tap, 0), size - 1)] += weight
    return weights


def resized_by_hand(table: np.ndarray, window: int, new_window: int) -> np.ndarray:
    size, new_size = 2 * window - 1, 2 * new_window - 1
    weights = cubic_weights(new_size, size)
    image = table.astype(np.float64).reshape(size, size, -1)
    return np.einsum('iy,jx,yxh->ijh', weights, weights, image).reshape(new_size * new_size, -1)


@pytest.mark.parametrize(('window', 'new_window'), [(7, 12), (12, 7), (7, 8), (3, 7), (7, 2)])
def test_against_the_formula(window, new_window):
    table = draw('', f'table{window}', ((2 * window - 1) ** 2, 3))
    actual = resized_bias_table(table, (2 * new_window - 1) ** 2)
    expected = torch.from_numpy(resized_by_hand(table.numpy(), window, new_window)).float()
    torch.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(('rows', 'new_rows'), [(169, 170), (168, 529), (144, 529), (169, 144)])
def test_only_square_windows(rows, new_rows):
    assert resized_bias_table(torch.zeros(rows, 3), new_rows) is None


@pytest.mark.parametrize('name', ['swin_dense_official', 'swin_cls_official'])
def test_official_weights_in_another_window(name):
    state = reference(name)[1]
    backbone = small_swin(window_size=12)
    report = load_pretrained(backbone, state)
    own = backbone.state_dict()
    tables = {key for key in own if key.endswith('relative_position_bias_table')}
    heads = dict(enumerate((1, 2, 4, 8)))
    assert len(tables) == 8
    assert set(report.resized) == {
        (key, (169, heads[int(key.split('.')[1])]), (529, heads[int(key.split('.')[1])])) for key in tables
    }
    for key in own.keys() & state.keys():
        if key in tables:
            expected = torch.from_numpy(resized_by_hand(state[key].numpy(), 7, 12)).float()
            torch.testing.assert_close(own[key], expected, rtol=1e-5, atol=1e-5)
        else:
            assert torch.equal(own[key], state[key])
    assert report.is_complete
    levels = backbone.eval()(torch.ones(1, 3, 31, 65))
    assert all(level.isfinite().all() for level in levels)


def test_the_same_window_is_not_touched():
    state = reference('swin_dense_official')[1]
    backbone = small_swin()
    assert load_pretrained(backbone, state).resized == ()
    for key, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, state[key])
