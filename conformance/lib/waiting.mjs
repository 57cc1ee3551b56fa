// Waiting, with a limit and a name for what is awaited.

export const sleep = (milliseconds) => new Promise((settle) => setTimeout(settle, milliseconds));

/** `promise`, or a failure that names what was awaited. */
export async function within(limit, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
