"""Which paths are one file, and which names are one name but for how they are written."""

import os
import unicodedata

ACCENTS = (
    'names differ in how accents are written (NFC as most systems do, NFD as macOS does): rename the files to one '
    "form, `os.rename(name, unicodedata.normalize('NFC', name))`, and write that one in lists of names."
)


class RealPaths:
    """Paths with links followed. A folder is looked up and listed once, as there may be 100,000 images in it."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._links: dict[str, dict[str, str]] = {}

    def __call__(self, path: str) -> str:
        folder, name = os.path.split(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
            self._links[folder] = _links_in(folder)
        return self._links[folder].get(name) or os.path.join(self._folders[folder], name)


def _links_in(folder: str) -> dict[str, str]:
    """Name -> target of the links in a folder."""
    try:
        with os.scandir(folder or '.') as entries:
            return {entry.name: os.path.realpath(entry.path) for entry in entries if entry.is_symlink()}
    except OSError:
        return {}


def composed(name: str) -> str:
    """The name with every accent in the letter that has it (NFC)."""
    return unicodedata.normalize('NFC', name)


def differ_in_accents_alone(name: str, other: str) -> bool:
    """Whether two texts are one but for how accents are written: as a letter (NFC), or after it (NFD)."""
    return name != other and composed(name) == composed(other)
