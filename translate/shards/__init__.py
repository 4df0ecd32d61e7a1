"""Pictures in tar archives, called shards: each becomes an archive of the same name."""
