"""Random tokenizers of the three kinds, trained on random texts, in the forms that files have."""

import base64
import json
import os
import shutil

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer, Qwen2Tokenizer, T5Tokenizer

from .prompts import random_prompts

SENTENCE = (
    "Describe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the "
    "objects and background: system user assistant"
)
SIGNS = "héllo Ångström ﬁne ½ ① 雪山 狐狸 한국어 Ωμέγα العربية हिन्दी 🦊👨‍👩‍👧 e\u0301 \u00a0 \t \n \r\n '' ... :-) 3.14 don't I'M we'll __x__ ＦＵＬＬ"


def random_text(rng):
    """A prompt, or a string of characters that tokenizers cut in surprising ways."""
    if rng.random() < 0.5:
        return random_prompts(rng, 1)[0]
    pieces = [rng.choice(SIGNS.split(" ") + [" ", "  ", "a", "The", "0", "<|", "\n\n"]) for _ in range(rng.randint(0, 8))]
    return rng.choice(["", " "]).join(pieces)


def corpus(rng, count=60):
    return [SENTENCE, SIGNS, *(random_text(rng) for _ in range(count))]


def trained_bpe(rng, size, suffix, normalizer, splitter):
    """Vocabulary and merges of byte-level BPE."""
    suffixed = {"end_of_word_suffix": suffix} if suffix else {}
    tokenizer = Tokenizer(models.BPE(**suffixed))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False, **suffixed)
    tokenizer.train_from_iterator(corpus(rng), trainer)
    merges = [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    tokens = alphabet + ([letter + suffix for letter in alphabet] if suffix else [])
    tokens += [first + second for first, second in merges]
    return {token: index for index, token in enumerate(dict.fromkeys(tokens))}, merges


def qwen_tokenizer(rng, context, name, template=None):
    """Saves a Qwen2 tokenizer with tokenizer.json, or with vocab.json and merges.txt alone. Returns it and its folder."""
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    vocab, merges = trained_bpe(rng, rng.randint(280, 600), "", normalizers.NFC(), splitter)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>"]
    plain = rng.sample(["<tool_call>", "</tool_call>", "<|fim_prefix|>"], rng.randint(0, 3))
    added = special[: rng.randint(3, 5)] + plain
    ids = {token: len(vocab) + k for k, token in enumerate(added)}
    folder = context.new_folder(name)
    path = context.path(folder)
    described = {
        str(ids[token]): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": token in special,
        }
        for token in added
    }
    config = {
        "added_tokens_decoder": described,
        "additional_special_tokens": [token for token in added[1:] if token in special],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": rng.choice(["<|im_end|>", "<|endoftext|>"]),
        "errors": "replace",
        "model_max_length": rng.choice([131072, 2048]),
        "pad_token": rng.choice(["<|endoftext|>", "<|im_end|>"]),
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
    inside = template is not None and rng.random() < 0.5
    if inside:
        config["chat_template"] = template
    write_json(path, "vocab.json", vocab)
    write_json(path, "added_tokens.json", ids)
    write_json(path, "tokenizer_config.json", config)
    write_merges(path, merges)
    if template is not None and not inside:
        with open(os.path.join(path, "chat_template.jinja"), "w") as file:
            file.write(template)
    tokenizer = Qwen2Tokenizer.from_pretrained(path)
    if rng.random() < 0.5:
        shutil.rmtree(path)
        tokenizer.save_pretrained(path)
        tokenizer = Qwen2Tokenizer.from_pretrained(path)
    return tokenizer, folder


def clip_tokenizer(rng, context, name, vocab, merges, pad):
    """Saves a CLIP tokenizer with tokenizer.json, or with vocab.json and merges.txt alone."""
    folder = context.new_folder(name)
    path = context.path(folder)
    start, end = "<|startoftext|>", "<|endoftext|>"
    config = {
        "bos_token": start,
        "eos_token": end,
        "model_max_length": 77,
        "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer",
        "unk_token": end,
    }
    write_json(path, "vocab.json", vocab)
    write_json(path, "tokenizer_config.json", config)
    write_merges(path, merges)
    tokenizer = CLIPTokenizer.from_pretrained(path)
    if rng.random() < 0.5:
        shutil.rmtree(path)
        tokenizer.save_pretrained(path)
        tokenizer = CLIPTokenizer.from_pretrained(path)
    return tokenizer, folder


def two_clip_tokenizers(rng, context, prefix=""):
    """They share a vocabulary and pad differently."""
    normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    splitter = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    vocab, merges = trained_bpe(rng, rng.randint(530, 800), "</w>", normalizer, splitter)
    for token in ("<|startoftext|>", "<|endoftext|>"):
        vocab[token] = len(vocab)
    pads = ["<|endoftext|>", rng.choice(["!", "<|endoftext|>"])]
    return [
        clip_tokenizer(rng, context, f"{prefix}tokenizer{suffix}", vocab, merges, pad)
        for suffix, pad in zip(["", "_2"], pads)
    ]


def t5_tokenizer(rng, context, prefix=""):
    """A unigram tokenizer, half of the time with SentencePiece's own normaliser."""
    extra = rng.choice([0, 5, 100])
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=rng.randint(150, 300),
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(rng), trainer)
    # Sums of such scores are exact: "..." cut as ".", ".." and as "..", "." is then a tie, which the rule decides, not the
    # rounding. SentencePiece's own scores are float32, whose sums are as exact.
    trained = json.loads(tokenizer.to_str())["model"]["vocab"]
    vocab = [(piece, round(1024 * score) / 1024) for piece, score in trained]
    vocab += [(f"<extra_id_{k}>", 0.0) for k in reversed(range(extra))]
    with open(context.path("models/tiny-sd3/tokenizer_3/tokenizer.json")) as file:
        charsmap = base64.b64decode(json.load(file)["normalizer"]["precompiled_charsmap"])
    folder = context.new_folder(f"{prefix}tokenizer_3")
    T5Tokenizer(
        vocab=vocab,
        extra_ids=extra,
        _spm_precompiled_charsmap=charsmap if rng.random() < 0.5 else None,
        model_max_length=512,
    ).save_pretrained(context.path(folder))
    return T5Tokenizer.from_pretrained(context.path(folder)), folder


def write_json(path, name, content):
    with open(os.path.join(path, name), "w") as file:
        json.dump(content, file, ensure_ascii=False)


def write_merges(path, merges):
    with open(os.path.join(path, "merges.txt"), "w") as file:
        file.write("#version: 0.2\n" + "".join(f"{first} {second}\n" for first, second in merges))
