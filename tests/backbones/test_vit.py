"""ViT against timm's golden outputs, the installed mmseg's ViT, and slow loops over windows and relative positions."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmseg.registry import MODELS as SEGMENTORS

from swin_dense.backbones import VisionTransformer
from swin_dense.backbones.vit import TransformerBlock
from swin_dense.layers.position import relative_rows, resized_position_embedding
from swin_dense.registry import MODELS
from tests.backbones.published_swin import random_weights
from tests.golden_files import reference

CONFIGS = Path(__file__).parents[2] / 'configs' / '_base_' / 'backbones'
TOLERANCE = 1e-4  # of the largest absolute value
ARCH = {'embed_dims': 24, 'depth': 3, 'num_heads': 3, 'mlp_ratio': 2}


def assert_close(actual, expected, tolerance=TOLERANCE):
    assert actual.shape == expected.shape
    assert (actual - expected).abs().max() <= tolerance * expected.abs().max()


def plain(model, images):
    with torch.enable_grad():
        return model(images)


def in_tiles(model, images):
    with torch.inference_mode():
        return model(images)


def compiled(model, images):
    torch._dynamo.reset()
    return torch.compile(model, backend='eager', fullgraph=True)(images)


WAYS = [plain, in_tiles, compiled]


def golden(**options):
    meta, state_dict, inputs, expected = reference('vit_timm')
    args = meta['args']
    arch = {'embed_dims': args['embed_dim'], 'depth': args['depth'], 'num_heads': args['num_heads']}
    model = VisionTransformer(arch=arch, patch_size=args['patch_size'], image_size=args['img_size'], **options).eval()
    names = set(model.state_dict())
    model.load_state_dict({key: value for key, value in state_dict.items() if key in names})
    return model, state_dict, inputs, expected, set(state_dict) - names


@pytest.mark.parametrize('way', [plain, in_tiles])
def test_logits_and_class_token_of_timm(way):
    model, state_dict, inputs, expected, unused = golden(final_norm=True)
    assert unused == {'head.weight', 'head.bias'}
    tokens = []
    model.norm.register_forward_hook(lambda module, args, output: tokens.append(output))
    way(model, inputs['input'])
    way(model, inputs['input_other'])
    assert_close(F.linear(tokens[0][:, 0], state_dict['head.weight'], state_dict['head.bias']), expected['logits'])
    assert_close(tokens[1], expected['features_other'])


@pytest.mark.parametrize('way', WAYS)
def test_levels_of_timm_at_another_size(way):
    model, _, inputs, expected, unused = golden()
    assert {name.split('.')[0] for name in unused} == {'head', 'norm'}
    levels = way(model, inputs['input_other'])
    assert {f'inter{i}' for i in range(len(levels))} == {name for name in expected if name.startswith('inter')}
    for i, level in enumerate(levels):
        assert_close(level, expected[f'inter{i}'])
    (level,) = way(golden(final_norm=True, out_indices=(3,))[0], inputs['input_other'])
    assert_close(level.flatten(2).transpose(1, 2), expected['features_other'][:, 1:])


def published_name(name):
    """The installed mmseg's name for a parameter of ours."""
    for ours, theirs in [
        ('attn.qkv.', 'attn.attn.in_proj_'),
        ('attn.proj.', 'attn.attn.out_proj.'),
        ('patch_embed.proj.', 'patch_embed.projection.'),
        ('blocks.', 'layers.'),
        ('norm', 'ln'),
        ('mlp.fc1.', 'ffn.layers.0.0.'),
        ('mlp.fc2.', 'ffn.layers.1.'),
    ]:
        name = name.replace(ours, theirs)
    return 'ln1.' + name.removeprefix('ln.') if name.startswith('ln.') else name


def published(ours):
    arguments = {
        'img_size': tuple(16 * side for side in ours.grid),
        'num_layers': ARCH['depth'],
        'embed_dims': ARCH['embed_dims'],
        'num_heads': ARCH['num_heads'],
        'mlp_ratio': ARCH['mlp_ratio'],
        'out_indices': ours.out_indices,
        'patch_bias': True,
        'norm_cfg': {'type': 'LN', 'eps': 1e-6},
        'final_norm': ours.norm is not None,
    }
    theirs = SEGMENTORS.build({'type': 'mmseg.VisionTransformer', **arguments}).double()
    theirs.load_state_dict({published_name(name): value for name, value in ours.state_dict().items()})
    return theirs


