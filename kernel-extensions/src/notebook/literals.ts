import ts from 'typescript';

/** The texts, templates and regular expressions of a file: places where nothing is a comment. */
export function literalRanges(file: ts.SourceFile): ts.TextRange[] {
  const ranges: ts.TextRange[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isLiteralExpression(node) ||
      ts.isTemplateMiddleOrTemplateTail(node) ||
      ts.isTemplateHead(node)
    ) {
      ranges.push({ pos: node.getStart(file), end: node.end });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return ranges;
}

/** Where a pattern (global, multi-line) matches outside of literals. */
export function matchesOutside(file: ts.SourceFile, pattern: RegExp): RegExpExecArray[] {
  const ranges = literalRanges(file);
  const isInside = (at: number): boolean => ranges.some(({ pos, end }) => at > pos && at < end);
  return [...file.text.matchAll(pattern)].filter(
    (match) => !isInside(match.index),
  ) as RegExpExecArray[];
}
