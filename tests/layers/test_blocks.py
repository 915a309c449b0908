"""Patches, perceptron, linear layers, stochastic depth and tables against plain formulations."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from swin_dense.layers import linear as linear_module
from swin_dense.layers import mlp as mlp_module
from swin_dense.layers import tiles as tiles_module
from swin_dense.layers.attention import WindowAttention
from swin_dense.layers.cache import cached_table
from swin_dense.layers.drop_path import ResidualDropPath
from swin_dense.layers.mlp import MLP
from swin_dense.layers.patches import PatchEmbedding, PatchMerging, initialize_transformer_weights
from swin_dense.layers.tiles import mlp_residual_, window_attention_residual
from swin_dense.layers.windows import window_layout


def randomized(module):
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


@pytest.mark.parametrize('size', [(1, 1), (8, 12), (9, 14), (3, 11), (1, 1, 1), (5, 9, 14), (4, 3, 11)])
def test_patch_embedding_is_a_padded_convolution(size):
    patch, convolution = ((4, 4), F.conv2d) if len(size) == 2 else ((2, 4, 3), F.conv3d)
    embedding = randomized(PatchEmbedding(in_channels=5, channels=6, patch_size=patch, norm=nn.LayerNorm(6)))
    images = torch.randn(2, 5, *size)
    after = [-side % step for side, step in zip(size, patch, strict=True)]
    padded = F.pad(images, [pad for missing in reversed(after) for pad in (0, missing)])
    patches = convolution(padded, embedding.proj.weight, embedding.proj.bias, stride=patch)
    torch.testing.assert_close(embedding(images), embedding.norm(patches.movedim(1, -1)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('size', [(1, 1), (4, 6), (3, 5), (2, 7)])
def test_patch_merging_is_the_loop(size):
    merging = randomized(PatchMerging(channels=3))
    x = torch.randn(2, *size, 3)
    height, width = ((side + 1) // 2 for side in size)
    expected = torch.empty(2, height, width, 6)
    for row in range(height):
        for column in range(width):
            values = []
            for at in ((0, 0), (1, 0), (0, 1), (1, 1)):
                y, z = 2 * row + at[0], 2 * column + at[1]
                values.append(x[:, y, z] if y < size[0] and z < size[1] else torch.zeros(2, 3))
            neighbours = F.layer_norm(torch.cat(values, -1), (12,), merging.norm.weight, merging.norm.bias)
            expected[:, row, column] = neighbours @ merging.reduction.weight.T
    torch.testing.assert_close(merging(x), expected, rtol=1e-4, atol=1e-5)
    clips = torch.stack([x, 2 * x, -x], 1)  # frame by frame
    merged = torch.stack([expected, merging(2 * x), merging(-x)], 1)
    torch.testing.assert_close(merging(clips), merged, rtol=1e-4, atol=1e-5)


def test_initial_weights():
    torch.manual_seed(0)
    attention = WindowAttention(channels=64, num_heads=2, window_size=(7, 7)).apply(initialize_transformer_weights)
    for weight in (attention.qkv.weight, attention.relative_position_bias_table):
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert abs(weight.mean().item()) < 0.005
    assert torch.equal(attention.qkv.bias, torch.zeros(192))


@pytest.fixture
def _small_tiles(monkeypatch):
    """Several tiles, the last one smaller."""
    monkeypatch.setattr(mlp_module, 'ROWS_PER_THREAD', 7)
    monkeypatch.setattr(tiles_module, 'ROWS_PER_THREAD', 11)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def plain_mlp(mlp, x):
    hidden = F.gelu(F.linear(x, mlp.fc1.weight, mlp.fc1.bias))
    return F.linear(hidden, mlp.fc2.weight, mlp.fc2.bias)


@pytest.mark.usefixtures('_small_tiles')
def test_mlp_values_and_gradients():
    mlp = randomized(MLP(channels=5, hidden_channels=9))
    for x in (torch.randn(2, 3, 4, 5), torch.randn(2, 5, 3, 4).permute(0, 2, 3, 1)):
        x.requires_grad_()
        wanted = (x, *mlp.parameters())
        weight = torch.randn(2, 3, 4, 5)
        outputs = mlp(x), plain_mlp(mlp, x)
        gradients = [torch.autograd.grad((output * weight).sum(), wanted) for output in outputs]
        torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures('_small_tiles')
def test_mlp_gradcheck():
    mlp = randomized(MLP(channels=3, hidden_channels=4)).double()
    x = torch.randn(2, 9, 3, dtype=torch.float64, requires_grad=True)
    # MLP.forward takes its parameters from the module: perturbed in place by gradcheck
    torch.autograd.gradcheck(lambda x, *parameters: mlp(x), (x, *mlp.parameters()))


@pytest.mark.usefixtures('_small_tiles')
def test_mlp_in_bfloat16_autocast():
    mlp = randomized(MLP(channels=5, hidden_channels=9))
    x = torch.randn(20, 5, requires_grad=True)
    wanted = (x, *mlp.parameters())
    expected = torch.autograd.grad(plain_mlp(mlp, x).square().sum(), wanted)
    with torch.autocast('cpu', torch.bfloat16):
        output = mlp(x)
    assert output.dtype == torch.bfloat16
    for actual, true in zip(torch.autograd.grad(output.float().square().sum(), wanted), expected, strict=True):
        assert actual.dtype == torch.float32
        assert (actual - true).abs().max() < 0.03 * true.abs().max()


@pytest.mark.usefixtures('_small_tiles')
@pytest.mark.parametrize('size', [(9, 13), (3, 2)])
def test_tiles_are_the_plain_formulation(size):
    norm, mlp = randomized(nn.LayerNorm(8)), randomized(MLP(channels=8, hidden_channels=12))
    attention = randomized(WindowAttention(channels=8, num_heads=2, window_size=(4, 3)))
    layout = window_layout(2, size, (4, 3), (2, 1), torch.device('cpu'))
    x = torch.randn(2, *size, 8)
    windows = layout.partition(norm(x)).unflatten(0, (-1, 12))
    attended = attention.attend(windows, layout.groups, attention.position_bias())
    expected = x + attention.proj(layout.merge(attended.flatten(0, 1), x.shape[:3]))
    before = x.clone()
    with torch.inference_mode():
        torch.testing.assert_close(window_attention_residual(x, norm, attention, layout), expected)
        assert torch.equal(x, before)
        torch.testing.assert_close(mlp_residual_(x.clone(), norm, mlp), x + plain_mlp(mlp, norm(x)))


@pytest.mark.parametrize('emulated', [True, False])
@pytest.mark.parametrize('autocast', [True, False])
def test_bfloat16_products_are_rounded_float32_ones(monkeypatch, emulated, autocast):
    monkeypatch.setattr(linear_module, 'cpu_emulates_bfloat16', lambda: emulated)
    x, weight, bias = torch.randn(30, 64), torch.randn(20, 64), torch.randn(20)
    if not autocast:
        x, weight, bias = x.bfloat16(), weight.bfloat16(), bias.bfloat16()
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        actual = linear_module.linear(x, weight, bias)
    expected = F.linear(x.float(), weight.float(), bias.float())
    assert actual.dtype == torch.bfloat16
    assert (actual - expected).abs().max() < 0.02 * expected.abs().max()
    if emulated:
        # not only close: inputs are not rounded before the product
        assert torch.equal(actual, expected.bfloat16())


def test_linear_in_other_types_is_untouched():
    x, weight = torch.randn(3, 4), torch.randn(5, 4)
    assert torch.equal(linear_module.linear(x, weight, None), F.linear(x, weight))
    assert linear_module.linear(x.double(), weight.double(), None).dtype == torch.float64


def test_drop_path_drops_whole_samples_and_keeps_the_mean():
    torch.manual_seed(0)
    layer = ResidualDropPath(0.3)
    x, branch = torch.randn(4000, 2, 3), torch.randn(4000, 2, 3)
    added = layer(x, branch) - x
    kept = added.flatten(1).abs().amax(1) > 1e-6
    torch.testing.assert_close(added[kept], branch[kept] / 0.7, rtol=1e-4, atol=1e-5)
    assert kept.float().mean().item() == pytest.approx(0.7, abs=0.03)
    assert torch.equal(copy.deepcopy(layer).eval()(x, branch), x + branch)
    assert torch.equal(ResidualDropPath(0.0)(x, branch), x + branch)


@pytest.mark.parametrize('rate', [-0.1, 1, 1.5])
def test_drop_path_rate_is_a_probability_below_one(rate):
    with pytest.raises(ValueError, match=rf'in \[0, 1\); got {rate}'):
        ResidualDropPath(rate)


class TestCachedTable:
    @pytest.fixture
    def table(self):
        built = []

        @cached_table(max_entries=2)
        def ones(count, *, value=1.0):
            built.append(count)
            return torch.full((count,), value)

        ones.built = built
        return ones

    def test_builds_once_and_forgets_the_least_recently_used(self, table):
        assert table(1) is table(1)
        table(2)
        table(1)
        table(3)  # evicts 2
        table(1)
        assert table.built == [1, 2, 3]
        table(2)
        assert table.built == [1, 2, 3, 2]

    def test_keywords_are_part_of_the_key(self, table):
        assert table(1, value=2.0).item() == 2
        assert table(1, value=3.0).item() == 3

    def test_unhashable_arguments_are_an_error(self, table):
        with pytest.raises(TypeError, match='unhashable'):
            table([1])

    def test_tables_made_in_inference_serve_training(self, table):
        with torch.inference_mode():
            made = table(2)
        assert not made.is_inference()
        assert not made.requires_grad

    def test_tracers_neither_use_nor_fill_it(self, table):
        from torch.utils.flop_counter import FlopCounterMode

        kept = table(1)
        with FlopCounterMode(display=False):
            assert table(1) is not kept
            table(2)
        assert table.built == [1, 1, 2]
        table(2)
        assert table.built == [1, 1, 2, 2]
        compiled = torch.compile(lambda x: x + table(4), backend='eager', fullgraph=False)
        assert torch.equal(compiled(torch.zeros(4)), torch.ones(4))
        assert table(1) is kept
