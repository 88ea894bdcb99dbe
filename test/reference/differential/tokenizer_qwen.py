"""Qwen2's tokenizer: random vocabularies and added tokens, texts of all kinds, chat templates."""

from .random_tokenizers import qwen_tokenizer, random_text

PLAIN = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
# A default system message, tools, and contents in parts, as the templates of published checkpoints have them.
FULL = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- '# Tools\\n' }}
    {%- for tool in tools %}
        {{- '\\n' }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- elif messages[0].role != 'system' %}
    {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages if not (tools and message.role == 'system') %}
    {{- '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message.content is string %}
        {{- message.content | trim }}
    {%- else %}
        {%- for part in message.content %}
            {%- if part.type == 'image' %}<|image_pad|>{%- elif 'text' in part %}{{- part.text }}{%- endif %}
        {%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}"""
TOOLS = [
    {"type": "function", "function": {"name": "paint", "description": "é <b>", "parameters": {"size": [1, 2.5, None]}}},
    {"name": "look", "strict": True},
]


def random_messages(rng, in_parts):
    messages = [{"role": "system", "content": random_text(rng)}] if rng.random() < 0.5 else []
    for turn in range(rng.randint(1, 4)):
        content = random_text(rng)
        if in_parts and rng.random() < 0.4:
            content = [{"type": "image"}, {"type": "text", "text": content}]
        messages.append({"role": ["user", "assistant"][turn % 2], "content": content})
    return messages


def chat(rng, tokenizer, is_full):
    messages = random_messages(rng, is_full)
    tools = rng.choice([None, TOOLS, TOOLS[:1]]) if is_full else None
    opens = rng.random() < 0.5
    options = {"tools": tools, "add_generation_prompt": opens}
    text = tokenizer.apply_chat_template(messages, tokenize=False, **options)
    return {
        "messages": messages,
        "tools": tools,
        "add_generation_prompt": opens,
        "text": text,
        "input_ids": tokenizer(text).input_ids,
    }


def make(rng, context):
    template = rng.choice([PLAIN, FULL])
    tokenizer, folder = qwen_tokenizer(rng, context, "tokenizer", template)
    added = sorted(tokenizer.get_added_vocab())
    frame = rng.choice(["<|im_start|>user\n{}<|im_end|>\n", "{}", "<|endoftext|> {} !"])
    prompts = []
    for _ in range(rng.randint(1, 12)):
        prompt = random_text(rng)
        if rng.random() < 0.3:
            prompt = f"{prompt}{rng.choice(added)}{random_text(rng)}"
        ids = tokenizer(prompt).input_ids
        prompts.append(
            {
                "prompt": prompt,
                "input_ids": ids,
                "template_input_ids": tokenizer(frame.replace("{}", prompt)).input_ids,
                "tokens": tokenizer.convert_ids_to_tokens(ids),
                "decoded": tokenizer.decode(ids),
                "decoded_skip_special": tokenizer.decode(ids, skip_special_tokens=True),
            }
        )
    return {
        "tokenizer": folder,
        "vocab_len": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "template": frame,
        "prompts": prompts,
        "cases": [chat(rng, tokenizer, template == FULL) for _ in range(rng.randint(1, 4))],
        "tolerance": "exact",
    }, {}
