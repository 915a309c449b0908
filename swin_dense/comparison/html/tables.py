"""Tables that can be sorted by their headings and filtered, and read without a script as well."""

from collections.abc import Sequence
from dataclasses import dataclass

from swin_dense.comparison.html.markup import Html, breakable, element, joined, void
from swin_dense.comparison.html.numerals import is_known

_FEWEST_FILTERED = 5


@dataclass(frozen=True)
class Cell:
    """What a cell shows.

    Attributes:
        content: text or markup.
        value: number it is sorted by, unrounded; None for text and for what is not known.
        style, class_: of the element.
    """

    content: str
    value: float | None = None
    style: str | None = None
    class_: str | None = None


@dataclass(frozen=True)
class Column:
    label: str
    numeric: bool = True
    title: str | None = None


def table(
    key: str, caption: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]], *, heads: int = 1
) -> Html:
    """Draw a table.

    Args:
        key: unique in the page.
        heads: number of leading cells that name a row.
    """
    head = element('thead', element('tr', *(_heading(column) for column in columns)))
    body = element('tbody', *(element('tr', *_cells(row, columns, heads)) for row in rows))
    drawn = element('table', element('caption', element('span', caption)), head, body, id=key, class_='sortable')
    scrolled = element('div', drawn, class_='scroll', tabindex='0', role='region', aria_label=caption)
    return joined([_filter(key) if len(rows) >= _FEWEST_FILTERED else Html(), scrolled])


def _heading(column: Column) -> Html:
    button = element('button', column.label, type='button', class_='sort')
    return element('th', button, scope='col', class_='number' if column.numeric else None, title=column.title)


def _cells(row: Sequence[Cell | str], columns: Sequence[Column], heads: int) -> list[Html]:
    return [_cell(cell, column, place < heads) for place, (cell, column) in enumerate(zip(row, columns, strict=True))]


def _cell(cell: Cell | str, column: Column, is_head: bool) -> Html:
    cell = cell if isinstance(cell, Cell) else Cell(cell)
    classes = ' '.join(name for name in ('number' if column.numeric else '', cell.class_ or '') if name)
    return element(
        'th' if is_head else 'td',
        breakable(cell.content) if is_head and not isinstance(cell.content, Html) else cell.content,
        scope='row' if is_head else None,
        class_=classes or None,
        style=cell.style,
        data_value=None if cell.value is None or not is_known(cell.value) else _exact(cell.value),
    )


def _filter(key: str) -> Html:
    """Hidden until a script is there to make it work."""
    field = f'{key}-filter'
    return element(
        'div',
        element('label', 'Show rows with', for_=field),
        void('input', type='search', id=field, data_table=key, autocomplete='off', placeholder='any text'),
        element('output', for_=field, class_='count'),
        class_='filter',
        hidden=True,
    )


def _exact(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))
