"""tools/check.py, and the checks at the start of tools/train.py and tools/test.py, as programs."""

import json
import os
import subprocess
import sys

import pytest
import torch

from swin_dense.checks import command
from swin_dense.checks.command import find_faults, refuse_faults
from swin_dense.engine.errors import FaultsFoundError
from swin_dense.engine.settings import load_config
from tests.checks.planted import ROOT
from tests.engine.forked import Forked

pytestmark = pytest.mark.filterwarnings('ignore')
CHECK, TRAIN, TEST = (ROOT / 'tools' / f'{name}.py' for name in ('check', 'train', 'test'))
DEMO = ROOT / 'configs' / 'demo'
WRONG_COUNT = ('--cfg-options', 'model.roi_head.bbox_head.num_classes=7', 'model.roi_head.mask_head.num_classes=7')


@pytest.fixture
def run(own_data):
    def start(tool, *words):
        variables = {'SWIN_DENSE_DEMO': str(own_data), 'SWIN_DENSE_HOME': str(own_data / 'home')}
        return Forked(tool, *words, cwd=own_data, variables=variables).wait(seconds=120)

    return start


@pytest.mark.parametrize('leaf', ['mask_rcnn_swin_demo', 'upernet_swin_demo'])
def test_sound_data_gives_0_and_a_report(run, own_data, leaf):
    # the demo's detector starts from the segmentor, which is not trained here
    weights = [] if leaf.startswith('upernet') else ['--cfg-options', 'model.backbone.init_cfg=None']
    done = run(CHECK, DEMO / f'{leaf}.py', *weights)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '0 errors' in done.stdout
    report = json.loads((own_data / 'work_dirs' / leaf / 'check' / 'report.json').read_text())
    assert (report['errors'], report['level']) == (0, 'quick')
    assert any(finding['rule'] == 'classes' for finding in report['findings'])


def test_errors_give_1_and_every_place(run, own_data):
    done = run(CHECK, DEMO / 'mask_rcnn_swin_demo.py', '--out', 'here', '--fix-report', 'fixes.jsonl', *WRONG_COUNT)
    assert done.returncode == 1
    assert 'model.roi_head.mask_head.num_classes = 7' in done.stdout
    assert json.loads((own_data / 'here' / 'report.json').read_text())['errors'] >= 2
    lines = [json.loads(line) for line in (own_data / 'fixes.jsonl').read_text().splitlines()]
    assert {'model.roi_head.bbox_head.num_classes', 'model.roi_head.mask_head.num_classes'} <= {
        line['key'] for line in lines
    }
    assert all(line['fix'] for line in lines)


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ("_base_ = ['nowhere.py']", 'nowhere.py'),
        ('model = dict(type=', 'was never closed'),
        ('a = 1\nraise KeyError("wrong")', "broken.py, line 2: KeyError: 'wrong'"),
        ('a = dict(b=1)\nc = _base_.backbone', 'broken.py, line 2: AttributeError'),
    ],
)
def test_a_config_that_cannot_be_read_is_an_error_of_the_report(run, own_data, text, says):
    (own_data / 'broken.py').write_text(text)
    done = run(CHECK, 'broken.py')
    assert done.returncode == 1, done.stderr
    assert says in done.stdout
    assert 'Traceback' not in done.stderr


def test_no_folder_for_a_config_that_is_not_there(run, own_data):
    done = run(CHECK, 'misspelt.py')
    assert done.returncode == 1
    assert "there is no config 'misspelt.py'" in done.stdout
    assert not (own_data / 'work_dirs').exists()


def test_the_console_has_findings_alone(own_data):
    # a process of its own: what libraries say while they are imported is said once
    variables = {**os.environ, 'DATASET_ROOT': str(own_data / 'data' / 'segmentation'), 'CLASSES': 'other,sky'}
    template = ROOT / 'configs' / 'templates' / 'upernet_swin_tiny_own_20k.py'
    words = [sys.executable, str(CHECK), str(template)]
    done = subprocess.run(words, cwd=own_data, env=variables, capture_output=True, text=True, check=False)
    assert 'learning-rate' in done.stdout
    assert 'OneDL' not in done.stdout + done.stderr
    assert (done.stdout + done.stderr).count('Using env variable `CLASSES`') == 1


