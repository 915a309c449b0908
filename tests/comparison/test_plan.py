"""Which runs there are, and that configs with more than another backbone are refused with the key."""

import copy
from pathlib import Path

import pytest
from fake_runs import write_configs

from swin_dense.comparison.comparable import tell_differences
from swin_dense.comparison.plan import make_plan, unique_names

DEMO = Path(__file__).resolve().parents[2] / 'configs' / 'demo' / 'comparison'
SWIN, RESNET, SWIN_BOXES = (DEMO / name for name in ('upernet_swin.py', 'upernet_resnet.py', 'mask_rcnn_swin.py'))


def changed(tmp_path, text, base=RESNET):
    path = tmp_path / 'changed.py'
    path.write_text(f'_base_ = [{str(base)!r}]\n{text}\n')
    return str(path)


def test_runs_are_every_config_with_every_seed_seed_by_seed(tmp_path):
    plan = make_plan([str(SWIN), str(RESNET), str(SWIN_BOXES)], [0, 3], tmp_path)
    assert [(run.model.name, run.seed) for run in plan.runs] == [
        ('upernet_swin', 0), ('upernet_resnet', 0), ('mask_rcnn_swin', 0),
        ('upernet_swin', 3), ('upernet_resnet', 3), ('mask_rcnn_swin', 3),
    ]  # fmt: skip
    assert plan.runs[3].folder == tmp_path / 'runs' / 'upernet_swin' / 'seed_3'
    assert [model.task for model in plan.models] == ['segmentation', 'segmentation', 'detection']


@pytest.mark.parametrize(
    ('text', 'key'),
    [
        (
            "train_pipeline = _base_.train_pipeline\ntrain_pipeline[2]['scale'] = (96, 72)\n"
            'train_dataloader = dict(dataset=dict(pipeline=train_pipeline))',
            'train_dataloader.dataset.pipeline.2.scale',
        ),
        ('train_cfg = dict(max_iters=399)', 'train_cfg.max_iters'),
        ('optim_wrapper = dict(optimizer=dict(lr=1.0))', 'optim_wrapper.optimizer.lr'),
        (
            "names = ('sky', 'grass', 'water', 'sand', 'bricks', 'thing')\n"
            'train_dataloader = dict(dataset=dict(metainfo=dict(classes=names)))',
            'train_dataloader.dataset.metainfo.classes',
        ),
    ],
    ids=('image scale', 'schedule', 'learning rate', 'class list'),
)
def test_another_recipe_is_refused_with_its_key_and_let_through_on_request(tmp_path, text, key):
    configs = [str(SWIN), changed(tmp_path, text)]
    with pytest.raises(ValueError, match=rf'(?s){key}\n.*upernet_swin.*--allow {key}$'):
        make_plan(configs, [0], tmp_path)
    plan = make_plan(configs, [0], tmp_path, allowed=[key])
    recipes = [(model.name, model.task, model.values) for model in plan.models]
    told = tell_differences(recipes, [key])
    assert len(told.allowed) == 1
    assert told.allowed[0].startswith(key)
    assert 'upernet_swin' in told.allowed[0]
    assert 'changed' in told.allowed[0]
    assert not told.notes


def test_configs_of_two_tasks_are_compared_within_their_task(tmp_path):
    text = 'train_cfg = dict(max_iters=399)'
    make_plan([str(SWIN), str(RESNET), changed(tmp_path, text, SWIN_BOXES)], [0], tmp_path)


def test_a_permission_for_nothing_is_refused(tmp_path):
    plan = make_plan([str(SWIN), str(RESNET)], [0], tmp_path)
    recipes = [(model.name, model.task, model.values) for model in plan.models]
    with pytest.raises(ValueError, match='--allow optim_warpper: the configs do not differ'):
        tell_differences(recipes, ['optim_warpper'])


def test_options_of_the_command_are_in_all_configs(tmp_path):
    plan = make_plan([str(SWIN), str(RESNET)], [0], tmp_path, cfg_options={'train_cfg.max_iters': 7})
    assert [model.values['train_cfg']['max_iters'] for model in plan.models] == [7, 7]


def test_autocast_is_in_the_recipe_of_training_alone(tmp_path):
    plain = make_plan([str(SWIN)], [0], tmp_path).models[0]
    autocast = make_plan([str(SWIN)], [0], tmp_path, amp='bf16').models[0]
    assert autocast.values['optim_wrapper']['dtype'] == 'bf16'
    assert autocast.tested == plain.tested
    before = copy.deepcopy(plain.values)
    before['optim_wrapper'].update(type='swin_dense.AutocastOptimWrapper', dtype='bf16')
    assert autocast.values == before


def test_names_are_the_shortest_ends_of_paths_that_differ(tmp_path):
    paths = [f'{tmp_path}/{path}.py' for path in ('x/swin', 'y/swin', 'y/vit', 'one/z/deit', 'two/z/deit')]
    assert list(unique_names(paths)) == ['x-swin', 'y-swin', 'vit', 'one-z-deit', 'two-z-deit']
    assert list(unique_names(paths).values()) == paths


def test_a_config_or_a_seed_given_twice_is_refused(tmp_path):
    configs = write_configs(tmp_path, ['a', 'b'])
    with pytest.raises(ValueError, match='given more than once'):
        make_plan([*configs, configs[0]], [0], tmp_path)
    with pytest.raises(ValueError, match='--seeds: 2 is given more than once'):
        make_plan(configs, [0, 2, 2], tmp_path)
