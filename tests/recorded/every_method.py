"""Every method once, for the record that tests/test_recorded_study.py compares with."""

from study.space import Space

SPACE = Space(
    question="Does a study give what it gave when it was recorded?",
    compare=[
        {"method": ["lora"], "variant": ["main"], "prompt_style": ["with_breakdown"]},
        {"method": ["full"], "variant": ["socratic"], "prompt_style": ["plain"]},
        {"method": ["qlora"], "quantization": ["nf4", "int8"], "prompt_style": ["without_breakdown"]},
        {"method": ["stacked_lora"], "prompt_style": ["python_code"]},
    ],
    search=["rank", "alpha", "learning_rate", "second_rank", "second_learning_rate"],
)
