"""Many pictures: what is found, what each becomes, and the pipeline between."""
