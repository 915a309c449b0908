"""Video: recognition of clips, and segmentation of their frames."""
