"""The columns of the results: the one place that names them, with their units.

Column names are an interface (`SELECT method, avg(accuracy) FROM 'RESULTS/trials/*.parquet' GROUP BY 1`).
`SCHEMA_VERSION` is written into every file's metadata; it goes up when a column changes its meaning
or goes away. The descriptions stand once in a results folder, in columns.json. A value that is missing is
null, and `missing` says why.
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 2
VERSION_KEY = b"study_schema_version"

STATUSES = ("complete", "pruned", "diverged", "out_of_memory", "failed")


def _field(name: str, kind: pa.DataType, description: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": description})


_TEXT, _INT, _FLOAT = pa.string(), pa.int64(), pa.float64()
_TIME = pa.timestamp("ms", tz="UTC")

TRIALS = pa.schema(
    [
        _field("trial", _TEXT, "id: a hash of the whole configuration, data and seed"),
        _field("study", _TEXT, "name of the study that ran it first"),
        _field("space", _TEXT, "the search space"),
        _field("profile", _TEXT, "embedded or paper"),
        _field("arm", _TEXT, "label of the arm, for people; never parsed"),
        _field(
            "stage", _TEXT, "search (scored on the validation split) or confirm (scored on the test split)"
        ),
        _field("status", _TEXT, ", ".join(STATUSES)),
        _field("reason", _TEXT, "why the status is not complete: one line"),
        _field("trace", _TEXT, "the traceback of a failed trial"),
        _field(
            "replicate",
            _INT,
            "which pass through search and confirm stage it belongs to, from 0; null where nothing trains",
        ),
        _field(
            "search_number", _INT, "which proposal of its replicate's search it is, from 0; null for confirm"
        ),
        _field("search_origin", _TEXT, "who proposed it: guess (the profile or the space), random, or tpe"),
        _field(
            "trained_by",
            _TEXT,
            "the search trial whose model a confirm trial scores; null where the trial trained its own",
        ),
        # Factors
        _field("method", _TEXT, "lora, qlora, full, stacked_lora; zero_shot; floor_... for no-skill floors"),
        _field("quantization", _TEXT, "none, nf4, int8"),
        _field("model", _TEXT, "name of the base model"),
        _field("variant", _TEXT, "dataset variant: main or socratic"),
        _field("prompt_style", _TEXT, "plain, without_breakdown, with_breakdown, python_code"),
        _field("annotations", _TEXT, "calculator annotations in text targets: strip or keep"),
        _field("template", _TEXT, "chat: rows go through the tokenizer's chat template; none"),
        _field("system", _TEXT, "the system's text, before the question"),
        _field("shots", _INT, "examples from train before each question"),
        _field(
            "task", _TEXT, "what is asked, and how answers are scored: a name of the project's, or a file's"
        ),
        _field("primary", _TEXT, "the score by which the search goes; null: the task's own"),
        # Hyperparameters and budget
        _field("rank", _INT, "LoRA rank"),
        _field("alpha", _FLOAT, "LoRA alpha; the update is scaled by alpha / rank"),
        _field("lora_dropout", _FLOAT, "dropout on the adapter's input"),
        _field("target_modules", _TEXT, "modules that carry an adapter"),
        _field("learning_rate", _FLOAT, "peak learning rate"),
        _field("batch_size", _INT, "examples an optimizer step"),
        _field("warmup_fraction", _FLOAT, "share of the steps that warm up"),
        _field("weight_decay", _FLOAT, "weight decay"),
        _field("max_steps", _INT, "budget in optimizer steps; null where epochs says it"),
        _field("epochs", _FLOAT, "budget in passes over the training data; null where max_steps says it"),
        _field("second_rank", _INT, "rank of stacked LoRA's second adapter"),
        _field("second_alpha", _FLOAT, "alpha of the second adapter"),
        _field("second_learning_rate", _FLOAT, "peak learning rate of the second phase"),
        _field("second_max_steps", _INT, "budget of the second phase in optimizer steps"),
        _field("second_epochs", _FLOAT, "budget of the second phase in passes over the code data"),
        _field("seed", _INT, "seed of initialisation, data order and dropout"),
        # Metrics over the questions of the split
        _field("split", _TEXT, "validation or test"),
        _field("questions", _INT, "questions scored"),
        _field("score", _FLOAT, "the primary score, in its own unit (study.json, task): a share in %"),
        _field(
            "accuracy",
            _FLOAT,
            "%: the number that the prediction comes to (study.answers.reading) equals the reference's",
        ),
        _field("accuracy_strict", _FLOAT, "%: the number after #### equals the reference's"),
        _field(
            "accuracy_lenient",
            _FLOAT,
            "%: the reference's number occurs anywhere in the output; no measure of skill",
        ),
        _field(
            "accuracy_lm_eval_strict",
            _FLOAT,
            "%: right by lm-evaluation-harness's gsm8k, filter strict-match; null for programs",
        ),
        _field(
            "accuracy_lm_eval_flexible",
            _FLOAT,
            "%: right by lm-evaluation-harness's gsm8k, filter flexible-extract; null for programs",
        ),
        _field("answered", _FLOAT, "%: predictions from which an answer (a number) could be read"),
        _field("rouge1", _FLOAT, "0-1: mean ROUGE-1 F-measure, stemmed"),
        _field(
            "perplexity", _FLOAT, "exp of the mean negative log likelihood per target token, teacher-forced"
        ),
        _field(
            "similarity",
            _FLOAT,
            "%: mean 100 x cosine of the sentence embeddings of prediction and reference",
        ),
        _field("search_score", _FLOAT, "what the search maximises: the primary score, ties by perplexity"),
        _field(
            "rung_losses",
            pa.list_(_FLOAT),
            "nats a target token: validation loss at each rung of early stopping, study.search.pruning.RUNGS",
        ),
        _field("rung_cutoffs", pa.list_(_FLOAT), "the losses above which early stopping ends the trial"),
        # Costs
        _field("trainable_parameters", _INT, "parameters that train"),
        _field("total_parameters", _INT, "parameters of the model with its adapters"),
        _field("train_steps", _INT, "optimizer steps taken"),
        _field("planned_steps", _INT, "optimizer steps of the whole budget, of all phases"),
        _field("train_tokens", _INT, "tokens trained on, padding not counted"),
        _field("train_loss", _FLOAT, "mean training loss of the last logged steps, nats a token"),
        _field("train_seconds", _FLOAT, "s: wall time of the training loop, its validation losses included"),
        _field(
            "train_compute_seconds",
            _FLOAT,
            "s: of the training loop, processor time on a CPU; on a GPU wall time times source_gpu_share",
        ),
        _field("evaluation_seconds", _FLOAT, "s: wall time of the final scoring"),
        _field("generated_tokens", _INT, "tokens generated in the final scoring"),
        _field("generation_seconds", _FLOAT, "s: wall time of the generation alone"),
        _field("busy_seconds", _FLOAT, "s: wall time of the whole trial by its own clock"),
        _field(
            "peak_memory_bytes", _INT, "bytes: device memory on a GPU, resident set of the process on a CPU"
        ),
        _field("model_bytes", _INT, "bytes of the weights a user has to ship: the adapter, or all weights"),
        _field("train_questions", _INT, "training questions used"),
        _field("code_rows", _INT, "rows of code data used by the second phase of stacked LoRA"),
        _field("without_program", _INT, "scored questions whose answer could not be made into a program"),
        _field("truncated_sources", _INT, "training and scored inputs cut at max_source_tokens"),
        _field("truncated_targets", _INT, "training and scored targets cut at max_target_tokens"),
        # Provenance
        _field("started_at", _TIME, "start of the trial"),
        _field("ended_at", _TIME, "end of the trial"),
        _field("log", _TEXT, "the trial's log, relative to the results folder"),
        _field("config_json", _TEXT, "the whole configuration, as JSON"),
        _field("source_model_fingerprint", _TEXT, "hash of the model's files, or the Hub's commit"),
        _field("source_data_fingerprint", _TEXT, "hash of the data's rows"),
        _field("source_code_fingerprint", _TEXT, "hash of the code data's rows"),
        _field("source_tokenizer_fingerprint", _TEXT, "hash of the tokenizer's files"),
        _field("source_commit", _TEXT, "git commit of the code; +dirty with uncommitted changes"),
        _field("source_versions", _TEXT, "package versions, as JSON"),
        _field("source_machine", _TEXT, "processor or GPU, cores"),
        _field("source_device", _TEXT, "cpu or cuda"),
        _field("source_precision", _TEXT, "bf16 or fp32, as it ran"),
        _field("source_optimizer", _TEXT, "the optimizer, as it ran"),
        _field("source_accumulation", _INT, "micro-batches of a batch; mostly 2 after running out of memory"),
        _field("source_threads", _INT, "threads the trial computed with"),
        _field("source_slots", _INT, "trials of the study that ran at once, this one included, at most"),
        _field("source_gpu_share", _FLOAT, "share of a GPU that the trial was given; null on a CPU"),
        _field("missing", pa.map_(_TEXT, _TEXT), "for each missing metric the reason"),
    ],
    metadata={VERSION_KEY: str(SCHEMA_VERSION)},
)

PREDICTIONS = pa.schema(
    [
        _field("trial", _TEXT, "the trial's id"),
        _field(
            "question_id", _TEXT, "hash of the question: the same question has the same id in every study"
        ),
        _field("question", _TEXT, "the question as the data has it"),
        _field("group", _TEXT, "the row's group, where the data have a column of that name"),
        _field("reference", _TEXT, "the target text that the model should have written"),
        _field("text", _TEXT, "the model's output"),
        _field("reference_number", _TEXT, "the reference's number: a decimal, or a fraction such as 1/3"),
        _field(
            "number", _TEXT, "the prediction's number, as reference_number; null where none could be read"
        ),
        _field("answer", _TEXT, "what was read out of the output; null where nothing could be read"),
        _field("outcome", _TEXT, "answered; no_number in a text; how a program ended, see study.sandbox"),
        _field("correct", pa.bool_(), "accuracy: the number equals the reference's"),
        _field("correct_strict", pa.bool_(), "the number after #### equals the reference's"),
        _field("correct_lenient", pa.bool_(), "the reference's number occurs anywhere in the output"),
        _field("correct_lm_eval_strict", pa.bool_(), "by lm-evaluation-harness's strict-match"),
        _field("correct_lm_eval_flexible", pa.bool_(), "by lm-evaluation-harness's flexible-extract"),
        _field("rouge1", _FLOAT, "0-1: ROUGE-1 F-measure"),
        _field("similarity", _FLOAT, "%: 100 x cosine of the sentence embeddings; null where not computed"),
        _field("nll", _FLOAT, "nats: summed negative log likelihood of the target's tokens, teacher-forced"),
        _field("tokens", _INT, "tokens of the target, end of sequence included"),
        _field("generated_tokens", _INT, "tokens of the output, end of sequence included"),
    ],
    metadata={VERSION_KEY: str(SCHEMA_VERSION)},
)

HISTORY = pa.schema(
    [
        _field("trial", _TEXT, "the trial's id"),
        _field("phase", _INT, "1, or 2 for the second adapter of stacked LoRA"),
        _field("step", _INT, "optimizer steps taken in the phase"),
        _field("epoch", _FLOAT, "passes over the training data"),
        _field("loss", _FLOAT, "mean training loss since the last row, nats a token"),
        _field("learning_rate", _FLOAT, "learning rate"),
        _field("grad_norm", _FLOAT, "norm of the gradient before clipping"),
        _field(
            "validation_loss",
            _FLOAT,
            "nats a target token over the validation split; null between evaluations",
        ),
        _field("seconds", _FLOAT, "s since the phase began"),
    ],
    metadata={VERSION_KEY: str(SCHEMA_VERSION)},
)

TABLES = {"trials": TRIALS, "predictions": PREDICTIONS, "history": HISTORY}
