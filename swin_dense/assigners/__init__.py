"""mmdet's assigners of objects to anchors, in bounded memory for any number of objects.

`max_iou` and `atss` import mmdet; `substitution` puts them into configs.
"""
