import { SetupProblem } from './setup-problem.mjs';

const quietMs = 10_000;

function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

/**
 * Runs stages one after another, each with a progress line: what, how far, how long.
 *
 * On a terminal the line is rewritten in place; elsewhere a line is printed when a stage ends and every ten seconds.
 * A stage that throws a `SetupProblem` is reported and the rest goes on, unless the stage is `essential`: the problem is then
 * marked `isEssential`.
 *
 * @param stages `{name, essential, run(report)}`; `report(text, fraction)`; `run` returns the text of the finished line
 * @returns the problems met
 */
export async function runStages(stages, { stream = process.stderr } = {}) {
  const problems = [];
  const width = Math.max(...stages.map((stage) => stage.name.length));
  for (const [index, stage] of stages.entries()) {
    const label = `[${index + 1}/${stages.length}] ${stage.name.padEnd(width)} `;
    const startedAt = Date.now();
    let printedAt = startedAt;
    let last = 'starting';
    let isLineOpen = false;
    const draw = () => {
      const line = `${label} ${last} (${seconds(startedAt)})`;
      if (stream.isTTY) {
        stream.write(`\r\x1b[2K${line.slice(0, (stream.columns ?? 80) - 1)}`);
        isLineOpen = true;
      } else if (Date.now() - printedAt >= quietMs) {
        stream.write(`${line}\n`);
        printedAt = Date.now();
      }
    };
    const report = (text, fraction) => {
      last = fraction === undefined ? text : `${text} ${Math.floor(100 * Math.min(fraction, 1))} %`;
    };
    const timer = setInterval(draw, stream.isTTY ? 200 : 1000);
    const end = (text) => {
      clearInterval(timer);
      stream.write(`${isLineOpen ? '\r\x1b[2K' : ''}${label} ${text} (${seconds(startedAt)})\n`);
    };
    try {
      end((await stage.run(report)) ?? 'done');
    } catch (error) {
      if (!(error instanceof SetupProblem)) {
        end('failed');
        throw error;
      }
      end(`missing: ${error.piece}`);
      problems.push(error);
      if (stage.essential) {
        error.isEssential = true;
        break;
      }
    }
  }
  return problems;
}
