"""What evaluations keep of each image, so that scores can be had for any images: comparisons rest on it."""
