"""mmdet's COCO data set, with labels in the order of its classes, and classes from the annotation file.

Differences from mmdet's CocoDataset:
- label i is class i of `metainfo.classes`; there it is the i-th category of the file, so that pictures and tables show
  wrong names where the two orders differ;
- without `metainfo.classes` the classes are the categories of the file, in its order; there they are COCO's 80, and
  the annotations of all others are left out;
- an `area` that is missing or 0 is computed; there the annotation is an error, or left out;
- a class that the file does not have, and ids that are not unique, are errors; there labels move, objects get lost.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mmdet.datasets import CocoDataset as MmdetCocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmengine.fileio import get_local_path

from swin_dense.datasets.coco_json import category_names, complete_annotations, nearest_name, repeated
from swin_dense.datasets.palettes import distinct_palette
from swin_dense.registry import DATASETS

_REMEDY = 'tools/check.py lists each place.'


class _OrderedCoco(COCO):
    """An annotation file that gives the ids of categories in the order of the names asked for."""

    def createIndex(self) -> None:  # noqa: N802 - pycocotools' name; called when the file was read
        _refuse_gaps(self.dataset)
        _refuse_ambiguity(self.dataset)
        complete_annotations(self.dataset)
        super().createIndex()

    def get_cat_ids(self, cat_names: Sequence[str] = (), sup_names: Any = (), cat_ids: Any = ()) -> list[int]:
        ids = {category['name']: category['id'] for category in self.dataset['categories']}
        return [ids[name] for name in cat_names]


@DATASETS.register_module()
class CocoDataset(MmdetCocoDataset):
    """Boxes and masks of a COCO annotation file.

    `metainfo.classes` are the names of the labels, in their order; all of them have to be in the file, which may have
    others: their annotations are left out. Without them they are the categories of the file, as it lists them. Images
    without objects are kept unless `filter_cfg=dict(filter_empty_gt=True)` drops them. Arguments: mmdet's.

    Raises: ValueError for classes that the file lacks, and for names or ids that are not unique.
    """

    COCOAPI = _OrderedCoco
    category_names = staticmethod(category_names)

    @classmethod
    def _load_metainfo(cls, metainfo: Mapping[str, Any] | None = None) -> dict[str, Any]:
        loaded = super()._load_metainfo(metainfo)
        given = loaded.get('classes') if metainfo and 'classes' in metainfo else None
        if isinstance(given, str):
            raise ValueError(
                f'metainfo.classes is a list of names, also of one; it is the word {given!r}. '
                f'Write classes=({given!r},), with the comma.'
            )
        if twice := repeated(given or ()):
            raise ValueError(f'metainfo.classes names {_listed(twice)} twice.')
        if given is None:  # COCO's are for COCO's own files, which name them
            loaded.pop('classes', None)
        if not metainfo or 'palette' not in metainfo:
            loaded.pop('palette', None)
        return loaded

    @property
    def metainfo(self) -> dict[str, Any]:
        if 'classes' not in self._metainfo:
            with get_local_path(self.ann_file, backend_args=self.backend_args) as path:
                self._metainfo['classes'] = category_names(path)
        classes = self._metainfo['classes']
        if 'palette' not in self._metainfo:
            is_coco = tuple(classes) == self.METAINFO['classes']
            colours = self.METAINFO['palette'] if is_coco else distinct_palette(len(classes)).tolist()
            self._metainfo['palette'] = [tuple(colour) for colour in colours]
        return super().metainfo

    def load_data_list(self) -> list[dict]:
        with get_local_path(self.ann_file, backend_args=self.backend_args) as path:
            known = category_names(path)
        classes = tuple(self.metainfo['classes'])
        if missing := [name for name in classes if name not in known]:
            raise ValueError(
                f'{self.ann_file} does not have the classes {_listed(missing)} of metainfo.classes.'
                f'{_similar(missing, known)} It has: {_listed(known)}. Names are compared letter by letter; without '
                'metainfo.classes all of the file are taken.'
            )
        return super().load_data_list()


def _refuse_gaps(content: Mapping[str, Any]) -> None:
    """Refuse a file without what is read of every entry."""
    for part, keys in (
        ('images', ('id', 'file_name')), ('annotations', ('id', 'image_id', 'category_id')), ('categories', ('id',)),
    ):  # fmt: skip
        if not isinstance(content.get(part), list):
            raise ValueError(f'the annotation file has no list {part!r}; its keys are {_listed(content)}. {_REMEDY}')
        for place, entry in enumerate(content[part]):
            for key in keys:
                if key not in entry:
                    raise ValueError(f'{part}[{place}] of the annotation file has no {key!r}. {_REMEDY}')


def _refuse_ambiguity(content: Mapping[str, Any]) -> None:
    """Refuse what would be lost without a word: later entries of an id replace earlier ones."""
    for part, key in (('categories', 'name'), ('categories', 'id'), ('images', 'id'), ('annotations', 'id')):
        if twice := repeated(entry[key] for entry in content[part]):
            raise ValueError(
                f'{part} of an annotation file differ in {key!r}: {_listed(twice)} occur more than once. {_REMEDY}'
            )
    known = [category['id'] for category in content['categories']]
    if unknown := {annotation['category_id'] for annotation in content['annotations']}.difference(known):
        raise ValueError(
            f'annotations have the category ids {_listed(sorted(unknown, key=str))}, which are not among the '
            f'categories of their file: {_listed(known)}. {_REMEDY}'
        )


def _listed(values: Any, shown: int = 20) -> str:
    texts = [repr(value) for value in list(values)[:shown]]
    return ', '.join(texts) + (f' and {len(values) - shown} more' if len(values) > shown else '')


def _similar(names: Sequence[str], known: Sequence[str]) -> str:
    found = [f'{match!r} for {name!r}' for name in names if (match := nearest_name(name, known))]
    return f' Did you mean {", ".join(found)}?' if found else ''
