"""`python -m tests.gpu`: all tests that need a GPU, then how fast it trains and translates, and what it should reach.

It takes less than four minutes, and needs pytest beside what this package needs. Without a GPU all tests are skipped.
"""

import sys

import pytest
import torch

from translate.bench import bench
from translate.devices import engine
from translate.methods.base import settings_class

TESTS = ("tests/gpu", "tests/training/test_loop.py", "tests/training/test_transfer.py")
LIMITS = {  # of the full-size CycleGAN at 256 px in bf16
    "train_steps_s": 148.0,  # one picture of each domain: 200 epochs of the 1,334 of horse2zebra in 30 minutes
    "apply_images_s": 100.0,
}


def main() -> int:
    """Run the tests and print the table; return 0 if all passed and no limit was missed."""
    code = int(pytest.main(["-q", "-rs", "-m", "gpu", "-o", "addopts=--import-mode=importlib", *TESTS]))
    if not torch.cuda.is_available():
        print("No CUDA device is here, so nothing was measured.")
        return code
    print(f"{'':24}{'reached':>10}{'wanted':>10}")
    for precision in ("bf16", "fp32"):
        found = bench(settings_class("cyclegan").parse({}), engine("cuda", precision), repeats=20)
        for name, limit in LIMITS.items():
            reached = getattr(found, name)
            print(f"{precision} {name:19}{reached:10.1f}{limit if precision == 'bf16' else '':>10}")
            code = code or int(precision == "bf16" and reached < limit)
    return code


if __name__ == "__main__":
    sys.exit(main())
