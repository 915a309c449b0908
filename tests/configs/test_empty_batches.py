"""A batch without objects: every detector trains on it, alone and beside a process whose batch has some.

Where a head leaves out its loss for such a batch, or gives a zero that no parameter is part of, training in several
processes waits without end or stops with an error.
"""

import copy
import datetime
import gc
import logging
import warnings

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.model import MMDistributedDataParallel, revert_sync_batchnorm
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from torch import distributed, multiprocessing

from swin_dense.engine.settings import load_config, restored_scope
from tests.configs.narrow import PAIRS, demo_dataset, narrowed
from tests.configs.recipes import CONFIGS

pytestmark = pytest.mark.filterwarnings('ignore')
# heads do not know the backbone: each detector once
DETECTORS = {name: (family, leaf) for (family, name), leaf in reversed(PAIRS.items()) if 'upernet' not in name}


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def build(name, demo):
    """A narrow model with its optimiser, a batch with objects, and the same images without."""
    family, leaf = DETECTORS[name]
    cfg = load_config(CONFIGS / f'{leaf}.py')
    with restored_scope(), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        init_default_scope(cfg.default_scope)
        dataset = demo_dataset(cfg, demo)
        torch.manual_seed(0)
        model = revert_sync_batchnorm(MODELS.build(narrowed(cfg, family))).train()
        model.init_weights()
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    samples = [dataset[index] for index in range(len(dataset))]
    with_objects = [sample for sample in samples if len(sample['data_samples'].gt_instances)][:2]
    return (
        model,
        wrapper,
        pseudo_collate(with_objects),
        pseudo_collate([without_objects(each) for each in with_objects]),
    )


def without_objects(sample):
    sample = copy.deepcopy(sample)
    instances = sample['data_samples'].gt_instances
    sample['data_samples'].gt_instances = instances[torch.zeros(len(instances), dtype=torch.bool)]
    return sample


def losses_of(model, batch):
    return model(**model.data_preprocessor(copy.deepcopy(batch), True), mode='loss')


def tensors(losses):
    for name, value in losses.items():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            if 'loss' in name:
                yield name, each


def test_all_detectors_are_here():
    assert set(DETECTORS) == {
        'mask_rcnn_fpn', 'cascade_mask_rcnn_fpn', 'htc_fpn', 'atss_fpn', 'reppoints_fpn', 'retinanet_fpn',
        'sparse_rcnn_fpn', 'mask_rcnn_vitdet',
    }  # fmt: skip


@pytest.mark.parametrize('name', DETECTORS)
def test_a_step_without_objects(name, demo):
    model, wrapper, objects, empty = build(name, demo)
    with torch.no_grad():
        usual = losses_of(model, objects)
    losses = losses_of(model, empty)
    assert set(losses) == set(usual)
    for key, value in tensors(losses):
        assert value.isfinite().all(), key
        assert value.requires_grad, key
    before = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    logged = model.train_step(empty, wrapper)
    assert logged['loss'].isfinite()
    trained = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
    assert {key for key, parameter in model.named_parameters() if parameter in wrapper.optimizer.state} == trained
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert any(not torch.equal(parameter, before[key]) for key, parameter in model.named_parameters())


def train_in_a_process(rank, folder, demo):
    """Two steps of every detector in one of two processes, of which the second sees no objects."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        'gloo',
        init_method=f'file://{folder}/store',
        rank=rank,
        world_size=2,
        timeout=datetime.timedelta(seconds=60),  # of waiting for the other
    )
    for name in DETECTORS:
        model, wrapper, objects, empty = build(name, demo)
        parallel = MMDistributedDataParallel(model, broadcast_buffers=False, find_unused_parameters=False)
        for _ in range(2):  # the second fails where the first left a parameter without a gradient
            logged = parallel.train_step(empty if rank else objects, wrapper)
        torch.save({'loss': logged['loss'], **dict(model.named_parameters())}, f'{folder}/{name}_{rank}.pth')
    distributed.destroy_process_group()
    gc.collect()


@pytest.mark.slow
def test_beside_a_process_with_objects(demo, tmp_path):
    multiprocessing.start_processes(train_in_a_process, args=(str(tmp_path), demo), nprocs=2, start_method='fork')
    for name in DETECTORS:
        first, second = (torch.load(tmp_path / f'{name}_{rank}.pth', weights_only=False) for rank in range(2))
        assert first.pop('loss').isfinite()
        assert second.pop('loss').isfinite()
        assert all(torch.equal(value, second[key]) for key, value in first.items()), name
