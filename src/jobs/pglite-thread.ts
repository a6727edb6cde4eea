import { makeFolder } from './pglite-folder.ts';

// The thread in which a new folder is made.
await makeFolder();
