"""A generative adversarial network of points instead of pictures, small enough to be watched while it learns."""
