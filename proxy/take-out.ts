// Lists of connections that come and go. Not Sets: with much coming and going a Set is rebuilt all the time, and each table
// that it leaves behind in the old generation keeps what was in it then until the next full collection.

/** Takes out what is at `place`; the last one gets that place. Returns who was moved, to be told so; undefined for nobody. */
export function takeOut<T>(list: T[], place: number): T | undefined {
  const last = list.pop();
  if (last === undefined || place === list.length) return undefined;
  list[place] = last;
  return last;
}
