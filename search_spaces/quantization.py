"""LoRA over a base in 4 bits, in 8 bits, and in full precision: what does each bit buy?

    python -m study.run --space quantization                    # embedded: minutes on two cores
    python -m study.run --space quantization --profile paper    # T5-small on GSM8K, a GPU

Three arms on the main data: NF4 with double quantisation, int8, and none.
"""

from study.space import Space

SPACE = Space(
    question="How many bits does the frozen base of LoRA need?",
    compare=[
        {"method": ["qlora"], "quantization": ["nf4", "int8"]},
        {"method": ["lora"], "quantization": ["none"]},
    ],
    search=["rank", "alpha", "learning_rate"],
)
