"""What counts as one recipe, on configs of the zoo and of the demo."""

import copy
from pathlib import Path

import pytest
from mmengine.config import Config

from swin_dense.comparison.recipes import (
    ABSENT,
    differences,
    refuse_other_recipes,
    unused_allowances,
)
from swin_dense.engine import fingerprints
from swin_dense.engine.config_options import RUNNER_KEYS
from swin_dense.engine.settings import load_config, recipe

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
DEMO = CONFIGS / 'demo' / 'mask_rcnn_swin_demo.py'


def shared_recipe(cfg):
    return fingerprints.shared_recipe(recipe(cfg, RUNNER_KEYS))


def recipe_fingerprint(cfg):
    return fingerprints.recipe_fingerprint(recipe(cfg, RUNNER_KEYS))


@pytest.fixture(scope='module')
def demo():
    return load_config(DEMO)


def changed(cfg, **options):
    other = copy.deepcopy(cfg)
    other.merge_from_dict({key.replace('__', '.'): value for key, value in options.items()})
    return other


@pytest.mark.parametrize(
    'options',
    [
        {'model__backbone__arch__depths': [1, 1]},
        {'model__backbone': {'_delete_': True, 'type': 'ResNet', 'depth': 18}, 'model__neck__in_channels': [64, 128]},
        {'model__backbone__init_cfg': None},
        {'randomness__seed': 7},
        {'train_dataloader__num_workers': 0, 'val_dataloader__batch_size': 4, 'train_cfg__val_interval': 3},
        {'train_dataloader__dataset__data_root': 'elsewhere/', 'test_dataloader__dataset__ann_file': 'val.json'},
        {
            'default_hooks__logger__interval': 1,
            'default_hooks__checkpoint__interval': 1,
            'work_dir': 'w',
            'custom_hooks': [],
        },
        {'my_own_variable': 3},
    ],
    ids=str,
)
def test_what_is_no_part_of_the_recipe(demo, options):
    assert recipe_fingerprint(changed(demo, **options)) == recipe_fingerprint(demo)
    assert differences([shared_recipe(demo), shared_recipe(changed(demo, **options))]) == []


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('test_dataloader.dataset.pipeline.1.scale', (320, 240)),
        ('train_dataloader.dataset.pipeline.2.scale', (320, 240)),
        ('train_dataloader.batch_size', 4),
        ('test_dataloader.batch_size', 4),
        ('train_dataloader.dataset.metainfo.classes', ['ring', 'square']),
        ('train_cfg.max_iters', 100),
        ('param_scheduler.1.end', 399),
        ('optim_wrapper.optimizer.lr', 1e-3),
        ('model.neck.out_channels', 32),
        ('model.test_cfg.rcnn.score_thr', 0.1),
        ('model.data_preprocessor.pad_size_divisor', 64),
        ('custom_hooks', [{'type': 'EMAHook'}]),
        ('randomness.deterministic', True),
        ('test_evaluator.metric', ['bbox']),
    ],
)
def test_what_is(demo, key, value):
    other = changed(demo, **{key: value})
    assert recipe_fingerprint(other) != recipe_fingerprint(demo)
    found = differences([shared_recipe(demo), shared_recipe(other)])
    assert found
    assert all(each.key == key or each.key.startswith(f'{key}.') for each in found)
    with pytest.raises(ValueError, match='more than their backbone') as caught:
        refuse_other_recipes(found, ['first', 'second'])
    assert f'--allow {key}' in str(caught.value)
    assert 'first' in str(caught.value)
    assert 'second' in str(caught.value)
    found = differences([shared_recipe(demo), shared_recipe(other)], allowed=[key])
    assert [each.allowed for each in found] == [True] * len(found)
    refuse_other_recipes(found, ['first', 'second'])


def test_what_one_config_lacks(demo):
    other = changed(demo, optim_wrapper__accumulative_counts=2)
    (found,) = differences([shared_recipe(demo), shared_recipe(other), shared_recipe(demo)])
    assert (found.key, found.values) == ('optim_wrapper.accumulative_counts', (ABSENT, 2, ABSENT))


def test_allowances_without_use(demo):
    found = differences([shared_recipe(demo), shared_recipe(changed(demo, train_cfg__max_iters=1))])
    assert unused_allowances(found, ['train_cfg', 'optim_wraper']) == ['optim_wraper']


def test_backbones_of_the_zoo_share_the_papers_recipe():
    names = ['swin/mask_rcnn_swin_tiny_coco_3x.py', 'shift_vit/mask_rcnn_shift_vit_tiny_coco_3x.py']
    recipes = [shared_recipe(load_config(CONFIGS / name)) for name in names]
    assert differences(recipes) == []


def test_true_is_not_one():
    found = differences([shared_recipe(Config({'optim_wrapper': {'x': value}})) for value in (True, 1)])
    assert [each.key for each in found] == ['optim_wrapper.x']
