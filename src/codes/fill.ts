import { mapText, type Text } from './entry.ts';

/**
 * What the placeholders in the commands of a hint stand for: the account, the
 * day in question, the day after it. `TEXT` is not among them: the person writes it.
 */
export type HintNames = Readonly<Partial<Record<'ID' | 'DAY' | 'NEXT', string>>>;

/** Puts what is known into the commands of a hint, in each language; a name without a value stays. */
export function fillHint(hint: Text, names: HintNames): Text {
  const values = new Map<string, string>(Object.entries(names));
  return mapText(hint, (text) =>
    text.replaceAll(/`cdrsync [^`]+`/g, (command) =>
      command.replaceAll(/(?<= )[A-Z]+(?=[ `])/g, (name) => values.get(name) ?? name),
    ),
  );
}
