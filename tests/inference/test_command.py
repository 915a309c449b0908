"""`tools/predict.py` on real folders: outputs, kills, shards, full disks."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from swin_dense.inference import Augmentation, Predictor, command, folder
from swin_dense.inference.command import Run, predict_files
from swin_dense.inference.journal import Shard
from swin_dense.inference.segmentation import Segmenter
from swin_dense.inference.worker import Settings
from tests.inference.hostile_files import write_hostile_folder
from tests.inference.models import demo_config, scene, write_checkpoint

pytestmark = pytest.mark.filterwarnings('ignore')  # of mmdet, mmseg and torch among themselves
TOOL = Path(__file__).parents[2] / 'tools' / 'predict.py'
TASKS = ('detection', 'segmentation')
VOLATILE = ('summary.json',)  # names the time that was taken


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp('checkpoints')
    return {task: write_checkpoint(place / f'{task}.pth', demo_config(task)) for task in TASKS}


@pytest.fixture(scope='module')
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp('images')
    for number in range(12):
        path = place / ('a', 'b', 'b/c')[number % 3] / f'{number:02}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(*((60, 80), (48, 48))[number % 2], seed=number)).save(path)
    return place


def _run(checkpoint: Path, inputs: Any, out: Path, **options: Any) -> int:
    predictor = {'config': None, 'checkpoint': str(checkpoint), 'device': 'cpu', **options.pop('predictor', {})}
    of_run = {key: options.pop(key) for key in list(options) if key in ('shard', 'resume', 'annotations', 'quiet')}
    options.setdefault('num_workers', 2)
    inputs = [str(each) for each in inputs] if isinstance(inputs, (list, tuple)) else [str(inputs)]
    return predict_files(Run(inputs, Settings(str(out), predictor, **options), **of_run))


def _contents(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob('*'))
        if path.is_file() and path.name not in VOLATILE
    }


def _lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / 'predictions.jsonl').read_text().splitlines()]


# --- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('task', TASKS)
def test_outputs_mirror_the_inputs_and_hold_what_was_predicted(
    checkpoints: dict, images: Path, tmp_path: Path, task: str
) -> None:
    out = tmp_path / 'out'
    assert _run(checkpoints[task], images, out) == 0
    names = sorted(str(path.relative_to(images).with_suffix('')) for path in images.rglob('*.png'))
    assert len(names) == 12
    kinds = {'detection': {'overlays': '.jpg'}, 'segmentation': {'overlays': '.jpg', 'masks': '.png', 'colors': '.png'}}
    for kind, suffix in kinds[task].items():
        found = [str(path.relative_to(out / kind)) for path in (out / kind).rglob('*') if path.is_file()]
        assert sorted(found) == sorted(name + suffix for name in names)
    predictor = Predictor(None, checkpoints[task], device='cpu')
    lines = _lines(out)
    assert sorted(line['name'] for line in lines) == names
    for line in lines:
        image = np.asarray(Image.open(line['image']))
        prediction = predictor(image)
        assert (line['height'], line['width']) == image.shape[:2]
        if task == 'segmentation':
            stored = np.asarray(Image.open(out / 'masks' / f'{line["name"]}.png'))
            assert np.array_equal(stored, prediction.labels)
            colors = np.asarray(Image.open(out / 'colors' / f'{line["name"]}.png'))
            assert np.array_equal(colors, predictor.palette[stored])
            assert sum(line['pixels'].values()) == stored.size
        else:
            found = line['detections']
            assert [each['class'] for each in found] == [predictor.classes[label] for label in prediction.labels]
            boxes = np.array([each['box_xyxy'] for each in found])
            np.testing.assert_allclose(boxes, prediction.boxes_xyxy, atol=2e-3)
    summary = json.loads((out / 'summary.json').read_text())
    assert (summary['images'], summary['failed']) == (12, 0)
    assert summary['views'] == 1
    assert (out / 'failed.txt').read_text() == ''


def test_coco_results_are_read_by_pycocotools(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    from pycocotools import mask as run_lengths
    from pycocotools.coco import COCO

    content = {
        'images': [
            {
                'id': 100 + number,
                'file_name': path.name,
                'height': 60 - 12 * (number % 2),
                'width': 80 - 32 * (number % 2),
            }
            for number, path in enumerate(sorted(images.rglob('*.png'), key=lambda path: path.name))
        ],
        'categories': [{'id': 7 + 2 * i, 'name': name} for i, name in enumerate(demo_config('detection').classes)],
        'annotations': [],
    }
    truth = tmp_path / 'truth.json'
    truth.write_text(json.dumps(content))
    assert _run(checkpoints['detection'], images, tmp_path / 'out', annotations=str(truth)) == 0
    results = COCO(str(truth)).loadRes(str(tmp_path / 'out' / 'coco.json'))
    lines = {Path(line['image']).name: line for line in _lines(tmp_path / 'out')}
    total = 0
    for image in content['images']:
        found = results.loadAnns(results.getAnnIds(imgIds=[image['id']]))
        line = lines[image['file_name']]
        assert len(found) == len(line['detections'])
        total += len(found)
        for each, detection in zip(found, line['detections'], strict=True):
            assert each['category_id'] == 7 + 2 * detection['label']
            left, top, right, bottom = detection['box_xyxy']
            np.testing.assert_allclose(each['bbox'], [left, top, right - left, bottom - top], atol=2e-3)
            assert run_lengths.decode(each['segmentation']).shape == (line['height'], line['width'])
    assert total > 20
    truth.write_text(json.dumps({**content, 'images': []}))
    with pytest.raises(ValueError, match='does not name 12 of the inputs'):
        _run(checkpoints['detection'], images, tmp_path / 'other', annotations=str(truth))


def test_red_stays_red_and_corners_stay_where_they_are(checkpoints: dict, tmp_path: Path) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:16, :16] = (250, 10, 10)  # red in RGB
    Image.fromarray(image).save(tmp_path / 'red.png')
    for task in TASKS:
        out = tmp_path / task
        assert _run(checkpoints[task], tmp_path / 'red.png', out, score_thr=2.0) == 0
        overlay = np.asarray(Image.open(out / 'overlays' / 'red.jpg')).astype(int)
        red, green, blue = overlay[0, 0]
        assert red > max(green, blue) + 60
        assert overlay[0, 40 * 12].max() < 130  # beyond the square


def test_what_to_save_can_be_chosen(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    assert _run(checkpoints['segmentation'], images, tmp_path / 'out', save=('masks',)) == 0
    assert sorted(each.name for each in (tmp_path / 'out').iterdir()) == [
        'failed.txt',
        'masks',
        'predictions.jsonl',
        'run.json',
        'summary.json',
    ]
    with pytest.raises(ValueError, match=r'--save coco: a model for segmentation has overlays, masks, colors'):
        _run(checkpoints['segmentation'], images, tmp_path / 'other', save=('coco',))


# --- however it is run, the same --------------------------------------------------------------------------------------


@pytest.mark.parametrize('task', TASKS)
def test_batches_shards_and_tiles_write_the_same(checkpoints: dict, images: Path, tmp_path: Path, task: str) -> None:
    assert _run(checkpoints[task], images, tmp_path / 'one', batch_size=1) == 0
    expected = _contents(tmp_path / 'one')
    assert _run(checkpoints[task], images, tmp_path / 'five', batch_size=5, num_workers=3) == 0
    _same(expected, _contents(tmp_path / 'five'))
    assert _run(checkpoints[task], images, tmp_path / 'alone', batch_size=2, num_workers=0) == 0
    _same(expected, _contents(tmp_path / 'alone'))
    for number in (2, 1):
        assert _run(checkpoints[task], images, tmp_path / 'shards', shard=Shard(number, 2)) == 0
    _same(expected, _contents(tmp_path / 'shards'))
    assert _run(checkpoints[task], images, tmp_path / 'tiles', predictor={'tile': 1000}) == 0
    found = _contents(tmp_path / 'tiles')
    found['run.json'] = expected['run.json']  # where the tile is noted
    _same(expected, found)


def _same(expected: dict[str, bytes], found: dict[str, bytes]) -> None:
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        if name.endswith(('.jsonl', 'coco.json')):
            left, right = (_numbers(each.decode()) for each in (content, found[name]))
            assert left[0] == right[0]
            np.testing.assert_allclose(left[1], right[1], atol=1.1e-3)
        elif name.endswith('.jpg'):
            continue  # lines of boxes are drawn from rounded coordinates
        else:
            assert found[name] == content, name


def _numbers(text: str) -> tuple[list[str], list[float]]:
    """The words of JSON without masks, and the numbers in it."""
    import re

    text = re.sub(r'"counts": "[^"]*"', '', text)
    numbers = [float(number) for number in re.findall(r'-?\d+\.\d+(?:e-?\d+)?', text)]
    return re.sub(r'-?\d+\.\d+(?:e-?\d+)?', '#', text).split(), numbers


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_the_same(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / 'whole', tmp_path / 'out'
    assert _run(checkpoints['segmentation'], images, whole, batch_size=1) == 0
    words = [sys.executable, str(TOOL), str(checkpoints['segmentation']), str(images), '--out', str(out)]
    words += ['--batch-size', '1', '--device', 'cpu', '--workers', '1']
    process = subprocess.Popen([*words, '--quiet'], env={**os.environ, 'OMP_NUM_THREADS': '1'})
    part = out / 'parts' / '1-of-1.jsonl'
    deadline = time.monotonic() + 120
    while not (part.exists() and part.read_bytes().count(b'\n') >= 3) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / 'predictions.jsonl').exists()
    done = part.read_bytes().count(b'\n')
    assert 3 <= done < 12
    finished = {path: path.stat().st_mtime_ns for path in (out / 'masks').rglob('*.png')}
    (out / 'masks' / 'a' / f'.leftover.{os.getpid()}.tmp').touch()  # as a kill in the middle of a write leaves
    assert _run(checkpoints['segmentation'], images, out, batch_size=1, resume=True) == 0
    _same(_contents(whole), _contents(out))
    kept = [path for path, moment in finished.items() if path.stat().st_mtime_ns == moment]
    assert len(kept) >= done  # what was finished was not predicted again
    before = _contents(out)
    assert _run(checkpoints['segmentation'], images, out, resume=True) == 0  # nothing is left to do
    assert _contents(out) == before


def test_resuming_predicts_again_what_lost_its_files(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    assert _run(checkpoints['segmentation'], images, out) == 0
    before = _contents(out)
    (out / 'masks' / 'a' / '00.png').unlink()
    assert _run(checkpoints['segmentation'], images, out, resume=True) == 0
    assert _contents(out) == before


def test_an_interrupt_leaves_whole_files_to_go_on_from(
    checkpoints: dict, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out, add = tmp_path / 'out', command.Progress.add

    def interrupted(self: command.Progress, outcome: Any) -> None:
        add(self, outcome)
        if self.count == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(command.Progress, 'add', interrupted)
    assert _run(checkpoints['segmentation'], images, out, batch_size=1) == 130
    assert '--resume' in capsys.readouterr().err
    monkeypatch.undo()
    done = (out / 'parts' / '1-of-1.jsonl').read_bytes().count(b'\n')
    assert 2 <= done < 12
    assert _run(checkpoints['segmentation'], images, out, batch_size=1, resume=True) == 0
    assert len(_lines(out)) == 12


def test_a_folder_of_other_predictions_is_refused(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    assert _run(checkpoints['segmentation'], images, out) == 0
    with pytest.raises(ValueError, match='holds predictions of this model already'):
        _run(checkpoints['segmentation'], images, out)
    for options in ({'score_thr': 0.5}, {'predictor': {'tile': 32}}, {'save': ('masks',)}):
        with pytest.raises(ValueError, match=r'made otherwise: (score_thr|overlap|save)'):
            _run(checkpoints['segmentation'], images, out, resume=True, **options)
    with pytest.raises(ValueError, match=r'made otherwise: checkpoint_sha256'):
        _run(checkpoints['detection'], images, out, resume=True)


def test_outputs_inside_the_input_folder_are_not_inputs(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    place = tmp_path / 'images'
    place.mkdir()
    Image.fromarray(scene(40, 40)).save(place / 'a.png')
    for resume in (False, True):
        assert _run(checkpoints['segmentation'], place, place / 'out', resume=resume) == 0
        assert [line['name'] for line in _lines(place / 'out')] == ['a']


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_bad_image_is_named_and_the_rest_goes_on(checkpoints: dict, tmp_path: Path) -> None:
    place, out = tmp_path / 'images', tmp_path / 'out'
    place.mkdir()
    for number in range(10):
        Image.fromarray(scene(40, 50, seed=number)).save(place / f'{number}.jpg')
    (place / '3.jpg').write_bytes((place / '3.jpg').read_bytes()[:300])
    (place / '7.jpg').write_text('not a picture')
    assert _run(checkpoints['segmentation'], place, out, batch_size=4) == 2
    assert [line['name'] for line in _lines(out)] == [str(number) for number in range(10) if number not in (3, 7)]
    failed = dict(line.split('\t') for line in (out / 'failed.txt').read_text().splitlines())
    assert sorted(Path(path).name for path in failed) == ['3.jpg', '7.jpg']
    assert json.loads((out / 'summary.json').read_text())['failed'] == 2
    # mended, it is predicted with --resume
    for number in (3, 7):
        Image.fromarray(scene(40, 50, seed=number)).save(place / f'{number}.jpg')
    assert _run(checkpoints['segmentation'], place, out, resume=True) == 0
    assert len(_lines(out)) == 10
    assert (out / 'failed.txt').read_text() == ''


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_place_that_takes_no_files_ends_the_run_and_keeps_what_is_done(
    checkpoints: dict, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    out, replacing, count = tmp_path / 'out', folder.replacing, [0]

    def full_after_nine(path: Path) -> Any:
        count[0] += 1
        if count[0] > 9:
            raise OSError(number, os.strerror(number))
        return replacing(path)

    monkeypatch.setattr(folder, 'replacing', full_after_nine)
    with pytest.raises(folder.OutputError, match=r'nothing can be written to .*--resume'):
        _run(checkpoints['segmentation'], images, out, batch_size=1, num_workers=1)
    monkeypatch.undo()
    assert len((out / 'parts' / '1-of-1.jsonl').read_text().splitlines()) == 3
    assert _run(checkpoints['segmentation'], images, out, batch_size=1, resume=True) == 0
    assert len(_lines(out)) == 12


def test_an_image_that_the_model_cannot_take_is_named(
    checkpoints: dict, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Segmenter.predict

    def some_fail(self: Segmenter, views: Any) -> Any:
        if any(Path(view[0]['data_samples'].img_path).stem == '05' for view in views):
            raise RuntimeError('Calculated padded input size per channel: (1 x 1)')
        return predict(self, views)

    monkeypatch.setattr(Segmenter, 'predict', some_fail)
    assert _run(checkpoints['segmentation'], images, tmp_path / 'out', batch_size=4) == 2
    assert len(_lines(tmp_path / 'out')) == 11
    assert 'RuntimeError: Calculated padded input size' in (tmp_path / 'out' / 'failed.txt').read_text()


def test_a_model_that_takes_no_image_ends_the_run(
    checkpoints: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Segmenter, views: Any) -> Any:
        raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')

    monkeypatch.setattr(Segmenter, 'predict', fail)
    for number in range(40):
        cv2.imwrite(str(tmp_path / f'{number}.png'), scene(8, 8, number))
    with pytest.raises(RuntimeError, match='the last 20 images all failed: RuntimeError: mat1'):
        _run(checkpoints['segmentation'], tmp_path, tmp_path / 'out')


@pytest.mark.slow
def test_the_tool_says_what_is_wrong_in_a_paragraph(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    for words, expected in (
        ([str(checkpoints['detection'])], 'give a checkpoint and at least one input'),
        ([str(checkpoints['detection']), str(images / 'nothing*.png')], 'nothing*.png'),
        ([str(checkpoints['detection']), str(images), '--device', 'cuda:99'], "device 'cuda:99' cannot be used"),
        ([str(checkpoints['detection']), str(images), '--tile', '10', '--overlap', '10'], 'overlap'),
    ):
        done = subprocess.run(
            [sys.executable, str(TOOL), *words, '--out', str(tmp_path / 'out')], capture_output=True, text=True
        )
        assert done.returncode == 2, done.stderr
        assert expected in done.stderr
        assert 'Traceback' not in done.stderr
    done = subprocess.run([sys.executable, str(TOOL), '--help'], capture_output=True, text=True)
    assert done.returncode == 0
    assert 'examples:' in done.stdout


def test_a_folder_of_hostile_files(checkpoints: dict, tmp_path: Path) -> None:
    """Every good file predicted at its size, every bad one named with its reason."""
    place, out = tmp_path / 'hostile', tmp_path / 'out'
    place.mkdir()
    hostile = write_hostile_folder(place)
    assert len(hostile.good) + len(hostile.bad) >= 30
    assert _run(checkpoints['segmentation'], place, out, batch_size=4) == 2
    lines = {line['image']: (line['height'], line['width']) for line in _lines(out)}
    assert lines == {str(place / name): tuple(size) for name, size in hostile.good.items()}
    text = (out / 'failed.txt').read_text(errors='surrogateescape')
    failed = dict(line.split('\t') for line in text.splitlines())
    assert failed.keys() == {str(place / name) for name in hostile.bad}
    for name, word in hostile.bad.items():
        assert word in failed[str(place / name)]
    summary = json.loads((out / 'summary.json').read_text())
    assert (summary['images'], summary['failed']) == (len(hostile.good), len(hostile.bad))


def test_images_that_a_resize_makes_vanish_are_named(checkpoints: dict, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'line.png'), scene(1, 5000))
    out = tmp_path / 'out'
    assert _run(checkpoints['detection'], tmp_path / 'line.png', out) == 2
    assert 'the Resize of the config leaves no rows' in (out / 'failed.txt').read_text()
    assert _run(checkpoints['detection'], tmp_path / 'line.png', tmp_path / 'tiles', predictor={'tile': 128}) == 0


def test_frames_of_a_video(checkpoints: dict, tmp_path: Path) -> None:
    av = pytest.importorskip('av')
    with av.open(str(tmp_path / 'clip.mp4'), 'w') as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
        for number in range(7):
            for packet in stream.encode(av.VideoFrame.from_ndarray(scene(48, 64, seed=number), format='rgb24')):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    out = tmp_path / 'out'
    assert _run(checkpoints['segmentation'], tmp_path / 'clip.mp4', out, batch_size=2) == 0
    lines = _lines(out)
    assert [line['frame'] for line in lines] == list(range(7))
    assert [line['image'] for line in lines] == [f'{tmp_path}/clip.mp4#{number}' for number in range(7)]
    assert (out / 'masks' / 'clip' / 'frame_000006.png').is_file()
    before = _contents(out)
    (out / 'masks' / 'clip' / 'frame_000003.png').unlink()
    assert _run(checkpoints['segmentation'], tmp_path / 'clip.mp4', out, resume=True) == 0
    assert _contents(out) == before


def test_memory_is_given_back_between_batches(
    checkpoints: dict, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr('swin_dense.inference.memory.FreedMemory.give_back', lambda self: calls.append(1))
    assert _run(checkpoints['segmentation'], images, tmp_path / 'out', batch_size=1) == 0
    assert len(calls) == 12


# --- inputs that change between runs ----------------------------------------------------------------------------------


def test_other_images_of_the_same_names_are_not_taken_for_done(checkpoints: dict, tmp_path: Path) -> None:
    for place in ('a', 'b'):
        (tmp_path / place).mkdir()
        Image.fromarray(scene(40, 40, seed=ord(place))).save(tmp_path / place / '1.png')
    out = tmp_path / 'out'
    assert _run(checkpoints['segmentation'], tmp_path / 'a', out) == 0
    before = _contents(out)
    with pytest.raises(ValueError, match='was made of other inputs'):
        _run(checkpoints['segmentation'], tmp_path / 'b', out, resume=True)
    with pytest.raises(ValueError, match='was made of other inputs'):  # 1 would be a/1 now, and be there twice
        _run(checkpoints['segmentation'], [tmp_path / 'a', tmp_path / 'b'], out, resume=True)
    assert {name: content for name, content in _contents(out).items() if 'parts' not in name} == before
    Image.fromarray(scene(40, 40)).save(tmp_path / 'a' / '2.png')
    assert _run(checkpoints['segmentation'], tmp_path / 'a', out, resume=True) == 0
    assert [line['name'] for line in _lines(out)] == ['1', '2']


def test_an_output_folder_that_is_reached_by_another_way_is_no_input(
    checkpoints: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'p').mkdir()
    (tmp_path / 'elsewhere').mkdir()
    Image.fromarray(scene(40, 40)).save(tmp_path / 'p' / '1.png')
    monkeypatch.chdir(tmp_path / 'elsewhere')
    for resume in (False, True):
        assert _run(checkpoints['segmentation'], '../p', Path('../p/out'), resume=resume) == 0
        assert len(_lines(tmp_path / 'p' / 'out')) == 1


def test_other_scales_are_other_predictions(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    views = ({'augmentation': Augmentation(scales, flip=False)} for scales in ((0.5, 1.0), (1.0, 1.75)))
    assert _run(checkpoints['segmentation'], images / 'a', tmp_path / 'out', predictor=next(views)) == 0
    with pytest.raises(ValueError, match=r'made otherwise: augmentation\.scales'):
        _run(checkpoints['segmentation'], images / 'a', tmp_path / 'out', predictor=next(views), resume=True)


def test_checkpoints_are_no_pictures(checkpoints: dict, images: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='is a checkpoint or the work dir of a training'):
        _run(checkpoints['segmentation'], [checkpoints['detection'], images], tmp_path / 'out')


def test_a_device_that_dies_does_not_make_images_bad(
    checkpoints: dict, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, count = Segmenter.predict, [0]

    def dies(self: Segmenter, views: Any) -> Any:
        count[0] += 1
        if count[0] > 3:
            raise RuntimeError('CUDA error: an illegal memory access was encountered')
        return predict(self, views)

    monkeypatch.setattr(Segmenter, 'predict', dies)
    with pytest.raises(RuntimeError, match='illegal memory access'):
        _run(checkpoints['segmentation'], images, tmp_path / 'out', batch_size=1)
    monkeypatch.undo()
    assert _run(checkpoints['segmentation'], images, tmp_path / 'out', batch_size=1, resume=True) == 0
    assert len(_lines(tmp_path / 'out')) == 12


def test_an_image_that_cannot_be_written_down_is_named(
    checkpoints: dict, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = folder.OutputFolder.write

    def some_fail(self: folder.OutputFolder, name: str, image: Any, prediction: Any) -> Any:
        line = write(self, name, image, prediction)
        return {**line, 'height': float('nan')} if name.endswith('05') else line

    monkeypatch.setattr(folder.OutputFolder, 'write', some_fail)
    assert _run(checkpoints['segmentation'], images, tmp_path / 'out') == 2
    assert len(_lines(tmp_path / 'out')) == 11
    assert 'Out of range float values' in (tmp_path / 'out' / 'failed.txt').read_text()


def test_frames_and_pictures_of_one_folder_are_refused(checkpoints: dict, tmp_path: Path) -> None:
    (tmp_path / 'in' / 'clip').mkdir(parents=True)
    (tmp_path / 'in' / 'clip.mp4').write_bytes(b'a video')
    Image.fromarray(scene(20, 20)).save(tmp_path / 'in' / 'clip' / 'frame_000000.png')
    with pytest.raises(ValueError, match='would go to one folder'):
        _run(checkpoints['segmentation'], tmp_path / 'in', tmp_path / 'out')
