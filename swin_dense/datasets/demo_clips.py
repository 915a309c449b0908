"""The demo clips on disk: videos to recognise, and videos with a mask for each frame.

actions/videos/{train,val}/*.mp4            16 frames of 64 x 64
actions/{train,val}.txt                     lines of path and label; actions/classes.txt: a name a line
segmentation/data/*/origin/*.jpg, mask/*.png    16 frames a video; 0 = ground, in the order of STILL_CLASSES
segmentation/{train,val}.txt                names of videos
demo_data.json                              how it was made, and the digest of all other files

The pixels are the same on every machine; the bytes of the videos are those of the installed encoder.
"""

import io
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from swin_dense.video.containers import import_av

from .demo_folders import DemoData, made_folder
from .demo_motion import MOTION_CLASSES, SIDE, action_clips, still_or_moving

VERSION = 1  # of what is drawn: one more with each change of a pixel
_RATE = 8  # frames a second


@dataclass(frozen=True, kw_only=True)
class ClipRecipe:
    """Numbers of videos."""

    seed: int = 0
    num_train: int = 960
    num_val: int = 240
    num_train_masked: int = 96
    num_val_masked: int = 32


def make_demo_clips(
    directory: str | Path, recipe: ClipRecipe = ClipRecipe(), *, show_progress: bool = False
) -> DemoData:
    """Write the demo clips into a directory that is new, empty, or holds the same already.

    Raises ValueError if other files are in the way, OSError if it cannot be written, ImportError without PyAV.
    """
    import_av()  # a missing one is told before anything is made

    def write(root: Path) -> None:
        _write_actions(root / 'actions', recipe, show_progress)
        _write_masked(root / 'segmentation', recipe, show_progress)

    return made_folder(directory, {**asdict(recipe), 'version': VERSION}, write)


def _write_actions(root: Path, recipe: ClipRecipe, show_progress: bool) -> None:
    for split, (name, count) in enumerate((('train', recipe.num_train), ('val', recipe.num_val))):
        (root / 'videos' / name).mkdir(parents=True)
        lines = []
        clips = tqdm(
            action_clips(recipe.seed, split, count), f'{name} videos', count, unit='video', disable=not show_progress
        )
        for number, (label, frames) in enumerate(clips, 1):
            path = f'{name}/{number:06d}.mp4'
            write_video(root / 'videos' / path, frames)
            lines.append(f'{path} {label}\n')
        (root / f'{name}.txt').write_text(''.join(lines))
    (root / 'classes.txt').write_text(''.join(f'{each}\n' for each in MOTION_CLASSES))


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    """H.264 in which every frame stands alone, so that no traces of others tell what moves."""
    av = import_av()
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=_RATE, options={'g': '1', 'crf': '16', 'threads': '1'})
        stream.height, stream.width, stream.pix_fmt = SIDE, SIDE, 'yuv444p'
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format='rgb24')))
        container.mux(stream.encode())


def _write_masked(root: Path, recipe: ClipRecipe, show_progress: bool) -> None:
    first = 1  # names are unique over both splits
    for split, (name, count) in enumerate((('train', recipe.num_train_masked), ('val', recipe.num_val_masked))):
        videos = tqdm(
            still_or_moving(recipe.seed, split, count),
            f'{name} videos with masks',
            count,
            unit='video',
            disable=not show_progress,
        )
        names = []
        for number, (frames, masks) in enumerate(videos, first):
            names.append(f'{number:04d}')
            folder = root / 'data' / names[-1]
            (folder / 'origin').mkdir(parents=True)
            (folder / 'mask').mkdir()
            for place, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
                (folder / 'origin' / f'{place:08d}.jpg').write_bytes(_encoded(frame, 'JPEG', quality=92))
                (folder / 'mask' / f'{place:08d}.png').write_bytes(
                    _encoded(mask, 'PNG', compress_level=9, compress_type=zlib.Z_RLE)
                )
        (root / f'{name}.txt').write_text(''.join(f'{each}\n' for each in names))
        first += count


def _encoded(pixels: np.ndarray, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()
