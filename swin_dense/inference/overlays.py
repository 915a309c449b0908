"""Predictions drawn on their image: boxes, names and masks of a detector, class colours and a legend of a segmentor.

Images are (H, W, 3) uint8 RGB, in and out, and never written to. A picture is what comes out: the image, enlarged by a
whole factor or reduced where text on it would be hard to read, with pixel (0, 0) at the top left. Boxes of a picture
are (top, left, bottom, right), bottom and right outside. Every function may be called from several threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from swin_dense.datasets.palettes import blend, instance_shade
from swin_dense.inference.legends import font_size, percent, with_legend
from swin_dense.inference.results import CroppedMask, Detections, Recognition, Segmentation
from swin_dense.inference.texts import line_of_text, printed

_SHORTEST, _LONGEST = 720, 3000  # pixels of a picture's long side
_MASK_PART, _CLASS_PART = 0.45, 0.5  # of the colour in what it covers


def draw_detections(
    image: np.ndarray,
    detections: Detections,
    *,
    classes: Sequence[str],
    palette: np.ndarray,
    score_thr: float,
    with_scores: bool = True,
) -> np.ndarray:
    """The image with masks, boxes and names of all detections whose score is `score_thr` or more, best on top.

    A name stands above its box, else inside or beside it, where no other name is; it is set smaller and wrapped where
    the picture is narrower than it, and left out only where the whole picture is too small for it.

    Args:
        image: (H, W, 3) uint8 RGB.
        detections: of this image; boxes are clipped to it, a box that is not a number is left out.
        classes: names of the class numbers.
        palette: (num_classes, 3) uint8 RGB.
        with_scores: beside the names; annotations have none to show.

    Returns: (H', W', 3) uint8 RGB, a new array.
    Raises: ValueError for an image of another form or size and for labels without a name or colour.
    """
    _check(image, detections.size, classes, palette)
    kept = (detections.scores >= score_thr) & ~np.isnan(detections.boxes_xyxy).any(axis=1)
    best_first = np.flatnonzero(kept)[np.argsort(-detections.scores[kept], kind='stable')]
    labels = detections.labels[best_first]
    _check_labels(int(labels.min(initial=0)), int(labels.max(initial=0)), classes)
    picture = _scaled(image)
    line = _line_width(picture)
    boxes = _scaled_boxes(detections.boxes_xyxy[best_first], detections.size, picture)
    shades = [instance_shade(palette[label], int((labels[:rank] == label).sum())) for rank, label in enumerate(labels)]
    if detections.masks is not None:
        sources = _sources(detections.size, picture)
        for index, shade in zip(best_first[::-1], shades[::-1], strict=True):
            _paint_mask(picture, detections.masks[index], sources, shade, (line + 1) // 2)
    for (top, left, bottom, right), shade in zip(boxes[::-1], shades[::-1], strict=True):
        inside = picture[top:bottom, left:right]
        inside[:line], inside[-line:], inside[:, :line], inside[:, -line:] = shade, shade, shade, shade
    scores = [f' {score:.2f}' if with_scores else '' for score in detections.scores[best_first]]
    names = [f'{classes[label]}{score}' for label, score in zip(labels, scores, strict=True)]
    _paint_plates(picture, boxes, names, palette[labels])
    return picture


def draw_segmentation(
    image: np.ndarray, segmentation: Segmentation, *, classes: Sequence[str], palette: np.ndarray
) -> np.ndarray:
    """The image under the colours of its classes, beside (a wide one: above) a legend of the classes that occur.

    The legend names the largest class first, with its share of the image's pixels, and hides nothing of the picture.

    Args: as `draw_detections`; the segmentation is of this image.

    Returns: (H', W', 3) uint8 RGB, a new array.
    Raises: ValueError for an image of another form or size and for labels without a name or colour.
    """
    labels = np.ascontiguousarray(segmentation.labels)
    _check(image, labels.shape, classes, palette)
    bins = np.iinfo(labels.dtype).max + 1
    counts = cv2.calcHist([labels], [0], None, [bins], [0, bins])[:, 0]
    present = np.flatnonzero(counts)
    _check_labels(0, int(present[-1]), classes)
    picture = _scaled(image)
    shown = _nearest(labels, picture)
    # One 4-byte look-up a pixel is several times faster than three of one byte.
    table = np.zeros((len(palette), 4), np.uint8)
    table[:, :3] = palette
    looked_up = np.take(table.view(np.uint32)[:, 0], shown, mode='clip').view(np.uint8).reshape(*shown.shape, 4)
    colours = cv2.cvtColor(looked_up, cv2.COLOR_RGBA2RGB)
    cv2.addWeighted(picture, 1 - _CLASS_PART, colours, _CLASS_PART, 0, dst=picture)
    cv2.copyTo(np.full_like(picture, 255), _borders(shown, _line_width(picture) // 2), picture)
    largest_first = present[np.argsort(-counts[present], kind='stable')]
    shares = [percent(counts[label] / labels.size) for label in largest_first]
    return with_legend(picture, [str(classes[label]) for label in largest_first], shares, palette[largest_first])


def draw_recognition(
    image: np.ndarray, found: Recognition, shown: Sequence[int], *, classes: Sequence[str], palette: np.ndarray
) -> np.ndarray:
    """An image, or the preview of a video, beside (a wide one: above) the names and scores of the labels in `shown`.

    Args: as `draw_detections`.

    Returns: (H', W', 3) uint8 RGB, a new array.
    Raises: ValueError for a preview of another form or size and for labels without a name or colour.
    """
    _check(image, found.size, classes, palette)
    _check_labels(0, len(found.scores) - 1, classes)
    names = [str(classes[label]) for label in shown]
    return with_legend(_scaled(image), names, [percent(float(found.scores[each])) for each in shown], palette[shown])


def _check(image: np.ndarray, size: tuple[int, ...], classes: Sequence[str], palette: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f'Pictures are drawn on images of shape (H, W, 3) and type uint8; this one is {image.shape}, {image.dtype}.'
        )
    if image.shape[:2] != tuple(size):
        raise ValueError(
            f'The image is {image.shape[:2]}, its prediction {tuple(size)}. Give the one that was predicted.'
        )
    if len(palette) != len(classes):
        raise ValueError(f'There are {len(classes)} classes and {len(palette)} colours; give one colour a class.')


def _check_labels(smallest: int, largest: int, classes: Sequence[str]) -> None:
    if smallest < 0 or largest >= max(len(classes), 1):
        raise ValueError(
            f'Predictions have class numbers {smallest} to {largest}, but {len(classes)} names of classes were given. '
            'Give the names that the model was trained with.'
        )


# Geometry: from the image to the picture.


def _scaled(image: np.ndarray) -> np.ndarray:
    """The picture to draw on: the image, a whole factor larger or reduced where its long side asks for it; a copy."""
    height, width = image.shape[:2]
    longest = max(height, width)
    if longest < _SHORTEST:
        factor = -(-_SHORTEST // longest)
        return cv2.resize(image, (width * factor, height * factor), interpolation=cv2.INTER_CUBIC)
    if longest > _LONGEST:
        height, width = (max(1, round(side * _LONGEST / longest)) for side in (height, width))
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return np.array(image, order='C')


def _scaled_boxes(
    boxes_xyxy: np.ndarray, size: tuple[int, int], picture: np.ndarray
) -> list[tuple[int, int, int, int]]:
    """Boxes of the picture, each of at least one pixel."""
    limits = np.array(picture.shape[:2])
    edges = boxes_xyxy.reshape(-1, 2, 2)[:, :, ::-1].astype(np.float64) * (limits / size)  # (N, corner, y and x)
    edges = np.floor(np.clip(edges, 0, limits) + 0.5).astype(int)
    starts = np.minimum(edges[:, 0], limits - 1)
    stops = np.maximum(edges[:, 1], starts + 1)
    return [tuple(box) for box in np.concatenate([starts, stops], axis=1).tolist()]


def _sources(size: tuple[int, ...], picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row and each column of the picture, the one of the image that its middle lies in; whole numbers only."""
    height, width = (
        (2 * np.arange(shown) + 1) * side // (2 * shown) for side, shown in zip(size, picture.shape[:2], strict=True)
    )
    return height, width


