/**
 * Runs two sides by turns, in each round the other one first, so that what else
 * the machine does hits both.
 *
 * @returns one pair a round.
 */
export async function alternate<One, Other>(
  rounds: number,
  one: () => Promise<One>,
  other: () => Promise<Other>,
): Promise<readonly (readonly [One, Other])[]> {
  const pairs: (readonly [One, Other])[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const first = await one();
      pairs.push([first, await other()]);
    } else {
      const first = await other();
      pairs.push([await one(), first]);
    }
  }
  return pairs;
}

/** One value a round. */
export async function repeat<Value>(
  rounds: number,
  measure: (round: number) => Promise<Value>,
): Promise<readonly Value[]> {
  const values: Value[] = [];
  for (let round = 0; round < rounds; round += 1) values.push(await measure(round));
  return values;
}
