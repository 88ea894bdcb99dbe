"""Prompts of many kinds, for tokenizers and pipelines."""

WORDS = (
    "a red fox resting on mossy stone two golden cats oil painting high detail robot city at night "
    "Zürich naïve café 雪 的 狐狸 夕阳 🦊 50% (close-up) \"HELLO\" don't Ω ﬁ  double   space 123,456.7"
).split(" ")


def random_prompt(rng, longest=12):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, longest)))


def random_prompts(rng, count, longest=12):
    return [random_prompt(rng, longest) for _ in range(count)]
