/** Scripts whose letters look alike; a name takes letters of at most one of them. */
const LOOKALIKE_SCRIPTS = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
];

const NAME_SHAPE = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._-]*$/u;

/** The form in which names and e-mail addresses are compared: compatibility characters and case do not tell two apart. */
export function foldName(name: string): string {
  // Lower-casing can make characters that compatibility composition joins again.
  return name.normalize('NFKC').toLowerCase().normalize('NFKC');
}

/** The form in which a name is kept and shown. */
export function normalizeName(name: string): string {
  return name.trim().normalize('NFKC');
}

/** Why a user name is not allowed, null when it is. Expects the normalized form. */
export function usernameProblem(name: string): string | null {
  const length = [...name].length;
  if (length < 2 || length > 40) return 'must have 2 to 40 characters';
  if (/\p{Default_Ignorable_Code_Point}/u.test(name)) return 'must not contain invisible characters';
  if (!NAME_SHAPE.test(name))
    return 'may contain letters, digits, dot, underscore and hyphen, and begins with a letter or digit';
  const scripts = LOOKALIKE_SCRIPTS.filter((script) => script.test(name)).length;
  return scripts > 1 ? 'must not mix alphabets whose letters look alike' : null;
}
