"""The study's command line with a fake trainer.

    python -m tests.fake_study --space lora_vs_qlora ...

The variable FAKE_TRAINER names a function of tests.fake_trainer other than run_trial.
"""

import os
import sys

from study import run
from study.engine import tuning


def main() -> int:
    """Run the command line; return its exit status."""
    trainer = os.environ.get("FAKE_TRAINER", "run_trial")
    tuning.Job.__init__.__defaults__ = (f"tests.fake_trainer:{trainer}",)
    return run.main()


if __name__ == "__main__":
    sys.exit(main())