@pytest.mark.filterwarnings('ignore')  # of mmseg and mmcv
@pytest.mark.parametrize('final_norm', [False, True])
def test_levels_and_gradients_of_mmseg(final_norm):
    ours = VisionTransformer(arch=ARCH, image_size=(75, 101), out_indices=(0, 2), final_norm=final_norm).double()
    random_weights(ours)
    theirs = published(ours)
    images = torch.randn(2, 3, 75, 101, dtype=torch.float64)
    for level, expected in zip(ours(images), theirs(images), strict=True):
        assert_close(level, expected, 1e-10)
    for model in (ours, theirs):
        sum((level * torch.linspace(-1, 2, level.numel()).view_as(level)).sum() for level in model(images)).backward()
    expected = dict(theirs.named_parameters())
    assert {published_name(name) for name, _ in ours.named_parameters()} == set(expected)
    largest = max(parameter.grad.abs().max() for parameter in expected.values())
    for name, parameter in ours.named_parameters():
        gradient = expected[published_name(name)].grad
        assert (parameter.grad - gradient).abs().max() <= 1e-10 * largest, name


def slow_attention(attn, x_HWC, relative):
    """One head and one pair of tokens at a time, among all tokens of the map, with its projection."""
    height, width, channels = x_HWC.shape
    tokens = [(y, x) for y in range(height) for x in range(width)]
    depth = channels // attn.num_heads
    qkv = (x_HWC @ attn.qkv.weight.T + attn.qkv.bias).view(height, width, 3, attn.num_heads, depth)
    attended = torch.zeros(height, width, attn.num_heads, depth, dtype=x_HWC.dtype)
    for head in range(attn.num_heads):
        for at in tokens:
            query, logits = qkv[at][0, head], []
            for other in tokens:
                logit = query @ qkv[other][1, head] / depth**0.5
                if relative:
                    logit = logit + query @ attn.rel_pos_h[at[0] - other[0] + height - 1]
                    logit = logit + query @ attn.rel_pos_w[at[1] - other[1] + width - 1]
                logits.append(logit)
            weights = torch.stack(logits).softmax(0)
            attended[at][head] = sum(w * qkv[other][2, head] for w, other in zip(weights, tokens, strict=True))
    return attended.flatten(2) @ attn.proj.weight.T + attn.proj.bias


def slow_block(block, x_HWC):
    """Windows one after the other, zeros around the map taking part."""
    height, width, channels = x_HWC.shape
    rows, columns = block.window_size or (height, width)
    branch = torch.zeros_like(x_HWC)
    normed = F.layer_norm(x_HWC, (channels,), block.norm1.weight, block.norm1.bias, 1e-6)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            window = torch.zeros(rows, columns, channels, dtype=x_HWC.dtype)
            part = normed[top : top + rows, left : left + columns]
            window[: part.shape[0], : part.shape[1]] = part
            attended = slow_attention(block.attn, window, block.attn.has_relative_positions)
            branch[top : top + rows, left : left + columns] = attended[: part.shape[0], : part.shape[1]]
    x_HWC = x_HWC + branch
    normed = F.layer_norm(x_HWC, (channels,), block.norm2.weight, block.norm2.bias, 1e-6)
    hidden = F.gelu(normed @ block.mlp.fc1.weight.T + block.mlp.fc1.bias)
    return x_HWC + hidden @ block.mlp.fc2.weight.T + block.mlp.fc2.bias


