"""What a key layout is: how the weights of one architecture are named, and stored, in one place."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from torch import Tensor

from swin_dense.checkpoints.layouts.names import Rows, own_name, their_name

State = dict[str, Tensor]
Names = Collection[str]


def unchanged(state: State) -> State:
    """Values stored as this package has them."""
    return state


def nothing(*_: object) -> str:
    """No reason to leave anything out."""
    return ''


def unknown(_: State) -> int | None:
    """Shapes do not tell."""
    return None


@dataclass(frozen=True)
class Layout:
    """One way to name and store weights. `read` and `write` are pure: they change neither a dict nor a tensor.

    Attributes:
        title: for reports.
        fits: (names without prefixes, names beside the backbone) -> whether a file has this layout.
        rows: (name of this package, name of the layout).
        family: of the architectures that are stored so; '' if any is.
        arrange: values of the layout under this package's names -> this package's values.
        restore: the way back; None if the layout is only read.
        targets: what the layout is called where weights are to be written in it.
        why_ignored: (name, the backbone's names, the file's names; all of this package) -> why a backbone does without
            `name` of the file, or ''.
        why_missing: (name, the file's names) -> why the file does without `name` of the backbone, so that its initial
            value is right, or ''.
        num_heads: values of the layout -> heads of the attention, where they are in a shape that `arrange` undoes.
    """

    title: str
    fits: Callable[[Names, Names], bool]
    rows: Rows = ()
    family: str = ''
    arrange: Callable[[State], State] = unchanged
    restore: Callable[[State], State] | None = None
    targets: tuple[str, ...] = ()
    why_ignored: Callable[[str, Names, Names], str] = nothing
    why_missing: Callable[[str, Names], str] = nothing
    num_heads: Callable[[State], int | None] = unknown

    def own_name(self, name: str) -> str:
        """This package's name for the tensor that `name` of the layout is, or is a part of."""
        return joined_name(own_name(name, self.rows))

    def read(self, state: State) -> State:
        """A state dict in this layout -> one of this package. What is unknown here keeps its name."""
        renamed: State = {}
        sources: dict[str, str] = {}
        for name, tensor in state.items():
            own = own_name(name, self.rows)
            if own in renamed:
                raise ValueError(f'{sources[own]!r} and {name!r} are the same weight, {own!r}. Leave one of them out.')
            renamed[own], sources[own] = tensor, name
        return dict(self.arrange(renamed))

    def write(self, state: State) -> State:
        """A state dict of this package -> one in this layout. What has no place in it is left out."""
        if self.restore is None:
            raise ValueError(f'Layout {self.title!r} is only read, not written.')
        restored = self.restore(dict(state))
        return {other: tensor for name, tensor in restored.items() if (other := their_name(name, self.rows))}


def joined_name(name: str) -> str:
    """`attn.qkv` for a part of it, `attn.q`, `attn.k` or `attn.v`; other names unchanged."""
    return re.sub(r'\.attn\.[qkv]\.', '.attn.qkv.', name)


def has(names: Names, pattern: str) -> bool:
    """Whether one of `names` starts with `pattern`."""
    return any(re.match(pattern, name) for name in names)
