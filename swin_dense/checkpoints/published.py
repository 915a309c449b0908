"""Whether a file is one of the published weights, by its content where that is known."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from swin_dense.checkpoints.digests import digest
from swin_dense.checkpoints.download import cached_file, recorded_sha256
from swin_dense.checkpoints.zoo import PublishedWeights, WebFile, zoo

BY_CONTENT = 'known by its checksum'
BY_ADDRESS = 'known by its address alone, as no checksum of it is published'
BY_NAME = 'known by its name alone, as no checksum of it is published'


def recognise_published(source: str, path: Path, sha256: str) -> tuple[PublishedWeights | None, str]:
    """The published weights that a file is of, if any, and by what; or None and why it is not those of its name.

    Args:
        source: as it was asked for.
        path: of the file.
        sha256: of the file.
    """
    digests = {'sha256': sha256}
    files = [(weights, file) for weights in zoo().values() for file in weights.files]
    for weights, file in files:
        if _is_content(file, path, digests) or recorded_sha256(file) == sha256:
            in_cache = not file.checksum and path == cached_file(file.url)
            return weights, BY_ADDRESS if in_cache else BY_CONTENT
    for weights, file in files:
        is_cached = source in (weights.name, file.url) and path == cached_file(file.url)
        if is_cached or path.name == f'{weights.name}.pth' or path.name == _own_name(weights, file):
            if file.checksum:
                return None, f'has the name of {weights.name}, and not its checksum ({file.checksum})'
            return weights, BY_ADDRESS if is_cached else BY_NAME
    return None, ''


def _is_content(file: WebFile, path: Path, digests: dict[str, str]) -> bool:
    algorithm, _, digits = file.checksum.partition(':')
    if not digits:
        return False
    if algorithm not in digests:
        digests[algorithm] = digest(path, algorithm)
    return digests[algorithm].startswith(digits)


def _own_name(weights: PublishedWeights, file: WebFile) -> str:
    """The name of the preferred file; those of mirrors are the same for all weights."""
    return unquote(urlsplit(file.url).path).rpartition('/')[2] if file is weights.files[0] else ''
