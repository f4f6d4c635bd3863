/** One shared number between threads, 0 until somebody raises it: how a test knows where another thread is. */

/** A number that is 0 and can be given to a thread. */
export function flag(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Raises it, and wakes who waits. */
export function raise(cell: Int32Array): void {
  Atomics.store(cell, 0, 1);
  Atomics.notify(cell, 0);
}

/** Resolves once it is raised. */
export async function raised(cell: Int32Array): Promise<void> {
  await Atomics.waitAsync(cell, 0, 0).value;
}

/** Stops this thread until it is raised. */
export function holdUntil(cell: Int32Array): void {
  Atomics.wait(cell, 0, 0);
}
