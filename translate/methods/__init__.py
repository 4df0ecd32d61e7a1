"""Translation methods: one file is one paper."""
