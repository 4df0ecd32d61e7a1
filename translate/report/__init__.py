"""What a run leaves to look at: sample grids, a progress animation, loss curves."""
