"""Backbones and necks that do not fit each other."""

import pytest
import torch
from torch import nn

from swin_dense.backbones import ShiftViT, VisionTransformer
from swin_dense.engine.model_checks import check_strides
from swin_dense.necks import SimpleFeaturePyramid


def model_of(backbone, neck):
    model = nn.Module()
    model.backbone, model.neck = backbone, neck
    return model


@pytest.mark.filterwarnings('ignore::ImportWarning')  # of mmcv
def test_strides():
    from mmdet.models.necks import FPN

    with torch.device('meta'):
        vit = VisionTransformer(arch='tiny')
        shift_vit = ShiftViT(arch='light_tiny', out_indices=(1, 2, 3))
        check_strides(model_of(shift_vit, FPN(list(shift_vit.out_channels), 8, 3)))
        check_strides(model_of(vit, SimpleFeaturePyramid(in_channels=192)))
        with pytest.raises(ValueError, match=r'VisionTransformer are \(16, 16, 16, 16\).*SimpleFeaturePyramid'):
            check_strides(model_of(vit, FPN([192] * 4, 8, 4)))
