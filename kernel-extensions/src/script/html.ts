/** Text as it stands in HTML, also in an attribute. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (one) => names[one]);
}

const style = `body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } td, th { padding: 0.2rem 0.8rem; border-bottom: 1px solid #ddd; text-align: left; }
pre { background: #f6f6f6; padding: 0.6rem; overflow-x: auto; } pre.error { background: #fdecea; } pre.value { background: #eef4fb; }
figure { margin: 1rem 0; } img { max-width: 100%; } figcaption { font-size: 0.8rem; } iframe { width: 100%; border: 1px solid #ddd; }
h2 { font-size: 1rem; color: #555; margin-bottom: 0.2rem; }`;

/** A page that needs nothing but itself. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>
${style}
</style></head>
<body>
<h1>${escapeHtml(title)}</h1>
${body}
</body>
</html>
`;
}

/** A table of rows; cells are HTML already. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>\n${[line(head, 'th'), ...rows.map((row) => line(row, 'td'))].join('\n')}\n</table>`;
}

/** Names and values, a row each. */
export function parametersTable(parameters: Record<string, unknown>): string {
  const entries = Object.entries(parameters);
  if (entries.length === 0) return '';
  return htmlTable(
    ['parameter', 'value'],
    entries.map(([name, value]) => [escapeHtml(name), escapeHtml(String(value))]),
  );
}
