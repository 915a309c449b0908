"""--cfg-options and config keys: what changes nothing is refused, with the nearest key that would."""

import pytest
from mmengine.config import Config

from swin_dense.engine.config_options import merge_options
from swin_dense.engine.settings import changes, load_config, recipe, recipe_hash
from tests.engine.toys import toy_config


def config(**extra):
    cfg = toy_config('w', epochs=2)
    pipeline = [{'type': 'LoadImageFromFile'}, {'type': 'Resize', 'scale': (8, 9)}]
    cfg.merge_from_dict({'train_pipeline': pipeline, 'train_dataloader.dataset.pipeline': pipeline, **extra})
    return cfg


@pytest.mark.parametrize(
    ('key', 'value', 'read'),
    [
        ('train_cfg.max_epochs', 5, lambda cfg: cfg.train_cfg.max_epochs),
        (
            'train_dataloader.dataset.pipeline.1.scale',
            (1, 2),
            lambda cfg: cfg.train_dataloader.dataset.pipeline[1].scale,
        ),
        ('model.sync_bn', True, lambda cfg: cfg.model.sync_bn),  # not in the config: an argument of the class
        ('optim_wrapper.optimizer.amsgrad', True, lambda cfg: cfg.optim_wrapper.optimizer.amsgrad),
        ('default_hooks.checkpoint.save_best', 'toy/mean', lambda cfg: cfg.default_hooks.checkpoint.save_best),
        ('optim_wrapper.paramwise_cfg.layer_decay', 0.7, lambda cfg: cfg.optim_wrapper.paramwise_cfg.layer_decay),
        ('load_from', 'a.pth', lambda cfg: cfg.load_from),  # not in the config: an argument of the runner
        ('find_unused_parameters', True, lambda cfg: cfg.find_unused_parameters),
        ('train_dataloader.sampler.seed', 5, lambda cfg: cfg.train_dataloader.sampler.seed),
    ],
)
def test_what_is_read_is_merged(key, value, read):
    cfg = config()
    merge_options(cfg, {key: value})
    assert read(cfg) == value


@pytest.mark.parametrize(
    ('key', 'message'),
    [
        ('trian_cfg.max_epochs', r"no such key. Did you mean 'train_cfg.max_epochs'"),
        ('train_cfg.max_epoch', r"train_cfg \(type='swin_dense.EpochTrainLoop'\).*Did you mean 'train_cfg.max_epochs'"),
        ('optim_wrapper.optimizer.learning_rate', r"type='AdamW'"),
        ('optim_wrapper.optimizer.lr.x', 'is 0.02, which has no keys'),
        ('train_dataloader.dataset.pipeline.7.scale', 'is a list of 2'),
        ('randomness.sede', "Did you mean 'randomness.seed'"),
        ('train_pipeline.1.scale', r'variable of the config file.*copied into train_dataloader.dataset.pipeline'),
    ],
)
def test_what_nothing_reads_is_an_error(key, message):
    cfg = config()
    with pytest.raises(ValueError, match=message):
        merge_options(cfg, {key: 1})
    assert cfg.to_dict() == config().to_dict()


@pytest.mark.parametrize('key', ['trian_dataloader', 'optim_wraper', 'param_schedulers'])
def test_misspelt_keys_of_a_config_are_errors(key):
    cfg = config()
    cfg[key] = {}
    with pytest.raises(ValueError, match=f'nothing reads the key {key!r}. Did you mean'):
        merge_options(cfg, None)


def test_variables_of_a_config_are_allowed():
    cfg = config(train_transforms=1, classes=('a',), backbone=1, data_root='x', vis_backends=[], crop_size=(1, 2))
    merge_options(cfg, None)


def test_custom_imports_beside_the_config(tmp_path):
    (tmp_path / 'beside_it.py').write_text('LOADED = True\n')
    (tmp_path / 'c.py').write_text("custom_imports = dict(imports=['beside_it'])\n")
    import sys

    before = list(sys.path)
    load_config(tmp_path / 'c.py')
    assert sys.modules.pop('beside_it').LOADED
    assert sys.path == before


def test_a_recipe_is_what_decides_on_the_result():
    first, second = config(), config()
    second.work_dir, second.resume, second.train_pipeline = 'elsewhere', True, []
    known = set(first.keys()) - {'train_pipeline'}
    assert recipe_hash(recipe(first, known)) == recipe_hash(recipe(second, known))
    second.optim_wrapper.optimizer.lr = 0.01
    assert recipe_hash(recipe(first, known)) != recipe_hash(recipe(second, known))
    assert changes(recipe(first, known), recipe(second, known)) == ['optim_wrapper.optimizer.lr: 0.02 -> 0.01']


def test_changes_name_what_came_and_went():
    old = {'a': {'b': 1, 'c': (1, 2)}, 'l': [{'x': 1}, {'x': 2}]}
    new = {'a': {'c': [1, 2], 'd': None}, 'l': [{'x': 1}]}
    assert changes(old, new) == ['a.b: 1 is gone', 'a.d: None is new', 'l.1.x: 2 is gone']


def test_shipped_schedules_are_read_by_the_runner():
    for name in ('adamw_12_epochs', 'adamw_36_epochs', 'adamw_160k_iters'):
        merge_options(Config.fromfile(f'configs/_base_/schedules/{name}.py'), None)
