"""The three tokenizers of Stable Diffusion 3: random vocabularies, texts of all kinds, all lengths."""

from .random_tokenizers import random_text, t5_tokenizer, two_clip_tokenizers


def encoded(tokenizer, prompt, length):
    padded = tokenizer(prompt, padding="max_length", max_length=length, truncation=True)
    ids = tokenizer(prompt).input_ids
    return {
        "unpadded": ids,
        "max_length": length,
        "padded": padded.input_ids,
        "attention_mask": padded.attention_mask,
        "tokens": tokenizer.convert_ids_to_tokens(ids),
    }


def make(rng, context):
    made = [*two_clip_tokenizers(rng, context), t5_tokenizer(rng, context)]
    tokenizers = [tokenizer for tokenizer, _ in made]
    lengths = [77, 77, rng.choice([16, 64, 77])] if rng.random() < 0.5 else [rng.randint(4, 40) for _ in range(3)]
    names = ["tokenizer", "tokenizer_2", "tokenizer_3"]
    prompts = [
        {"prompt": prompt, **{n: encoded(t, prompt, k) for n, t, k in zip(names, tokenizers, lengths)}}
        for prompt in (random_text(rng) for _ in range(rng.randint(1, 12)))
    ]
    return {
        "tokenizers": [folder for _, folder in made],
        "pad_token_ids": [tokenizer.pad_token_id for tokenizer in tokenizers],
        "eos_token_ids": [tokenizer.eos_token_id for tokenizer in tokenizers],
        "vocab_lens": [len(tokenizer) for tokenizer in tokenizers],
        "prompts": prompts,
        "tolerance": "exact",
    }, {}
