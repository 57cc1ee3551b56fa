// What ours does not support yet, by the rows that show it. A row listed here that passes fails.
const LIST = [];

/** The feature that `row` waits for, or nothing. */
export function pending(row) {
  return LIST.find(([pattern]) => pattern.test(row.id))?.[1];
}
