import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { acceptOwnDatabase } from '#cli/commands/acceptDatabase.ts';
import { makeBot, makePerson } from '#cli/commands/bots.ts';
import { eraseAccount } from '#cli/commands/eraseUser.ts';
import { doctor } from '#cli/commands/doctor.ts';
import { migrateDatabase } from '#cli/commands/migrateDatabase.ts';
import { start } from '#cli/commands/start.ts';
import { pausePool, resumePool, showPool } from '#cli/commands/warmPool.ts';

const USAGE = `Usage: berth <command>

  start                   run Berth with everything it needs; Ctrl-C stops it
  migrate                 bring the database in DATABASE_URL up to date
  doctor                  check what Berth needs on this machine, and say what is wrong
  admin accept-database   let maintenance go on after the database was restored or emptied
  admin make-bot NAME     make an account a program's: it has no reviewer level, and comments on reviews by signal
  admin make-person NAME  make it a person's again
  admin erase-user NAME   take an account's name, rights and sessions away for good; what reviews need of it stays
  admin pool              show the pods that wait for new sessions
  admin pause-pool        make and hand out no pods ahead of time
  admin resume-pool       end that pause
`;

type Command = (log: (message: string) => void, ...given: string[]) => Promise<void>;

const COMMANDS: Record<string, Command> = {
  start,
  migrate: migrateDatabase,
  doctor,
  'admin accept-database': acceptOwnDatabase,
  'admin make-bot': makeBot,
  'admin make-person': makePerson,
  'admin erase-user': eraseAccount,
  'admin pool': showPool,
  'admin pause-pool': pausePool,
  'admin resume-pool': resumePool,
};

// What the environment says goes before what the file says.
if (existsSync('.env')) process.loadEnvFile('.env');

const { positionals } = parseArgs({ allowPositionals: true });
const words = positionals[0] === 'admin' ? 2 : 1;
const command = COMMANDS[positionals.slice(0, words).join(' ')];
const given = positionals.slice(words);
// Every command says by its own parameters, after the log, how many words it takes.
if (command === undefined || given.length !== Math.max(0, command.length - 1)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  try {
    await command((message) => console.log(message), ...given);
  } catch (error) {
    console.error(`Berth: ${error instanceof Error ? error.message : String(error)}`);
    if (process.env['BERTH_LOG_LEVEL'] === 'debug') console.error(error);
    process.exitCode = 1;
  }
}
