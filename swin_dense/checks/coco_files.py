"""Reading a COCO annotation file: what is no such file is told apart, and entries without what all others need."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swin_dense.checks.cases import listed, one_finding
from swin_dense.checks.dataset_configs import DatasetConfig
from swin_dense.checks.findings import Case, Finding
from swin_dense.datasets.coco_json import nearest_name

PARTS = ('images', 'annotations', 'categories')
# what pycocotools and mmdet read of every entry; bbox is looked at with the boxes, sizes with the images
_NEEDED: dict[str, dict[str, type]] = {
    'images': {'id': int, 'file_name': str},
    'annotations': {'id': int, 'image_id': int, 'category_id': int},
    'categories': {'id': int, 'name': str},
}
_CONVERT = (
    'Convert it to COCO JSON first: {"images": [{"id", "file_name", "height", "width"}], "annotations": [{"id", '
    '"image_id", "category_id", "bbox": [x, y, width, height]}], "categories": [{"id", "name"}]}.'
)
_CONVERT_LABELME = 'Convert the folder: python tools/convert_labelme.py FOLDER --out DIR. Then set data_root to DIR.'
_OF_LABELME = ' of one JSON file an image, as labelme writes them'
_MOST_FILES_LISTED = 5_000


@dataclass(frozen=True, eq=False)
class CocoFile:
    """The content of an annotation file: lists of dicts, all with ids."""

    path: str
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        return [category['name'] for category in self.categories]


def read_coco_file(dataset: DatasetConfig) -> tuple[CocoFile | None, list[Finding]]:
    """Read the annotation file of a data set; None with the errors that say why it cannot be used."""
    path, key = dataset.path(str(dataset.argument('ann_file') or '')), f'{dataset.key}.ann_file'
    if not os.path.isfile(path):
        return None, [_not_a_file(path, key, dataset)]
    try:
        text = Path(path).read_bytes().decode('utf-8')
        content = json.loads(text)
    except OSError as error:
        message = f'it cannot be read: {error.strerror or error}.'
        return None, [_error('annotations-unreadable', path, key, message, 'Give yourself permission to read it.')]
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        return None, [_not_json(path, key, error)]
    except RecursionError:
        return None, [_error('annotations-not-coco', path, key, 'its lists are nested too deeply.', _CONVERT)]
    if found := _other_form(content):
        message, remedy = found
        return None, [_error('annotations-not-coco', path, key, message, remedy)]
    findings = list(_incomplete_entries(path, content))
    return (None if findings else CocoFile(path, *(content[part] for part in PARTS))), findings


def broken_json(path: str | Path, error: json.JSONDecodeError | UnicodeDecodeError) -> str:
    """What is wrong with a file that is not JSON, and where; whether it is cut off."""
    if isinstance(error, UnicodeDecodeError):
        return f'is not a text file: byte {error.start} cannot be read ({error.reason}).'
    size = os.path.getsize(path) if os.path.isfile(path) else 0
    at_end = error.pos >= len(error.doc.rstrip()) - 1 or error.msg.startswith('Unterminated string')
    ending = ', where the file ends: it is cut off' if at_end else ''
    return (
        f'is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno} (character {error.pos:,} of '
        f'{len(error.doc):,}; {size:,} bytes){ending}.'
    )


def _error(rule: str, file: str, key: str, message: str, remedy: str, value: Any = None) -> Finding:
    return Finding(level='error', rule=rule, file=file, key=key, message=message, remedy=remedy, value=value)


def _not_a_file(path: str, key: str, dataset: DatasetConfig) -> Finding:
    given = dataset.argument('ann_file')
    if not given:
        message = 'the data set names no annotation file.'
        return _error('annotations-missing', '', key, message, "Write ann_file='annotations/train.json'.", given)
    if os.path.isdir(path):
        content = _content_of_folder(Path(path))
        message = f'this is a folder{content}, and mmdet reads one COCO JSON file.'
        remedy = _CONVERT_LABELME if content == _OF_LABELME else f'Name the file in it. {_CONVERT}'
        return _error('annotations-not-coco', path, key, message, remedy, given)
    root = str(dataset.argument('data_root') or '')
    if root and not os.path.isdir(root):
        message = f'there is no folder {root!r} (looked from {os.getcwd()}), the data_root of the data set.'
        remedy = (
            f'Correct {dataset.key}.data_root, or the variable that the config takes it from: COCO_ROOT, DATASET_ROOT, '
            'SWIN_DENSE_DEMO (tools/make_demo_data.py writes the demo data).'
        )
        return _error('annotations-missing', path, f'{dataset.key}.data_root', message, remedy, root)
    there = _json_files(Path(root or os.path.dirname(path) or '.'))
    near = nearest_name(os.path.basename(path), [os.path.basename(each) for each in there])
    meant = next((each for each in there if os.path.basename(each) == near), there[0] if len(there) == 1 else None)
    message = (
        f'there is no such file. JSON files below {root or os.path.dirname(path) or "."}: {listed(there) or "none"}.'
    )
    remedy = f'Write ann_file={meant!r}.' if meant else 'Put the file there, or correct ann_file.'
    return _error('annotations-missing', path, key, message, remedy, given)


def _json_files(root: Path) -> list[str]:
    found: list[str] = []
    seen = 0
    for folder, _, names in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names if name.endswith('.json')]
        seen += len(names)
        if seen > _MOST_FILES_LISTED:
            break
    return sorted(found)


def _content_of_folder(folder: Path) -> str:
    names = sorted(entry.name for entry in os.scandir(folder))[:_MOST_FILES_LISTED]
    if any(name.endswith('.xml') for name in names):
        return ' of XML files, as Pascal VOC has them'
    if any(name.endswith('.txt') for name in names):
        return ' of text files, as YOLO has them'
    first = next((name for name in names if name.endswith('.json')), None)
    if first is None:
        return ''
    try:
        content = json.loads((folder / first).read_bytes())
    except (OSError, ValueError):
        return ''
    return _OF_LABELME if _is_labelme(content) else f' with {listed(names, 3)}'


def _not_json(path: str, key: str, error: json.JSONDecodeError | UnicodeDecodeError) -> Finding:
    start = Path(path).read_bytes()[:200]
    if start.lstrip().startswith(b'<'):
        message = 'it is XML, as Pascal VOC has its annotations, and mmdet reads COCO JSON here.'
        return _error('annotations-not-coco', path, key, message, _CONVERT)
    if start.startswith(b'\xef\xbb\xbf'):
        message = 'the file begins with a byte order mark, which JSON does not have.'
        return _error('annotations-not-json', path, key, message, 'Save it as UTF-8 without BOM.')
    remedy = 'Write or download the file again.'
    return _error('annotations-not-json', path, key, f'the file {broken_json(path, error)}', remedy)


def _is_labelme(content: Any) -> bool:
    return isinstance(content, dict) and 'shapes' in content and 'imagePath' in content


def _other_form(content: Any) -> tuple[str, str] | None:
    """(message, remedy) where a file's content is not COCO's."""
    if isinstance(content, list):
        is_result = bool(content) and isinstance(content[0], dict) and 'score' in content[0]
        what = 'detections, as a model writes them for evaluation' if is_result else 'entries'
        return f'it is a list of {what}, and COCO annotations are an object with {", ".join(PARTS)}.', _CONVERT
    if not isinstance(content, dict):
        return f'it holds {content!r:.60}, and COCO annotations are an object with {", ".join(PARTS)}.', _CONVERT
    if _is_labelme(content):
        return 'it is the file of one image, as labelme writes it.', _CONVERT_LABELME
    if '_via_img_metadata' in content:
        return 'it is a project of the VGG Image Annotator.', f'Export it as COCO from there. {_CONVERT}'
    if missing := [part for part in PARTS if part not in content]:
        message = f'it has no {" and no ".join(repr(part) for part in missing)}. Its keys are {listed(list(content))}.'
        if missing == ['annotations']:
            return message, 'It lists images alone, as COCO does for its test set: name a file with annotations.'
        return message, _CONVERT
    if wrong := [part for part in PARTS if not isinstance(content[part], list)]:
        return f'its {wrong[0]!r} is {type(content[wrong[0]]).__name__}, and has to be a list.', _CONVERT
    if content['annotations'] and _are_panoptic(content['annotations'][0]):
        message = "its annotations have 'segments_info', as those of panoptic segmentation have."
        return message, "Name the file of the instances, or take type='CocoPanopticDataset'."
    if content['images'] and _are_of_lvis(content['images'][0]):
        message = "its images have 'coco_url' and no 'file_name', as those of LVIS have."
        return message, "Take type='LVISV1Dataset'."
    return None


def _are_panoptic(annotation: Any) -> bool:
    return isinstance(annotation, dict) and 'segments_info' in annotation


def _are_of_lvis(image: Any) -> bool:
    return isinstance(image, dict) and 'file_name' not in image and 'coco_url' in image


def _incomplete_entries(path: str, content: dict[str, Any]) -> Iterator[Finding]:
    for part, needed in _NEEDED.items():
        for name, kind in needed.items():
            cases = [
                Case(path, f'{part}[{place}].{name}', _value(entry, name), _fix(entry, name, kind))
                for place, entry in enumerate(content[part])
                if type(_value(entry, name)) is not kind
            ]
            missing = sum(case.value is None for case in cases)
            what = 'a whole number' if kind is int else 'a text'
            message = f'have no {name!r} that is {what}'
            if kind is int and cases and all(_is_quoted_number(case.value) for case in cases):
                number = int(cases[0].value)
                message = f'have {name!r} in quotation marks: the text "{number}" is never equal to the number {number}'
            elif cases and not missing:
                message += f', as {cases[0].value!r} is not'
            yield from one_finding(
                cases, level='error', rule='key-missing' if missing == len(cases) else 'key-of-wrong-type',
                file=path, key=f'{part}[].{name}',
                message=f'{len(cases):,} of {len(content[part]):,} {part} {message}.',
                remedy=f'Write {name!r} as {what} in each of them'
                + (', in quotation marks nowhere.' if kind is int and not missing else '.'),
            )  # fmt: skip


def _value(entry: Any, name: str) -> Any:
    return entry.get(name) if isinstance(entry, dict) else None


def _is_quoted_number(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20


def _fix(entry: Any, name: str, kind: type) -> str:
    value = _value(entry, name)
    if value is None:
        return f'add {name!r}'
    try:
        meant = kind(value)
        if kind is str or float(value) == meant:
            return f'{name}: {meant!r}'
    except (TypeError, ValueError, OverflowError):
        pass
    return f'{name}: {"a whole number" if kind is int else "a text"}'
