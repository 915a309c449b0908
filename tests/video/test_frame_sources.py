"""Frames by number against the number that each frame carries; videos that cannot be read."""

import cv2
import numpy as np
import pytest

from swin_dense.video.containers import BrokenVideo
from swin_dense.video.frame_sources import open_frames
from tests.video.video_files import (
    CODECS,
    hostile_videos,
    number_of,
    numbered_frame,
    numbered_video,
    turned,
    write_video,
)

ORDERS = ([0], [39], [3, 3, 3], [5, 7, 9, 11, 39, 0], [30, 12, 29, 13], list(range(40)), list(range(39, -1, -7)))


@pytest.mark.parametrize('name', CODECS)
def test_frames_are_those_of_their_number(tmp_path, name):
    path = numbered_video(tmp_path / name)
    with open_frames(str(path)) as source:
        assert source.num_frames == 40
        for order in ORDERS:
            assert [number_of(frame) for frame in source.read(order)] == order
        assert source.read([4])[0].shape == (32, 64, 3)
        with pytest.raises(IndexError, match='frames 0 to 39; asked for 2 to 40'):
            source.read([2, 40])


def test_a_seek_decodes_what_is_near(tmp_path, monkeypatch):
    path = numbered_video(tmp_path / 'b_frames.mp4')
    with open_frames(str(path)) as source:
        decoded = []
        decode = source.container.decode
        count = lambda frame: decoded.append(frame) or frame  # noqa: E731
        monkeypatch.setattr(source, 'container', Counting(source.container, lambda *a: map(count, decode(*a))))
        source.read([38])
        assert 0 < len(decoded) <= 12  # of 39


class Counting:
    def __init__(self, container, decode):
        self.container, self.decode = container, decode

    def seek(self, *args, **options):
        self.container.seek(*args, **options)


def test_variable_frame_rate_counts_frames(tmp_path):
    path = numbered_video(tmp_path / 'variable.mkv', times=[number + number // 3 * 4 for number in range(40)])
    with open_frames(str(path)) as source:
        assert [number_of(frame) for frame in source.read([0, 17, 39])] == [0, 17, 39]


def test_rotation(tmp_path):
    path = turned(numbered_video(tmp_path / 'a.mp4'))
    with open_frames(str(path)) as source:
        frame = source.read([21])[0]
    assert frame.shape == (64, 32, 3)
    capture = cv2.VideoCapture(str(path))
    for _ in range(22):
        expected = capture.read()[1][..., ::-1]
    assert np.abs(frame.astype(int) - expected).max() <= 2


def test_folder_of_pictures(tmp_path):
    for number in range(12):
        cv2.imwrite(str(tmp_path / f'img{number}.png'), numbered_frame(number))
    (tmp_path / 'notes.txt').write_text('')
    with open_frames(str(tmp_path)) as source:
        assert source.num_frames == 12
        assert [number_of(frame) for frame in source.read([11, 2, 2, 10])] == [11, 2, 2, 10]
    (tmp_path / 'img5.png').write_bytes(b'')
    cv2.imwrite(str(tmp_path / 'img7.png'), numbered_frame(7, height=40))
    with open_frames(str(tmp_path)) as source:
        with pytest.raises(BrokenVideo, match=r'img5\.png: '):
            source.read([4, 5])
        with pytest.raises(BrokenVideo, match=r'frame 7 is 40 x 64 .* frame 3 is 32 x 64'):
            source.read([3, 7])


def test_hostile_videos(tmp_path):
    broken, readable = hostile_videos(tmp_path)
    for name, reason in broken.items():
        with pytest.raises(BrokenVideo, match=f'(?i){reason}'), open_frames(str(tmp_path / name)):
            pass
    sizes = {}
    for name in readable:
        with open_frames(str(tmp_path / name)) as source:
            frames = source.read(range(source.num_frames))
            sizes[name] = len(frames), frames[-1].shape[:2]
    assert sizes == {'rotated.mp4': (40, (64, 32)), 'one_frame.mp4': (1, (32, 64)), 'odd.mp4': (9, (27, 49)),
                     'variable.mkv': (40, (32, 64))}  # fmt: skip


def test_a_frame_damaged_in_the_middle_is_told(tmp_path):
    path = write_video(tmp_path / 'a.avi', [numbered_frame(each) for each in range(30)], codec='mjpeg')
    content = bytearray(path.read_bytes())
    places = [place for place in range(len(content) - 1) if content[place : place + 2] == b'\xff\xd8']
    content[places[20] : places[21] - 16] = bytes(places[21] - 16 - places[20])
    path.write_bytes(content)
    with pytest.raises(BrokenVideo), open_frames(str(path)) as source:
        source.read([20])
