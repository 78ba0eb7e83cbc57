import { z } from 'zod';
import { readDatabaseAddress } from '#platform/config/databaseAddress.ts';

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
/** A Kubernetes name: an RFC 1123 label. */
const name = (preset: string) =>
  z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected lower-case letters, digits and dashes, at most 63')
    .default(preset);
const optionalName = () =>
  z
    .string()
    .regex(/^$|^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'expected nothing or a Kubernetes name')
    .default('');
/** A Kubernetes quantity such as 500m or 512Mi. */
const quantity = (preset: string) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'expected a Kubernetes quantity such as 500m or 512Mi')
    .default(preset);
const integer = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);
const dueSeconds = (preset: number, priority: string) =>
  integer(1, 31_536_000)
    .default(preset)
    .describe(
      `Seconds after its submission at which somebody should have claimed a review of the priority ${priority}; counts for later submissions.`,
    );

/**
 * Every setting of Berth, one environment variable each. The description is the documentation: `.env.example` and
 * `docs/configuration.md` are made from it by `npm run docs:config`.
 */
export const ConfigSchema = z.object({
  BERTH_PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .default('http://localhost:4600')
    .describe('The address that people open; its origin is the only one allowed to change anything with a cookie.'),
  BERTH_PREVIEW_DOMAIN: z
    .string()
    .regex(/^$|^off$|^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'expected nothing, off, or a domain in lower case without a port')
    .default('')
    .describe(
      'The domain below which previews live, as {port}-{session}.<domain>, at the scheme and port of BERTH_PUBLIC_URL; see docs/operations.md. Empty: localhost where BERTH_PUBLIC_URL is loopback, else none. off: none.',
    ),
  PREVIEW_MAX_BODY_BYTES: integer(1_024, 4_294_967_296)
    .default(268_435_456)
    .describe('The most bytes of the body of one request to a preview.'),
  PREVIEW_ANSWER_SECONDS: integer(1, 3_600)
    .default(120)
    .describe(
      'How long a program may take, after the last byte of a request to a preview, until its answer begins; what comes then may last.',
    ),
  BERTH_HOST: z.string().min(1).default('127.0.0.1').describe('The address that the api listens on.'),
  BERTH_PORT: integer(0, 65_535).default(4600).describe('The port that the api listens on; 0 takes a free one.'),
  BERTH_METRICS_PORT: integer(0, 65_535).default(4601).describe('The port of /metrics; 0 takes a free one.'),
  BERTH_TRUST_PROXY_HOPS: integer(0, 10)
    .default(0)
    .describe('How many proxies in front of the api set X-Forwarded-For; 0 ignores the header.'),
  BERTH_SECRET: z
    .string()
    .min(32)
    .describe(
      "The master secret that the agents' keys are derived from: at least 32 characters, the same in every process. `openssl rand -hex 32` makes one.",
    ),
  BERTH_OPERATOR_CODE: z
    .string()
    .max(100)
    .default('')
    .describe(
      'When set, the first account needs this code. The embedded start sets it when the address is not loopback.',
    ),
  BERTH_DATA_DIR: z
    .string()
    .min(1)
    .default('.berth')
    .describe('The folder for local volumes, sockets and the embedded servers.'),
  BERTH_LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('How much is logged.'),

  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, abort: true })
    .superRefine(checkDatabaseAddress)
    .describe(
      "PostgreSQL 16 or newer, as postgres://user:password@host:port/database. TLS is chosen by ?sslmode= as in libpq: verify-full (encrypted, and the server shows a certificate for its name), verify-ca (the certificate's name is not looked at), require (encrypted, but anybody may be the server, unless sslrootcert is given: then as verify-ca) or disable, the default. &sslrootcert= names the file of the root to trust; without it verify-full trusts Node's roots and those of NODE_EXTRA_CA_CERTS.",
    ),
  DATABASE_POOL_MAX: integer(2, 200).default(10).describe('Database connections of one process.'),

  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233').describe('The Temporal server, host:port.'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('The Temporal namespace.'),
  TEMPORAL_UI_URL: z
    .union([z.literal(''), z.url({ protocol: /^https?$/ })])
    .default('')
    .describe("The address of Temporal's UI; operators get links to it."),
  TEMPORAL_TASK_QUEUE_PREFIX: z
    .string()
    .regex(/^[\w.-]+$/)
    .default('berth')
    .describe('Begins the names of the task queues, so that installations can share a namespace.'),

  BERTH_RUNTIME: z
    .enum(['local', 'kubernetes'])
    .default('local')
    .describe('Where sessions run: processes on this machine, or pods.'),
  BERTH_SANDBOX: z
    .enum(['auto', 'bubblewrap', 'none'])
    .default('auto')
    .describe(
      'How the local runtime isolates sessions. auto: bubblewrap where it works, else a plain process, which is allowed only when BERTH_PUBLIC_URL is loopback.',
    ),
  BERTH_KUBERNETES_NAMESPACE: name('default').describe(
    'The namespace of session pods. Berth itself may run in another one.',
  ),
  BERTH_AGENT_ROUTE: z
    .enum(['auto', 'pod-address', 'port-forward'])
    .default('auto')
    .describe(
      'How agents in pods are reached. pod-address: straight TCP, from inside the cluster; port-forward: through the API server, from outside. auto chooses by where this process runs.',
    ),
  BERTH_WORKSPACE_IMAGE: z
    .string()
    .min(1)
    .default('berth-workspace:0.1.0')
    .describe('The image of session pods; see k8s/images/workspace.'),
  BERTH_IMAGE_PULL_POLICY: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .default('IfNotPresent')
    .describe('When nodes pull the image of session pods.'),
  BERTH_STORAGE_CLASS: optionalName().describe("The storage class of volumes; empty takes the cluster's default."),
  BERTH_VOLUME_BINDING: z
    .enum(['auto', 'immediate', 'first-consumer'])
    .default('auto')
    .describe('When the storage class binds a claim. auto finds out, and remembers it for each class.'),
  BERTH_VOLUME_SIZE: quantity('1Gi').describe('The size of a volume, as a Kubernetes quantity.'),
  BERTH_RUNTIME_CLASS: optionalName().describe('The runtime class of session pods, such as gvisor; empty for none.'),
  BERTH_NODE_SELECTOR: z
    .string()
    .regex(/^$|^[\w./-]+=[\w.-]*(,[\w./-]+=[\w.-]*)*$/, 'expected label=value, separated by commas')
    .default('')
    .describe('The nodes of session pods, as label=value separated by commas.'),
  BERTH_HOST_USERS: flag
    .default(true)
    .describe('false gives each session pod a user namespace of its own, where the cluster supports that.'),
  BERTH_POD_CPU_LIMIT: quantity('2').describe('The most processor time of a session pod.'),
  BERTH_POD_MEMORY_LIMIT: quantity('512Mi').describe('The most memory of a session pod.'),
  BERTH_POD_CPU_REQUEST: quantity('20m').describe('The processor time that is reserved for a session pod.'),
  BERTH_POD_MEMORY_REQUEST: quantity('96Mi').describe('The memory that is reserved for a session pod.'),
  BERTH_POD_STORAGE_LIMIT: quantity('1Gi').describe('The most bytes of a session pod outside of its volume.'),
  BERTH_POD_STORAGE_REQUEST: quantity('256Mi').describe(
    'The bytes that are reserved for a session pod outside of its volume.',
  ),
  BERTH_WARM_POOL_SIZE: integer(0, 1_000)
    .default(0)
    .describe('How many pods are kept ready for new sessions; 0 keeps none.'),
  BERTH_WARM_POOL_SECONDS: integer(60, 86_400)
    .default(1_800)
    .describe('Seconds after which a pod that nobody took is replaced.'),
  BERTH_WORKER_ROLES: z
    .string()
    .regex(/^(orchestration|runtime|watch)(,(orchestration|runtime|watch))*$/)
    .default('orchestration,runtime,watch')
    .describe('What a worker process runs, separated by commas.'),
  BERTH_WORKER_HEALTH_PORT: integer(0, 65_535)
    .default(0)
    .describe('The port of /healthz and /readyz of a worker, for the probes of a cluster; 0 serves neither.'),
  BERTH_WATCH_SLOTS: integer(1, 10_000)
    .default(500)
    .describe('Open sessions that one worker process can watch, and runs that it can wait for, together.'),

  API_MAX_REPLICAS: integer(1, 100)
    .default(2)
    .describe("The most api processes that run at once; it divides the server's limit of updates in flight."),
  SESSION_LIVE_LIMIT: integer(1, 1_000).default(5).describe('Open sessions that one person may have.'),
  SESSION_IDLE_SECONDS: integer(10, 86_400)
    .default(1_800)
    .describe('Seconds without activity after which a session closes.'),
  SESSION_JOB_SECONDS: integer(10, 2_592_000)
    .default(43_200)
    .describe(
      'Seconds without a keystroke, save or request after which a session closes although a command runs in it or prints.',
    ),
  RUNNING_COPY_IDLE_SECONDS: integer(10, 86_400)
    .default(1_800)
    .describe("Seconds without activity after which a throw-away copy of a review's snapshot ends."),
  RUNNING_COPY_JOB_SECONDS: integer(10, 2_592_000)
    .default(14_400)
    .describe('Seconds without a sign of a person after which a throw-away copy ends although a command runs in it.'),
  POD_START_SECONDS: integer(5, 240)
    .default(60)
    .describe('How long the start of a session may take before it is tried anew; it is tried three times.'),
  NODE_LOST_SECONDS: integer(1, 3_600)
    .default(60)
    .describe('How long a session may be out of reach before people are told that its machine does not answer.'),
  SESSION_CLOSING_SOON_SECONDS: integer(1, 3_600)
    .default(300)
    .describe('How long before an idle close people are told.'),
  RUN_TIME_LIMIT_SECONDS: integer(1, 3_600)
    .default(60)
    .describe('How long a command that is run may take, unless its request says otherwise.'),
  RUN_TIME_LIMIT_MAX_SECONDS: integer(1, 3_600)
    .default(3_600)
    .describe('The longest time that a request may ask for; it bounds RUN_TIME_LIMIT_SECONDS too.'),
  RUN_OUTPUT_LIMIT_BYTES: integer(1_024, 8_388_608)
    .default(1_048_576)
    .describe('How much of each of the two outputs of a run is kept, unless its request says otherwise.'),
  RUN_OUTPUT_LIMIT_MAX_BYTES: integer(1_024, 8_388_608)
    .default(8_388_608)
    .describe('The most output that a request may ask to keep; it bounds RUN_OUTPUT_LIMIT_BYTES too.'),
  RUNS_AT_ONCE: integer(1, 8).default(4).describe('Runs of one session that have not ended.'),
  CLONE_TIME_LIMIT_SECONDS: integer(10, 3_600)
    .default(900)
    .describe('How long the clone of the repository that a session is made from may take.'),
  CLONE_LOCAL: flag
    .default(false)
    .describe(
      'Allows repositories to be cloned by plain http and from addresses inside (loopback, private networks, names of a cluster). For tests and development.',
    ),
  RECORDING_MAX_BYTES: integer(4_096, 104_857_600)
    .default(16_777_216)
    .describe('The most bytes of one recording of a terminal; there it is cut off.'),
  RECORDING_MAX_SECONDS: integer(1, 604_800)
    .default(14_400)
    .describe('The most seconds of one recording of a terminal; there it is cut off.'),
  RECORDINGS_PER_SESSION: integer(1, 1_000).default(20).describe('The most recordings that a session keeps.'),
  REVIEW_URGENT_DUE_SECONDS: dueSeconds(3_600, 'urgent'),
  REVIEW_HIGH_DUE_SECONDS: dueSeconds(14_400, 'high'),
  REVIEW_MEDIUM_DUE_SECONDS: dueSeconds(86_400, 'medium'),
  REVIEW_LOW_DUE_SECONDS: dueSeconds(259_200, 'low'),
  REVIEW_CLAIM_SECONDS: integer(1, 31_536_000)
    .default(86_400)
    .describe('How long a claim of a review holds without a verdict.'),
  REVIEW_REMINDER_PERCENT: integer(1, 99)
    .default(75)
    .describe(
      'The share of a time after which people are told that it passes: of the time until the first look is due, and of a claim.',
    ),
  SELF_PROMOTION_MAX_LEVEL: integer(0, 1).default(1).describe('The reviewer level that people can give themselves.'),
  REVIEW_CLAIMS_LEVEL_1: integer(1, 10_000)
    .default(2)
    .describe('Open reviews that a reviewer of level 1 may hold. Level 4 holds any number.'),
  REVIEW_CLAIMS_LEVEL_2: integer(1, 10_000).default(4).describe('Open reviews that a reviewer of level 2 may hold.'),
  REVIEW_CLAIMS_LEVEL_3: integer(1, 10_000).default(6).describe('Open reviews that a reviewer of level 3 may hold.'),
  MAX_FILE_BYTES: integer(1_024, 104_857_600).default(10_485_760).describe('The largest file that is saved.'),
  MAX_SESSION_BYTES: integer(1_024, 10_737_418_240)
    .default(209_715_200)
    .describe('The most bytes of files in a session.'),
  MAX_SESSION_ITEMS: integer(10, 1_000_000).default(10_000).describe('The most files and folders in a session.'),
  MAX_GIT_BYTES: integer(1_024, 1_073_741_824)
    .default(67_108_864)
    .describe('The largest .git folder that is saved, packed.'),
  MAX_SESSION_GIT_BYTES: integer(1_024, 10_737_418_240)
    .default(268_435_456)
    .describe('The most bytes of saved .git folders in a session.'),
  GIT_QUIET_SECONDS: integer(0, 3_600)
    .default(30)
    .describe('How long nothing may have been written to the .git folder of an open session before it is saved.'),
  MAX_VERSION_BYTES: integer(1_048_576, 1_099_511_627_776)
    .default(1_073_741_824)
    .describe('The most bytes of earlier versions of a session; beyond it the oldest that a terminal made go.'),
  RATE_LIMIT_ENABLED: flag.default(true).describe('Whether requests and logins are limited. Only tests switch it off.'),
});

