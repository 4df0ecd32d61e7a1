"""Where pictures come from: folders, drawn datasets, and the seeded batches made of them."""
