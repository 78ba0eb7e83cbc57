import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { acceptOwnDatabase } from '#cli/commands/acceptDatabase.ts';
import { doctor } from '#cli/commands/doctor.ts';
import { migrateDatabase } from '#cli/commands/migrateDatabase.ts';
import { start } from '#cli/commands/start.ts';
import { pausePool, resumePool, showPool } from '#cli/commands/warmPool.ts';

const USAGE = `Usage: berth <command>

  start                   run Berth with everything it needs; Ctrl-C stops it
  migrate                 bring the database in DATABASE_URL up to date
  doctor                  check what Berth needs on this machine, and say what is wrong
  admin accept-database   let maintenance go on after the database was restored or emptied
  admin pool              show the pods that wait for new sessions
  admin pause-pool        make and hand out no pods ahead of time
  admin resume-pool       end that pause
`;

const COMMANDS: Record<string, (log: (message: string) => void) => Promise<void>> = {
  start,
  migrate: migrateDatabase,
  doctor,
  'admin accept-database': acceptOwnDatabase,
  'admin pool': showPool,
  'admin pause-pool': pausePool,
  'admin resume-pool': resumePool,
};

// What the environment says goes before what the file says.
if (existsSync('.env')) process.loadEnvFile('.env');

const { positionals } = parseArgs({ allowPositionals: true });
const command = COMMANDS[positionals.join(' ')];
if (command === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  try {
    await command((message) => console.log(message));
  } catch (error) {
    console.error(`Berth: ${error instanceof Error ? error.message : String(error)}`);
    if (process.env['BERTH_LOG_LEVEL'] === 'debug') console.error(error);
    process.exitCode = 1;
  }
}