def test_training_stops_before_anything_is_built(run, own_data):
    done = run(TRAIN, DEMO / 'mask_rcnn_swin_demo.py', '--work-dir', 'run', *WRONG_COUNT)
    assert done.returncode == 2
    assert '2 faults were found before anything was built' in done.stderr or 'faults were found' in done.stderr
    assert 'model.roi_head.bbox_head.num_classes = 7' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (own_data / 'run').exists()


def test_checks_can_be_skipped(run, own_data):
    # then the runner's own look at what it built refuses it
    done = run(TRAIN, DEMO / 'mask_rcnn_swin_demo.py', '--work-dir', 'run', '--skip-checks', *WRONG_COUNT)
    assert done.returncode == 2
    assert 'before anything was built' not in done.stderr
    assert 'num_classes is 7, and the data set has 5 classes' in ' '.join(done.stderr.split())


def test_testing_begins_with_the_checks_of_the_test_set(run, own_data):
    torch.save({'state_dict': {}, 'meta': {}}, own_data / 'epoch_1.pth')
    done = run(TEST, DEMO / 'mask_rcnn_swin_demo.py', 'epoch_1.pth', *WRONG_COUNT)
    assert done.returncode == 2
    assert 'found before anything was built' in done.stderr
    assert 'model.roi_head.mask_head.num_classes = 7' in done.stderr


def test_other_classes_than_those_of_the_checkpoint_are_refused(run, own_data):
    meta = {'dataset_meta': {'classes': ('square', 'ring', 'triangle', 'star', 'cross')}}
    torch.save({'state_dict': {}, 'meta': meta}, own_data / 'epoch_1.pth')
    done = run(TEST, DEMO / 'mask_rcnn_swin_demo.py', 'epoch_1.pth', '--cfg-options', 'model.backbone.init_cfg=None')
    assert done.returncode == 2
    text = ' '.join(done.stderr.split())
    assert 'was trained on the classes square, ring' in text
    assert 'the test set has ring, square' in text


def test_a_check_that_fails_is_a_warning_and_the_others_go_on(monkeypatch, sound_data):
    def broken(cfg, splits, depth):
        raise ZeroDivisionError('of ours')
        yield

    monkeypatch.setenv('SWIN_DENSE_DEMO', str(sound_data))
    cfg = load_config(DEMO / 'upernet_swin_demo.py')
    monkeypatch.setattr(command, 'CHECKS', (broken, *command.CHECKS))
    found = list(find_faults(cfg))
    assert next(each.rule for each in found if each.level == 'warning') == 'check-failed'
    assert any(each.rule == 'classes' for each in found)
    monkeypatch.setenv('SWIN_DENSE_DEBUG', '1')
    with pytest.raises(ZeroDivisionError):
        list(find_faults(cfg))


def test_warnings_become_notes_and_errors_one_message(monkeypatch, sound_data):
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(sound_data))
    cfg = load_config(DEMO / 'upernet_swin_demo.py')

    def check(level):
        def give(cfg, splits, depth):
            yield command.Finding(level=level, rule='r', message=f'{level} of {splits} at {depth}', remedy='mend it')

        return give

    monkeypatch.setattr(command, 'CHECKS', (check('ok'), check('warning')))
    assert refuse_faults(cfg, splits=('test',)) == ["check: warning of ('test',) at quick"]
    monkeypatch.setattr(command, 'CHECKS', (check('error'), check('warning'), check('error')))
    with pytest.raises(FaultsFoundError, match=r'(?s)2 faults were found.*mend it.*mend it.*--skip-checks'):
        refuse_faults(cfg, splits=('train', 'val'))


def test_a_run_that_goes_on_needs_no_weights_to_start_from(own_data, monkeypatch):
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(own_data))
    cfg = load_config(DEMO / 'mask_rcnn_swin_demo.py')
    cfg.model.backbone.init_cfg.checkpoint = 'gone.pth'
    assert 'missing-weights' in {each.rule for each in find_faults(cfg)}
    cfg.resume, cfg.work_dir = True, str(own_data / 'run')
    assert 'missing-weights' in {each.rule for each in find_faults(cfg)}  # there is nothing to go on from
    (own_data / 'run').mkdir()
    torch.save({'meta': {'iter': 3}}, own_data / 'run' / 'iter_3.pth')
    assert 'missing-weights' not in {each.rule for each in find_faults(cfg)}
