import manifest from '../package.json' with { type: 'json' };

/** cdrsync's own version. */
export const version: string = manifest.version;
