"""A page as a tree of elements, for tests that read what it says."""

from html.parser import HTMLParser

VOID = {'meta', 'img', 'input', 'link', 'br', 'hr', 'wbr'}


class Node:
    def __init__(self, tag, attributes, parent=None):
        self.tag, self.attributes, self.parent, self.children = tag, attributes, parent, []

    @property
    def text(self):
        return ''.join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag=None, **wanted):
        """Nodes below, in the order of the page."""
        for child in self.children:
            if isinstance(child, Node):
                if (tag is None or child.tag == tag) and wanted.items() <= child.attributes.items():
                    yield child
                yield from child.all(tag, **wanted)

    def one(self, tag=None, **wanted):
        (found,) = self.all(tag, **wanted)
        return found


class Tree(HTMLParser):
    """Strict: an end tag that does not end the innermost element is a fault of the page."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self._open = Node('root', {})

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), (tag, attrs)
        node = Node(tag, dict(attrs), self._open)
        self._open.children.append(node)
        if tag not in VOID:
            self._open = node

    def handle_endtag(self, tag):
        assert tag == self._open.tag, f'</{tag}> ends <{self._open.tag}>'
        self._open = self._open.parent

    def handle_data(self, data):
        self._open.children.append(data)


def parsed(text):
    tree = Tree()
    tree.feed(text)
    tree.close()
    assert tree._open is tree.root
    return tree.root


def rows_of(page, key):
    """Each row as heading -> (text, value); value is None where it has none."""
    table = page.one('table', id=key)
    head, body = table.one('thead'), table.one('tbody')
    names = [cell.text for cell in head.all('th')]
    rows = []
    for row in body.all('tr'):
        cells = [cell for cell in row.children if isinstance(cell, Node)]
        assert len(cells) == len(names)
        values = [cell.attributes.get('data-value') for cell in cells]
        rows.append(
            {
                name: (cell.text, None if value is None else float(value))
                for name, cell, value in zip(names, cells, values, strict=True)
            }
        )
    return rows
