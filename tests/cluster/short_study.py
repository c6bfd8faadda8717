"""The study's command line with a fake trainer, which takes ten steps a trial and saves each.

python -m tests.cluster.short_study --space lora_vs_qlora ...
"""

import sys

from study import run, tuning


def main() -> int:
    """Run the command line; return its exit status."""
    tuning.Job.__init__.__defaults__ = ("tests.fake_trainer:in_steps",)
    return run.main()


if __name__ == "__main__":
    sys.exit(main())
