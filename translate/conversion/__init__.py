"""Many pictures: the job, its plan, and the pipeline that converts them."""
