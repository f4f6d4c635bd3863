/** A module that throws when it is loaded. */
import { defineBehavior } from 'homing';

const missing = JSON.parse('{') as { readonly name: string };

export default defineBehavior({ module: import.meta.url, start: () => missing.name });
