"""Lists, csv and json of videos; broken and missing ones by policy."""

import json
import logging

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DATASETS, DefaultScope

from swin_dense.engine.class_names import fill_classes
from swin_dense.engine.errors import DataError
from swin_dense.engine.exact_data import SeededDataset, SeededIndex
from swin_dense.engine.fingerprints import data_fingerprint
from tests.video.video_files import cut, hostile_videos, number_of, numbered_video

PIPELINE = [
    {'type': 'DecodeClips', 'clip_length': 2},
    {'type': 'ResizeShortSide', 'size': 16},
    {'type': 'CenterCropClips', 'size': 16},
    {'type': 'PackClips'},
]
CLASSES = ('ball', 'throw ball', '12 steps')


def dataset(kind, root, ann_file, **options):
    config = {'type': f'swin_dense.{kind}', 'data_root': str(root), 'ann_file': ann_file, 'pipeline': PIPELINE,
              'data_prefix': {'video': 'videos'}, **options}  # fmt: skip
    with DefaultScope.overwrite_default_scope('swin_dense'):
        return DATASETS.build(config)


def touched(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b'')


def samples(data, root):
    infos = [data.get_data_info(number) for number in range(len(data))]
    return [(info['path'].removeprefix(f'{root}/videos/'), info.get('label')) for info in infos]


@pytest.fixture
def log():
    lines = []
    logger = MMLogger.get_current_instance()
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def test_lists(tmp_path):
    touched(tmp_path / 'videos', 'a b.mp4', 'c.mp4', 'd/e.webm', 'f.mp4')
    (tmp_path / 'list.txt').write_text('a b.mp4 1\n\nc.mp4 throw ball\nd/e.webm ball\nf.mp4\t12 steps\n')
    (tmp_path / 'names.txt').write_text('\n'.join(CLASSES))
    expected = [('a b.mp4', 1), ('c.mp4', 1), ('d/e.webm', 0), ('f.mp4', 2)]
    for names in (CLASSES, str(tmp_path / 'names.txt')):
        data = dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': names})
        assert samples(data, tmp_path) == expected
        assert tuple(data.metainfo['classes']) == CLASSES


@pytest.mark.parametrize('line', ['c.mp4 3', 'c.mp4 -1', 'c.mp4 juggle', 'c.mp4'])
def test_a_line_without_a_label_is_told(tmp_path, line):
    touched(tmp_path / 'videos', 'a.mp4', 'c.mp4')
    (tmp_path / 'list.txt').write_text(f'a.mp4 0\n{line}\n')
    with pytest.raises(DataError, match=r'list.txt, line 2: .* from 0 to 2 or the name of a class \(ball, '):
        dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES})


def test_missing_videos(tmp_path, log):
    touched(tmp_path / 'videos', 'a.mp4')
    (tmp_path / 'list.txt').write_text(''.join(f'{name}.mp4 0\n' for name in 'abcde'))
    with pytest.raises(DataError, match=r'4 of 5 videos .*b\.mp4, .*c\.mp4, .*d\.mp4 and 1 more.*data_prefix'):
        dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES})
    data = dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES}, on_missing='skip')
    assert samples(data, tmp_path) == [('a.mp4', 0)]
    assert [line for line in log if '4 of 5 videos' in line]
    (tmp_path / 'videos' / 'a.mp4').unlink()
    with pytest.raises(DataError, match='5 of 5'):
        dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES}, on_missing='skip')


CSV = """label,youtube_id,time_start,time_end,split,is_cc
waxing legs,-abc,10,20,train,0
"eating, slowly",x_y,5,15,train,0
waxing legs,zzz,100,110,train,0
"""


def test_kinetics(tmp_path):
    touched(tmp_path / 'videos', '-abc_000010_000020.mp4', 'eating, slowly/x_y_000005_000015.mkv')
    touched(tmp_path / 'videos/zzz_000100_000110', '1.jpg')
    (tmp_path / 'train.csv').write_text(CSV)
    data = dataset('KineticsDataset', tmp_path, 'train.csv')
    assert tuple(data.metainfo['classes']) == ('eating, slowly', 'waxing legs')
    assert samples(data, tmp_path) == [
        ('-abc_000010_000020.mp4', 1), ('eating, slowly/x_y_000005_000015.mkv', 0), ('zzz_000100_000110', 1)
    ]  # fmt: skip
    (tmp_path / 'test.csv').write_text('youtube_id,time_start,time_end,split\n-abc,10,20,test\n')
    data = dataset('KineticsDataset', tmp_path, 'test.csv', metainfo={'classes': CLASSES})
    assert samples(data, tmp_path) == [('-abc_000010_000020.mp4', None)]
    with pytest.raises(DataError, match="line 2: 'waxing legs' is none of the 3 classes"):
        dataset('KineticsDataset', tmp_path, 'train.csv', metainfo={'classes': CLASSES})
    (tmp_path / 'train.csv').write_text('id,name\n1,2\n')
    with pytest.raises(DataError, match='has the columns id, name; Kinetics has label, time_end'):
        dataset('KineticsDataset', tmp_path, 'train.csv')


