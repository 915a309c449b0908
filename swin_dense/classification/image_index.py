"""Names and labels of a million images in a few arrays, which forked workers share.

A list of a million dicts takes a gigabyte, and its reference counts make each worker copy it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ImageIndex:
    """Legend: N images.

    Attributes:
        names: one after the other, UTF-8, uint8.
        ends: (N,) int64, where each ends in `names`.
        labels: (N,) int32.
        slices: (N, 2) int64, first byte and number of bytes in a tar file; None for files.
    """

    names: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    slices: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def name(self, number: int) -> str:
        start = 0 if number == 0 else int(self.ends[number - 1])
        return self.names[start : int(self.ends[number])].tobytes().decode('utf-8', 'surrogateescape')

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for each in (self.names, self.ends, self.labels, self.slices) if each is not None)

    def chosen(self, numbers: Sequence[int]) -> 'ImageIndex':
        """Of some images, in the given order."""
        return image_index(
            ((self.name(number), int(self.labels[number])) for number in numbers),
            None if self.slices is None else self.slices[list(numbers)],
        )

    def digest(self) -> str:
        """The same for the same names and labels in the same order."""
        made = hashlib.sha256(self.names.tobytes())
        made.update(self.ends.tobytes())
        made.update(self.labels.tobytes())
        return made.hexdigest()


def image_index(rows: Iterable[tuple[str, int]], slices: np.ndarray | None = None) -> ImageIndex:
    """The index of (name, label), in their order."""
    names, ends, labels = bytearray(), [], []
    for name, label in rows:
        names += name.encode('utf-8', 'surrogateescape')
        ends.append(len(names))
        labels.append(label)
    return ImageIndex(
        names=np.frombuffer(bytes(names), dtype=np.uint8),
        ends=np.array(ends, dtype=np.int64),
        labels=np.array(labels, dtype=np.int32),
        slices=slices,
    )
