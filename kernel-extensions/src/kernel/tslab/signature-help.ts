import type ts from 'typescript';

/** The compiler's own signature help, which it exports for its language service alone. */
export interface SignatureHelpSurface {
  SignatureHelp: {
    getSignatureHelpItems(
      program: ts.Program,
      file: ts.SourceFile,
      position: number,
      reason: undefined,
      cancellation: ts.CancellationToken,
    ): ts.SignatureHelpItems | undefined;
  };
}

const SPACE = { kind: 'space', text: ' ' };

/**
 * What a call that surrounds the cursor expects, in the form of quick info: every signature, the one that fits first,
 * its documentation and that of the argument at the cursor.
 */
export function signatureQuickInfo(
  compiler: SignatureHelpSurface,
  file: ts.SourceFile,
  checker: ts.TypeChecker,
  cancellation: ts.CancellationToken,
  position: number,
): ts.QuickInfo | undefined {
  const program = { getTypeChecker: () => checker } as ts.Program; // all that it is asked for
  const { getSignatureHelpItems } = compiler.SignatureHelp;
  const help = getSignatureHelpItems(program, file, position, undefined, cancellation);
  if (!help || help.items.length === 0) return undefined;
  const chosen = help.items[help.selectedItemIndex];
  const others = help.items.filter((item) => item !== chosen);
  const parameter =
    chosen.parameters[Math.min(help.argumentIndex, chosen.parameters.length - 1)] ?? null;
  const tags = chosen.tags.filter(({ name, text }) => name !== 'param' || !isOf(parameter, text));
  return {
    kind: 'function' as ts.ScriptElementKind,
    kindModifiers: '',
    textSpan: { ...help.applicableSpan },
    displayParts: [chosen, ...others].flatMap((item, index) => [
      ...(index > 0 ? [{ kind: 'lineBreak', text: '\n' }] : []),
      ...signatureParts(item),
    ]),
    documentation: chosen.documentation,
    tags: [...(parameter ? [argumentTag(parameter)] : []), ...tags],
  };
}

function signatureParts(item: ts.SignatureHelpItem): ts.SymbolDisplayPart[] {
  const parameters = item.parameters.flatMap(({ displayParts }, index) =>
    index === 0 ? displayParts : [...item.separatorDisplayParts, ...displayParts],
  );
  return [...item.prefixDisplayParts, ...parameters, ...item.suffixDisplayParts];
}

/** The argument at the cursor, as a tag that stands before all others. */
function argumentTag({ displayParts, documentation }: ts.SignatureHelpParameter): ts.JSDocTagInfo {
  const text = documentation.length > 0 ? [SPACE, ...documentation] : [];
  return { name: 'param', text: [...displayParts, ...text] };
}

function isOf(
  parameter: ts.SignatureHelpParameter | null,
  text: ts.SymbolDisplayPart[] | undefined,
): boolean {
  return (
    text?.some(({ kind, text: name }) => kind === 'parameterName' && name === parameter?.name) ??
    false
  );
}
