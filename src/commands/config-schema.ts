import { configJsonSchema } from '../config/json-schema.ts';

/** Prints the JSON Schema of worker.config.json, which editors take from a file. */
export function configSchemaCommand(): number {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return 0;
}