def _nearest(labels: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """(H', W') labels of the picture's pixels. (cv2's own nearest rounds whole factors wrongly at some of them.)"""
    if labels.shape == picture.shape[:2]:
        return labels
    rows, columns = _sources(labels.shape, picture)
    return labels.take(rows, axis=0).take(columns, axis=1)


# Masks and class borders.


def _paint_mask(
    picture: np.ndarray,
    mask: CroppedMask,
    sources: tuple[np.ndarray, np.ndarray],
    colour: np.ndarray,
    contour_width: int,
) -> None:
    """Blend `colour` in where the mask is, and draw its outermost pixels as a contour."""
    rows, columns = sources
    height, width = mask.pixels.shape
    top, bottom = np.searchsorted(rows, (mask.top, mask.top + height))
    left, right = np.searchsorted(columns, (mask.left, mask.left + width))
    if top == bottom or left == right:  # between the pixels of a reduced picture
        return
    pixels = mask.pixels.take(rows[top:bottom] - mask.top, axis=0).take(columns[left:right] - mask.left, axis=1)
    pixels = pixels.astype(np.uint8)
    region = picture[top:bottom, left:right]
    table = blend(np.arange(256)[:, None], colour, _MASK_PART)
    cv2.copyTo(cv2.LUT(region, table[None]), pixels, region)
    inner = cv2.erode(pixels, np.ones((3, 3)), iterations=contour_width, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    region[pixels != inner] = colour


def _borders(labels: np.ndarray, line: int) -> np.ndarray:
    """(H', W') uint8, 1 where the label to the right or below is another one, `line` pixels wide to the left and up."""
    borders = np.zeros(labels.shape, np.uint8)
    borders[:, :-1] = labels[:, 1:] != labels[:, :-1]
    borders[:-1] |= labels[1:] != labels[:-1]
    return cv2.dilate(borders, np.ones((line, line)), anchor=(0, 0)) if line > 1 else borders


# Names on plates.


def _paint_plates(
    picture: np.ndarray, boxes: list[tuple[int, int, int, int]], names: list[str], colours: np.ndarray
) -> None:
    """One plate a box; the first boxes choose their places first, and lie on top where there are too few places."""
    height, width = picture.shape[:2]
    plates = []
    size = font_size(picture)
    # A name would hide a small box, its own one as well.
    taken = np.array([box for box in boxes if (box[2] - box[0]) * (box[3] - box[1]) < 6 * size**2]).reshape(-1, 4)
    for box, name, colour in zip(boxes, names, colours, strict=True):
        text = line_of_text(name, size, width)
        if text.shape[0] > height or text.shape[1] > width:
            continue
        place = _place(box, text.shape, (height, width), taken)
        taken = np.concatenate([taken, place[None]])
        plates.append((place, text, colour))
    for (top, left, bottom, right), text, colour in reversed(plates):
        picture[top:bottom, left:right] = printed(text, colour)


def _place(
    box: tuple[int, int, int, int], plate: tuple[int, ...], limits: tuple[int, int], taken: np.ndarray
) -> np.ndarray:
    """Where a plate of this (height, width) goes: the first at its box that covers nothing taken, else the least."""
    top, left, bottom, right = box
    height, width = plate
    ends = [(top - height, left), (top, left), (bottom, left), (bottom - height, left)]
    ends += [(y, right - width) for y, _ in ends] + [
        (y, x) for x in (right, left - width) for y in (top, bottom - height)
    ]
    steps = [(top + step * height, x) for step in (1, 2, 3) for x in (left, right - width)]
    steps += [
        (y, x) for step in (1, 2) for y in (top - (step + 1) * height, bottom + step * height) for x in (left, right)
    ]
    starts = np.array(ends + steps)
    starts[:, 1] = np.clip(starts[:, 1], 0, limits[1] - width)
    starts = starts[(starts[:, 0] >= 0) & (starts[:, 0] + height <= limits[0])]
    if not len(starts):  # a plate nearly as high as the picture
        starts = np.array([(min(max(top, 0), limits[0] - height), min(left, limits[1] - width))])
    places = np.concatenate([starts, starts + plate], axis=1)
    shared = np.minimum(places[:, None, 2:], taken[:, 2:]) - np.maximum(places[:, None, :2], taken[:, :2])
    covered = np.maximum(shared, 0).prod(axis=2).sum(axis=1)
    return places[covered.argmin()]


def _line_width(picture: np.ndarray) -> int:
    return max(2, round(max(picture.shape[:2]) / 600))
