"""Which variable a wrong value comes from: `TRAIN_JSON` of the environment, `CLASSES = ...` of the config.

Templates are filled in by variables. Who did that does not know the keys that their values go into.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mmengine.config import Config

from swin_dense.checks.findings import Finding
from swin_dense.engine.config_sources import all_bases, places_of, read_source

# data_prefix=dict(img='train/') in train_dataloader.dataset
_NAMED = re.compile(r'\b(data_prefix)=dict\((\w+)=[^)]*\) in (\w+_dataloader\.dataset(?:\.\w+)*)')


@dataclass(frozen=True)
class _Origin:
    name: str
    said: str


class Origins:
    """The variables of a config and its bases, by the keys that they go into."""

    def __init__(self, cfg: Config) -> None:
        self.by_place: dict[str, list[_Origin]] = {}
        file = str(cfg.filename or '')
        if not file.endswith('.py') or not Path(file).is_file():
            return
        try:
            sources = {path: read_source(path) for path in (file, *all_bases(file))}
        except (SyntaxError, ValueError, OSError):
            return
        for path, source in sources.items():
            for variable in sorted(source.assigned):
                origin = _origin(variable, path, source.environment.get(variable))
                places = {
                    place for each in sources.values() for place in places_of(variable, list(sources.values()), each)
                }
                for place in places if origin else ():
                    self.by_place.setdefault(place, []).append(origin)  # type: ignore[arg-type]

    def told(self, finding: Finding) -> Finding:
        """The finding, with the variable that its value comes from."""
        if finding.level == 'ok' or not finding.key:
            return finding
        found = list(dict.fromkeys(origin.said for origin in self._of(finding)))
        words = f'{finding.message} {finding.remedy}'
        found = [each for each in found if each not in words]
        return (
            replace(finding, remedy=f'{finding.remedy} The value is that of {" and ".join(found)}.'.strip())
            if found
            else finding
        )

    def _of(self, finding: Finding) -> Iterator[_Origin]:
        """Those of the key or of what it is in, and of the folder that a path of a data set begins with."""
        parts = _config_key(finding).split('.')
        above = ['.'.join(parts[:count]) for count in range(len(parts), 1, -1)]
        place = next((each for each in above if each in self.by_place), '')
        yield from self.by_place.get(place, ())
        key = '.'.join(parts)
        folder, is_inside, _ = key.rpartition('.ann_file') if '.ann_file' in key else key.rpartition('.data_prefix')
        if is_inside:
            yield from self.by_place.get(f'{folder}.data_root', ())


def _config_key(finding: Finding) -> str:
    """The key of a finding; of one that is about a data file, that which its remedy names."""
    named = _NAMED.search(finding.remedy)
    return f'{named[3]}.{named[1]}.{named[2]}' if named and '_dataloader.' not in finding.key else finding.key


def _origin(variable: str, file: str, asked: tuple[str, str] | None) -> _Origin | None:
    if asked is not None:
        name, default = asked
        value = os.environ.get(name)
        return _Origin(
            name, f'the variable {name}' + (f'={value}' if value is not None else f' (not set: {default!r})')
        )
    return _Origin(variable, f'{variable} in {file}') if variable.isupper() else None
