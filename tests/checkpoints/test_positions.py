"""Position embeddings of a file, for other grids and other tokens, against a resampling written out in numpy."""

import numpy as np
import pytest
import torch

from swin_dense.backbones import VisionTransformer
from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.positions import Grids, fitted_positions
from tests.checkpoints.resampling import antialiased_weights
from tests.golden_files import draw

ARCH = {'embed_dims': 12, 'depth': 2, 'num_heads': 2}


def vit(image_size, **options):
    return VisionTransformer(arch=ARCH, image_size=image_size, **options)


def resized_by_hand(rows, grid, new_grid):
    """Rows of patches, (H * W, C), for another grid."""
    image = rows.double().numpy().reshape(*grid, -1)
    weights = [antialiased_weights(new, old) for new, old in zip(new_grid, grid, strict=True)]
    return torch.from_numpy(np.einsum('iy,jx,yxc->ijc', *weights, image).reshape(new_grid[0] * new_grid[1], -1)).float()


def saved(image_size, **options):
    state = vit(image_size, **options).state_dict()
    return {name: draw('positions', name, value.shape) for name, value in state.items()}


@pytest.mark.parametrize('image_size', [(96, 144), (224, 352), (33, 50), 448, 112])
def test_from_224_pixels(image_size):
    state = saved(224)
    backbone = vit(image_size)
    report = load_pretrained(backbone, state)
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    grid = tuple(-(-side // 16) for side in size)
    ((name, old, new, how),) = report.resized
    assert (name, old, new) == ('pos_embed', (1, 197, 12), (1, 1 + grid[0] * grid[1], 12))
    assert how == f'grid 14 x 14 -> {grid[0]} x {grid[1]}, bicubic'
    assert torch.equal(backbone.pos_embed[:, 0], state['pos_embed'][:, 0])
    expected = resized_by_hand(state['pos_embed'][0, 1:], (14, 14), grid)
    torch.testing.assert_close(backbone.pos_embed[0, 1:], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('image_size', [224, (96, 144), (80, 160)])
@pytest.mark.parametrize('class_token', [True, False])
def test_the_same_grid_is_not_touched(image_size, class_token):
    state = saved(image_size, class_token=class_token)
    backbone = vit(image_size, class_token=class_token)
    assert load_pretrained(backbone, state).resized == ()
    assert torch.equal(backbone.pos_embed, state['pos_embed'])


def test_from_a_grid_that_is_not_square():
    state = saved((96, 144))
    backbone = vit((64, 96))
    with pytest.raises(ValueError, match=r'Of 55 rows of positions, .* position_grid=\(height, width\)'):
        load_pretrained(backbone, state)
    report = load_pretrained(backbone, state, position_grid=(6, 9))
    assert report.resized[0][3] == 'grid 6 x 9 -> 4 x 6, bicubic'
    expected = resized_by_hand(state['pos_embed'][0, 1:], (6, 9), (4, 6))
    torch.testing.assert_close(backbone.pos_embed[0, 1:], expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r'has 55 rows, and position_grid=\(9, 9\) says 81 of them are of patches'):
        load_pretrained(backbone, state, position_grid=(9, 9))


def test_as_many_patches_in_another_grid_are_not_taken_for_the_same():
    """A pretrained 24 x 24 for images of 288 x 512, which are 18 x 32: shapes are equal and places are not."""
    state = saved(384)
    backbone = vit((288, 512))
    before = backbone.pos_embed.clone()
    message = r'may be of a grid of 24 x 24 .* or of 18 x 32 as here\. Say which: position_grid=\(24, 24\)'
    with pytest.raises(ValueError, match=message):
        load_pretrained(backbone, state)
    assert torch.equal(backbone.pos_embed, before)
    load_pretrained(backbone, state, position_grid=(24, 24))
    expected = resized_by_hand(state['pos_embed'][0, 1:], (24, 24), (18, 32))
    torch.testing.assert_close(backbone.pos_embed[0, 1:], expected, rtol=1e-4, atol=1e-5)
    assert load_pretrained(backbone, state, position_grid=(18, 32)).resized == ()
    assert torch.equal(backbone.pos_embed, state['pos_embed'])


def test_without_the_class_token():
    state = saved(224)
    backbone = vit(224, class_token=False)
    report = load_pretrained(backbone, state)
    assert report.resized == (('pos_embed', (1, 197, 12), (1, 196, 12), 'less the row of a token'),)
    assert dict(report.ignored)['cls_token'] == 'the backbone has no class token'
    assert torch.equal(backbone.pos_embed, state['pos_embed'][:, 1:])
    # ViTDet saves the row without the token
    del state['cls_token']
    again = vit((96, 144), class_token=False)
    assert load_pretrained(again, state).resized[0][3] == 'less the row of a token, grid 14 x 14 -> 6 x 9, bicubic'
    expected = resized_by_hand(state['pos_embed'][0, 1:], (14, 14), (6, 9))
    torch.testing.assert_close(again.pos_embed[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('class_token', [True, False])
def test_distilled_deit_has_two_tokens(class_token):
    state = saved(64)
    state['pos_embed'] = draw('', 'two tokens', (1, 18, 12))
    heads = {name: torch.ones(5, 12) for name in ('head.weight', 'head_dist.weight')}
    state |= {'dist_token': torch.ones(1, 1, 12), **heads}
    backbone = vit(64, class_token=class_token)
    report = load_pretrained(backbone, state)
    rows = [0] * class_token + list(range(2, 18))
    assert torch.equal(backbone.pos_embed, state['pos_embed'][:, rows])
    reasons = dict(report.ignored)
    assert reasons['dist_token'] == 'token of distillation'
    assert reasons['head_dist.weight'] == reasons['head.weight'] == 'classification head'
    assert report.resized[0][3] == ('less the row of a token' if class_token else 'less the rows of 2 tokens')


def test_a_file_without_a_class_token_for_a_backbone_with_one():
    state = saved(64, class_token=False)
    with pytest.raises(ValueError, match='missing in the file, 1: cls_token') as caught:
        load_pretrained(vit(64), state)
    assert 'or a token lacks one' in str(caught.value)


def test_positions_of_a_backbone_that_names_no_grid():
    table = torch.zeros(1, 17, 4)
    assert fitted_positions(table, 17, Grids()) == (table, '')
    assert fitted_positions(table, 26, Grids()) is None


@pytest.mark.parametrize(
    ('grid', 'file_token', 'own_token'), [((5, 10), True, True), ((3, 5), True, False)], ids=['51 rows', '16 rows']
)
def test_no_other_tokens_than_the_file_has_are_guessed(grid, file_token, own_token):
    """51 rows are not 7 x 7 and two tokens in a file that has one."""
    arch = {'embed_dims': 24, 'depth': 1, 'num_heads': 2}
    sizes = [tuple(16 * side for side in shape) for shape in (grid, (14, 14))]
    file, backbone = (
        VisionTransformer(arch=arch, out_indices=(0,), image_size=size, class_token=token)
        for size, token in zip(sizes, (file_token, own_token), strict=True)
    )
    with pytest.raises(ValueError, match='position_grid'):
        load_pretrained(backbone, file.state_dict())
    report = load_pretrained(backbone, file.state_dict(), position_grid=grid)
    assert [name for name, *_ in report.resized] == ['pos_embed']
