"""tools/convert_weights.py: what lacks a part of its trunk is not converted."""

import pytest
import torch

from swin_dense.checkpoints import load_pretrained
from swin_dense.checkpoints.conversion_tool import convert_weights
from swin_dense.checkpoints.identification import identify
from swin_dense.checkpoints.publishing import publish
from tests.checkpoints import published_files
from tests.checkpoints.models import copied, small_shift_vit
from tests.golden_files import reference


def saved(state, path):
    torch.save(state, path)
    return str(path)


def broken(change):
    state = copied(reference('swin_cls_official')[1])
    change(state)
    return state


def rename(state):
    state['layers.1.blocks.0.attn.qkw.weight'] = state.pop('layers.1.blocks.0.attn.qkv.weight')


def drop_block(state):
    for name in [name for name in state if name.startswith('layers.2.blocks.0.')]:
        del state[name]


def drop_bias(state):
    del state['layers.0.blocks.1.mlp.fc1.bias']


def drop_bias_everywhere(state):
    for name in [name for name in state if name.endswith('mlp.fc1.bias')]:
        del state[name]


def drop_reduction(state):
    del state['layers.1.downsample.reduction.weight']


def drop_all_merging(state):
    for name in [name for name in state if 'downsample' in name]:
        del state[name]


def drop_patch_embedding(state):
    for name in [name for name in state if name.startswith('patch_embed.')]:
        del state[name]


def drop_stage(state):
    for name in [name for name in state if name.startswith('layers.1.blocks.')]:
        del state[name]


def drop_tables(state):
    for name in [name for name in state if name.endswith('bias_table')]:
        del state[name]


def transpose(state):
    state['layers.2.blocks.1.mlp.fc1.weight'] = state['layers.2.blocks.1.mlp.fc1.weight'].T


def make_patches_three_dimensional(state):
    state['patch_embed.proj.weight'] = torch.ones(12, 3, 2, 4, 4)


def add(state):
    state['adapter.weight'] = torch.ones(2)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            rename,
            r'no layers\.1\.blocks\.0\.attn\.qkv\.weight, layers\.1\.blocks\.0\.attn\.qkw\.weight, of this block alone',
        ),
        (drop_block, r'it has no layers\.2\.blocks\.0\.'),
        (drop_bias, r'it has no layers\.0\.blocks\.1\.mlp\.fc1\.bias\.'),
        (drop_bias_everywhere, r'no layers\.0\.blocks\.0\.mlp\.fc1\.bias, .* and 4 more'),
        (drop_reduction, r'it has no layers\.1\.downsample\.reduction\.weight\.'),
        (drop_all_merging, r'it has no layers\.0\.downsample\.reduction\.weight, .* and 5 more'),
        (
            drop_patch_embedding,
            r'it has no patch_embed\.proj\.weight, no patch_embed\.proj\.bias, no patch_embed\.norm',
        ),
        (drop_stage, r'it has no layers\.1\.blocks\.'),
        (drop_tables, r'it has no layers\.0\.blocks\.0\.attn\.relative_position_bias_table, .* and 4 more'),
        (transpose, r'fc1\.weight of shape \(48, 192\), and \(192, 48\) in the first block'),
        (make_patches_three_dimensional, 'Weights of Video Swin are written as torchvision, swin_dense, official'),
        (add, r"has what is no part of 'Swin, official classification': adapter\.weight"),
    ],
)
def test_what_is_not_whole_is_not_converted(change, message, tmp_path):
    """Because mmdet and mmseg would load it without a word."""
    source = saved(broken(change), tmp_path / 'source.pth')
    with pytest.raises(ValueError, match=message):
        convert_weights(source, str(tmp_path / 'target.pth'), to='mmdet')
    assert not (tmp_path / 'target.pth').exists()


@pytest.mark.parametrize('target', ['swin_dense', 'mmseg'])
def test_a_vit_without_positions_is_not_converted(target, tmp_path):
    state = reference('vit_timm')[1]
    del state['pos_embed']
    source = saved(state, tmp_path / 'source.pth')
    with pytest.raises(ValueError, match=r'it has no pos_embed\. Nothing was written'):
        convert_weights(source, str(tmp_path / 'target.pth'), to=target)


def test_less_than_a_preset_is_said(tmp_path, capsys):
    """The last block of a stage may be missing, or meant to be: (2, 2, 5, 2) is an arch like others."""
    shapes = published_files.swin_classifier(96, (2, 2, 6, 2), (3, 6, 12, 24), 7, 10)
    state = {name: torch.zeros(1).expand(shape) for name, shape in shapes.items() if 'layers.2.blocks.5.' not in name}
    convert_weights(saved(state, tmp_path / 'a.pth'), str(tmp_path / 'b.pth'), to='timm')
    assert "(2, 2, 5, 2) blocks of the (2, 2, 6, 2) that arch='tiny' has: if that is not" in capsys.readouterr().out


# --- ShiftViT with batch norms, which have names of their own ---------------------------------------------------------


def test_batch_norms_are_norms(tmp_path):
    model = small_shift_vit(norm='batch')
    source = saved({'state_dict': model.state_dict()}, tmp_path / 'shift.pth')
    assert identify(source).lacks == ()
    assert publish(source, out=str(tmp_path / 'out')) == 0
    assert convert_weights(source, str(tmp_path / 'converted.pth'), to='swin_dense') == 0
    for path in (*(tmp_path / 'out').glob('*.safetensors'), tmp_path / 'converted.pth'):
        assert load_pretrained(small_shift_vit(norm='batch'), path).is_complete
    # output norms of other levels are known to be those
    assert load_pretrained(small_shift_vit(norm='batch', out_indices=(1, 3)), source).is_complete


@pytest.mark.parametrize(
    'name',
    [
        'patch_embed.norm.norm.weight',
        'patch_embed.norm.norm.running_var',
        'layers.0.downsample.norm.norm.bias',
        'layers.1.downsample.norm.norm.running_mean',
        'layers.2.blocks.1.norm2.norm.weight',
        'layers.2.blocks.1.norm2.norm.running_mean',
    ],
)
def test_batch_norms_that_are_missing(name, tmp_path):
    state = small_shift_vit(norm='batch').state_dict()
    del state[name]
    source = saved({'state_dict': state}, tmp_path / 'shift.pth')
    assert identify(source).lacks == (f'no {name}',)
    with pytest.raises(ValueError, match=f'its backbone has no {name}'):
        publish(source, out=str(tmp_path / 'out'))
