"""Frames of videos against OpenCV's reader; videos that end early."""

import builtins
import struct

import cv2
import numpy as np
import pytest

from swin_dense.inference.decoding import UnreadableImage
from swin_dense.inference.frames import count_frames, read_frames
from tests.checkpoints.web_site import Site

av = pytest.importorskip('av')
FRAMES = 40


def write_video(path, codec='libx264', **options):
    """48 x 64, 10 frames a second: red corner, noise, and a column that moves."""
    with av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream(codec, rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
        for number in range(FRAMES):
            image = np.zeros((48, 64, 3), np.uint8)
            image[:24, :32] = (255, 0, 0)
            image[24:, 20:50] = np.random.default_rng(number).integers(0, 255, (24, 30, 3))
            image[:, number : number + 4] = (0, 255, 0)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        container.mux(stream.encode())
    return path


def turned(path, matrix):
    """Write a display matrix into the header of an mp4 track."""
    content = bytearray(path.read_bytes())
    start = content.index(b'tkhd') + 44
    content[start : start + 36] = struct.pack('>9i', *(value * 65536 for value in matrix), 0, 0, 0x40000000)
    path.write_bytes(content)


def by_opencv(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (result := capture.read())[0]:
        frames.append(result[1][..., ::-1])
    return frames


KINDS = [('a.mp4', 'libx264', {}), ('fast.mp4', 'libx264', {'movflags': 'faststart'}), ('a.mkv', 'libx264', {}),
         ('a.avi', 'mjpeg', {}), ('a.webm', 'libvpx', {}), ('old.mp4', 'mpeg4', {})]  # fmt: skip


@pytest.mark.parametrize(('name', 'codec', 'options'), KINDS)
def test_frames(tmp_path, name, codec, options):
    path = write_video(tmp_path / name, codec, **options)
    frames = list(read_frames(str(path)))
    assert [number for number, _ in frames] == list(range(FRAMES))
    for (_, image), expected in zip(frames, by_opencv(path), strict=True):
        assert image.dtype == np.uint8
        assert image.shape == expected.shape == (48, 64, 3)
        assert np.abs(image.astype(int) - expected).max() <= 2
    assert frames[20][1][2, 2, 0] > 180
    assert frames[20][1][2, 2, 1:].max() < 60
    assert count_frames(str(path)) == FRAMES


@pytest.mark.parametrize('matrix', [(0, 1, 0, -1, 0, 0), (-1, 0, 0, 0, -1, 0), (0, -1, 0, 1, 0, 0)])
def test_rotation(tmp_path, matrix):
    path = write_video(tmp_path / 'a.mp4')
    turned(path, matrix)
    frames, expected = list(read_frames(str(path))), by_opencv(path)
    assert len(frames) == FRAMES
    for (_, image), other in zip(frames, expected, strict=True):
        assert image.shape == other.shape
        assert np.abs(image.astype(int) - other).max() <= 2


@pytest.mark.parametrize(('name', 'codec', 'options'), KINDS)
def test_what_ends_early_gives_its_beginning_and_a_reason(tmp_path, name, codec, options):
    path = write_video(tmp_path / name, codec, **options)
    whole = [image for _, image in read_frames(str(path))]
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    seen = []
    with pytest.raises(UnreadableImage) as caught:
        seen.extend(read_frames(str(path)))
    if name in ('a.mp4', 'old.mp4'):  # the index is at the end
        assert 'not a video' in str(caught.value)
        assert count_frames(str(path)) is None
    else:
        for number, image in read_some(path):
            original = next(at for at, other in enumerate(whole) if np.array_equal(image, other))
            # frames are stored out of order: of the last before the cut, one may be missing
            assert original - number in (0, 1, 2)
            assert original == number or original >= 20
            seen.append(number)
        assert len(seen) > 10
        assert f'after frame {seen[-1]}' in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def read_some(path):
    frames = read_frames(str(path))
    while True:
        try:
            yield next(frames)
        except (StopIteration, UnreadableImage):
            return


def test_what_is_no_video(tmp_path):
    for name, content in (('empty.mp4', b''), ('text.mp4', b'a text' * 99)):
        (tmp_path / name).write_bytes(content)
    (tmp_path / 'link.mp4').symlink_to('nowhere')
    for name, expected in (
        ('empty.mp4', 'not a video'),
        ('text.mp4', 'not a video'),
        ('link.mp4', 'dangling'),
        ('.', 'folder'),
    ):
        with pytest.raises(UnreadableImage, match=expected):
            next(read_frames(str(tmp_path / name)))
        assert count_frames(str(tmp_path / name)) is None


def test_a_list_of_addresses_is_not_followed(tmp_path):
    with Site(tmp_path / 'site') as site:
        (site.folder / 'a.ts').write_bytes(write_video(tmp_path / 'a.ts').read_bytes())
        url = site.url.rpartition('/')[0] + '/a.ts'
        (tmp_path / 'x.m3u8').write_text(f'#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n')
        with pytest.raises(UnreadableImage):
            next(read_frames(str(tmp_path / 'x.m3u8')))
        assert site.requests == []


def test_a_video_at_an_address(tmp_path):
    with Site(tmp_path / 'site') as site:
        content = write_video(tmp_path / 'a.mp4', movflags='faststart').read_bytes()
        (site.folder / 'a.mp4').write_bytes(content)
        assert len(list(read_frames(site.url.rpartition('/')[0] + '/a.mp4'))) == FRAMES


def test_a_missing_pyav_is_one_clear_error(tmp_path, monkeypatch):
    real = builtins.__import__

    def without_av(name, *rest):
        if name == 'av':
            raise ModuleNotFoundError("No module named 'av'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, '__import__', without_av)
    with pytest.raises(ImportError, match=r"pip install 'swin_dense\[video\]'"):
        next(read_frames(str(tmp_path / 'a.mp4')))
