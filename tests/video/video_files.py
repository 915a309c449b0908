"""Small videos whose frames carry their number, whole and hostile."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip('av')

BITS = 6  # of a frame's number, each a block of 8 x 8 pixels
_BLOCK = 8
CODECS = {
    'b_frames.mp4': ('libx264', {'bf': '3', 'g': '12'}),
    'mpeg4.avi': ('mpeg4', {'g': '10'}),
    'vp9.webm': ('libvpx-vp9', {'g': '15', 'deadline': 'realtime', 'cpu-used': '8'}),
    'vp8.webm': (
        'libvpx',
        {'g': '15', 'auto-alt-ref': '1', 'lag-in-frames': '16', 'cpu-used': '5'},
    ),
    'mjpeg.mkv': ('mjpeg', {}),
    'ffv1.mkv': ('ffv1', {}),
}


def numbered_frame(number: int, *, height: int = 32, width: int = 64) -> np.ndarray:
    """(H, W, 3) uint8; the number in black and white blocks from the left, and something that moves below."""
    frame = np.full((height, width, 3), 90, np.uint8)
    for bit in range(BITS):
        left = bit * _BLOCK
        frame[:_BLOCK, left : left + _BLOCK] = 255 * (number >> bit & 1)
    frame[_BLOCK:, number % width] = (200, 40, 40)
    return frame


def number_of(frame: np.ndarray) -> int:
    """The number that a frame carries."""
    means = frame[:_BLOCK, : BITS * _BLOCK].mean((0, 2)).reshape(BITS, _BLOCK).mean(1)
    return sum(int(mean > 128) << bit for bit, mean in enumerate(means))


def write_video(
    path: Path,
    frames: list[np.ndarray],
    *,
    codec: str = 'libx264',
    codec_options: dict[str, str] | None = None,
    times: list[int] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """10 frames a second, or at `times`, in tenths of a second."""
    height, width = frames[0].shape[:2]
    with av.open(str(path), 'w', options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=10, options=codec_options or {})
        stream.height, stream.width = height, width
        stream.pix_fmt = {'mjpeg': 'yuvj420p', 'ffv1': 'bgr0'}.get(codec, 'yuv420p' if height % 2 == 0 else 'yuv444p')
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format='rgb24')
            frame.pts = number if times is None else times[number]
            frame.time_base = Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def numbered_video(path: Path, *, count: int = 40, **options: object) -> Path:
    codec, codec_options = CODECS.get(path.name, ('libx264', {}))
    frames = [numbered_frame(each) for each in range(count)]
    return write_video(path, frames, codec=codec, codec_options=codec_options, **options)


def turned(path: Path) -> Path:
    """Write a rotation by 90 degrees into the header of an mp4 track."""
    content = bytearray(path.read_bytes())
    start = content.index(b'tkhd') + 44
    content[start : start + 36] = struct.pack('>9i', 0, 65536, 0, -65536, 0, 0, 0, 0, 0x40000000)
    path.write_bytes(content)
    return path


def sound(path: Path) -> Path:
    """A file without pictures."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('aac', rate=16000)
        stream.layout = 'mono'
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format='fltp', layout='mono')
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def cut(path: Path, share: float = 0.6) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def hostile_videos(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Writes files; gives name -> a piece of the reason why it is broken, and the names that can be read."""
    cut(numbered_video(folder / 'cut.mp4'))
    cut(numbered_video(folder / 'cut_at_start.mp4', container_options={'movflags': 'faststart'}))
    cut(numbered_video(folder / 'cut.mkv'))
    sound(folder / 'sound.mp4')
    (folder / 'text.mp4').write_text('not a video\n' * 50)
    (folder / 'empty.mp4').write_bytes(b'')
    (folder / 'no_frames').mkdir()
    broken = {
        'cut.mp4': 'not a video',
        'cut_at_start.mp4': 'cut off',
        'cut.mkv': 'cut off',
        'sound.mp4': 'no video stream',
        'text.mp4': 'not a video',
        'empty.mp4': 'not a video',
        'no_frames': 'no picture',
        'missing.mp4': 'no such file',
    }
    turned(numbered_video(folder / 'rotated.mp4'))
    numbered_video(folder / 'one_frame.mp4', count=1)
    write_video(folder / 'odd.mp4', [numbered_frame(each, height=27, width=49) for each in range(9)])
    numbered_video(folder / 'variable.mkv', times=[number + number // 3 * 4 for number in range(40)])
    return broken, ['rotated.mp4', 'one_frame.mp4', 'odd.mp4', 'variable.mkv']
