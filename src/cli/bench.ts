/**
 * `homing bench`: the comparison with other libraries, from `bench`, in the package as well. It is asked for by a name of
 * package.json, as it lies elsewhere when built and is no part of `src`.
 */

/** What may be asked. */
export interface BenchOptions {
  /** Fewer and shorter rounds; without names of rows those that matter most. */
  readonly quick?: boolean;
  /** The report as JSON, and nothing else. */
  readonly json?: boolean;
  /** Who is measured beside Homing; undefined: everybody whose packages are installed. */
  readonly with?: readonly string[];
}

interface Bench {
  readonly runBench: (
    order: {
      readonly rows: readonly string[];
      readonly isQuick: boolean;
      readonly isJson: boolean;
      readonly contestants: readonly string[] | undefined;
    },
    surroundings: { readonly groups: Readonly<Record<string, never>>; readonly results: string | undefined },
  ) => Promise<number>;
}

/** Measures the rows of these names, or all. Resolves to the exit code. */
export async function bench(rows: readonly string[], options: BenchOptions): Promise<number> {
  const { runBench } = (await import(import.meta.resolve('#bench'))) as Bench;
  const { quick: isQuick = false, json: isJson = false, with: contestants } = options;
  return runBench({ rows, isQuick, isJson, contestants }, { groups: {}, results: undefined });
}
