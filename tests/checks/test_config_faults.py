"""Faults of configs are found where they are, with what to do; sound configs have none (all: test_sound_configs.py)."""

import importlib
import os
import random
from pathlib import Path
from unittest.mock import patch

import pytest

from swin_dense.checks.config_keys import check_config_keys
from swin_dense.checks.model_fit import check_model
from swin_dense.checks.settings import check_settings
from swin_dense.engine.settings import load_config
from tests.checks.faults_config import FAULTS
from tests.checks.planted import LEAVES, ROOT, matching, planted_config

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


def installed_configs(library, count):
    """Some of the configs that mmdet and mmseg come with: written by others, and sound but for what is named below."""
    folder = Path(importlib.import_module(library).__file__).parent / '.mim' / 'configs'
    files = [path for path in folder.rglob('*.py') if not {'_base_', 'common'} & set(path.parts)]
    assert len(files) > 400
    return random.Random(0).sample(sorted(files), count)


@pytest.mark.parametrize('library', ['mmdet', 'mmseg'])
def test_configs_of_others_have_no_false_alarm(library):
    looked_at = 0
    for path in installed_configs(library, 40):
        try:
            cfg = load_config(path)
        except (ImportError, FileNotFoundError):  # of packages that are not here, of bases that were left out
            continue
        looked_at += 1
        wrong = [each for each in check_config_keys(cfg, SPLITS, 'quick') if each.level == 'error']
        wrong += [each for each in check_model(cfg, SPLITS, 'quick') if each.rule != 'missing-package']
        # truly wrong there: what is of packages that are not installed
        assert [each.text() for each in wrong if 'mmpretrain' not in each.message] == [], path
    assert looked_at > 30


def test_what_a_split_does_not_need_is_not_looked_at(own_data):
    (fault,) = [each for each in FAULTS if each.name == 'misspelt argument of the training loop']
    cfg = planted_config(fault, own_data)
    assert not matching(fault, find(cfg, splits=('test',)))
