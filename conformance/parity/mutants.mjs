/** Faults that the fixture of ours can be told to have, around the library. */
export const MUTANTS = {
  "post-answer": "a POST is answered OK instead of ok",
  "lossy-upgrade": "packets that wait for a GET are lost when an upgrade begins",
  "wrong-reason": "a lost connection is told as a transport error",
};
