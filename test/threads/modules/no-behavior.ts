/** A module without a default export. */
export const start = (): void => {};
