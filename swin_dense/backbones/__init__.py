"""Backbones: plain modules on torch and mmengine, registered in scope `swin_dense` under their class names."""

from swin_dense.backbones.base import Backbone
from swin_dense.backbones.swin import SwinTransformer

__all__ = ['Backbone', 'SwinTransformer']
