/** What a reader must know of the machine; nothing that tells whose it is. */
import { availableParallelism, cpus, totalmem } from 'node:os';

/** A machine as results name it. */
export interface Machine {
  readonly node: string;
  readonly platform: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  /** How many files one process may have open; undefined where there is no such bound. */
  readonly openFiles: number | undefined;
}

/** This machine. */
export function machine(): Machine {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGb: Math.round(totalmem() / 1e9),
    openFiles: openFilesMax(),
  };
}

function openFilesMax(): number | undefined {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: Record<string, { readonly soft: number }>;
  };
  return userLimits?.['open_files']?.soft;
}
