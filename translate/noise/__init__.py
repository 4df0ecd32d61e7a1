"""Networks of methods that draw pictures from noise: those that draw, and those that judge what is drawn."""
