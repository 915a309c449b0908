"""Necks that mmdet and mmseg lack, registered in scope `swin_dense` under their class names."""

from swin_dense.necks.frame_maps import FrameMaps
from swin_dense.necks.simple_pyramid import ChannelNorm, SimpleFeaturePyramid

__all__ = ['ChannelNorm', 'FrameMaps', 'SimpleFeaturePyramid']
