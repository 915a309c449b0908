"""What every backbone of this package promises. tests/contract.py checks it."""

from collections.abc import Iterable
from typing import Any

from mmengine.model import BaseModule
from torch import Tensor, nn


class Backbone(BaseModule):
    """A module that turns images (B, C, H, W) into a tuple of feature maps, one a level of `out_indices`.

    Attributes:
        out_channels: channels of each map that `forward` returns.
        out_strides: pixels of the input for one step on each map; sizes are input sizes divided by these, rounded up.
        arch_depths: blocks of each stage by its arch, those too that `out_indices` leave out.

    Weights have their initial values as soon as the module exists; `init_weights`, which mmengine's runner calls, loads
    `init_cfg=dict(type='Pretrained', checkpoint=...)` strictly, and only into the backbone itself.
    """

    out_channels: tuple[int, ...]
    out_strides: tuple[int, ...]
    arch_depths: tuple[int, ...]

    def __init__(self, *, init_cfg: dict[str, Any] | None) -> None:
        super().__init__(init_cfg=dict(init_cfg) if init_cfg else None)
        if init_cfg and (init_cfg.get('type') != 'Pretrained' or set(init_cfg) - {'type', 'checkpoint'}):
            raise ValueError(
                f"init_cfg of {type(self).__name__} is dict(type='Pretrained', checkpoint=PATH_OR_URL) or None; "
                f'got {dict(init_cfg)}.'
            )
        self._frozen: tuple[nn.Module, ...] = ()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        raise TypeError(f'{type(self).__name__} has no forward.')

    def param_depth(self, name: str) -> int:
        """Distance of parameter `name` from the input, 0 for the embedding: for rates that decay by layer."""
        raise TypeError(f'{type(self).__name__} has no param_depth.')

    def init_weights(self) -> None:
        """Loads `init_cfg`'s checkpoint, if any; raises unless every key is accounted for."""
        if self.init_cfg is not None and not self.is_init:
            # here, because the checkpoint loader is needed by this alone
            from swin_dense.checkpoints import load_pretrained

            load_pretrained(self, self.init_cfg['checkpoint'])
        self._is_init = True

    def freeze(self, modules: Iterable[nn.Module]) -> None:
        """Takes the modules' parameters out of training, and keeps the modules in evaluation mode from now on."""
        self._frozen = (*self._frozen, *modules)
        for module in self._frozen:
            module.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> 'Backbone':
        """Like `nn.Module.train`, but what is frozen stays in evaluation mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self


def checked_out_indices(out_indices: Iterable[int], num_levels: int) -> tuple[int, ...]:
    """`out_indices` as a tuple, if they are ascending numbers of existing levels."""
    out_indices = tuple(out_indices)
    if not out_indices or list(out_indices) != sorted(set(out_indices) & set(range(num_levels))):
        raise ValueError(f'out_indices are ascending level numbers from 0 to {num_levels - 1}; got {out_indices}.')
    return out_indices


def resolved_arch(
    arch: str | dict[str, Any], presets: dict[str, dict[str, Any]], optional: Iterable[str]
) -> dict[str, Any]:
    """The fields of an architecture given by name or as a dict of the same fields.

    Args:
        arch: a key of `presets`, or a dict of the same fields.
        presets: name -> fields.
        optional: fields, of the presets or besides, that have a default elsewhere.

    Raises:
        ValueError: unknown name, missing or unknown field.
    """
    if isinstance(arch, str):
        if arch not in presets:
            raise ValueError(f'Unknown arch {arch!r}; known: {", ".join(presets)}, or a dict of its fields.')
        return dict(presets[arch])
    required = set(next(iter(presets.values()))) - set(optional)
    missing, unknown = required - set(arch), set(arch) - required - set(optional)
    if missing or unknown:
        raise ValueError(
            f'An arch dict has the fields {", ".join(sorted(required))}'
            + (f', and optionally {", ".join(sorted(optional))}' if optional else '')
            + (f'; missing {sorted(missing)}' if missing else '')
            + (f'; unknown {sorted(unknown)}' if unknown else '')
            + '.'
        )
    return dict(arch)
