import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';

/** From 0 (guessed at once) to 4; from here on a password survives an attack on its stolen hash for long. */
const SUFFICIENT_SCORE = 3;
/** The estimator's work grows fast with the length, and nothing beyond this is easy to guess. */
const ESTIMATED_CHARACTERS = 64;

let estimator: ZxcvbnFactory | undefined;

/** Why a password is too easy to guess, null when it is not. `about` are words that its owner is known by. */
export function passwordWeakness(password: string, about: string[]): string | null {
  estimator ??= new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  });
  const { score, feedback } = estimator.check(password.slice(0, ESTIMATED_CHARACTERS), about);
  if (score >= SUFFICIENT_SCORE) return null;
  return feedback.warning ?? feedback.suggestions[0] ?? 'is easy to guess';
}
