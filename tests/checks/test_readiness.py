"""A trial of the demo configs: nothing wrong in them, each planted fault found, and the process left as it was."""

import multiprocessing
import os
import random
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

from swin_dense.checks import readiness
from swin_dense.checks.readiness import check_readiness
from swin_dense.checks.trial_step import take_step
from swin_dense.engine.settings import load_config
from tests.checks.faults_readiness import FAULTS, FOUND_BEFORE, MACHINE_FAULTS, SMALL
from tests.checks.planted import LEAVES, ROOT, matching, planted_config

pytestmark = pytest.mark.filterwarnings('ignore')


@pytest.fixture
def sound(sound_data, tmp_path, monkeypatch):
    """A small variant of a demo config on data that stays as it is."""
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(sound_data))

    def make(task, changes=SMALL):
        path = tmp_path / f'{task}.py'
        path.write_text(f"_base_ = ['{ROOT / 'configs' / 'demo' / LEAVES[task]}']\n{changes}")
        return load_config(path)

    return make


def rules(findings, *levels):
    return [finding.rule for finding in findings if finding.level in levels]


@pytest.mark.parametrize('task', LEAVES)
def test_sound_configs(task, sound, tmp_path):
    workers = 'train_dataloader = dict(batch_size=4)\n'  # one process, as in the demo
    found = list(check_readiness(sound(task, workers), tmp_path / 'out', work_dir=tmp_path / 'work'))
    assert [finding.text() for finding in found if finding.level != 'ok'] == []
    assert set(rules(found, 'ok')) >= {
        'train-batch',
        'training-step',
        'val-batch',
        'validation',
        'training-memory',
        'checkpoint-disk',
        'training-time',
        'shared-memory',
    }
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        *(f'train_{number}.jpg' for number in range(4)),
        'val_0.jpg',
    ]
    assert not (tmp_path / 'work').exists()
    assert all(cv2.imread(str(path)) is not None for path in (tmp_path / 'out').iterdir())


@pytest.mark.parametrize('fault', [*FAULTS, *FOUND_BEFORE], ids=lambda fault: fault.name)
def test_planted_faults(fault, own_data):
    found = list(check_readiness(planted_config(fault, own_data), own_data / 'out', work_dir=own_data / 'work'))
    assert matching(fault, found), [finding.text() for finding in found]
    errors = rules(found, 'error')
    assert errors == [fault.rule] * (fault.level == 'error'), [finding.text() for finding in found]


@pytest.mark.parametrize('fault', MACHINE_FAULTS, ids=lambda fault: fault.name)
def test_machines_that_are_too_small(fault, own_data, monkeypatch):
    cfg = planted_config(fault, own_data)
    fault.machine(monkeypatch)
    found = list(check_readiness(cfg, own_data / 'out', work_dir=own_data / 'work'))
    assert len(matching(fault, found)) == 1, [finding.text() for finding in found]
    assert rules(found, 'error') == [fault.rule] * (fault.level == 'error')


def test_a_work_dir_that_is_a_file(sound, tmp_path):
    (tmp_path / 'work').write_text('')
    found = list(check_readiness(sound('segmentation'), tmp_path / 'out', work_dir=tmp_path / 'work'))
    assert rules(found, 'error') == ['work-dir-not-writable']


def test_a_step_that_would_take_too_long(sound, tmp_path, monkeypatch):
    monkeypatch.setattr('swin_dense.checks.readiness.MOST_STEP_SECONDS', 0.0)
    found = list(check_readiness(sound('detection'), tmp_path / 'out'))
    (few,) = [finding for finding in found if finding.rule == 'step-on-few-images']
    assert few.level == 'warning'
    assert '1 of the 4 images' in few.message
    assert rules(found, 'error') == []
    # batch norm needs two values
    found = list(check_readiness(sound('segmentation'), tmp_path / 'out'))
    assert any('2 of the 4 images' in finding.message for finding in found)
    assert rules(found, 'error') == []


