"""LoRA against QLoRA on both variants of the data: what does a 4-bit base cost in accuracy?

    python -m study.run --space lora_vs_qlora                    # embedded: eight minutes on two cores
    python -m study.run --space lora_vs_qlora --profile paper    # T5-small on GSM8K, a GPU

Four arms on the same base model, so that the base's precision is all that differs between the methods.
In each arm Optuna searches the LoRA rank, alpha and the learning rate.
"""

from study.space import Space

SPACE = Space(
    question="Does QLoRA lose accuracy against LoRA, on the main and on the Socratic data?",
    compare={"method": ["lora", "qlora"], "variant": ["main", "socratic"]},
    search=["rank", "alpha", "learning_rate"],
)
