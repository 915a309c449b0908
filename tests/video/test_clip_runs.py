"""Recognisers and segmentors of clips through `tools/train.py` and `tools/test.py`, broken videos among the data."""

import json
from pathlib import Path

import pytest
import torch

from swin_dense.checks.command import check
from swin_dense.datasets.demo_clips import ClipRecipe, make_demo_clips
from swin_dense.engine.testing import evaluate
from swin_dense.engine.training import train
from swin_dense.evaluation.confusion import load_confusion_data
from tests.video.video_files import hostile_videos

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
CONFIGS = Path(__file__).parents[2] / 'configs' / 'demo'
SEGMENTORS = ('upernet_video_swin_demo', 'upernet_swin_frames_demo')
SHORT = {
    'train_cfg.max_iters': 4, 'train_cfg.val_interval': 4, 'train_dataloader.batch_size': 2,
    'train_dataloader.num_workers': 0, 'val_dataloader.num_workers': 0, 'test_dataloader.num_workers': 0,
    'default_hooks.checkpoint.interval': 2, 'default_hooks.checkpoint.max_keep_ckpts': -1, 'param_scheduler': [],
}  # fmt: skip


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('SWIN_DENSE_DEMO', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    make_demo_clips(tmp_path / 'clips', ClipRecipe(num_train=4, num_val=4, num_train_masked=2, num_val_masked=2))
    return tmp_path


def options(**changes: object) -> dict[str, object]:
    return {**SHORT, **changes}


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)['state_dict']


def test_a_recogniser_trains_resumes_and_is_tested(demo: Path, capsys: pytest.CaptureFixture) -> None:
    actions = demo / 'clips' / 'actions'
    broken, readable = hostile_videos(actions / 'videos')
    del broken['missing.mp4']
    for split in ('train', 'val'):
        with open(actions / f'{split}.txt', 'a') as lines:
            lines.writelines(f'{name} 0\n' for name in [*broken, *readable])
    config = str(CONFIGS / 'recogniser_video_swin_demo.py')
    sizes = [{'type': 'swin_dense.ResizeShortSide', 'size': 24}, {'type': 'swin_dense.CenterCropClips', 'size': 24}]
    steps = [{'type': 'swin_dense.DecodeClips', 'clip_length': 4}, *sizes, {'type': 'swin_dense.PackClips'}]
    changes = options(
        **{'train_dataloader.dataset.pipeline': steps, 'val_dataloader.dataset.pipeline': steps,
           'test_dataloader.dataset.pipeline': steps}
    )  # fmt: skip
    assert train(config, work_dir='whole', cfg_options=changes) == 0
    assert train(config, work_dir='part', cfg_options={**changes, 'train_cfg.max_iters': 2}) == 0
    assert train(config, work_dir='part', cfg_options=changes, resume=True) == 0
    whole, part = (weights(demo / name / 'iter_4.pth') for name in ('whole', 'part'))
    assert all(torch.equal(whole[name], part[name]) for name in whole)
    assert evaluate(config, 'whole', out='results.json', cfg_options=changes) == 0
    results = json.loads((demo / 'results.json').read_text())
    assert results['metrics']['acc/broken'] == len(broken)
    assert results['protocol']['samples'] == 4 + len(broken) + len(readable)
    assert len(results['protocol']['classes']) == 6
    text = capsys.readouterr()
    for name in broken:
        assert f'{name} cannot be read and is skipped' in text.out + text.err


def test_a_segmentor_of_clips_trains_and_is_tested(demo: Path) -> None:
    for name in SEGMENTORS:
        config = str(CONFIGS / f'{name}.py')
        assert train(config, work_dir=name, cfg_options=options()) == 0
        assert evaluate(config, name, out=f'{name}.json', cfg_options=options(), per_image=f'{name}_kept') == 0
    found = [json.loads((demo / f'{name}.json').read_text()) for name in SEGMENTORS]
    assert set(found[0]['metrics']) >= {'mIoU', 'vc/VC8', 'vc/VC16'}
    assert found[0]['recipe_fingerprint'] == found[1]['recipe_fingerprint']  # they differ in the backbone alone
    kept = load_confusion_data(demo / 'upernet_video_swin_demo_kept' / 'confusion.npz')
    assert kept.image_names.tolist() == ['0003', '0004']
    assert kept.pixels.sum() == 2 * 16 * 64 * 64


@pytest.mark.parametrize('name', ['recogniser_video_swin_demo', 'upernet_video_swin_demo'])
def test_configs_of_clips_pass_the_checks(demo: Path, name: str, capsys: pytest.CaptureFixture) -> None:
    assert check(str(CONFIGS / f'{name}.py')) == 0, capsys.readouterr().out
