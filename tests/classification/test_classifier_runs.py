"""A classifier through train.py, test.py, compare.py and predict.py, with broken images among the data."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from swin_dense.checks.command import check
from swin_dense.classification.image_transforms import decoded
from swin_dense.comparison.classification_scores import classification_scores
from swin_dense.datasets.demo_classes import ClassRecipe, make_demo_classes
from swin_dense.engine.testing import evaluate
from swin_dense.engine.training import train
from swin_dense.evaluation.class_data import class_data, load_class_data, save_class_data
from swin_dense.quiet import quiet_imports
from tests.classification.image_files import write_folders

with quiet_imports():
    from swin_dense.comparison.command import Request, compare
    from swin_dense.inference.predictor import Predictor

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
CONFIGS = Path(__file__).parents[2] / 'configs' / 'demo'
SHORT = {
    'train_cfg.max_iters': 4, 'train_cfg.val_interval': 4, 'train_dataloader.batch_size': 4,
    'train_dataloader.num_workers': 0, 'val_dataloader.num_workers': 0, 'test_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False, 'val_dataloader.persistent_workers': False,
    'test_dataloader.persistent_workers': False,
    'default_hooks.checkpoint.interval': 2, 'default_hooks.checkpoint.max_keep_ckpts': -1, 'param_scheduler': [],
    'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.2}],
    'model.data_preprocessor.mixing': {'type': 'swin_dense.MixupCutmix'},
    'model.data_preprocessor.random_erasing': {'type': 'swin_dense.RandomErasing'},
}  # fmt: skip


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    make_demo_classes(tmp_path / 'classes', ClassRecipe(num_train=16, num_val=16))
    return tmp_path


def test_trains_resumes_is_tested_and_predicts(demo: Path, capsys: pytest.CaptureFixture) -> None:
    objects = demo / 'classes' / 'objects'
    for split in ('train', 'val'):
        (objects / split / 'star' / 'broken.jpg').write_bytes(b'text')
    config = str(CONFIGS / 'classifier_swin_demo.py')
    assert check(config) == 0, capsys.readouterr().out
    assert train(config, work_dir='whole', cfg_options=SHORT) == 0
    assert train(config, work_dir='part', cfg_options={**SHORT, 'train_cfg.max_iters': 2}) == 0
    assert train(config, work_dir='part', cfg_options=SHORT, resume=True) == 0
    for entry in ('state_dict', 'ema_state_dict'):
        whole, part = (torch.load(demo / name / 'iter_4.pth', weights_only=True)[entry] for name in ('whole', 'part'))
        assert all(torch.equal(whole[name], part[name]) for name in whole), entry  # mixed, erased and averaged the same
    text = capsys.readouterr()
    assert 'star/broken.jpg cannot be read and is skipped: no picture of a kind' in text.out + text.err
    assert evaluate(config, 'whole', out='results.json', cfg_options=SHORT, per_image='kept') == 0
    results = json.loads((demo / 'results.json').read_text())
    assert results['metrics']['acc/broken'] == 1
    assert results['protocol']['classes'] == ['ring', 'square', 'triangle', 'star', 'cross']
    kept = load_class_data(demo / 'kept' / 'classes.npz')
    assert len(kept.labels) == results['protocol']['samples'] == 17
    assert kept.image_names.tolist()[-1].startswith('cross/')
    found = classification_scores(kept, np.ones((1, 17)))
    assert 100 * found['top1'][0] == pytest.approx(results['metrics']['acc/top1'])
    assert 100 * found['mean_class'][0] == pytest.approx(results['metrics']['acc/mean_class'])
    predicts_what_the_test_found(demo, kept)


def predicts_what_the_test_found(demo: Path, kept) -> None:
    predictor = Predictor(None, demo / 'whole', device='cpu')
    assert predictor.task == 'classification'
    paths = [demo / 'classes' / 'objects' / 'val' / name for name in kept.image_names]
    whole = [(path, label) for path, label in zip(paths, kept.predictions, strict=True) if label >= 0]
    assert len(whole) == 16
    images = [np.asarray(decoded(path.read_bytes())) for path, _ in whole]
    for (_, expected), found in zip(whole, predictor.predict(images, batch_size=4), strict=True):
        assert found.best(1) == [expected]
        assert found.size == (64, 64)
        assert found.scores.sum() == pytest.approx(1)
    with pytest.raises(ValueError, match='names an image, or a video, as a whole'):
        Predictor(None, demo / 'whole', device='cpu', tile=32)


def test_is_compared(demo: Path) -> None:
    options = {key: value for key, value in SHORT.items() if not key.startswith(('custom_hooks', 'model'))}
    for name in ('shift_vit', 'swin'):
        config, run = str(CONFIGS / 'arrangements' / f'classifier_{name}.py'), str(demo / name)
        assert train(config, work_dir=run, cfg_options=options) == 0
        kept = {'out': f'{run}/results.json', 'per_image': f'{run}/per_image'}
        assert evaluate(config, run, cfg_options=options, **kept) == 0
    request = Request(
        collect=[demo / 'shift_vit', demo / 'swin'], out=demo / 'comparison', costs=False, command=['tools/compare.py']
    )
    assert compare(request) == 0
    with open(demo / 'comparison' / 'results.csv') as file:
        rows = list(csv.DictReader(file))
    assert {(row['name'], row['seed'], row['task']) for row in rows} == {
        (f'classifier_{name}', '0', 'classification') for name in ('shift_vit', 'swin')
    }
    report = (demo / 'comparison' / 'report.md').read_text()
    assert 'top-1 accuracy' in report
    assert 'Classification' in report


def test_scores_are_those_of_a_loop(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels, ranks = random.integers(0, 7, 40), random.integers(0, 7, 40).astype(float)
    ranks[3] = np.inf
    data = class_data([f'{n}.jpg' for n in range(40)], labels.tolist(), [0] * 40, ranks.tolist(), 8)
    save_class_data(data, tmp_path / 'kept.npz')
    weights = np.stack([np.ones(40), random.integers(0, 4, 40)])
    found = classification_scores(load_class_data(tmp_path / 'kept.npz'), weights)
    for row, copies in enumerate(weights.astype(int)):
        chosen = [number for number in range(40) for _ in range(copies[number])]
        assert found['top1'][row] == pytest.approx(np.mean([ranks[number] == 0 for number in chosen]))
        assert found['top5'][row] == pytest.approx(np.mean([ranks[number] < 5 for number in chosen]))
        by_class = [
            np.mean([ranks[number] == 0 for number in chosen if labels[number] == label])
            for label in sorted({labels[number] for number in chosen})
        ]
        assert found['mean_class'][row] == pytest.approx(np.mean(by_class))
    assert np.isnan(found['Acc_by_class'][:, 7]).all()
    with pytest.raises(ValueError, match='with 40 images'):
        classification_scores(data, np.ones((1, 3)))


@pytest.mark.parametrize(
    'leaf',
    ['swin/classifier_swin_tiny_imagenet1k_300_epochs', 'shift_vit/classifier_shift_vit_tiny_imagenet1k_300_epochs'],
)
def test_official_recipes_train_and_resume(leaf: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sampler, schedule, augmentation and groups of parameters, on few small pictures and a narrow backbone."""
    for split in ('train', 'val'):
        write_folders(tmp_path / 'data' / split, classes=('a', 'b', 'c'), count=4)
    monkeypatch.setenv('IMAGENET_ROOT', str(tmp_path / 'data'))
    rest = 'mlp_ratio=2, n_div=8' if leaf.startswith('shift_vit') else 'num_heads=(1, 1, 1, 1)'
    config = tmp_path / 'small.py'
    config.write_text(
        f"_base_ = ['{CONFIGS.parent}/{leaf}.py']\n"
        "backbone = dict(_delete_=True, type=_base_.backbone['type'], out_indices=(3,), drop_path_rate=0.2,\n"
        f'    arch=dict(embed_dims=8, depths=(1, 1, 1, 1), {rest}))\n'
        'model = dict(backbone=backbone, cls_head=dict(in_channels=64, num_classes=3))\n'
    )
    changes = {
        'train_cfg.max_epochs': 2, 'train_dataloader.batch_size': 4, 'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False, 'val_dataloader.num_workers': 0,
        'val_dataloader.persistent_workers': False, 'default_hooks.checkpoint.max_keep_ckpts': -1,
        'val_dataloader.batch_size': 4, 'auto_scale_lr.base_batch_size': 4,
    }  # fmt: skip
    assert train(str(config), work_dir=str(tmp_path / 'whole'), cfg_options=changes) == 0
    once = {**changes, 'train_cfg.max_epochs': 1}
    assert train(str(config), work_dir=str(tmp_path / 'part'), cfg_options=once) == 0
    assert train(str(config), work_dir=str(tmp_path / 'part'), cfg_options=changes, resume=True) == 0
    whole, part = (
        torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True)['state_dict'] for name in ('whole', 'part')
    )
    assert all(torch.equal(whole[name], part[name]) for name in whole)
    lines = [json.loads(line) for line in (tmp_path / 'whole' / 'metrics.jsonl').read_text().splitlines()]
    assert any('acc/top1' in line for line in lines)
