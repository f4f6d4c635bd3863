/**
 * The main job: ships a file from a client process to a server process over a line that is cut again and again, shows it,
 * and says whether every byte arrived once and in order. `npm start -- --help` says more.
 */
import { runMainJob } from './command.ts';

const called = { usage: 'npm start [file] [-- options]', help: 'npm start -- --help' };
process.exitCode = await runMainJob(process.argv.slice(2), called);
