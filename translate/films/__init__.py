"""Films, and folders of frames: read, translated frame by frame without flicker, and written in parts that stay."""
