import { writeFileSync } from 'node:fs';
import { errorDocs } from './errors.ts';

/** `npm run docs`: writes the documentation that is made from the code. */

const folder = new URL('../../docs/', import.meta.url);
writeFileSync(new URL('ERRORS.md', folder), errorDocs('en'));
writeFileSync(new URL('ERRORS.zh-CN.md', folder), errorDocs('zh'));
