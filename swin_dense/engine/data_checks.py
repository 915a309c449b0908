"""Faults of the data found in seconds, before a model is built: broken annotations, missing files, class counts."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swin_dense.checks.coco_files import broken_json
from swin_dense.engine.class_names import class_counts
from swin_dense.engine.errors import DataError
from swin_dense.engine.exact_data import describe_source

# reading 118,000 entries of COCO back takes longer than building the model: larger sets are sampled evenly,
# and what the sample misses is reported with its path when it is loaded
MAX_CHECKED = 20_000
_SHOWN = 3


def explain_build_failure(error: BaseException, dataset_cfg: Any) -> DataError | None:
    """Turn the failure of reading an annotation file into a message with the file and the place, if it is one."""
    if isinstance(error, ValueError) and str(error) == 'need at least one array to concatenate':
        return _empty('data', dataset_cfg.get('ann_file'), dataset_cfg.get('metainfo'))
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, (json.JSONDecodeError, UnicodeDecodeError, FileNotFoundError)):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    files = [path for path in _annotation_files(dataset_cfg) if path.is_file()]
    if isinstance(cause, FileNotFoundError):
        return _missing(cause, Path(_root(dataset_cfg)))
    named = next((path for path in files if _is_broken(path)), files[0] if files else Path('the annotation file'))
    return DataError(f'{named} {broken_json(named, cause)} Write or download it again.')


def _missing(error: FileNotFoundError, root: Path) -> DataError:
    if root.is_dir():
        return DataError(f'a file of the data set is missing: {error}. Paths are joined from data_root={str(root)!r}.')
    return DataError(
        f'there is no folder {str(root)!r} (looked from {Path.cwd()}), the data_root of the config. The README shows '
        'what belongs into it; the variables COCO_ROOT and ADE20K_ROOT say where those data sets lie, DATASET_ROOT '
        'says where your own does, and tools/make_demo_data.py demo/data writes the demo data.'
    )


def _is_broken(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return True
    return False


def _annotation_files(cfg: Any) -> Iterator[Path]:
    if isinstance(cfg, dict):
        root = cfg.get('data_root') or ''
        if cfg.get('ann_file'):
            yield Path(root, cfg['ann_file'])
        for value in cfg.values():
            yield from _annotation_files(value)
    elif isinstance(cfg, (list, tuple)):
        for item in cfg:
            yield from _annotation_files(item)


def _root(cfg: Any) -> str:
    return str(cfg.get('data_root', '')) if isinstance(cfg, dict) else ''


def check_files(dataset: Any, *, name: str) -> None:
    """Refuse a dataset without samples, or whose images or masks are not all there."""
    size = len(dataset)
    source = describe_source(dataset)
    if size == 0:
        raise _empty(name, source, getattr(dataset, 'metainfo', None))
    if not hasattr(dataset, 'get_data_info'):
        return
    wanted: dict[str, dict[str, int]] = defaultdict(dict)  # folder -> file name -> index
    for index in range(0, size, -(-size // MAX_CHECKED)):
        info = dataset.get_data_info(index)
        for key in ('img_path', 'seg_map_path'):
            path = info.get(key)
            if isinstance(path, str) and '://' not in path:
                folder, file = os.path.split(path)
                wanted[folder].setdefault(file, index)
    missing = []
    for folder, files in wanted.items():
        present = {entry.name for entry in os.scandir(folder or '.')} if os.path.isdir(folder or '.') else set()
        missing += [(os.path.join(folder, file), index) for file, index in files.items() if file not in present]
    if missing:
        shown = ', '.join(f'{path} (sample {index})' for path, index in missing[:_SHOWN])
        more = f' and {len(missing) - _SHOWN:,} more' if len(missing) > _SHOWN else ''
        raise DataError(f'files named by {source} of the {name} set are not there: {shown}{more}.')
    if orphans := _masks_without_image(dataset):
        raise DataError(
            f'{len(orphans):,} masks of the {name} set have no image: {", ".join(orphans[:_SHOWN])}. '
            'Put the images back, or take the masks away.'
        )


def _masks_without_image(dataset: Any) -> list[str]:
    """Masks of an mmseg data set that lists its image folder, where a lost image would go unnoticed."""
    folder = (getattr(dataset, 'data_prefix', None) or {}).get('seg_map_path')
    suffix = getattr(dataset, 'seg_map_suffix', None)
    listed = os.path.isfile(getattr(dataset, 'ann_file', None) or '') or getattr(dataset, '_indices', None) is not None
    if suffix is None or listed or not folder or not os.path.isdir(folder) or len(dataset) > MAX_CHECKED:
        return []
    known = {os.path.normpath(dataset.get_data_info(index)['seg_map_path']) for index in range(len(dataset))}
    paths = [os.path.normpath(entry.path) for entry in os.scandir(folder) if entry.name.endswith(suffix)]
    return sorted(path for path in paths if path not in known)


def _empty(name: str, source: Any, metainfo: Any) -> DataError:
    classes = (metainfo or {}).get('classes') or ()
    if source is None:
        return DataError(
            f'the {name} set is empty: its folder has no image with the ending of the config. Look at data_root, '
            'data_prefix and img_suffix.'
        )
    return DataError(
        f'the {name} set is empty: {source} has no usable sample for the classes {", ".join(classes) or "(default)"}. '
        'Class names are compared letter by letter with those of the annotation file.'
    )


def check_class_counts(model_cfg: Any, dataset: Any) -> None:
    """Refuse a head whose `num_classes` is not the number of the dataset's classes: it would train to nothing."""
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes')
    if classes is None:
        return
    for key, count in class_counts(model_cfg):
        if count != len(classes):
            raise ValueError(
                f'{key} is {count}, and the data set has {len(classes)} classes '
                f'({", ".join(classes[:_SHOWN])}{", ..." if len(classes) > _SHOWN else ""}). Take {key} out of the '
                'config: it is filled in from the data.'
            )
