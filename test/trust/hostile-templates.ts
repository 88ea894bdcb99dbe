/** Templates that ask for more memory than there is, by what they do. */
export const HOSTILE_TEMPLATES: Readonly<Record<string, string>> = {
  'doubles a list':
    '{% set ns = namespace(l=[1]) %}{% for a in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}',
  'doubles a text':
    "{% set ns = namespace(s='ab') %}{% for a in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
  'doubles what a list holds, and writes it out':
    '{% set ns = namespace(l=[1]) %}{% for a in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}',
  'keeps sorted copies':
    '{% set ns = namespace(l=[]) %}{% set r = range(9999) %}{% for a in r %}{% set ns.l = [ns.l, r | reverse] %}{% endfor %}',
  'asks for a long range': '{% for a in range(999999999) %}{% endfor %}',
  'replaces every letter':
    "{% set s = range(20000) | join %}{{ s.replace('1', s).replace('2', s) }}",
  'joins by a long text': '{% set s = range(20000) | join %}{{ range(20000) | join(s) }}',
  'indents by much': "{{ 'a' | indent(500000000, true) }}",
  'writes JSON with long separators':
    '{% set s = range(20000) | join %}{{ range(20000) | list | tojson(separators=(s, s)) }}',
  'fails with a long message':
    "{{ raise_exception('it must make at most 64 MB of texts, lists and loops' ~ range(20000) | join) }}",
  'splits a long text':
    "{% set ns = namespace(s='a ') %}{% for a in range(22) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s.split('a') | length }}{{ ns.s.split() | length }}",
};