def test_a_device_whose_memory_runs_out(sound, tmp_path, monkeypatch):
    def take_small_steps(model, wrapper, batch):
        if len(batch['inputs']) > 1:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 20.00 MiB.')
        return take_step(model, wrapper, batch)

    monkeypatch.setattr(readiness, 'take_step', take_small_steps)
    found = list(check_readiness(sound('detection'), tmp_path / 'out'))
    assert rules(found, 'error') == ['memory-too-small']
    (error,) = [finding for finding in found if finding.level == 'error']
    assert 'batch_size=3 ' in error.remedy
    assert 'training-step' in rules(found, 'ok')
    assert 'validation' in rules(found, 'ok')


def test_overfitting_one_batch(sound, tmp_path):
    found = list(check_readiness(sound('segmentation'), tmp_path / 'out', overfit_steps=8))
    (fits,) = [finding for finding in found if finding.rule == 'overfit']
    assert fits.level == 'ok'
    assert fits.value['last'] < 0.9 * fits.value['first']
    frozen = SMALL + 'optim_wrapper = dict(optimizer=dict(lr=0.0))'
    found = list(check_readiness(sound('segmentation', frozen), tmp_path / 'out', overfit_steps=3))
    (stays,) = [finding for finding in found if finding.rule == 'overfit-fails']
    assert stays.level == 'warning'
    assert stays.value['last'] == pytest.approx(stays.value['first'], rel=0.05)  # the head has dropout


def test_what_cannot_be_built_leaves_the_data_to_be_drawn(sound, tmp_path):
    broken = SMALL + 'model = dict(decode_head=dict(in_channels=[32, 64, 128, 255]))'
    cfg = sound('segmentation', broken + '\nmodel.update(backbone=dict(out_indices=(0, 1, 2, 9)))')
    found = list(check_readiness(cfg, tmp_path / 'out'))
    assert rules(found, 'error') == ['cannot-build']
    assert 'train-batch' in rules(found, 'ok')


def test_configs_for_testing_alone(tmp_path):
    cfg = load_config(ROOT / 'configs/swin/upernet_swin_tiny_ade20k_160k_ms_flip.py')
    assert rules(check_readiness(cfg, tmp_path), 'ok', 'error', 'warning') == ['not-for-training']


def process_state():
    """What a trial could leave behind."""
    managers = (MMLogger, MessageHub, Visualizer, DefaultScope)
    return {
        'names': [sorted(cls._instance_dict) for cls in managers],
        'random': random.getstate(),
        'numpy': np.random.get_state()[1].tolist(),
        'torch': torch.get_rng_state().tolist(),
        'threads': (torch.get_num_threads(), cv2.getNumThreads(), threading.active_count()),
        'children': multiprocessing.active_children(),
        'deterministic': (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic),
        'environment': dict(os.environ),
        'start method': torch.multiprocessing.get_start_method(allow_none=True),
    }


def test_leaves_the_process_as_it_was_and_says_the_same_again(sound, tmp_path, tmp_path_factory, monkeypatch):
    # a short name: data loader workers hand tensors over by sockets there, whose paths have at most 107 characters
    temporary = tmp_path_factory.mktemp('t')
    monkeypatch.setattr('tempfile.tempdir', str(temporary))
    monkeypatch.chdir(temporary)
    options = 'train_dataloader = dict(batch_size=2)\nrandomness = dict(seed=3, deterministic=True)\n'
    before = process_state()
    losses = []
    for _ in range(2):
        found = list(check_readiness(sound('segmentation', options), tmp_path / 'out', work_dir='work'))
        losses += [finding.message for finding in found if finding.rule == 'training-step']
        assert process_state() == before
    assert len(losses) == 2
    assert losses[0] == losses[1]
    assert list(temporary.iterdir()) == []


def test_stops_where_it_is_not_asked_further(sound, tmp_path):
    before = process_state()
    findings = check_readiness(sound('segmentation', ''), tmp_path / 'out')
    assert next(findings).rule == 'train-batch'
    findings.close()
    assert process_state() == before
    assert Path(tmp_path / 'out' / 'train_0.jpg').exists()
