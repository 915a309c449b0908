"""Window attention against torch's own attention, differentiated by autograd."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from swin_dense.layers import packed_attention as packed_module
from swin_dense.layers.attention import WindowAttention, relative_position_index
from swin_dense.layers.packed_attention import packed_attention
from swin_dense.layers.windows import WindowGroup, window_layout


@pytest.fixture(params=[1, 64 * 6**2], ids=['a window a tile', 'all in one tile'])
def _tiles(request, monkeypatch):
    monkeypatch.setattr(packed_module, 'MAP_VALUES_PER_THREAD', request.param)


def example(dtype):
    """7 windows of 6 tokens, 3 heads of 4 channels, in three groups of which two have a mask."""
    torch.manual_seed(0)
    masks = [None, *(torch.randint(2, (6, 6)) * -100.0 * (1 - torch.eye(6)) for _ in range(2))]
    stops = [0, 3, 4, 7]
    groups = tuple(WindowGroup(stops[i], stops[i + 1], mask) for i, mask in enumerate(masks))
    qkv = torch.randn(7, 6, 3, 3, 4, dtype=dtype, requires_grad=True)
    bias = torch.randn(3, 6, 6, dtype=dtype, requires_grad=True)
    return qkv, bias, groups


def plain_attention(qkv, bias, groups):
    q, k, v = qkv.permute(2, 0, 3, 1, 4)
    masks = [torch.zeros(6, 6) if g.mask is None else g.mask for g in groups for _ in range(g.start, g.stop)]
    with sdpa_kernel(SDPBackend.MATH):
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias + torch.stack(masks).to(bias)[:, None])
    return attended.transpose(1, 2).flatten(2)


@pytest.mark.usefixtures('_tiles')
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_values_and_gradients(dtype):
    qkv, bias, groups = example(dtype)
    weight = torch.randn(7, 6, 12, dtype=dtype)
    results = []
    for attention in (packed_attention, plain_attention):
        output = attention(qkv, bias, groups)
        results.append((output, *torch.autograd.grad((output * weight).sum(), (qkv, bias))))
    torch.testing.assert_close(results[0], results[1], rtol=1e-5, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(packed_attention(qkv, bias, groups), results[1][0], rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures('_tiles')
def test_gradcheck():
    qkv, bias, groups = example(torch.float64)
    torch.autograd.gradcheck(lambda qkv, bias: packed_attention(qkv, bias, groups), (qkv, bias), fast_mode=True)


@pytest.mark.parametrize('emulated', [True, False])
def test_gradients_in_bfloat16_are_rounded_ones(monkeypatch, emulated):
    monkeypatch.setattr(packed_module, 'cpu_emulates_bfloat16', lambda: emulated)
    qkv, bias, groups = example(torch.float32)
    rounded = [x.detach().bfloat16().requires_grad_() for x in (qkv, bias)]
    expected = torch.autograd.grad(plain_attention(*(x.float() for x in rounded), groups).square().sum(), rounded)
    actual = torch.autograd.grad(packed_attention(*rounded, groups).float().square().sum(), rounded)
    assert all(x.dtype == torch.bfloat16 for x in actual)
    for x, y in zip(actual, expected, strict=True):
        assert (x - y).abs().max() < 0.03 * y.abs().max()


@pytest.mark.parametrize('window_size', [(7, 7), (3, 5), (2, 3, 5)])
def test_relative_position_index_is_a_table_of_offsets(window_size):
    index = relative_position_index(window_size, torch.device('cpu'))
    offsets = list(itertools.product(*(range(1 - side, side) for side in window_size)))
    tokens = list(itertools.product(*(range(side) for side in window_size)))
    assert index.shape == (len(tokens), len(tokens))
    for query, key in itertools.product(range(len(tokens)), repeat=2):
        offset = tuple(q - k for q, k in zip(tokens[query], tokens[key], strict=True))
        assert offsets[index[query, key]] == offset


@pytest.mark.parametrize('within', [(2, 2, 5), (1, 3, 4), (1, 1, 1)])
def test_smaller_windows_have_their_true_offsets(within):
    whole, index = (relative_position_index((2, 3, 5), torch.device('cpu'), within=size) for size in (None, within))
    inside = torch.zeros(2, 3, 5, dtype=torch.bool)
    inside[: within[0], : within[1], : within[2]] = True
    assert torch.equal(index, whole[inside.flatten()][:, inside.flatten()])


def test_traced_attention_is_the_same():
    torch.manual_seed(0)
    attention = WindowAttention(channels=8, num_heads=2, window_size=(3, 3))
    torch.nn.init.normal_(attention.relative_position_bias_table)
    layout = window_layout(2, (5, 8), (3, 3), (1, 1), torch.device('cpu'))
    windows = layout.partition(torch.randn(2, 5, 8, 8)).unflatten(0, (-1, 9))
    zeros = torch.zeros(9, 9)
    mask = torch.stack([zeros if g.mask is None else g.mask for g in layout.groups for _ in range(g.start, g.stop)])
    expected = attention.attend(windows, layout.groups, attention.position_bias())
    torch.testing.assert_close(
        attention.attend_traced(windows, attention.position_bias(), mask), expected, rtol=1e-5, atol=1e-5
    )


def test_heads_divide_channels():
    with pytest.raises(ValueError, match=r'num_heads must divide .*10 % 4'):
        WindowAttention(channels=10, num_heads=4, window_size=(7, 7))
