"""Faults of COCO data, planted one by one into the demo's, and sound data of many kinds."""

import json
import time

import pytest

from swin_dense.checks.detection import check_detection_data
from tests.checks.faults_detection import FAULTS
from tests.checks.planted import Fault, find, matching, planted_config

pytestmark = pytest.mark.filterwarnings('ignore')

SPLITS = ('train', 'val', 'test')


def found_in(cfg, depth='quick'):
    return list(check_detection_data(cfg, SPLITS, depth))


def errors(found):
    return [each.text() for each in found if each.level == 'error']


@pytest.mark.parametrize('fault', FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_planted_fault_is_found(fault, own_data):
    found = found_in(planted_config(fault, own_data), fault.depth)
    hits = matching(fault, found)
    assert len(hits) == 1, '\n'.join(each.text() for each in found)
    assert hits[0].remedy
    json.dumps(hits[0].as_dict())


@pytest.mark.parametrize('fault', [fault for fault in FAULTS if fault.depth == 'full'], ids=lambda fault: fault.name)
def test_what_needs_the_full_depth_is_not_found_quickly(fault, own_data):
    assert not matching(fault, found_in(planted_config(fault, own_data)))


def test_there_are_many_faults_each_named_once():
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 50


@pytest.mark.parametrize('depth', ['quick', 'full'])
def test_the_demo_is_sound(own_data, depth):
    sound = Fault(name='none', task='detection', rule='', where='', says=())
    started = time.perf_counter()
    found = found_in(planted_config(sound, own_data), depth)
    assert time.perf_counter() - started < 5
    assert not [each.text() for each in found if each.level != 'ok']
    assert {each.rule for each in found} >= {'usable', 'class-histogram'}


def test_a_class_that_is_named_twice_is_said_once_a_set(own_data):
    names = "names = dict(_delete_=True, classes=('ring', 'ring', 'triangle', 'star', 'cross'))\n"
    loaders = 'val_dataloader = test_dataloader = train_dataloader = dict(dataset=dict(metainfo=names))'
    twice = Fault(name='twice', task='detection', rule='', where='', says=(), config=names + loaders)
    said = [(each.rule, each.key) for each in find(twice, own_data) if each.level != 'ok']
    assert said == [('class-twice', f'{split}_dataloader.dataset.metainfo.classes') for split in ('train', 'val')]
