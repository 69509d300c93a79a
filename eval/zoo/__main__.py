"""`python -m eval.zoo OUT --size small|full --seed N`: train and write a zoo with its truth."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.zoo", description=__doc__)
    parser.add_argument("out", type=Path, help="an empty or new folder")
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.out.exists() and any(arguments.out.iterdir()):
        parser.error(f"{str(arguments.out)!r} is not empty")
    from eval.zoo.making import make_zoo

    began = time.monotonic()

    def report(line: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {line}\n")

    truth = make_zoo(arguments.out, arguments.size, arguments.seed, report)
    sys.stdout.write(f"{len(truth['models'])} models, {len(truth['edges'])} edges\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
