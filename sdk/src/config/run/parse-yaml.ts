import { parseDocument, type CollectionTag, type ScalarTag, type Tags } from 'yaml';

/** Aliases of one document that are followed, counted with what they stand for. */
const MAX_ALIASES = 100;

/** Tags of YAML 1.1 that OmegaConf's loader has not, or that make what JSON has not. */
const LEFT_OUT = ['binary', 'omap', 'pairs', 'set', 'timestamp'].map(
  (name) => `tag:yaml.org,2002:${name}`,
);

/** As PyYAML reads them: y and n alone are words. */
const TRUE = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const FALSE = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;

function pyYamlTags(tags: Tags): Tags {
  return tags
    .filter((tag) => typeof tag === 'string' || !LEFT_OUT.includes(tag.tag))
    .map((tag): CollectionTag | ScalarTag | (typeof tags)[number] => {
      if (typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:bool') return tag;
      return { ...(tag as ScalarTag), test: tag.identify?.(true) ? TRUE : FALSE };
    }) as Tags;
}

/**
 * Reads a YAML text as upstream's loader does (YAML 1.1 by PyYAML's rules, numbers such as 1e-5), and nothing else: tags
 * that make objects are refused, keys may not be given twice, and aliases are bounded.
 *
 * @param origin What the text is called in errors.
 * @returns The sections; an empty text has none.
 * @throws On what is no YAML of this kind, with line and column, and when the top is no mapping.
 */
export function parseYaml(text: string, origin: string): Record<string, unknown> {
  const document = parseDocument(text, {
    version: '1.1',
    schema: 'yaml-1.1',
    customTags: pyYamlTags,
    uniqueKeys: true,
    prettyErrors: true,
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw refusal(origin, problem);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw refusal(origin, error as Error);
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new Error(
      `Cannot read ${origin} as a configuration must be a mapping of keys: current value is ${JSON.stringify(value).slice(0, 80)}`,
    );
  }
  return value as Record<string, unknown>;
}

function refusal(origin: string, error: Error): Error {
  return new Error(`Cannot read ${origin} as YAML: ${error.message.split('\n')[0]}`, {
    cause: error,
  });
}
