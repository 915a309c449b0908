"""Pictures side by side, inside the page."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from swin_dense.comparison.html.markup import Html, element, folded, joined, section, void
from swin_dense.comparison.results import PictureRow

_LONGEST_SIDE = 640
_LARGEST_PNG = 60_000  # bytes; photographs above it are a fraction of that as JPEG
_JPEG_QUALITY = 85
_TITLES = {
    'disagreement': ('disagreements', 'Images where models disagree most'),
    'receptive field': ('receptive-fields', 'Receptive fields'),
}
_SHOWN = 6


def picture_sections(rows: Sequence[PictureRow]) -> list[Html]:
    """A section for each kind of picture that there is."""
    return [
        section(key, title, *_rows([row for row in rows if row.kind == kind]))
        for kind, (key, title) in _TITLES.items()
        if any(row.kind == kind for row in rows)
    ]


def data_uri(path: Path) -> tuple[str, int, int]:
    """A picture as it stands in the page, its width and height; made smaller where no screen shows more.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    with Image.open(path) as opened:
        opened.load()
        image = opened if opened.mode in ('L', 'RGB', 'RGBA') else _in_colours(opened)
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        kind, written = 'png', _written(image, 'PNG', optimize=True)
        if len(written) > _LARGEST_PNG and image.mode != 'RGBA':
            kind, written = 'jpeg', _written(image, 'JPEG', quality=_JPEG_QUALITY)
        return f'data:image/{kind};base64,{base64.b64encode(written).decode()}', image.width, image.height


def _in_colours(image: Image.Image) -> Image.Image:
    return image.convert('RGBA' if image.has_transparency_data else 'RGB')


def _written(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _rows(rows: Sequence[PictureRow]) -> list[Html]:
    drawn = [_row(row) for row in rows]
    more = drawn[_SHOWN:]
    return [*drawn[:_SHOWN], *([folded(f'{len(more)} more', *more)] if more else [])]


def _row(row: PictureRow) -> Html:
    pictures = [_picture(label, path, row.descriptions.get(label, label)) for label, path in row.pictures.items()]
    strip = element('div', *pictures, class_='pictures', tabindex='0', role='group', aria_label=row.title)
    return joined([element('h3', row.title), element('p', row.caption, class_='lines'), strip])


def _picture(label: str, path: Path, description: str) -> Html:
    caption = element('figcaption', label)
    try:
        source, width, height = data_uri(path)
    except OSError as error:  # a report is not lost to one picture
        return element('figure', element('p', f'not shown: {error.strerror or error}'), caption)
    return element('figure', void('img', src=source, alt=description, width=width, height=height), caption)
