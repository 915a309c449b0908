"""Key layouts: how the weights of one architecture are named, and stored, in different places.

A layout is recognised by its names, and is read by a pure function, most are written by one too. What a file has more
or less than a dense backbone is named there, with the reason; anything else is the file's fault.
"""

from swin_dense.checkpoints.layouts.layout import Layout, Names, State, joined_name
from swin_dense.checkpoints.layouts.shift_vit import SHIFT_VIT_LAYOUTS
from swin_dense.checkpoints.layouts.swin import SWIN_LAYOUTS
from swin_dense.checkpoints.layouts.vit import VIT_LAYOUTS

__all__ = ['LAYOUTS', 'Layout', 'Names', 'State', 'detect_layout', 'joined_name']

# of those that a file fits, the first is taken; the last fits all
LAYOUTS = (
    *SWIN_LAYOUTS,
    *SHIFT_VIT_LAYOUTS,
    *VIT_LAYOUTS,
    Layout("the backbone's own names", lambda names, beside: True),
)


def detect_layout(names: Names, beside: Names = ()) -> Layout:
    """Recognise the layout of a backbone's weights; names that no layout knows are taken for a backbone's own.

    Args:
        names: without prefixes.
        beside: other names in the file, of heads and necks.
    """
    return next(layout for layout in LAYOUTS if layout.fits(names, beside))
