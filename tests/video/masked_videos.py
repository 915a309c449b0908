"""Folders of videos with a mask for each frame."""

import cv2
import numpy as np


def write_masked_videos(root, lengths, *, height=24, width=32, labels=3, first_label=0):
    """`lengths`: frames of each video 'a', 'b', ...; pixel values carry the number of the frame."""
    for video, length in zip('abcdefg', lengths, strict=False):
        for folder in ('origin', 'mask'):
            (root / 'data' / video / folder).mkdir(parents=True)
        for number in range(length):
            image = np.full((height, width, 3), 5 * number, np.uint8)
            mask = ((np.arange(width) // 4 + number) % labels + first_label).astype(np.uint8)[None].repeat(height, 0)
            cv2.imwrite(str(root / 'data' / video / 'origin' / f'{number}.png'), image)
            cv2.imwrite(str(root / 'data' / video / 'mask' / f'{number}.png'), mask)
    (root / 'list.txt').write_text(''.join(f'{video}\n' for video, _ in zip('abcdefg', lengths, strict=False)))
