"""Every method under every prompt style on both variants: 34 arms, for a machine with time.

    python -m study.run --space everything                    # embedded: more than an hour on two cores
    python -m study.run --space everything --profile paper    # T5-small on GSM8K, GPUs

LoRA, QLoRA in 4 and in 8 bits, and full fine-tuning, in four prompt styles and two variants; and
stacked LoRA on the question alone.
"""

from study.space import Space

BOTH = ["main", "socratic"]
STYLES = ["plain", "without_breakdown", "with_breakdown", "python_code"]

SPACE = Space(
    question="Which recipe is best, whatever it is?",
    compare=[
        {"method": ["lora", "full"], "variant": BOTH, "prompt_style": STYLES},
        {"method": ["qlora"], "quantization": ["nf4", "int8"], "variant": BOTH, "prompt_style": STYLES},
        {"method": ["stacked_lora"], "variant": BOTH, "prompt_style": ["plain"]},
    ],
    search=["rank", "alpha", "learning_rate", "second_rank", "second_learning_rate"],
)
