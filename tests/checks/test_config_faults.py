"""Faults of configs are found where they are, with what to do; sound configs have none."""

import os
import random
from unittest.mock import patch

import pytest

from swin_dense.checks.config_keys import check_config_keys
from swin_dense.checks.model_fit import check_model
from swin_dense.checks.settings import check_settings
from swin_dense.engine.settings import load_config
from tests.checks.faults_config import FAULTS
from tests.checks.planted import LEAVES, ROOT, matching, planted_config
from tests.configs.recipes import CONFIGS, find_leaves

pytestmark = pytest.mark.filterwarnings('ignore')  # those of mmdet and mmseg

SPLITS = ('train', 'val', 'test')
CHECKS = (check_config_keys, check_settings, check_model)


def find(cfg, depth='quick', splits=SPLITS):
    return [finding for check in CHECKS for finding in check(cfg, splits, depth)]


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_faults(fault, own_data):
    found = find(planted_config(fault, own_data), fault.depth)
    said = '\n'.join(each.text() for each in found)
    assert matching(fault, found), said
    for each in matching(fault, found):
        assert each.message
        assert each.remedy


@pytest.mark.parametrize('task', LEAVES)
def test_a_sound_config_has_no_fault(task, sound_data):
    with patch.dict(os.environ, {'SWIN_DENSE_DEMO': str(sound_data)}):
        found = find(load_config(ROOT / 'configs' / 'demo' / LEAVES[task]))
    assert [each.text() for each in found if each.level != 'ok'] == []
    assert [each.rule for each in found] == ['learning-rate']


@pytest.fixture
def environment(sound_data, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(sound_data))
    monkeypatch.setenv('CLASSES', 'a,b')


@pytest.mark.parametrize('leaf', find_leaves())
def test_keys_and_settings_of_the_zoo(leaf, environment):
    cfg = load_config(CONFIGS / f'{leaf}.py')
    found = [*check_config_keys(cfg, SPLITS, 'quick'), *check_settings(cfg, SPLITS, 'quick')]
    assert [each.text() for each in found if each.level == 'error'] == []


def one_of_each_family():
    """Of the leaves of one folder and model, one: the whole zoo takes a minute."""
    by_kind = {}
    for leaf in find_leaves():
        by_kind.setdefault('_'.join(leaf.split('_')[:3]), []).append(leaf)
    return [random.Random(0).choice(leaves) for leaves in by_kind.values()]


@pytest.mark.parametrize(
    'leaf',
    [pytest.param(leaf, marks=() if leaf in one_of_each_family() else pytest.mark.slow) for leaf in find_leaves()],
)
def test_models_of_the_zoo_fit(leaf, environment):
    assert list(check_model(load_config(CONFIGS / f'{leaf}.py'), SPLITS, 'quick')) == []


def test_what_a_split_does_not_need_is_not_looked_at(own_data):
    (fault,) = [each for each in FAULTS if each.name == 'misspelt argument of the training loop']
    cfg = planted_config(fault, own_data)
    assert not matching(fault, find(cfg, splits=('test',)))
