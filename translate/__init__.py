"""Learn a style from two folders of pictures that are not paired, then convert any folder of photos with it."""
