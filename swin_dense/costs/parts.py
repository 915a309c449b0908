"""What of a model runs on an image: backbone, neck, heads, in order.

Detectors with regions run their heads on a fixed number of regions that nobody proposed, as mmdet 2's `get_flops.py`
did, from which papers have their figures: 1000 boxes, the first 100 of them for masks. What trains only, such as the
auxiliary head of a segmentor, does not run.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

NUM_BOX_REGIONS = 1000
NUM_MASK_REGIONS = 100

# name of a part, what it calls, with what -> what that returned
Visit = Callable[..., Any]


def walk(model: nn.Module, images: Tensor, visit: Visit) -> None:
    """Run a model part by part through `visit(name, function, *inputs)`, which calls the function and may measure it.

    Args:
        model: a backbone, an mmseg EncoderDecoder, an mmdet SingleStageDetector or TwoStageDetector, or a
            VideoRecogniser, in evaluation mode; on the meta device nothing is computed.
        images: (B, C, H, W), on the model's device; of video models (B, C, T, H, W).
        visit: called for each part, by the name that the part has in the model. A name may come more than once.

    Raises:
        ValueError: another kind of model.
    """
    if not hasattr(model, 'backbone'):
        visit('backbone', model, images)
        return
    walk_heads = _heads_of(model)
    levels = visit('backbone', model.backbone, images)
    if getattr(model, 'neck', None) is not None:
        levels = visit('neck', model.neck, levels)
    walk_heads(model, levels, visit)


def _heads_of(model: nn.Module) -> Callable[[Any, Sequence[Tensor], Visit], None]:
    from swin_dense.classification.classifier import ImageClassifier
    from swin_dense.video.recogniser import VideoRecogniser

    if isinstance(model, (ImageClassifier, VideoRecogniser)):
        return _walk_recogniser
    # after those that need neither of the two
    from mmdet.models.detectors import SingleStageDetector, TwoStageDetector
    from mmseg.models.segmentors import CascadeEncoderDecoder, EncoderDecoder

    if isinstance(model, EncoderDecoder) and not isinstance(model, CascadeEncoderDecoder):
        return _walk_segmentor
    if isinstance(model, SingleStageDetector):
        return _walk_single_stage
    if isinstance(model, TwoStageDetector) and not model.roi_head.with_shared_head:
        return _walk_two_stage
    raise ValueError(
        'Costs are counted of backbones, of EncoderDecoder (mmseg), SingleStageDetector and TwoStageDetector without a '
        f'shared head (mmdet) and of what derives from these; not of this {type(model).__name__}.'
    )


def _walk_segmentor(model: Any, levels: Sequence[Tensor], visit: Visit) -> None:
    visit('decode_head', model.decode_head, levels)


def _walk_recogniser(model: Any, levels: Sequence[Tensor], visit: Visit) -> None:
    visit('cls_head', model.cls_head, levels[-1])


def _walk_single_stage(model: Any, levels: Sequence[Tensor], visit: Visit) -> None:
    visit('bbox_head', model.bbox_head, levels)


def _walk_two_stage(model: Any, levels: Sequence[Tensor], visit: Visit) -> None:
    heads = model.roi_head
    if hasattr(model.rpn_head, 'num_proposals'):  # Sparse R-CNN: learnt boxes, each with a vector
        _walk_learnt_boxes(model, levels, visit)
        return
    visit('rpn_head', model.rpn_head, levels)
    if getattr(heads, 'semantic_head', None) is not None:
        visit('roi_head.semantic_head', heads.semantic_head, levels)
    for extractor, head in zip(_listed(heads.bbox_roi_extractor), _listed(heads.bbox_head), strict=True):
        visit('roi_head.bbox_head', head, _regions(extractor, levels, NUM_BOX_REGIONS, visit))
    if heads.with_mask:
        _walk_masks(heads, levels, visit)


def _walk_masks(heads: Any, levels: Sequence[Tensor], visit: Visit) -> None:
    flows = getattr(heads, 'mask_info_flow', False)  # HTC: a head takes the features of the head before
    before = None
    for extractor, head in zip(_listed(heads.mask_roi_extractor), _listed(heads.mask_head), strict=True):
        regions = _regions(extractor, levels, NUM_MASK_REGIONS, visit)
        if flows:
            _, before = visit('roi_head.mask_head', head, regions, before)
        else:
            visit('roi_head.mask_head', head, regions)


def _walk_learnt_boxes(model: Any, levels: Sequence[Tensor], visit: Visit) -> None:
    vectors = visit('rpn_head', lambda: model.rpn_head.init_proposal_features.weight.detach()[None])
    for extractor, head in zip(model.roi_head.bbox_roi_extractor, model.roi_head.bbox_head, strict=True):
        regions = _regions(extractor, levels, vectors.shape[1], visit)
        vectors = visit('roi_head.bbox_head', head, regions, vectors)[2].view_as(vectors)


def _regions(extractor: Any, levels: Sequence[Tensor], count: int, visit: Visit) -> Tensor:
    """Features of `count` regions: of random boxes, or an empty tensor of their shape on the meta device."""
    if levels[0].is_meta:
        return levels[0].new_empty(count, extractor.out_channels, *extractor.roi_layers[0].output_size)
    height, width = (side * extractor.featmap_strides[0] for side in levels[0].shape[-2:])
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, 2, generator=generator).sort(dim=1).values.flatten(1)
    boxes = corners * torch.tensor([width, height, width, height])
    rois = torch.cat([torch.zeros(count, 1), boxes], dim=1).to(levels[0])
    return visit('roi_align', extractor, levels[: extractor.num_inputs], rois)


def _listed(modules: Any) -> Iterable[nn.Module]:
    return modules if isinstance(modules, nn.ModuleList) else [modules]
