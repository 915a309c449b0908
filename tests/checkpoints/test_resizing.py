"""Bias tables, tables of relative positions and patch embeddings of other sizes, against numpy."""

import numpy as np
import pytest
import torch

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.resizing import kernel_for_patch_size, resized_bias_table, resized_relative_rows
from tests.checkpoints.models import small_shift_vit, small_swin, small_vit
from tests.checkpoints.resampling import antialiased_weights, cubic_weights
from tests.golden_files import draw, reference


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
        (key, (169, heads[int(key.split('.')[1])]), (529, heads[int(key.split('.')[1])]), 'bicubic') for key in tables
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


@pytest.mark.parametrize(('window', 'new_window'), [(12, 7), (7, 12)])
def test_weights_of_another_window_in_every_direction(window, new_window):
    """Through the loader, with a file of any window."""
    state = small_swin(window_size=window).state_dict()
    backbone = small_swin(window_size=new_window)
    report = load_pretrained(backbone, state)
    rows, new_rows = (2 * window - 1) ** 2, (2 * new_window - 1) ** 2
    assert [(old[0], new[0], how) for _, old, new, how in report.resized] == [(rows, new_rows, 'bicubic')] * 8
    for key, *_ in report.resized:
        expected = torch.from_numpy(resized_by_hand(state[key].numpy(), window, new_window)).float()
        torch.testing.assert_close(backbone.state_dict()[key], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(('length', 'new_length'), [(14, 64), (64, 14), (5, 3), (1, 4)])
def test_relative_positions_linearly(length, new_length):
    rows, new_rows = 2 * length - 1, 2 * new_length - 1
    table = draw('', f'rows{length}', (rows, 3))
    places = ((np.arange(new_rows) + 0.5) * rows / new_rows - 0.5).clip(0, rows - 1)
    expected = np.stack([np.interp(places, np.arange(rows), column) for column in table.numpy().T], axis=1)
    actual = resized_relative_rows(table, new_rows)
    torch.testing.assert_close(actual, torch.from_numpy(expected).float(), rtol=0, atol=1e-4)
    assert resized_relative_rows(table, new_rows + 1) is resized_relative_rows(table[1:], new_rows) is None


CHANNELS = {1: '1', 2: '3/2', 4: '3/4', 13: '3/13'}


@pytest.mark.parametrize('in_channels', CHANNELS)
@pytest.mark.parametrize(
    ('name', 'make'),
    [('swin_cls_official', small_swin), ('shiftvit_official_ndiv12', small_shift_vit), ('vit_timm', small_vit)],
)
def test_other_channels(name, make, in_channels):
    """One channel sums the colours, others repeat them in turn and keep the sum's size."""
    state = reference(name)[1]
    kernel = state['patch_embed.proj.weight']
    backbone = make(in_channels=in_channels)
    report = load_pretrained(backbone, state)
    shape = (len(kernel), in_channels, *kernel.shape[2:])
    how = 'channels summed' if in_channels == 1 else f'channels repeated, times 3/{in_channels}'
    assert report.resized == (('patch_embed.proj.weight', tuple(kernel.shape), shape, how),)
    assert how in str(report)
    actual = backbone.patch_embed.proj.weight
    if in_channels == 1:
        torch.testing.assert_close(actual[:, 0], kernel[:, 0] + kernel[:, 1] + kernel[:, 2])
    else:
        for channel in range(in_channels):
            torch.testing.assert_close(actual[:, channel], kernel[:, channel % 3] * 3 / in_channels)
    # more channels of the same picture give a token of the same size
    if in_channels % 3 == 1 or in_channels == 2:
        assert 0.1 < actual.abs().sum() / kernel.abs().sum() < 2
    assert backbone(torch.randn(1, in_channels, 40, 56))[0].isfinite().all()


def resizing_by_hand(old, new):
    """(new pixels, old pixels) of a square patch."""
    weights = antialiased_weights(new, old)
    return np.einsum('ya,xb->yxab', weights, weights).reshape(new * new, old * old)


@pytest.mark.parametrize(('old', 'new'), [(4, 6), (6, 4), (4, 8), (5, 3)])
def test_other_patch_sizes(old, new):
    """The kernel with the least squared difference of tokens, over all images that are resized with their patches."""
    kernel = draw('', f'kernel{old}', (3, 2, old, old))
    resize = resizing_by_hand(old, new)
    flat = kernel.double().numpy().reshape(6, -1)
    expected = np.stack([np.linalg.lstsq(resize.T, row, rcond=None)[0] for row in flat]).reshape(3, 2, new, new)
    actual = kernel_for_patch_size(kernel, (new, new))
    torch.testing.assert_close(actual, torch.from_numpy(expected).float(), rtol=1e-4, atol=1e-4)
    if new > old:  # no information is lost
        patches = draw('', 'patches', (7, 2, old, old)).double().numpy().reshape(7, 2, -1)
        larger = torch.from_numpy(patches @ resize.T).float().view(7, 2, new, new)
        tokens = torch.einsum('ncyx,dcyx->nd', larger, actual)
        smaller = torch.from_numpy(patches).float().view(7, 2, old, old)
        torch.testing.assert_close(tokens, torch.einsum('ncyx,dcyx->nd', smaller, kernel), rtol=1e-3, atol=1e-3)


def test_a_vit_for_another_patch_size_and_other_channels():
    state = reference('vit_timm')[1]
    backbone = small_vit(patch_size=8, in_channels=4)
    report = load_pretrained(backbone, state)
    assert report.resized == (
        (
            'patch_embed.proj.weight', (48, 3, 16, 16), (48, 4, 8, 8),
            'channels repeated, times 3/4, patches resized, by the pseudo-inverse of bicubic',
        ),
        ('pos_embed', (1, 17, 48), (1, 65, 48), 'grid 4 x 4 -> 8 x 8, bicubic'),
    )  # fmt: skip
    repeated = state['patch_embed.proj.weight'][:, [0, 1, 2, 0]] * 0.75
    torch.testing.assert_close(backbone.patch_embed.proj.weight, kernel_for_patch_size(repeated, (8, 8)))
