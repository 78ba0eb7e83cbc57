const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const ABSOLUTE = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const CLOCK = new Intl.DateTimeFormat('en', { timeStyle: 'short' });
const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** "3 minutes ago", "in 2 hours", "just now". `now` in milliseconds. */
export function relativeTime(moment: string, now: number): string {
  const seconds = Math.round((Date.parse(moment) - now) / 1_000);
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return RELATIVE.format(Math.trunc(seconds / size), unit);
  }
  return seconds > 30 ? 'in a moment' : 'just now';
}

/** Date and time in the reader's zone. */
export function absoluteTime(moment: string): string {
  return ABSOLUTE.format(new Date(moment));
}

/** The time of day in the reader's zone. */
export function timeOfDay(moment: string): string {
  return CLOCK.format(new Date(moment));
}

/** "12 min", "3 h", "2 d": how long something has lasted. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** "35 ms", "1.4 s", "12 s", "1 min 5 s": how long a run took. */
export function runTime(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1_000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** "4:05": a countdown. */
export function countdown(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** "831 B", "12.4 kB", "3.1 MB", "1.1 GB". */
export function byteSize(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}

/** "1 file", "2 files". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const NOT_SAVED_WORDS: Readonly<Record<string, string>> = {
  ignored: 'ignored by a rule',
  'too-large': 'larger than a file may be',
  special: 'neither file, folder nor link',
  'bad-name': 'its name cannot be kept',
  'outside-link': 'a link that leaves the session',
  'too-deep': 'nested too deeply',
  'too-many': 'more items than a session holds',
  unreadable: 'cannot be read',
  'session-full': 'the session is full',
  git: 'saved once it has been quiet for a while',
  'git-too-large': 'larger than a repository may be',
  'git-too-many': 'more files than a repository may have',
  'git-session-full': 'the session has no more room for repositories',
  'git-outside-link': 'has a link that leaves it',
  'git-bad-name': 'has a name that cannot be kept',
  'git-unreadable': 'cannot be read',
};
/** Why a path is not saved, in words; a reason that this page does not know is shown as it came. */
export function notSavedWord(reason: string): string {
  return NOT_SAVED_WORDS[reason] ?? reason;
}
