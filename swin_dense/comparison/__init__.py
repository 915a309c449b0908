"""Comparing backbones: what was measured on each image, and what can be concluded from it."""
