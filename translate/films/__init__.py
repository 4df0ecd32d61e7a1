"""Films, and folders of frames: read, translated frame by frame, steadied, and written in parts that stay."""
