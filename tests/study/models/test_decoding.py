"""Greedy decoding is the project's own: no file of the model changes an answer, and no other row does."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from study.config import TrialConfig
from study.models.building import build_model
from study.models.decoding import batch_matters, decode_greedily, end_tokens
from study.models.families import family_of
from study.models.loading import load_base, load_tokenizer
from study.sources.finding import Source
from study.trial.evaluation import generate_answers, until_end
from study.trial.record import Outcome
from study.trial.tokenised import Examples, load_examples
from study.trial.trial import run_trial
from study.winner.keeping import load_kept, saver
from study.workplace import Workplace
from tests.cases.zoo import TYPES, build

Maker = Callable[..., TrialConfig]

# What the files of real models say, and more of its kind.
HOSTILE: dict[str, dict[str, Any]] = {
    "bart": {
        "num_beams": 4,
        "no_repeat_ngram_size": 3,
        "min_length": 12,
        "length_penalty": 2.0,
        "early_stopping": True,
        "forced_bos_token_id": 40,
        "forced_eos_token_id": 1,
    },
    "chat": {
        "do_sample": True,
        "temperature": 0.3,
        "top_k": 5,
        "repetition_penalty": 1.5,
        "eos_token_id": [1, 2],
    },
    "whisper": {
        "suppress_tokens": [*range(3, 900)],
        "begin_suppress_tokens": [*range(900, 1500)],
        "min_new_tokens": 9,
        "encoder_no_repeat_ngram_size": 2,
        "bad_words_ids": [[1400]],
        "stop_strings": ["the"],
        "max_length": 3,
        "num_return_sequences": 1,
        "renormalize_logits": True,
    },
    "not to be saved": {
        "do_sample": False,
        "temperature": 0.3,
        "top_p": 0.5,
        "num_beams": 1,
        "penalty_alpha": 0.6,
    },
}


def zoo_model(name: str, folder: Path) -> Source:
    """A tiny model of the zoo."""
    return Source(name, build(next(kind for kind in TYPES if kind.name == name), folder / "base"))


def with_settings(base: Path, folder: Path, settings: dict[str, Any]) -> Source:
    """The same model with another generation_config.json."""
    shutil.copytree(base, folder)
    own = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**own, **settings}))
    return Source(folder.name, folder)


@pytest.mark.parametrize("name", ["BART", "Llama"])
def test_no_generation_config_changes_an_answer_or_refuses_a_save(
    config_for: Maker, workplace: Workplace, tmp_path: Path, name: str
) -> None:
    base = zoo_model(name, tmp_path)
    config = config_for("zero_shot", model=name, model_fingerprint=name, max_target_tokens=8)
    examples = Examples(load_examples(config, replace(workplace, model=base), "test").rows.select(range(6)))

    def answers(source: Source) -> list[str]:
        model, tokenizer = load_base(source), load_tokenizer(source)
        texts = generate_answers(model, tokenizer, examples, "fp32", 8).texts
        saver(tmp_path / f"kept-{source.name}", config, source)(model, tokenizer)
        return texts

    plain = answers(base)
    assert any(plain)
    for i, settings in enumerate(HOSTILE.values()):
        assert answers(with_settings(base.path, tmp_path / str(i), settings)) == plain, settings
    kept = GenerationConfig.from_pretrained(tmp_path / "kept-0")
    assert (kept.num_beams, kept.forced_bos_token_id, kept.min_length) == (1, None, None)


def test_settings_in_an_old_configuration_file_are_as_powerless(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    """BART's first files have them in config.json, beside the shape."""
    base = zoo_model("BART", tmp_path)
    old = tmp_path / "old"
    shutil.copytree(base.path, old)
    (old / "generation_config.json").unlink()
    config = json.loads((old / "config.json").read_text())
    (old / "config.json").write_text(json.dumps({**config, **HOSTILE["bart"]}))
    texts = []
    for source in (base, Source("old", old)):
        trial = config_for("zero_shot", model="b", model_fingerprint="b", max_target_tokens=8)
        examples = Examples(
            load_examples(trial, replace(workplace, model=base), "test").rows.select(range(6))
        )
        texts.append(generate_answers(load_base(source), load_tokenizer(source), examples, "fp32", 8).texts)
    assert texts[0] == texts[1]


