import type ts from 'typescript';
import type { InspectReply } from '../engine-messages';

/** What Shift-Tab shows for a name: its type, then its documentation. */
export function describeQuickInfo(info: ts.QuickInfo | null): InspectReply {
  if (!info) return { found: false, data: {} };
  const signature = join(info.displayParts);
  if (signature === '') return { found: false, data: {} };
  const documentation = join(info.documentation);
  const tags = (info.tags ?? []).map((tag) => ({ name: tag.name, text: join(tag.text) }));
  const plainTags = tags.map(({ name, text }) => `@${name} ${text}`.trim());
  const plain = [signature, documentation, ...plainTags].filter((part) => part !== '');
  const markdown = [
    `\`\`\`typescript\n${signature}\n\`\`\``,
    documentation,
    ...tags.map(markdownTag),
  ];
  return {
    found: true,
    data: {
      'text/plain': plain.join('\n\n'),
      'text/markdown': markdown.filter((part) => part !== '').join('\n\n'),
    },
  };
}

function markdownTag({ name, text }: { name: string; text: string }): string {
  if (name === 'example')
    return `*@example*\n\`\`\`typescript\n${text.replace(/^```\w*\n|```$/g, '')}\n\`\`\``;
  return `*@${name}* ${text}`.trim();
}

function join(parts: readonly { text: string }[] | undefined): string {
  return (parts ?? []).map(({ text }) => text).join('');
}
