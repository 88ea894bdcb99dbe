import assert from 'node:assert/strict';
import { SourceMap } from 'node:module';
import ts from 'typescript';
import { CellPositions } from '../../../kernel-extensions/src/kernel/engine/cell-positions';

describe('CellPositions', () => {
  const text = 'interface Unused {\n  a: number;\n}\nexport const fail = () => {};\n';
  const { sourceMapText } = ts.transpileModule(text, {
    compilerOptions: { module: ts.ModuleKind.ESNext, sourceMap: true },
  });
  const positions = new CellPositions();
  const paths = ['/plain/a.ts', '/a folder/its file.ts', '/copies (2)/at (home)/a.ts'];
  for (const path of paths) positions.addFile(path, new SourceMap(JSON.parse(sourceMapText!)));

  for (const path of paths) {
    it(`inFile() gives the line in the source of ${path}, whatever the frame's form`, () => {
      for (const [head, tail] of [
        ['    at fail (', ')'],
        ['        at async Object.fail [as other] (', ')'],
        ['    at ', ''],
        ['    at async ', ''],
        ['    at fail (', ') {'],
      ]) {
        const line = (row: number) => `${head}${path}:${row}:1${tail}`;
        assert.equal(positions.inFile(line(1)), line(4));
      }
    });
  }

  it('inFile() leaves alone what is no frame, or of another file', () => {
    for (const line of [
      '/plain/a.ts:1:1',
      '    at fail (/other/a.ts:1:1)',
      '    at fail (file:///plain/%2Fa.ts:1:1)',
      '    at async Promise.all (index 0)',
    ]) {
      assert.equal(positions.inFile(line), line);
    }
  });
});
