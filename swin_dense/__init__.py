"""Swin backbones for dense prediction with mmdet and mmseg.

Importing this package makes a plain install of mmcv usable: where mmcv has no compiled `mmcv._ext`, `swin_dense.ops`
serves it. Import it before `mmcv.ops`, mmdet or mmseg.
"""

from swin_dense.ops import extension
from swin_dense.version import __version__

extension.install()

__all__ = ['__version__']
