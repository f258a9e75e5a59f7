"""``python -m training``: run every stage that is not finished yet. See README.md."""

import argparse
import os

import torch

from . import plans, train
from .paths import STARTER, WORK


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--plan", choices=sorted(plans.PLANS), default="gpu" if train.DEVICE.type == "cuda" else "cpu")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="processes that draw")
    parser.add_argument("--threads", type=int, default=min(8, os.cpu_count() or 2), help="threads that compute")
    parser.add_argument("--compile", action="store_true", help="fuse operations; takes minutes and a C++ compiler")
    parser.add_argument(
        "--again", action="store_true", help="go on with a finished run: change the stages' seeds before"
    )
    options = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    train.keep_memory()
    torch.set_num_threads(options.threads)
    starter = STARTER / "starter.gguf" if options.plan == "more" else None
    train.Trainer(plans.PLANS[options.plan], options.workers, starter, options.compile, options.again).run()


if __name__ == "__main__":
    main()
