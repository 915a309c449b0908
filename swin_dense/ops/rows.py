"""Feature maps as rows, and weighted sums of rows.

RoIAlign, deformable convolution and deformable attention are one thing: each output is a weighted sum of a few pixels.
With the map laid out as one contiguous row of channels for each pixel (BHW, C), that is `embedding_bag`: torch's
kernels for it read and add whole rows, which is many times faster than sampling channel by channel.
"""

from torch import Tensor

from swin_dense.ops.precision import computable


def to_rows(features: Tensor) -> Tensor:
    """(B, C, H, W) -> (B H W, C), without a copy where the memory format is channels-last already."""
    batch, channels, height, width = features.shape
    return computable(features).permute(0, 2, 3, 1).reshape(batch * height * width, channels)


def copy_map(target: Tensor, source: Tensor) -> None:
    """Copies a map (B, C, H, W), quickly where one of the two is channels-last."""
    # image by image as matrices: torch transposes those in blocks, but not permuted tensors of more dimensions
    for image, other in zip(target, source, strict=True):
        image.view(len(image), -1).copy_(other.flatten(1))
