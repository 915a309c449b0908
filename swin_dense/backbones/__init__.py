"""Backbones: plain modules on torch and mmengine, registered in scope `swin_dense` under their class names."""

from swin_dense.backbones.base import Backbone
from swin_dense.backbones.shift_vit import ShiftViT
from swin_dense.backbones.swin import SwinTransformer
from swin_dense.backbones.video_swin import VideoSwinTransformer
from swin_dense.backbones.vit import VisionTransformer

__all__ = ['Backbone', 'ShiftViT', 'SwinTransformer', 'VideoSwinTransformer', 'VisionTransformer']
