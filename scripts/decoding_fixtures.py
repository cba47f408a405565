"""Texts as Hugging Face's generate writes them, for test/text/search.test.ts: python scripts/decoding_fixtures.py

The model is a table: the scores of the next token by the last token and the length so far. Writes test/fixtures/text/decoding.json.
"""

import json
from pathlib import Path

import torch
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

WORDS, LENGTH, PAD, BOS, EOS = 11, 12, 0, 1, 2


class TableConfig(PretrainedConfig):
    model_type = "table"


class Table(PreTrainedModel, GenerationMixin):
    config_class = TableConfig
    main_input_name = "input_ids"

    def __init__(self, scores):
        super().__init__(TableConfig(vocab_size=WORDS, is_decoder=True))
        self.scores = torch.nn.Parameter(scores)

    def forward(self, input_ids, **_):
        at = torch.arange(input_ids.shape[1])
        return CausalLMOutput(logits=self.scores[at, input_ids])


# name: settings as in generation_config.json
CASES = {
    "greedy": {},
    "greedy, no group of two twice": {"no_repeat_ngram_size": 2},
    "greedy, repetition penalty": {"repetition_penalty": 1.8},
    "greedy, at least 6": {"min_length": 6},
    "greedy, forced first and last": {"forced_bos_token_id": 7, "forced_eos_token_id": EOS, "max_length": 6},
    "greedy, some never": {"suppress_tokens": [3, 4], "begin_suppress_tokens": [5], "bad_words_ids": [[6], [8, 9]]},
    "beams": {"num_beams": 3},
    "beams, no length penalty": {"num_beams": 3, "length_penalty": 0.0},
    "beams, long ones liked": {"num_beams": 3, "length_penalty": 2.0},
    "beams, early stopping": {"num_beams": 4, "early_stopping": True, "length_penalty": 2.0},
    "beams, never early": {"num_beams": 3, "early_stopping": "never", "length_penalty": 1.5},
    "beams, never early, long ones liked": {"num_beams": 2, "early_stopping": "never", "length_penalty": 3.0},
    "beams, long ones liked, of two": {"num_beams": 2, "length_penalty": 3.0},
    "beams, no group of three twice": {"num_beams": 4, "no_repeat_ngram_size": 3, "length_penalty": 2.0},
    "beams, two ends": {"num_beams": 3, "eos_token_id": [EOS, 5]},
    "beams, cut short": {"num_beams": 2, "max_length": 4},
    "beams, forced first": {"num_beams": 3, "forced_bos_token_id": 4, "repetition_penalty": 1.3},
}


def main():
    tables = []
    for seed in range(5):
        torch.manual_seed(seed)
        scores = torch.round(torch.randn(LENGTH, WORDS, WORDS) * 2 * 1000) / 1000
        scores[:, :, EOS] += [-1.5, -1.5, 0, 2.5, 4][seed]
        if seed == 0:  # of the last token alone, so that texts go round in circles
            scores = torch.round((scores[:1] + 0.02 * torch.randn(LENGTH, 1, WORDS)) * 1000) / 1000
        model = Table(scores).eval()
        cases = []
        for name, given in CASES.items():
            settings = {"max_length": LENGTH, "eos_token_id": EOS, **given}
            config = GenerationConfig(
                pad_token_id=PAD, bos_token_id=BOS, use_cache=False, do_sample=False,
                num_return_sequences=settings.get("num_beams", 1), return_dict_in_generate=True, output_scores=True, **settings,
            )
            out = model.generate(torch.tensor([[BOS]]), generation_config=config)
            scores_of = getattr(out, "sequences_scores", None)
            cases.append({
                "name": name,
                "settings": settings,
                "texts": out.sequences.tolist(),
                "scores": None if scores_of is None else scores_of.tolist(),
            })
        tables.append({"scores": [round(v, 3) for v in scores.flatten().tolist()], "cases": cases})
    out = Path(__file__).parent.parent / "test/fixtures/text/decoding.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"words": WORDS, "start": BOS, "pad": PAD, "tables": tables}) + "\n")


if __name__ == "__main__":
    main()
