"""costs.json: what was measured, part by part, and of what; written anew after each part."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swin_dense.comparison.results import ModelCosts
from swin_dense.engine.atomic import write_text

FILE = 'costs.json'


class CostStore:
    """Values of each model by part (`counts`, `memory`, ...), with the key that they hold for.

    Args:
        folder: of `costs.json`, which is made; one that is there is read.
        keys: model -> all that its costs depend on; what was stored with another key is dropped.
    """

    def __init__(self, folder: Path, keys: Mapping[str, Mapping[str, Any]]) -> None:
        self._path = folder / FILE
        # models that are not asked for now are kept: they may be again
        self._models: dict[str, dict[str, Any]] = _read(self._path)
        for name, key in keys.items():
            plain_key = json.loads(json.dumps(key))
            if self._models.get(name, {}).get('key') != plain_key:
                self._models[name] = {'key': plain_key, 'parts': {}}

    def has(self, name: str, part: str) -> bool:
        return part in self._models[name]['parts']

    def were_together(self, names: Sequence[str], part: str) -> bool:
        """Whether all have the part, of one measurement in turns: others cannot be compared to the last digit."""
        found = {json.dumps(self._models[name]['parts'].get(part, {}).get('together')) for name in names}
        return len(found) == 1 and found != {'null'}

    def put(self, part: str, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Store a part of some models: fields of `ModelCosts`, and `together` if it was measured in turns."""
        for name, fields in values.items():
            self._models[name]['parts'][part] = dict(fields)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self._path, json.dumps({'models': self._models}, indent=1, allow_nan=False) + '\n')

    def field(self, name: str, part: str, field: str) -> Any:
        return self._models[name]['parts'].get(part, {}).get(field)

    def costs(self, name: str) -> ModelCosts | None:
        """All parts of a model together; None without counts."""
        if not self.has(name, 'counts') or self.field(name, 'counts', 'macs') is None:
            return None
        values: dict[str, Any] = {}
        notes: list[str] = []
        for fields in self._models[name]['parts'].values():
            notes += fields.get('notes', ())
            values.update({key: value for key, value in fields.items() if key not in ('notes', 'together')})
        return ModelCosts(**{**values, 'image_size': tuple(values['image_size'])}, notes=tuple(notes))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        models = json.loads(path.read_text(encoding='utf-8'))['models']
        return {name: each for name, each in models.items() if {'key', 'parts'} <= set(each)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # nothing is there, or nothing that can be used: it is measured
