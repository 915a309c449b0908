"""Channels-last norms against torch's of channels-first maps."""

import pytest
import torch
from torch import nn

from swin_dense.layers.norms import NORMS, GroupNorm1


def randomized(norm):
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.add_(torch.randn_like(parameter))
    return norm


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize(
    ('ours', 'theirs'),
    [(NORMS['group'](6), nn.GroupNorm(1, 6)), (NORMS['batch'](6), nn.BatchNorm2d(6))],
    ids=['group', 'batch'],
)
def test_values(ours, theirs, training):
    randomized(ours).train(training)
    theirs.load_state_dict({name.removeprefix('norm.'): value for name, value in ours.state_dict().items()})
    theirs.train(training)
    x = torch.randn(3, 5, 7, 6) * 2 + 1
    expected = theirs(x.permute(0, 3, 1, 2).contiguous()).permute(0, 2, 3, 1)
    torch.testing.assert_close(ours(x), expected)


@pytest.mark.parametrize('size', [(5, 7), (1, 1)], ids=str)
@pytest.mark.parametrize('order', ['channels last', 'channels first'])
def test_gradients(size, order):
    norm, x = randomized(GroupNorm1(6)).double(), torch.randn(3, *size, 6, dtype=torch.float64)
    if order == 'channels first':
        x = x.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    parameters = tuple(norm.parameters())
    weight = torch.randn_like(x)

    def gradients(normed, inputs):
        return torch.autograd.grad((normed * weight).sum(), inputs)

    plain = nn.functional.group_norm(x.requires_grad_().permute(0, 3, 1, 2).contiguous(), 1, *parameters)
    expected = gradients(plain.permute(0, 2, 3, 1), (x, *parameters))
    torch.testing.assert_close(gradients(norm(x), (x, *parameters)), expected)
    # after frozen layers: with torch's own backward pass the process ends here
    torch.testing.assert_close(gradients(norm(x.detach()), parameters), expected[1:])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.bfloat16])
def test_moments_give_the_same(dtype):
    norm = randomized(GroupNorm1(6))
    x = (torch.randn(3, 5, 7, 6) * 2 + 10).to(dtype)
    norm = norm.to(torch.promote_types(dtype, torch.float32))
    actual = norm.by_moments(x)
    assert actual.dtype == dtype
    exact = norm(x.to(norm.weight.dtype)).to(dtype)
    torch.testing.assert_close(actual, exact, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-4)
