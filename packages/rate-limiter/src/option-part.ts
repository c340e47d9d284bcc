/** Makes what an option configures; a mistake in it is said to be one of that option. */
export function inOption<T>(owner: string, option: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    const where = `${owner}: option ${JSON.stringify(option)}`;
    if (error instanceof RangeError) throw new RangeError(`${where}: ${error.message}`);
    if (error instanceof TypeError) throw new TypeError(`${where}: ${error.message}`);
    throw error;
  }
}
