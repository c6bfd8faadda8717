"""All 13 comparisons of the paper: Table 1 (methods) and Figure 3 (prompt styles).

    python -m study.run --space paper                    # embedded: about 26 minutes on two cores
    python -m study.run --space paper --profile paper    # T5-small and T5-base on GSM8K, a GPU

The paper's adapter: rank 8 on the attention's query and value; its QLoRA on T5-base, the rest on T5-small
(in the embedded profile both are the embedded model). The paper does not give its learning rates, so
each arm searches its own.
"""

from study.space import Space

BOTH = ["main", "socratic"]

SPACE = Space(
    question="Which of the paper's recipes makes a small model reason best?",
    compare=[
        {"method": ["lora"], "model": ["small"], "variant": BOTH, "prompt_style": ["plain"]},
        {"method": ["qlora"], "model": ["base"], "variant": BOTH, "prompt_style": ["plain"]},
        {"method": ["full"], "model": ["small"], "variant": BOTH, "prompt_style": ["plain"]},
        {"method": ["stacked_lora"], "model": ["small"], "variant": ["main"], "prompt_style": ["plain"]},
        {
            "method": ["lora"],
            "model": ["small"],
            "variant": BOTH,
            "prompt_style": ["with_breakdown", "without_breakdown", "python_code"],
        },
    ],
    search=["learning_rate", "second_learning_rate"],
    fixed={"rank": 8, "target_modules": "query-value", "second_rank": 8},
)
