"""Which parameters decay, and rates of drop path, by the rules of the official classification code."""

import numpy as np
import pytest
import torch

from swin_dense.classification.repeated_sampler import RepeatedSampler
from swin_dense.engine.parameter_groups import ParameterGroups
from swin_dense.layers.drop_path import ResidualDropPath
from swin_dense.quiet import quiet_imports
from tests.configs.recipes import read

with quiet_imports():
    from swin_dense.costs.models import build_model

LEAVES = {
    'swin/classifier_swin_tiny_imagenet1k_300_epochs': ((2, 2, 6, 2), 0.2),
    'shift_vit/classifier_shift_vit_tiny_imagenet1k_300_epochs': ((6, 8, 18, 6), 0.2),
    'vit/classifier_deit_small_imagenet1k_300_epochs': ((12,), 0.1),
    'resnet/classifier_resnet_50_imagenet1k_300_epochs': ((), None),
}
# no_weight_decay() and no_weight_decay_keywords() of the official models
NEVER = ('absolute_pos_embed', 'relative_position_bias_table', 'pos_embed', 'cls_token')


def decays(leaf):
    """Name of a parameter -> weight decay that it gets."""
    cfg = read(leaf)
    model = build_model(cfg, 'meta')
    wrapper = cfg.optim_wrapper.to_dict()
    groups = ParameterGroups(
        {'optimizer': wrapper['optimizer']}, wrapper['paramwise_cfg']
    ).groups(model)  # fmt: skip
    by_parameter = {id(parameter): group['weight_decay'] for group in groups for parameter in group['params']}
    return {name: (parameter, by_parameter[id(parameter)]) for name, parameter in model.named_parameters()}


@pytest.mark.parametrize('leaf', LEAVES)
def test_decay(leaf):
    """set_weight_decay of Swin and add_weight_decay of timm: none on vectors, biases, and what a model names."""
    found = decays(leaf)
    assert len(found) > 50
    for name, (parameter, decay) in found.items():
        is_free = parameter.ndim <= 1 or name.endswith('.bias') or any(each in name for each in NEVER)
        assert decay == (0.0 if is_free else 0.05), name


def test_resnets_decay_everything():
    assert {decay for _, decay in decays('resnet/classifier_resnet_50_imagenet1k_90_epochs').values()} == {1e-4}
    with pytest.raises(ValueError, match='says the opposite'):
        ParameterGroups({'optimizer': {'type': 'SGD', 'lr': 1}}, {'decay_all': True, 'no_decay_on_vectors': True})


@pytest.mark.parametrize('leaf', [leaf for leaf, (depths, _) in LEAVES.items() if depths])
def test_drop_path(leaf):
    """torch.linspace(0, rate, blocks) over all blocks in their order, on every branch of a block."""
    depths, rate = LEAVES[leaf]
    model = build_model(read(leaf), 'meta')
    expected = np.linspace(0, rate, sum(depths))
    stages = [stage.blocks for stage in model.backbone.layers] if len(depths) > 1 else [model.backbone.blocks]
    blocks = [block for stage in stages for block in stage]
    assert [len(stage) for stage in stages] == list(depths)
    for block, wanted in zip(blocks, expected, strict=True):
        rates = [module.rate for module in block.modules() if isinstance(module, ResidualDropPath)]
        assert rates
        assert rates == pytest.approx([wanted] * len(rates), abs=1e-7)


def official_repeats(size, *, world, rank, seed, epoch):
    """RASampler of DeiT, as a loop."""
    generator = torch.Generator().manual_seed(seed + epoch)
    row = [index for index in torch.randperm(size, generator=generator).tolist() for _ in range(3)]
    num_samples = int(np.ceil(size * 3 / world))
    row += row[: num_samples * world - len(row)]
    selected = int(size // 256 * 256 / world)
    return row[rank::world][:selected]


@pytest.mark.parametrize(('size', 'world'), [(1000, 1), (1000, 4), (777, 8), (513, 3)])
def test_repeated_augmentation(size, world, monkeypatch):
    by_rank = []
    for rank in range(world):
        monkeypatch.setattr('swin_dense.classification.repeated_sampler.get_dist_info', lambda rank=rank: (rank, world))
        sampler = RepeatedSampler(range(size), seed=5)
        sampler.set_epoch(2)
        found = list(sampler)
        assert found == official_repeats(size, world=world, rank=rank, seed=5, epoch=2)
        assert len(found) == len(sampler)
        by_rank.append(found)
        sampler.set_epoch(3)
        assert list(sampler) != found
    if world == 4:  # copies of an image are on neighbouring processes
        assert by_rank[0][0] == by_rank[1][0] == by_rank[2][0] != by_rank[3][0]


def test_repeats_say_what_is_wrong(monkeypatch):
    assert len(RepeatedSampler(range(10), seed=0)) == 10
    with pytest.raises(ValueError, match='num_repeats'):
        RepeatedSampler(range(10), num_repeats=0)
    with pytest.raises(ValueError, match='shuffle=False'):
        RepeatedSampler(range(10), shuffle=False)
    monkeypatch.setattr('swin_dense.classification.repeated_sampler.get_dist_info', lambda: (0, 8))
    with pytest.raises(ValueError, match='3 images are too few for 8 processes'):
        RepeatedSampler(range(3), seed=0)
