"""Two runs of two iterations on a small demo data set, by the real tools; then the data changes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from swin_dense.comparison.collecting import collect, planned_record
from swin_dense.comparison.data_changes import refuse_changed_data
from swin_dense.comparison.execution import Execution
from swin_dense.comparison.plan import make_plan
from swin_dense.comparison.run_commands import RunOptions, option_words
from tests.checks.planted import make_sound_data

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet and mmseg, while they are imported

DEMO = Path(__file__).resolve().parents[2] / 'configs' / 'demo' / 'comparison'
OPTIONS = {
    'train_cfg.max_iters': 2,
    'train_cfg.val_interval': 2,
    'train_dataloader.batch_size': 2,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
    'val_dataloader.num_workers': 0,
    'val_dataloader.persistent_workers': False,
    'default_hooks.logger.interval': 1,
}


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('real')
    make_sound_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('SWIN_DENSE_DEMO', str(folder))
        patch.setenv('SWIN_DENSE_HOME', str(folder / 'home'))
        configs = [str(DEMO / name) for name in ('mask_rcnn_swin.py', 'upernet_resnet.py')]
        plan = make_plan(configs, [3], folder / 'out', cfg_options=OPTIONS)
        options = RunOptions(cfg_options=option_words(OPTIONS))
        Execution(options, jobs=2).make(plan.runs)
        yield folder, plan


def test_records_agree_with_what_the_metrics_say(made):
    _, plan = made
    boxes, areas = (planned_record(run) for run in plan.runs)
    assert (boxes.state, boxes.task, areas.state, areas.task) == ('finished', 'detection', 'finished', 'segmentation')
    assert boxes.seed == areas.seed == 3
    for kind in ('bbox', 'segm'):
        values = [value for value in boxes.by_class[f'{kind}_AP'].values() if value is not None]
        assert np.mean(values) == pytest.approx(boxes.metrics[f'coco/{kind}_mAP'], abs=1e-6)
    assert set(boxes.by_class['bbox_AP']) == {'ring', 'square', 'triangle', 'star', 'cross'}
    values = [value for value in areas.by_class['IoU'].values() if value is not None]
    assert 100 * np.mean(values) == pytest.approx(areas.metrics['mIoU'], abs=0.01)  # mmseg rounds to two places
    assert boxes.train_hours is not None
    assert 0 < boxes.train_hours < 0.1


def test_what_is_per_image_is_there_before_the_results(made):
    _, plan = made
    names = [sorted(path.name for path in (run.folder / 'per_image').iterdir()) for run in plan.runs]
    assert names == [['bbox.npz', 'segm.npz'], ['confusion.npz']]
    for run in plan.runs:
        times = [path.stat().st_mtime_ns for path in (run.folder / 'per_image').iterdir()]
        assert max(times) <= (run.folder / 'results.json').stat().st_mtime_ns


def test_collected_runs_have_the_recipe_of_planned_ones(made):
    _, plan = made
    planned = [planned_record(run) for run in plan.runs]
    collected = [each.record for each in collect([run.folder for run in plan.runs])]
    assert collected == planned


def test_other_data_under_the_same_names_is_refused(made):
    folder, plan = made
    refuse_changed_data(plan)
    file = folder / 'data' / 'detection' / 'annotations' / 'instances_val.json'
    shutil.copy(file, folder / 'kept.json')
    content = json.loads(file.read_text())
    content['annotations'].pop()
    file.write_text(json.dumps(content))
    try:
        with pytest.raises(ValueError, match=r'(?s)mask_rcnn_swin/seed_3 holds .* test_dataloader'):
            refuse_changed_data(plan)
    finally:
        shutil.copy(folder / 'kept.json', file)
