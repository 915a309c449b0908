"""Attention distances of Swin and ViT against a slow loop over pairs, and of attention whose distances are known."""

import math

import pytest
import torch

from swin_dense.backbones import ShiftViT, SwinTransformer, VisionTransformer
from swin_dense.comparison.attention_distances import attention_distances, distance_sums

HEIGHT, WIDTH = 37, 50  # of the images; neither windows nor patches fit


def images(count=2):
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(1, 3, HEIGHT, WIDTH, generator=generator) for _ in range(count)]


def swin(**kwargs):
    arch = {'embed_dims': 8, 'depths': (2, 2), 'num_heads': (2, 4), 'window_size': 3}
    return randomised(SwinTransformer(arch=arch, out_indices=(0, 1), **kwargs))


def vit(**kwargs):
    arch = {'embed_dims': 12, 'depth': 3, 'num_heads': 3}
    return randomised(VisionTransformer(arch=arch, patch_size=8, image_size=32, out_indices=(0, 2), **kwargs))


def randomised(backbone):
    """Weights large enough for attention that is not uniform."""
    generator = torch.Generator().manual_seed(1)
    for parameter in backbone.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.7
    return backbone.eval()


def inputs_of(backbone, blocks, image):
    """What enters each block."""
    seen = []
    hooks = [block.register_forward_pre_hook(lambda _, args: seen.append(args)) for block in blocks]
    with torch.enable_grad():
        backbone(image)
    for hook in hooks:
        hook.remove()
    return [[each.detach() if isinstance(each, torch.Tensor) else each for each in args] for args in seen]


def split(attention, x_LC):
    """(heads, L, D) queries and keys of normed tokens."""
    q, k, _ = attention.qkv(x_LC).detach().view(len(x_LC), 3, attention.num_heads, -1).permute(1, 2, 0, 3)
    return q, k


def slow_mean(places, q, k, sees, bias):
    """Mean over queries for each head, by loops over pairs: `sees` (query, key) -> bool, `bias` -> (heads,)."""
    heads, tokens, channels = q.shape
    means = []
    for head in range(heads):
        total = 0.0
        for query in range(tokens):
            weights, distances = [], []
            for key in range(tokens):
                if sees(query, key):
                    logit = float(q[head, query] @ k[head, key]) / math.sqrt(channels) + bias(query, key, head)
                    weights.append(math.exp(logit))
                    distances.append(math.dist(places[query], places[key]))
            total += sum(w * d for w, d in zip(weights, distances, strict=True)) / sum(weights)
        means.append(total / tokens)
    return means


