import { userInfo } from 'node:os';

/** Where programs find themselves, and how they are known as this session's. */
export interface ProgramPlace {
  folder: string;
  home: string;
  /** The value of BERTH_POD in every process of the session, null where there is no need to tell them from others. */
  mark: string | null;
}

/**
 * Line of a shell that makes it the first to go when memory runs out: the agent must go on answering. The highest there is:
 * in a pod everything begins near it, and only root may go lower again.
 */
export const FIRST_TO_GO = 'echo 1000 2>/dev/null >/proc/self/oom_score_adj';

/** Made from nothing: no setting of the agent, and no variable that a cluster gives to its pods, is a program's business. */
export function programEnvironment({ home, folder, mark }: ProgramPlace): Record<string, string> {
  const user = userName();
  return {
    LANG: 'C.UTF-8',
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
    HOME: home,
    USER: user,
    LOGNAME: user,
    SHELL: '/bin/bash',
    PWD: folder,
    ...(mark === null ? {} : { BERTH_POD: mark }),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // An image without a name for the user id that it runs as.
    return 'workspace';
  }
}
