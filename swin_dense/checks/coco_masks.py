"""Areas and segmentations of an annotation file: polygons, run lengths, and what the pipeline makes of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from swin_dense.checks.cases import by_share, counted, one_finding
from swin_dense.checks.coco_classes import is_named, orders_by_name
from swin_dense.checks.coco_files import CocoFile
from swin_dense.checks.coco_rows import SOUND, Rows
from swin_dense.checks.coco_usable import kept_objects
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Case, Depth, Finding, Level
from swin_dense.checks.scan import evenly
from swin_dense.datasets.coco_json import area_of

_LOOKED_AT_QUICKLY = 50_000
_CHARACTERS_QUICKLY = 2_000_000  # of packed run lengths, which are read in a second
_TOLERANCE = 1.0  # pixels
_OUTLINE = "'segmentation' is a list of polygons, each [x1, y1, x2, y2, ...] of three points or more, in pixels."
_RUNS = "Run lengths are {'size': [height, width], 'counts': ...} of the whole image, column by column."


def check_areas(dataset: DatasetConfig, file: CocoFile, rows: Rows) -> Iterator[Finding]:
    """Areas that are missing or 0: computed by this package's data set, an end or a loss in mmdet's."""
    is_read = (rows.image >= 0) & ~rows.is_ignored & (rows.form == SOUND) & (rows.boxes[:, 2:] > 0).all(axis=1)
    # mmdet leaves out an area of 0, of whatever class, and stops where there is none
    is_read &= is_named(dataset, file, rows) | np.isnan(rows.areas)
    places = np.flatnonzero(is_read & ~(rows.areas > 0))
    if not len(places):
        return
    what = f"{len(places):,} of {counted(len(rows.boxes), 'annotation')} have no 'area' above 0"
    if orders_by_name(dataset):
        message = f'{what}: it is computed from their segmentation, else from their box.'
        yield Finding(level='ok', rule='area-computed', file=file.path, key='annotations[].area', message=message)
        return
    cases = [_area_case(file, rows, place) for place in places]
    yield from one_finding(
        cases, level=by_share(len(places), len(rows.boxes)), rule='area-missing', file=file.path,
        key='annotations[].area', message=f'{what}: mmdet leaves them out, or stops where there is none.',
        remedy="Take type='swin_dense.CocoDataset', which computes it, or write width * height of the box.",
    )  # fmt: skip


def check_masks(dataset: DatasetConfig, file: CocoFile, rows: Rows, depth: Depth) -> Iterator[Finding]:
    """Segmentations, where the pipeline loads masks."""
    if not loads_masks(dataset.argument('pipeline')):
        return
    places = np.flatnonzero(kept_objects(dataset, file, rows)[0])
    if depth == 'quick':
        places = np.array(_some(file, places.tolist()), np.int64)
    outlines: list[int] = []
    problems: dict[str, list[Case]] = {}
    for place in places:
        segmentation = file.annotations[place].get('segmentation')
        problem = None
        if not segmentation:
            problem = 'segmentation-missing', 'add it'
        elif isinstance(segmentation, dict):
            problem = _problem_of_runs(segmentation, rows.limits[place])
        elif (problem := _problem_of_outlines(segmentation)) is None:
            outlines.append(place)
        if problem:
            case = Case(file.path, f'annotations[{place}].segmentation', segmentation, problem[1])
            problems.setdefault(problem[0], []).append(case)
    for rule, cases in problems.items():
        yield from _of_rule(rule, cases, len(places), file, dataset)
    yield from _outside(file, rows, outlines)


def _some(file: CocoFile, places: Sequence[int]) -> list[int]:
    """As many of the annotations as are looked into in a second."""
    chosen = evenly(places, _LOOKED_AT_QUICKLY)
    sizes: dict[int, int] = {}
    for place in chosen:
        segmentation = file.annotations[place].get('segmentation')
        if isinstance(segmentation, dict) and isinstance(segmentation.get('counts'), str):
            sizes[place] = len(segmentation['counts'])
    total = sum(sizes.values())
    if total <= _CHARACTERS_QUICKLY:
        return chosen
    packed = set(evenly(list(sizes), max(2, len(sizes) * _CHARACTERS_QUICKLY // total)))
    return [place for place in chosen if place not in sizes or place in packed]


def loads_masks(pipeline: Any) -> bool:
    """Whether a step of a pipeline, or of one inside it, loads masks of instances."""
    if isinstance(pipeline, dict):
        return bool(pipeline.get('with_mask')) or any(map(loads_masks, pipeline.values()))
    return isinstance(pipeline, (list, tuple)) and any(map(loads_masks, pipeline))


def _area_case(file: CocoFile, rows: Rows, place: int) -> Case:
    annotation = file.annotations[place]
    size = [None if np.isnan(value) else int(value) for value in rows.limits[place]]
    return Case(
        file.path, f'annotations[{place}].area', annotation.get('area'), f'area: {area_of(annotation, *size):.1f}'
    )


def _problem_of_outlines(segmentation: Any) -> tuple[str, str] | None:
    if not isinstance(segmentation, list):
        return 'segmentation-of-wrong-form', _OUTLINE
    if isinstance(segmentation[0], (int, float)):
        return 'segmentation-of-wrong-form', 'put the list into another one: [[x1, y1, ...]]'
    for polygon in segmentation:
        if not isinstance(polygon, list) or any(isinstance(value, (list, dict)) for value in polygon[:1]):
            return 'segmentation-of-wrong-form', 'write [x1, y1, x2, y2, ...] in place of pairs'
        if len(polygon) % 2 or len(polygon) < 6:
            fix = 'a coordinate is missing' if len(polygon) % 2 else 'remove it: it has less than three points'
            return 'polygon-of-wrong-length', fix
        for value in polygon:
            if type(value) not in (int, float) or not -1e9 < value < 1e9:
                return 'segmentation-of-wrong-form', f'{value!r} is no coordinate'
    return None


def _problem_of_runs(runs: dict[str, Any], limits: np.ndarray) -> tuple[str, str] | None:
    size, counts = runs.get('size'), runs.get('counts')
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(value, int) for value in size):
        return 'runs-broken', "'size' has to be [height, width]"
    if (size[0], size[1]) != tuple(limits):
        height, width = limits
        return 'runs-of-other-size', f'the image is {height:.0f} high, {width:.0f} wide'
    lengths = _run_lengths(counts)
    if lengths is None:
        return 'runs-broken', "'counts' has to be a list of numbers, or a text of pycocotools"
    if min(lengths, default=0) < 0 or sum(lengths) != size[0] * size[1]:
        return 'runs-broken', f'the runs are {sum(lengths):,} pixels together, the image is {size[0] * size[1]:,}'
    return None


def _run_lengths(counts: Any) -> Sequence[int] | None:
    if isinstance(counts, list):
        return counts if all(type(value) is int for value in counts) else None
    if not isinstance(counts, str) or not counts:
        return None
    # as pycocotools packs them: 5 bits a character from 48 on, bit 5 for more, the sign in the last's bit 4, and from
    # the fourth run on the difference to the run before the last
    lengths: list[int] = []
    value = shift = 0
    for character in counts:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
            value = shift = 0
    return lengths if shift == 0 else None


def _of_rule(rule: str, cases: list[Case], total: int, file: CocoFile, dataset: DatasetConfig) -> Iterator[Finding]:
    texts = {
        'segmentation-missing': (
            "have no 'segmentation', and the pipeline of the data set loads masks: mmdet stops at them.",
            'Write them, or train a detector of boxes alone: with_mask=False, and a model without mask head.',
        ),
        'segmentation-of-wrong-form': (
            'have a segmentation that is no list of polygons: mmdet ignores the objects, or stops.',
            _OUTLINE,
        ),
        'polygon-of-wrong-length': (
            'have a polygon of less than three points or an odd number of coordinates: mmdet leaves such polygons out, '
            'and ignores objects that have no others.',
            _OUTLINE,
        ),
        'runs-of-other-size': ('have run lengths of an image of another size: mmdet stops at them.', _RUNS),
        'runs-broken': ('have run lengths that are not as long as the image has pixels.', _RUNS),
    }
    message, remedy = texts[rule]
    level: Level = by_share(len(cases), total) if rule == 'polygon-of-wrong-length' else 'error'
    if rule == 'segmentation-missing':
        remedy = f'{remedy} The pipeline is {dataset.key}.pipeline.'
    yield from one_finding(
        cases, level=level, rule=rule, file=file.path, key='annotations[].segmentation',
        message=f'{len(cases):,} of {counted(total, "annotation")} {message}', remedy=remedy,
    )  # fmt: skip


def _outside(file: CocoFile, rows: Rows, places: Sequence[int]) -> Iterator[Finding]:
    """Polygons that reach out of their image."""
    if not places:
        return
    flat = [[value for polygon in file.annotations[place]['segmentation'] for value in polygon] for place in places]
    starts = np.cumsum([0] + [len(each) for each in flat[:-1]])
    points = np.fromiter((value for each in flat for value in each), np.float64)
    low_x, low_y = (np.minimum.reduceat(points[axis::2], starts // 2) for axis in (0, 1))
    high_x, high_y = (np.maximum.reduceat(points[axis::2], starts // 2) for axis in (0, 1))
    height, width = rows.limits[places].T
    over = np.max([-low_x, -low_y, high_x - width, high_y - height], axis=0)
    chosen = np.flatnonzero(over > _TOLERANCE)
    cases = [
        Case(
            file.path, f'annotations[{places[number]}].segmentation', None,
            f'clip it to {width[number]:.0f} x {height[number]:.0f} (width x height)',
        )
        for number in chosen
    ]  # fmt: skip
    yield from one_finding(
        cases, level='warning', rule='polygon-outside', file=file.path, key='annotations[].segmentation',
        message=f'{len(cases):,} of {counted(len(places), "annotation")} have polygons that reach out of their image, '
        f'by up to {np.max(over[chosen], initial=0):.0f} pixels: what is beyond is cut off.',
        remedy='Clip them. Many of them mean masks of another size of the images.',
    )  # fmt: skip