def test_an_untrained_model_stops_where_the_trained_ones_stop(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    """Chat models name a second token that ends an answer; a base model's tokenizer may have yet another."""
    source = with_settings(workplace.model.path, tmp_path / "chat", {"eos_token_id": [3, 700]})
    place = replace(workplace, model=source)
    seen = []
    for method in ("zero_shot", "lora", "full"):
        config = config_for(method, model="chat", model_fingerprint="chat", max_target_tokens=8)
        run_trial(
            config,
            place,
            Outcome(),
            on_progress=lambda progress: None,
            save_model=lambda model, tokenizer: seen.append(model),
        )
    # 3 is special (a sentinel), 700 an ordinary word: an end of sequence would be lost in it.
    assert [model.generation_config.eos_token_id for model in seen] == [[1, 3]] * 3


def test_an_answer_ends_with_its_end_of_sequence() -> None:
    assert until_end([5, 6, 1, 0, 0], [1, 3]) == [5, 6, 1]
    assert until_end([5, 3, 1, 7], [1, 3]) == [5, 3]
    assert until_end([5, 6], [1]) == [5, 6]


@pytest.mark.parametrize("name", ["T5", "GPT-2"])
def test_the_batch_does_not_matter_to_most_models(
    config_for: Maker, workplace: Workplace, tmp_path: Path, name: str
) -> None:
    source = zoo_model(name, tmp_path)
    model, tokenizer = load_base(source).eval(), load_tokenizer(source)
    decode_greedily(model, tokenizer)
    sources = [[*range(10, 14)], [*range(20, 60)]]
    with torch.no_grad():
        assert not batch_matters(model, sources, 0)
    assert end_tokens(model, tokenizer) == [1]


def test_a_model_whose_answers_depend_on_their_batch_is_asked_one_by_one(
    config_for: Maker, workplace: Workplace
) -> None:
    """RWKV takes padding for text, and mixes up what it remembers of the rows of a batch."""
    config = AutoConfig.for_model(
        "rwkv", vocab_size=1536, hidden_size=32, attention_hidden_size=32, num_hidden_layers=2
    )
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    tokenizer = load_tokenizer(workplace.model)
    examples = Examples(load_examples(config_for("zero_shot"), workplace, "test").rows.select(range(8)))
    lengths = {len(ids) for ids in examples.rows["input_ids"]}
    assert len(lengths) > 1
    together = generate_answers(model, tokenizer, examples, "fp32", 6)
    assert batch_matters(model, examples.rows["input_ids"][:], 0)
    family = family_of(model.config)
    for text, row in zip(together.texts, examples.rows, strict=True):
        alone = family.generate(model, [row["input_ids"]], 0, 6)[0]
        assert tokenizer.decode(alone, skip_special_tokens=True).strip() == text
    assert len({*together.texts}) > 1


def test_a_kept_decoders_tokenizer_pads_where_it_has_to(
    config_for: Maker, workplace: Workplace, tmp_path: Path
) -> None:
    """Whoever asks it in batches with transformers alone gets the answers that each question has alone."""
    from transformers import AutoTokenizer

    source = zoo_model("Llama", tmp_path)
    place = replace(workplace, model=source)
    config = config_for("full", model="llama", model_fingerprint="llama")
    model, tokenizer = build_model(config, place), load_tokenizer(source)
    saver(tmp_path / "kept", config, source)(model, tokenizer)
    assert tokenizer.padding_side == "right"  # that of the training
    plain = AutoTokenizer.from_pretrained(tmp_path / "kept")
    assert plain.padding_side == "left"
    questions = ["How many?\n", "Mia has 30 apples and eats 12. How many are left?\n"]
    delivered = AutoModelForCausalLM.from_pretrained(tmp_path / "kept")
    batch = plain(questions, return_tensors="pt", padding=True)
    together = delivered.generate(**batch, max_new_tokens=6)[:, batch["input_ids"].shape[1] :]
    kept, _, _ = load_kept(tmp_path / "kept")
    for ids, question in zip(together, questions, strict=True):
        alone = kept.generate(torch.tensor([plain(question)["input_ids"]]), max_new_tokens=6)[0]
        assert plain.decode(alone, skip_special_tokens=True).endswith(
            plain.decode(ids, skip_special_tokens=True)
        )
