"""A model joined with a dataset and a protocol: what `translate eval` and `translate compare` run."""
