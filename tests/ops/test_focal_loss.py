"""Focal losses against the formula of the paper, differentiated by autograd in float64."""

import pytest
import torch
from mmcv import ops
from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss
from torch.nn.functional import one_hot

CLASSES = 5
WEIGHT = torch.tensor([0.5, 1.0, 2.0, 0.1, 3.0], dtype=torch.float64)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sigmoid_formula(logits, target, weight, gamma, alpha):
    positive = one_hot(target, CLASSES + 1)[:, :CLASSES].bool()
    p = torch.sigmoid(logits)
    loss = torch.where(positive, -alpha * (1 - p) ** gamma * p.log(), -(1 - alpha) * p**gamma * (1 - p).log())
    return loss if weight is None else loss * torch.cat([weight, weight.new_ones(1)])[target][:, None]


def softmax_formula(logits, target, weight, gamma, alpha):
    p = logits.softmax(dim=1).gather(1, target[:, None])[:, 0]
    loss = -alpha * (1 - p) ** gamma * p.log()
    return loss if weight is None else loss * weight[target]


CASES = {
    'sigmoid': (ops.sigmoid_focal_loss, sigmoid_formula, torch.tensor([0, 4, 5, 2, 5, 1, 3])),  # 5 is background
    'softmax': (ops.softmax_focal_loss, softmax_formula, torch.tensor([0, 4, 1, 2, 2, 1, 3])),
}


@pytest.mark.parametrize('gamma', [0.0, 0.5, 2.0])
@pytest.mark.parametrize('weight', [None, WEIGHT])
@pytest.mark.parametrize('reduction', ['none', 'sum', 'mean'])
@pytest.mark.parametrize('kind', CASES)
def test_focal_loss(kind, reduction, weight, gamma):
    function, formula, target = CASES[kind]
    logits = 3 * draw(len(target), CLASSES)
    leaf, expected_leaf = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    output = function(leaf, target, gamma, 0.3, weight, reduction)
    expected = formula(expected_leaf, target, weight, gamma, 0.3)
    if reduction != 'none':
        expected = expected.sum() / (len(target) if reduction == 'mean' else 1)
    torch.testing.assert_close(output, expected)
    if reduction != 'none' or kind == 'sigmoid':  # mmcv multiplies (N, C) by (N,) otherwise
        grad_output = draw(*output.shape, seed=1)
        output.backward(grad_output)
        expected.backward(grad_output)
        torch.testing.assert_close(leaf.grad, expected_leaf.grad)


@pytest.mark.parametrize('kind', CASES)
def test_gradient(kind):
    function, _, target = CASES[kind]
    logits = draw(len(target), CLASSES).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: function(x, target, 2.0, 0.25, None, 'sum'), logits)


def test_like_the_python_version_of_mmdet():
    target = CASES['sigmoid'][2]
    logits = 4 * draw(len(target), CLASSES).float()
    expected = py_sigmoid_focal_loss(logits, one_hot(target, CLASSES + 1)[:, :CLASSES].float(), reduction='none')
    torch.testing.assert_close(ops.sigmoid_focal_loss(logits, target, 2.0, 0.25, None, 'none'), expected)


@pytest.mark.parametrize('kind', CASES)
def test_extreme_logits_stay_finite(kind):
    function, _, target = CASES[kind]
    logits = (1000 * draw(len(target), CLASSES).float()).requires_grad_()
    loss = function(logits, target, 2.0, 0.25, None, 'sum')
    loss.backward()
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    # sure and wrong: the gradient is that of cross entropy, not lost where sigmoid or softmax saturate
    assert logits.grad.max() == (0.75 if kind == 'sigmoid' else 0.25)
    assert logits.grad.min() == -0.25


def test_certainty_near_one_is_not_rounded_away():
    """1 - p is 2e-9 here, less than float32 holds below 1."""
    logits = torch.tensor([[20.0]], requires_grad=True)
    loss = ops.sigmoid_focal_loss(logits, torch.tensor([0]), 0.0, 1.0, None, 'sum')
    loss.backward()
    torch.testing.assert_close(loss.detach(), torch.tensor(2.0611536e-09))
    torch.testing.assert_close(logits.grad, torch.tensor([[-2.0611536e-09]]))


@pytest.mark.parametrize('kind', CASES)
@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision(kind, dtype):
    function, _, target = CASES[kind]
    logits = (3 * draw(len(target), CLASSES)).to(dtype)
    output = function(logits, target, 2.0, 0.25, None, 'none')
    assert output.dtype == dtype
    expected = function(logits.double(), target, 2.0, 0.25, None, 'none')
    # mmcv itself computes the softmax in half precision, before the operator is called
    tolerance = {} if kind == 'sigmoid' else {'rtol': 0.05, 'atol': 0.01}
    torch.testing.assert_close(output, expected.to(dtype), **tolerance)


@pytest.mark.parametrize('kind', CASES)
def test_no_elements(kind):
    logits = torch.zeros(0, CLASSES, requires_grad=True)
    loss = CASES[kind][0](logits, torch.zeros(0, dtype=torch.long), 2.0, 0.25, None, 'sum')
    loss.backward()
    assert loss == 0
    assert logits.grad.shape == (0, CLASSES)