@pytest.mark.parametrize('relative', [False, True])
@pytest.mark.parametrize(
    ('size', 'window_size'), [((3, 5), None), ((5, 4), (3, 3)), ((1, 2), (3, 3)), ((4, 2), (2, 2))]
)
@pytest.mark.parametrize('way', WAYS)
def test_block_is_the_slow_loop(way, size, window_size, relative):
    block = TransformerBlock(
        channels=6,
        num_heads=2,
        hidden_channels=9,
        drop_path_rate=0.0,
        window_size=window_size,
        relative_grid=(window_size or size) if relative else None,
    ).double()
    random_weights(block)
    maps = torch.randn(2, *size, 6, dtype=torch.float64)
    with torch.no_grad():
        expected = torch.stack([slow_block(block, x_HWC) for x_HWC in maps])
    actual = way(lambda x_BLC: block(x_BLC, size), maps.flatten(1, 2))
    torch.testing.assert_close(actual.unflatten(1, size), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize('relative', [False, True])
def test_windows_that_cover_the_map_are_global_attention(relative):
    options = {'arch': ARCH, 'class_token': False, 'relative_position': relative, 'image_size': 80}
    windowed = VisionTransformer(window_size=5, global_blocks=(), **options)
    random_weights(windowed)
    everywhere = VisionTransformer(**options)
    everywhere.load_state_dict(windowed.state_dict())
    images = torch.randn(2, 3, 80, 70)
    for level, expected in zip(windowed(images), everywhere(images), strict=True):
        assert_close(level, expected, 1e-5)
    narrower = VisionTransformer(window_size=4, global_blocks=(2,), **options)
    narrower.load_state_dict(windowed.state_dict(), strict=False) if not relative else random_weights(narrower)
    assert (narrower(images)[0] - everywhere(images)[0]).abs().max() > 0.01


@pytest.mark.parametrize('length', [1, 2, 5, 9])
def test_relative_rows_are_interpolated_linearly(length):
    table = torch.randn(9, 4, dtype=torch.float64)  # for 5 positions
    count = 2 * length - 1
    places = ((np.arange(count) + 0.5) * 9 / count - 0.5).clip(0, 8)
    resized = np.stack([np.interp(places, np.arange(9), column) for column in table.T.numpy()], axis=1)
    rows = relative_rows(table, length)
    for query in range(length):
        for key in range(length):
            np.testing.assert_allclose(rows[query, key], resized[query - key + length - 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize('extra', [0, 1])
def test_position_embedding_of_a_grid_that_is_not_square(extra):
    table = torch.randn(1, extra + 15, 2)
    resized = resized_position_embedding(table, (3, 5), (4, 2))
    assert torch.equal(resized[:, :extra], table[:, :extra])
    for channel in range(2):
        image = torch.tensor([[table[0, extra + 5 * y + x, channel] for x in range(5)] for y in range(3)])
        expected = F.interpolate(image[None, None], (4, 2), mode='bicubic', antialias=True)
        torch.testing.assert_close(resized[0, extra:, channel].view(4, 2), expected[0, 0])


def test_position_embedding_is_untouched_on_its_own_grid():
    table = torch.randn(1, 16, 2)
    assert resized_position_embedding(table, (3, 5), (3, 5)) is table
    # a tracer has no choice by size, and what it does instead changes no bit
    traced = torch.compile(resized_position_embedding, backend='eager', fullgraph=True, dynamic=True)
    assert torch.equal(traced(table, (3, 5), (3, 5)), table)
    rows = torch.randn(9, 4)
    traced = torch.compile(relative_rows, backend='eager', fullgraph=True, dynamic=True)
    assert torch.equal(traced(rows, 5), relative_rows(rows, 5))


@pytest.mark.parametrize(
    ('arch', 'patch_size', 'millions'),
    [('small', 16, 22.05), ('base', 16, 86.57), ('large', 16, 304.33), ('huge', 14, 632.05)],
)
def test_published_numbers_of_parameters(arch, patch_size, millions):
    """With a head of 1000 classes; google-research/vision_transformer@c6de1e5."""
    with torch.device('meta'):
        model = VisionTransformer(arch=arch, patch_size=patch_size, final_norm=True)
    head = model.out_channels[-1] * 1000 + 1000
    assert round((sum(parameter.numel() for parameter in model.parameters()) + head) / 1e6, 2) == millions


@pytest.mark.parametrize(('depth', 'quarters'), [(12, (2, 5, 8, 11)), (24, (5, 11, 17, 23)), (2, (0, 1)), (1, (0,))])
def test_levels_are_the_last_blocks_of_quarters(depth, quarters):
    arch = {'embed_dims': 4, 'depth': depth, 'num_heads': 1}
    assert VisionTransformer(arch=arch, image_size=32).out_indices == quarters
    windowed = VisionTransformer(arch=arch, image_size=32, class_token=False, window_size=2)
    assert tuple(i for i, block in enumerate(windowed.blocks) if block.window_size is None) == quarters


@pytest.mark.parametrize('name', ['vit_base', 'vit_base_windowed', 'deit_small', 'deit_base'])
def test_configs_say_their_channels(name):
    backbone, pyramid_channels = configured(name)
    assert list(backbone.out_channels) == pyramid_channels
    assert set(backbone.out_strides) == {16}


def test_vitdet_has_the_official_windows_and_tables():
    """Window blocks and shapes of facebookresearch/detectron2@0818132, modeling/backbone/vit.py, for 1024 pixels."""
    backbone, _ = configured('vit_base_windowed')
    windowed = [i for i, block in enumerate(backbone.blocks) if block.window_size == (14, 14)]
    assert windowed == [0, 1, 3, 4, 6, 7, 9, 10]
    shapes = {name: tuple(parameter.shape) for name, parameter in backbone.named_parameters()}
    assert 'cls_token' not in shapes
    assert shapes['pos_embed'] == (1, 196, 768)
    for i in range(12):
        rows = 2 * (14 if i in windowed else 64) - 1
        assert shapes[f'blocks.{i}.attn.rel_pos_h'] == shapes[f'blocks.{i}.attn.rel_pos_w'] == (rows, 64)


def configured(name):
    """The backbone of a config, on the meta device, and the channels that the config promises."""
    cfg = Config.fromfile(CONFIGS / f'{name}.py')
    with torch.device('meta'):
        return MODELS.build({**cfg.backbone, 'init_cfg': None}), cfg.pyramid_channels