/** The checked settings of a process. */
export type Config = z.infer<typeof ConfigSchema>;

/** A setting is missing or wrong; the message names each variable, what it got and what it wants. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(
      `The configuration is not valid:\n${problems.map((problem) => `  ${problem}`).join('\n')}\nSee docs/configuration.md.`,
    );
    this.name = 'ConfigError';
  }
}

const SECRETS = new Set(['BERTH_SECRET', 'DATABASE_URL', 'BERTH_OPERATOR_CODE']);

function checkDatabaseAddress(address: string, context: z.RefinementCtx): void {
  try {
    readDatabaseAddress(address);
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : String(error));
  }
}

/** Checks the environment once, at the start of a process. Throws a ConfigError that names every bad variable. */
export function loadConfig(environment: Record<string, string | undefined>): Config {
  const known = Object.fromEntries(
    Object.keys(ConfigSchema.shape).flatMap((name) =>
      environment[name] === undefined ? [] : [[name, environment[name]]],
    ),
  );
  const result = ConfigSchema.safeParse(known);
  if (result.success) return result.data;
  throw new ConfigError(
    result.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      const got =
        known[name] === undefined
          ? 'nothing'
          : SECRETS.has(name)
            ? 'a value that is not shown'
            : JSON.stringify(known[name]);
      return `${name}: got ${got}; ${issue.message}`;
    }),
  );
}

/** True when the public address can only be reached from this machine. */
export function isLoopback(config: Pick<Config, 'BERTH_PUBLIC_URL'>): boolean {
  const host = new URL(config.BERTH_PUBLIC_URL).hostname;
  return host === 'localhost' || host === '[::1]' || host.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(host);
}
