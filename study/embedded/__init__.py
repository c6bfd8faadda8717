"""The embedded base: a tiny T5 and generated data, so that the study runs with no network.

All are made by this package and are kept in the repository, ready to load:

    python -m study.embedded.problems                        # data/, seconds
    python -m study.embedded.orders                          # data_extraction/, a second
    python -m study.embedded.instructions                    # data_instructions/, a second
    python -m study.embedded.tokenizer                       # the tokenizer in model/, seconds
    python -m study.embedded.pretrain --steps N --seed 0 --to DIR    # the weights; see model/README.md

Comes in: nothing. Goes out: the folders of a model and of data in the Hub's layout. Importing this module is
cheap: it knows only where they are.

May use no other room.
"""

from pathlib import Path

_HERE = Path(__file__).parent

MODEL_DIR: Path = _HERE / "model"
DATA_DIR: Path = _HERE / "data"
EXTRACTION_DIR: Path = _HERE / "data_extraction"
INSTRUCTIONS_DIR: Path = _HERE / "data_instructions"
FAMILIES_FILE: Path = _HERE / "families.toml"
