/** What became of every job: what the clients gave and heard, against what the servers have done. */
import type { Outcome } from './client.ts';

/** Says it in two lines. False if a job was done twice, or lost without being reported as unconfirmed. */
export function audit(outcomes: readonly Outcome[], done: readonly string[]): boolean {
  const jobs = outcomes.flatMap((outcome) => outcome.jobs);
  const answers = outcomes.flatMap((outcome) => outcome.answers);
  const unconfirmed = outcomes.reduce((sum, outcome) => sum + outcome.unconfirmed, 0);
  const lost = jobs.filter((job) => !done.includes(job)).length;
  const twice = done.length - new Set(done).size;
  console.log(`${jobs.length} jobs, ${unconfirmed} unconfirmed, ${answers.length} answered`);
  console.log(`${lost} lost, ${twice} done twice`);
  return twice === 0 && lost <= unconfirmed;
}
