"""Parameter groups by rules that compose: weight decay from one rule, learning rate from the product of two others.

mmengine's constructor lets the longest matching key decide both at once, so `backbone: lr_mult=0.1` brings the decay of
the backbone's norms back. Here nothing does.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS, OPTIMIZERS

from swin_dense.engine.errors import closest
from swin_dense.engine.states import bare
from swin_dense.registry import OPTIM_WRAPPER_CONSTRUCTORS

# No decay where one of these is part of a parameter's name. The rules of SwinTransformer/Swin-Transformer-Object-
# Detection@c7b2011 and -Semantic-Segmentation@87e6f90 (norm, relative_position_bias_table, absolute_pos_embed) and
# of mmseg's ViT and detectron2's ViTDet@13a99ca (norm, pos_embed, cls_token) in one, so that they stay right where a
# config takes another backbone. Biases of linear and convolution layers decay there, and so do ViTDet's rel_pos_*.
NO_DECAY = ('norm', 'relative_position_bias_table', 'pos_embed', 'cls_token')
# After the last block, whether or not a backbone has a norm there: the depth of necks and heads
_AFTER_THE_BLOCKS = 'norm.weight'


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class ParameterGroups:
    """Builds the optimiser with one group for each pair of learning rate and weight decay; frozen parameters in none.

    Args:
        optim_wrapper_cfg: the `optim_wrapper` of a config.
        paramwise_cfg: `no_decay`, a tuple of pieces of names without weight decay besides `NO_DECAY`;
            `no_decay_on_vectors`, True for none on biases and other parameters of one dimension either, as the official
            classifiers train; `decay_all`, True for decay on everything, as ResNets were trained; `lr_mult`, a
            dict from a piece of a name to a factor (of several that match, the longest counts); `layer_decay`, from 0
            to 1, a further factor for each layer that a parameter of the backbone is away from the neck, as in BEiT and
            ViTDet: with n blocks, decay ** (n - i) for block i from 0, decay ** (n + 1) for the patch embedding. A rule
            of the config that matches no trainable parameter is an error.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        rules = dict(paramwise_cfg or {})
        self.no_decay: Sequence[str] = tuple(rules.pop('no_decay', ()))
        self.no_decay_on_vectors: bool = rules.pop('no_decay_on_vectors', False)
        self.decay_all: bool = rules.pop('decay_all', False)
        self.lr_mult: Mapping[str, float] = dict(rules.pop('lr_mult', {}))
        self.layer_decay: float | None = rules.pop('layer_decay', None)
        if rules:
            raise ValueError(
                'paramwise_cfg of swin_dense.ParameterGroups takes no_decay, no_decay_on_vectors, decay_all, lr_mult '
                f"and layer_decay, not {', '.join(rules)}. For mmengine's rules (custom_keys, ...) remove "
                "constructor='swin_dense.ParameterGroups'."
            )
        if self.decay_all and (self.no_decay or self.no_decay_on_vectors):
            raise ValueError('decay_all of paramwise_cfg says the opposite of no_decay and no_decay_on_vectors.')
        if self.layer_decay is not None and not 0 < self.layer_decay <= 1:
            raise ValueError(f'layer_decay is a factor for each layer, above 0 and up to 1; got {self.layer_decay}.')
        self.optim_wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = dict(self.optim_wrapper_cfg.pop('optimizer'))
        if (self.lr_mult or self.layer_decay is not None) and 'lr' not in self.optimizer_cfg:
            raise ValueError('lr_mult and layer_decay of paramwise_cfg are factors of optimizer.lr, which is not set.')

    def __call__(self, model: torch.nn.Module) -> OptimWrapper:
        optimizer = OPTIMIZERS.build({**self.optimizer_cfg, 'params': self.groups(bare(model))})
        self.optim_wrapper_cfg.setdefault('type', 'swin_dense.OptimWrapper')
        return OPTIM_WRAPPERS.build(self.optim_wrapper_cfg, default_args={'optimizer': optimizer})

    def groups(self, model: torch.nn.Module) -> list[dict[str, Any]]:
        """Sort the trainable parameters of `model` into groups, the highest learning rate first."""
        trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._refuse_idle_rules(trainable)
        layers = self._layers_before_the_neck(model, trainable)
        base_decay = self.optimizer_cfg.get('weight_decay', 0.0)
        groups: dict[tuple[float, float], dict[str, Any]] = {}
        for name, parameter in trainable.items():
            decay = base_decay if self._decays(name, parameter) else 0.0
            factor = self._lr_mult(name) * (self.layer_decay or 1.0) ** layers.get(name, 0)
            if (factor, decay) not in groups:
                label = ('decay' if decay else 'no decay') + ('' if factor == 1.0 else f', lr x {factor:g}')
                groups[factor, decay] = {'params': [], 'weight_decay': decay, 'name': label}
                if 'lr' in self.optimizer_cfg:
                    groups[factor, decay]['lr'] = self.optimizer_cfg['lr'] * factor
            groups[factor, decay]['params'].append(parameter)
        # logs name the rate of the first group: the one that the config gives
        return [groups[key] for key in sorted(groups, key=lambda key: -key[0])]

    def _decays(self, name: str, parameter: torch.nn.Parameter) -> bool:
        if self.decay_all:
            return True
        if self.no_decay_on_vectors and parameter.ndim <= 1:
            return False
        return not any(piece in name for piece in (*NO_DECAY, *self.no_decay))

    def _lr_mult(self, name: str) -> float:
        matching = [piece for piece in self.lr_mult if piece in name]
        return float(self.lr_mult[max(matching, key=len)]) if matching else 1.0

    def _layers_before_the_neck(self, model: torch.nn.Module, trainable: Iterable[str]) -> dict[str, int]:
        """How often `layer_decay` applies to each parameter of the backbone."""
        if self.layer_decay is None:
            return {}
        backbone: Any = getattr(model, 'backbone', None)
        if not hasattr(backbone, 'param_depth'):
            raise ValueError(
                f'layer_decay asks backbone.param_depth(name), and {type(backbone or model).__name__} has no such '
                'method. Use a backbone of swin_dense, or remove layer_decay from paramwise_cfg.'
            )
        names = [name for name in trainable if name.startswith('backbone.')]
        if not names:
            raise ValueError('the rule layer_decay of paramwise_cfg matches no trainable parameter: all is frozen.')
        after = backbone.param_depth(_AFTER_THE_BLOCKS)
        return {name: after - backbone.param_depth(name.removeprefix('backbone.')) for name in names}

    def _refuse_idle_rules(self, trainable: Mapping[str, torch.nn.Parameter]) -> None:
        if not trainable:
            raise ValueError('the model has no trainable parameter: everything is frozen.')
        for piece in (*self.no_decay, *self.lr_mult):
            if not any(piece in name for name in trainable):
                parts = {part for name in trainable for part in name.split('.')}
                raise ValueError(
                    f'the rule {piece!r} of paramwise_cfg matches no trainable parameter.{closest(piece, parts)}'
                )
