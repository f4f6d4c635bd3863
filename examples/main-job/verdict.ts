/** The verdict of a run: what the server processed held against what is on disk. */
import type { FileFacts } from './file-facts.ts';
import { grouped } from './paint.ts';
import type { PassDigest, Volume } from './reports.ts';

/** Whether every byte arrived once and in order, and a sentence that says so or what is wrong. */
export interface Verdict {
  readonly isGood: boolean;
  readonly sentence: string;
  /** The SHA-256 to show for what arrived: that of a bad pass if there is one. */
  readonly digest: string;
}

/** Judges the passes that the client sent and the server processed. */
export function verdictOf(
  file: Pick<FileFacts, 'digest' | 'lines' | 'bytes'>,
  sent: Volume,
  delivered: Volume,
  digests: readonly PassDigest[],
): Verdict {
  const bad = digests.filter(({ digest }) => digest !== file.digest);
  const digest = bad[0]?.digest ?? digests[0]?.digest ?? 'nothing';
  const badPasses = bad.reduce((sum, { passes }) => sum + passes, 0);
  if (badPasses > 0)
    return {
      isGood: false,
      digest,
      sentence: `DIFFERENT: ${badPasses} of ${sent.passes} passes arrived otherwise than sent`,
    };
  const wrong = countsThatDiffer(file, sent, delivered);
  if (wrong !== undefined) return { isGood: false, digest, sentence: `DIFFERENT: ${wrong}` };
  const often = sent.passes === 1 ? '' : `, ${grouped(sent.passes)} times over`;
  return { isGood: true, digest, sentence: `IDENTICAL: every byte arrived once and in order${often}` };
}

function countsThatDiffer(
  file: Pick<FileFacts, 'lines' | 'bytes'>,
  sent: Volume,
  delivered: Volume,
): string | undefined {
  if (delivered.passes !== sent.passes) return `${sent.passes} passes were sent, ${delivered.passes} arrived`;
  if (sent.passes === 0) return 'no pass was sent';
  if (delivered.lines !== file.lines * sent.passes || sent.lines !== delivered.lines) {
    return `${file.lines} lines, ${sent.passes} times over, make ${file.lines * sent.passes}; ${sent.lines} were sent, ${delivered.lines} arrived`;
  }
  if (delivered.bytes !== file.bytes * sent.passes || sent.bytes !== delivered.bytes) {
    return `${file.bytes} bytes, ${sent.passes} times over, make ${file.bytes * sent.passes}; ${sent.bytes} were sent, ${delivered.bytes} arrived`;
  }
  return undefined;
}
