"""Key layouts: how the weights of one architecture are named, and stored, in different places.

A layout is recognised by its names, and is read by a pure function, most are written by one too. What a file has more
or less than a dense backbone is named there, with the reason; anything else is the file's fault.
"""

from collections.abc import Mapping

from torch import Tensor

from swin_dense.checkpoints.layouts.layout import Layout, Names, State, joined_name
from swin_dense.checkpoints.layouts.shift_vit import SHIFT_VIT_LAYOUTS
from swin_dense.checkpoints.layouts.swin import SWIN_LAYOUTS, VIDEO_SWIN_LAYOUTS
from swin_dense.checkpoints.layouts.vit import VIT_LAYOUTS

__all__ = ['LAYOUTS', 'Layout', 'Names', 'State', 'detect_layout', 'is_of_video', 'joined_name']

_PATCHES = 'patch_embed.proj.weight'

_ANY = Layout("the backbone's own names", lambda names, beside: True)
# of those that a file fits, the first is taken; the last fits all
LAYOUTS = (
    *SWIN_LAYOUTS,
    *SHIFT_VIT_LAYOUTS,
    *VIT_LAYOUTS,
    *VIDEO_SWIN_LAYOUTS,
    _ANY,
)


def detect_layout(tensors: Mapping[str, Tensor] | Names, beside: Names = ()) -> Layout:
    """Recognise the layout of a backbone's weights; names that no layout knows are taken for a backbone's own.

    Video Swin has the names of Swin; the patch embedding tells them apart.

    Args:
        tensors: by names without prefixes; of names alone, those of Video Swin are taken for Swin's.
        beside: other names in the file, of heads and necks.
    """
    layouts = (*VIDEO_SWIN_LAYOUTS, _ANY) if isinstance(tensors, Mapping) and is_of_video(tensors) else LAYOUTS
    return next(layout for layout in layouts if layout.fits(tensors, beside))


def is_of_video(tensors: Mapping[str, Tensor]) -> bool:
    """Whether weights embed patches of several frames."""
    return any(name.endswith(_PATCHES) and tensor.ndim == 5 for name, tensor in tensors.items())