def slow_swin(block, x_BHWC, stride):
    _, height, width, channels = x_BHWC.shape
    tokens = [(y, x) for y in range(height) for x in range(width)]
    size, shift = block.window_size[0], block.shift[0]
    padded = [-(-side // size) * size for side in (height, width)]

    def region(place):
        """The window on the map shifted cyclically, and the side of the map that the token came from."""
        moved = [(place[axis] - shift) % padded[axis] for axis in range(2)]
        return [each // size for each in moved], [place[axis] < shift for axis in range(2)]

    q, k = split(block.attn, block.norm1(x_BHWC[0].reshape(-1, channels)))
    table = block.attn.relative_position_bias_table.detach()

    def bias(query, key, head):
        (y, x), (key_y, key_x) = tokens[query], tokens[key]
        row = (y - key_y + size - 1) * (2 * size - 1) + (x - key_x + size - 1)
        return float(table[row, head])

    places = [(y * stride, x * stride) for y, x in tokens]
    return slow_mean(places, q, k, lambda query, key: region(tokens[query]) == region(tokens[key]), bias)


def slow_vit(block, x_BLC, size):
    height, width = size
    tokens = [(y, x) for y in range(height) for x in range(width)]
    normed_LC = block.norm1(x_BLC[0])[x_BLC.shape[1] - len(tokens) :]
    q, k = split(block.attn, normed_LC)
    window = block.window_size or size
    tables = [getattr(block.attn, f'rel_pos_{axis}', None) for axis in 'hw']

    def bias(query, key, head):
        if tables[0] is None:
            return 0.0
        total = 0.0
        for axis in range(2):
            # windows and tables are of one size here: no row is interpolated
            row = tokens[query][axis] - tokens[key][axis] + (len(tables[axis]) - 1) // 2
            total += float(q[head, query] @ tables[axis][row].detach())
        return total

    def sees(query, key):
        return all(tokens[query][axis] // window[axis] == tokens[key][axis] // window[axis] for axis in range(2))

    return slow_mean([(y * 8, x * 8) for y, x in tokens], q, k, sees, bias)


def test_swin_against_a_loop():
    """With padding and shifted windows, in both stages."""
    backbone = swin()
    blocks = [block for stage in backbone.layers for block in stage.blocks]
    found = attention_distances(backbone, images())
    assert [(each.level, each.stride) for each in found] == [(0, 4), (0, 4), (1, 8), (1, 8)]
    expected = [
        [slow_swin(block, *args, each.stride) for block, args, each in zip(blocks, entered, found, strict=True)]
        for entered in (inputs_of(backbone, blocks, image) for image in images())
    ]
    for each, *of_images in zip(found, *expected, strict=True):
        means = [sum(heads) / len(heads) for heads in zip(*of_images, strict=True)]
        assert each.heads == pytest.approx(means, rel=1e-4)


@pytest.mark.parametrize(
    'settings',
    [
        {},
        {'class_token': False},
        {'class_token': False, 'window_size': 3, 'global_blocks': (1,)},
        {'class_token': False, 'window_size': 3, 'global_blocks': (), 'relative_position': True},
    ],
)
def test_vit_against_a_loop(settings):
    backbone = vit(**settings)
    (image,) = images(1)
    found = attention_distances(backbone, [image])
    assert [(each.level, each.stride) for each in found] == [(0, 8), (1, 8), (1, 8)]
    for each, block, args in zip(found, backbone.blocks, inputs_of(backbone, backbone.blocks, image), strict=True):
        assert each.heads == pytest.approx(slow_vit(block, *args), rel=1e-4)


def test_uniform_attention():
    """Without queries all keys weigh the same: the mean distance of two tokens of the map, by hand for each pair."""
    backbone = vit()
    for block in backbone.blocks:
        torch.nn.init.zeros_(block.attn.qkv.weight)
        torch.nn.init.zeros_(block.attn.qkv.bias)
    tokens = [(y * 8, x * 8) for y in range(5) for x in range(7)]
    expected = sum(math.dist(a, b) for a in tokens for b in tokens) / len(tokens) ** 2
    for each in attention_distances(backbone, images()):
        assert each.heads == pytest.approx([expected] * 3)
        assert each.mean == pytest.approx(expected)


def test_one_hot_attention():
    """Each head looks at one neighbour: two rows down, or one to the right; at itself where there is none."""
    height, width = 4, 6
    places = torch.tensor([(y * 16.0, x * 16.0) for y in range(height) for x in range(width)])
    bias = torch.full((2, 24, 24), -1e4)
    for y in range(height):
        for x in range(width):
            bias[0, y * width + x, min(y + 2, 3) * width + x] = 0
            bias[1, y * width + x, y * width + min(x + 1, 5)] = 0
    q = k = torch.zeros(1, 2, 24, 5)
    sums = distance_sums(q, k, bias, places, None)
    # down: rows 0 and 1 by two, row 2 by one; right: five of six columns
    assert sums.tolist() == pytest.approx([6 * 16 * (2 + 2 + 1), 4 * 16 * 5])
    real = torch.ones(1, 24, dtype=torch.bool)
    real[0, 18:] = False  # the last row is padding: no query, and row 1 and 2 cannot look at it, but equally at all
    assert distance_sums(q, k, torch.zeros(2, 24, 24), places, real).tolist() == pytest.approx(
        [sum(math.dist(a, b) for a in places[:18].tolist() for b in places[:18].tolist()) / 18] * 2
    )


def test_parts_of_the_queries(monkeypatch):
    """Worked on in parts, the sums are the same."""
    generator = torch.Generator().manual_seed(2)
    q, k = (torch.randn(3, 2, 20, 4, generator=generator) for _ in range(2))
    bias, places = torch.randn(3, 2, 20, 20, generator=generator), torch.rand(20, 2, generator=generator)
    real = torch.rand(3, 20, generator=generator) > 0.3
    whole = distance_sums(q, k, bias, places, real)
    monkeypatch.setattr('swin_dense.comparison.attention_distances._QUERIES', 7)
    assert distance_sums(q, k, bias, places, real).tolist() == pytest.approx(whole.tolist())


def test_backbones_are_left_as_they_were():
    backbone = swin()
    (image,) = images(1)
    before = [level.detach() for level in backbone(image)]
    attention_distances(backbone, [image])
    assert all(torch.equal(a, b) for a, b in zip(before, backbone(image), strict=True))
    attentions = [block.attn for stage in backbone.layers for block in stage.blocks]
    assert all('attend' not in vars(attention) for attention in attentions)
    assert not any(block._forward_pre_hooks for stage in backbone.layers for block in stage.blocks)


def test_stages_that_are_not_returned():
    backbone = SwinTransformer(
        arch={'embed_dims': 8, 'depths': (1, 1), 'num_heads': (2, 2), 'window_size': 3}, out_indices=(1,)
    ).eval()
    assert [each.level for each in attention_distances(backbone, images(1))] == [None, 0]


def test_without_attention():
    shift = ShiftViT(arch={'embed_dims': 12, 'depths': (1, 1, 1, 1), 'mlp_ratio': 2, 'n_div': 12})
    assert attention_distances(shift.eval(), images(1)) == []
    assert attention_distances(torch.nn.Conv2d(3, 3, 1), images(1)) == []
