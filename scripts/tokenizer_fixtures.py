"""Small tokenizers of each family and what Python's tokenizers make of texts, for test/text/tokenizers.test.ts:

python scripts/tokenizer_fixtures.py

Writes test/fixtures/text/tokenizers.json.
"""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "a dog surfing a wave in the ocean",
    "a cat sitting on top of a red couch",
    "two people riding horses on a beach at sunset",
    "what color is the surfboard ? the surfboard is yellow .",
    "how many dogs are in the picture? there are three dogs.",
    "a man's unbelievable, colourful kite isn't flying high",
    "caf\u00e9 tables and na\u00efve drawings of a r\u00e9sum\u00e9",
] * 3
TEXTS = [
    "a dog surfing a wave",
    "What color is the surfboard?",
    "  two   cats,\tisn't it? ",
    "caf\u00e9 na\u00efve 42 \u732b \U0001f408!",
    "unseenwords xylophone",
]


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    t.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=160, special_tokens=special))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    t.decoder = decoders.WordPiece()
    return t, {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}


def bpe_bytes():
    """As GPT-2's."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    t.train_from_iterator(CORPUS, trainer)
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.decoder = decoders.ByteLevel()
    end = {"content": "<|endoftext|>", "__type": "AddedToken"}
    return t, {"bos_token": end, "eos_token": end, "pad_token": end}


def bpe_words():
    """As CLIP's: bytes, in lower case, with an ending on the last piece of a word."""
    t = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    t.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    special = ["<|startoftext|>", "<|endoftext|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=680, special_tokens=special, initial_alphabet=alphabet, end_of_word_suffix="</w>"
    )
    t.train_from_iterator(CORPUS, trainer)
    t.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0), False, False)
    t.decoder = decoders.ByteLevel()
    t.enable_padding(direction="left", length=24, pad_id=1, pad_token="<|endoftext|>")
    return t, {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}


def unigram():
    """As SentencePiece's."""
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r" {2,}"), " ")])
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=120, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    t.train_from_iterator(CORPUS, trainer)
    t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)])
    t.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    return t, {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}


def main():
    families = {}
    for make in (wordpiece, bpe_bytes, bpe_words, unigram):
        t, config = make()
        written = json.loads(t.to_str())
        t.no_padding()
        texts = []
        for text in TEXTS:
            ids = t.encode(text).ids
            texts.append({"text": text, "ids": ids, "decoded": t.decode(ids)})
        config["clean_up_tokenization_spaces"] = False
        families[make.__name__] = {"json": written, "config": config, "texts": texts}
    out = Path(__file__).parent.parent / "test/fixtures/text/tokenizers.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(families, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