def test_something_something(tmp_path):
    touched(tmp_path / 'videos', '7.webm', '9.mp4')
    (tmp_path / 'labels.json').write_text(json.dumps({'Tearing something': '1', 'Moving something down': '0'}))
    rows = [{'id': '7', 'label': 'tearing paper', 'template': 'Tearing [something]', 'placeholders': ['paper']},
            {'id': '9', 'label': 'moving', 'template': 'Moving [something] down', 'placeholders': ['cup']}]  # fmt: skip
    (tmp_path / 'train.json').write_text(json.dumps(rows))
    data = dataset('SomethingSomethingDataset', tmp_path, 'train.json')
    assert tuple(data.metainfo['classes']) == ('Moving something down', 'Tearing something')
    assert samples(data, tmp_path) == [('7.webm', 1), ('9.mp4', 0)]
    (tmp_path / 'train.json').write_text('[{')
    with pytest.raises(DataError, match=r'train\.json is not what it should be: .*line 1'):
        dataset('SomethingSomethingDataset', tmp_path, 'train.json')


def test_heads_get_the_classes_of_the_annotation_file(tmp_path):
    (tmp_path / 'train.csv').write_text(CSV)
    loader = {'dataset': {'type': 'swin_dense.KineticsDataset', 'data_root': str(tmp_path), 'ann_file': 'train.csv'}}
    cfg = Config(
        {
            'default_scope': 'swin_dense',
            'model': {'type': 'swin_dense.VideoRecogniser', 'cls_head': {'type': 'swin_dense.PooledHead'}},
            'train_dataloader': loader,
        }
    )
    fill_classes(cfg)
    assert cfg.model.cls_head.num_classes == 2
    assert cfg.train_dataloader.dataset.metainfo.classes == ('eating, slowly', 'waxing legs')


def listed(tmp_path, names):
    (tmp_path / 'list.txt').write_text(''.join(f'{name} 0\n' for name in names))


def test_broken_videos_in_training(tmp_path, log):
    (tmp_path / 'videos').mkdir()
    broken, readable = hostile_videos(tmp_path / 'videos')
    del broken['missing.mp4']
    listed(tmp_path, [*broken, *readable])
    data = dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES})
    seeded = SeededDataset(data)
    for number in range(len(data)):
        first, second = (seeded[SeededIndex(number, seed=number)] for _ in range(2))
        assert first['inputs'].shape == (1, 3, 2, 16, 16)
        assert np.array_equal(first['inputs'], second['inputs'])  # the one taken in its place is no chance
    for name, reason in broken.items():
        told = [line for line in log if f'/{name} cannot be read' in line]
        assert len(told) == 1
        assert reason.lower() in told[0].lower()
    strict = dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES}, on_broken='raise')
    with pytest.raises(DataError, match=r'cut\.mp4: not a video'):
        strict[0]


def test_broken_videos_in_tests_stay(tmp_path):
    (tmp_path / 'videos').mkdir()
    numbered_video(tmp_path / 'videos' / 'good.mp4')
    cut(numbered_video(tmp_path / 'videos' / 'bad.mp4'))
    listed(tmp_path, ['good.mp4', 'bad.mp4'])
    data = dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES}, test_mode=True)
    assert data[0]['inputs'].shape[0] == 1
    assert 'broken' not in data[0]['data_samples']
    assert data[1]['inputs'].shape[0] == 0
    assert 'not a video' in data[1]['data_samples'].broken


def test_only_broken_videos_end_training(tmp_path):
    (tmp_path / 'videos').mkdir()
    cut(numbered_video(tmp_path / 'videos' / 'bad.mp4'))
    listed(tmp_path, ['bad.mp4'] * 3)
    data = dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES}, max_refetch=3)
    with pytest.raises(DataError, match=r'4 videos, one after the other, cannot be read.*bad.mp4'):
        data[0]


def test_the_fingerprint_follows_the_videos(tmp_path):
    (tmp_path / 'videos').mkdir()
    video = numbered_video(tmp_path / 'videos' / 'a.mp4')
    listed(tmp_path, ['a.mp4'])
    make = lambda: data_fingerprint(dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES}))  # noqa: E731
    before = make()
    assert make() == before
    cut(video)
    assert make() != before


def test_frames_reach_the_model_in_order(tmp_path):
    (tmp_path / 'videos').mkdir()
    numbered_video(tmp_path / 'videos' / 'a.mp4')
    listed(tmp_path, ['a.mp4'])
    pipeline = [{'type': 'DecodeClips', 'clip_length': 8, 'interval': 4, 'test_mode': True}, {'type': 'PackClips'}]
    data = dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES}, pipeline=pipeline)
    frames = data[0]['inputs'][0].permute(1, 2, 3, 0).numpy()
    assert [number_of(frame) for frame in frames] == list(range(4, 36, 4))


@pytest.mark.parametrize('options', [{'on_broken': 'warn'}, {'on_missing': 'ignore'}])
def test_says_what_is_wrong(tmp_path, options):
    with pytest.raises(ValueError, match='is one of raise, skip; got'):
        dataset('ClipDataset', tmp_path, 'list.txt', **options)
    with pytest.raises(DataError, match=r'list.txt cannot be read: No such file'):
        dataset('ClipDataset', tmp_path, 'list.txt', metainfo={'classes': CLASSES})
    with pytest.raises(DataError, match='does not know its classes'):
        dataset('ClipDataset', tmp_path, 'list.txt')
