"""Recognition of whole videos, and segmentation of the frames of clips, by `tools/predict.py`."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from swin_dense.costs.models import build_model
from swin_dense.engine.settings import load_config
from swin_dense.inference import Predictor
from swin_dense.inference.command import Run, predict_files
from swin_dense.inference.decoding import UnreadableImage
from swin_dense.inference.frames import read_frames
from swin_dense.inference.worker import Settings
from tests.inference.models import CONFIGS, demo_config, scene, write_checkpoint
from tests.video.video_files import hostile_videos, number_of, numbered_video, write_video

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
CLASSES = tuple('abcdefg')


def recogniser_config() -> Config:
    cfg = load_config(CONFIGS / 'demo' / 'recogniser_video_swin_demo.py')
    cfg.model.cls_head.num_classes = len(CLASSES)
    cfg.test_dataloader.dataset.pipeline = [
        {'type': 'swin_dense.DecodeClips', 'clip_length': 4, 'num_clips': 2, 'test_mode': True},
        {'type': 'swin_dense.ResizeShortSide', 'size': 24},
        {'type': 'swin_dense.ThreeCrops', 'size': 24},
        {'type': 'swin_dense.PackClips'},
    ]
    return cfg


@pytest.fixture(scope='module')
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('checkpoints') / 'recogniser.pth'
    return write_checkpoint(path, recogniser_config(), dataset_meta={'classes': CLASSES})


@pytest.fixture(scope='module')
def segmentor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cfg = load_config(CONFIGS / 'demo' / 'upernet_video_swin_demo.py')
    cfg.merge_from_dict({'model.frames_per_clip': 4, 'model.neck.frames_per_clip': 4})
    test = [{'type': 'LoadImageFromFile'}, {'type': 'Resize', 'scale': (48, 48)}, {'type': 'PackSegInputs'}]
    cfg.test_dataloader.dataset.pipeline = [{'type': 'swin_dense.ForEachFrame', 'transforms': test}]
    return write_checkpoint(tmp_path_factory.mktemp('checkpoints') / 'segmentor.pth', cfg)


def run(checkpoint: Path, inputs: Any, out: Path, *, resume: bool = False, **options: Any) -> int:
    predictor = {'config': None, 'checkpoint': str(checkpoint), 'device': 'cpu'}
    settings = Settings(str(out), predictor, num_workers=1, **options)
    return predict_files(Run([str(each) for each in inputs], settings, resume=resume, quiet=True))


def rows_of(out: Path) -> dict[str, Any]:
    return {row['name']: row for row in map(json.loads, (out / 'predictions.jsonl').read_text().splitlines())}


def test_a_folder_of_videos_is_recognised(recogniser: Path, tmp_path: Path) -> None:
    videos = tmp_path / 'videos'
    videos.mkdir()
    broken, readable = hostile_videos(videos)
    cv2.imwrite(str(videos / 'picture.png'), scene(30, 40))
    assert run(recogniser, [videos], tmp_path / 'out') == 2
    rows = rows_of(tmp_path / 'out')
    assert set(rows) == {Path(name).stem for name in readable}
    failed = dict(line.split('\t') for line in (tmp_path / 'out' / 'failed.txt').read_text().splitlines())
    files = [name for name in broken if (videos / name).is_file()]
    assert {Path(path).name for path in failed} == {*files, 'picture.png'}
    for name in files:
        assert broken[name].lower() in failed[str(videos / name)].lower()
    assert 'the model names what happens in videos' in failed[str(videos / 'picture.png')]
    for name, row in rows.items():
        scores = [each['score'] for each in row['best']]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == 5
        assert (row['class'], row['score']) == (row['best'][0]['class'], scores[0])
        assert (tmp_path / 'out' / 'overlays' / f'{name}.jpg').is_file()
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert sum(summary['videos'].values()) == len(readable)
    assert run(recogniser, [videos], tmp_path / 'out', resume=True) == 2
    assert rows_of(tmp_path / 'out') == rows


@torch.no_grad()
def test_scores_are_those_of_the_models_test_step(recogniser: Path, tmp_path: Path) -> None:
    path = numbered_video(tmp_path / 'a.mp4')
    predictor = Predictor(None, recogniser, device='cpu')
    found = predictor(path)
    model = build_model(recogniser_config(), 'cpu')
    model.load_state_dict(torch.load(recogniser, weights_only=True)['state_dict'])
    packed = predictor._prepare_video._pipeline({'path': str(path)})
    assert packed['inputs'].shape == (6, 3, 4, 24, 24)
    expected = model.test_step({'inputs': [packed['inputs']], 'data_samples': [packed['data_samples']]})[0].pred_scores
    np.testing.assert_allclose(found.scores, expected, atol=1e-6)
    assert predictor.classes[found.best(1)[0]] == CLASSES[int(expected.argmax())]
    both = list(predictor.predict([path, path], num_workers=0))
    np.testing.assert_allclose(both[1].scores, found.scores, atol=1e-6)


def test_options_of_images_are_refused(recogniser: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='no tiles and no scales'):
        Predictor(None, recogniser, device='cpu', tile=64)
    predictor = Predictor(None, recogniser, device='cpu')
    with pytest.raises(TypeError, match='takes videos: give the path'):
        predictor(scene(30, 40))
    with pytest.raises(UnreadableImage, match=r'nowhere\.mp4: no such file'):
        predictor(tmp_path / 'nowhere.mp4')


def test_frames_of_a_video_are_segmented_clip_by_clip(segmentor: Path, tmp_path: Path) -> None:
    """10 frames are clips of 4, 4 and 2; the last goes on with its last frame."""
    path = write_video(tmp_path / 'a.mp4', [scene(36, 48, seed=number) for number in range(10)])
    assert run(segmentor, [path], tmp_path / 'out') == 0
    frames = [image for _, image in read_frames(str(path))]
    predictor = Predictor(None, segmentor, device='cpu')
    expected = [
        each.labels
        for part in (frames[:4], frames[4:8], [*frames[8:], frames[9], frames[9]])
        for each in predictor.run([predictor.prepared(image) for image in part])
    ][:10]
    for number, labels in enumerate(expected):
        mask = cv2.imread(str(tmp_path / f'out/masks/a/frame_{number:06d}.png'), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(mask, labels), number
    alone = predictor(frames[5]).labels  # a clip of copies
    copies = predictor.run([predictor.prepared(frames[5])] * 4)
    assert all((alone == each.labels).mean() > 0.999 for each in copies)  # equal scores, but for rounding
    assert (alone == expected[5]).mean() < 0.99


def test_a_resumed_video_has_the_same_clips(segmentor: Path, tmp_path: Path) -> None:
    path = write_video(tmp_path / 'a.mp4', [scene(36, 48, seed=number) for number in range(10)])
    run(segmentor, [path], tmp_path / 'out')
    masks = sorted((tmp_path / 'out' / 'masks').rglob('*.png'))
    before = [mask.read_bytes() for mask in masks]
    masks[5].unlink()
    run(segmentor, [path], tmp_path / 'out', resume=True)
    assert [mask.read_bytes() for mask in masks] == before


def test_overlaid_video(segmentor: Path, tmp_path: Path) -> None:
    """Of odd sizes, at the rate of the input; frames are blended with the colours of their mask."""
    path = write_video(tmp_path / 'a.mp4', [scene(35, 47, seed=number) for number in range(6)])
    run(segmentor, [path], tmp_path / 'out')
    out = tmp_path / 'out' / 'videos' / 'a.mp4'
    drawn, frames = ([image for _, image in read_frames(str(each))] for each in (out, path))
    assert len(drawn) == 6
    assert drawn[0].shape == (36, 48, 3)
    capture = cv2.VideoCapture(str(out))
    assert capture.get(cv2.CAP_PROP_FPS) == 10
    palette = Predictor(None, segmentor, device='cpu').palette
    for number in (0, 5):
        mask = cv2.imread(str(tmp_path / f'out/masks/a/frame_{number:06d}.png'), cv2.IMREAD_UNCHANGED)
        expected = frames[number] * 0.5 + palette[mask] * 0.5
        assert np.abs(drawn[number][:35, :47] - expected).mean() < 12  # of 255: the codec halves colours' resolution
        assert np.abs(drawn[number][:35, :47] - frames[number].astype(float)).mean() > 20
    with pytest.raises(ValueError, match='videos: they are made of masks'):
        run(segmentor, [path], tmp_path / 'other', save=('videos',))


def test_overlaid_video_of_a_detector(tmp_path: Path) -> None:
    cfg = demo_config('detection')
    checkpoint = write_checkpoint(tmp_path / 'detector.pth', cfg)
    path = numbered_video(tmp_path / 'a.mp4', count=3)
    assert run(checkpoint, [path], tmp_path / 'out', save=('overlays', 'videos')) == 0
    drawn = [image for _, image in read_frames(str(tmp_path / 'out' / 'videos' / 'a.mp4'))]
    assert [image.shape for image in drawn] == [(32, 64, 3)] * 3
    assert number_of(drawn[0]) == 0
