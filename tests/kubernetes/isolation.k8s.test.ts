import { jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { agentKey } from '#platform/agent/agentKey.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import type { PodSpec } from '#platform/runtime/Runtime.ts';
import { writing } from '#tests/support/agentChanges.ts';
import { startClusterRuntime, type ClusterRuntime } from '#tests/support/clusterRuntime.ts';
import { openPodShell, type PodShell } from '#tests/support/podShell.ts';
import { waitFor } from '#tests/support/waitFor.ts';

/*
 * What a person's programs can and cannot do, tried from inside a session's pod through its own terminal. Nothing here
 * needs a network that enforces policies.
 */
jest.setTimeout(120_000);

/** A file that only the neighbour's volume holds, and a program that only the neighbour runs. */
const neighboursSecret = `neighbour ${randomBytes(12).toString('hex')}`;
const NEIGHBOURS_PROGRAM = 'sleep 86399';

let cluster: ClusterRuntime;
let spec: PodSpec;
let neighbour: PodSpec;
let client: AgentClient;
let shell: PodShell;

beforeAll(async () => {
  cluster = await startClusterRuntime();
  [spec, neighbour] = await Promise.all([cluster.newSpec(), cluster.newSpec()]);
  await Promise.all([spec, neighbour].map((one) => cluster.runtime.ensurePod(one)));
  client = await cluster.agents.get(spec.uuid, 1, 90_000);
  shell = await openPodShell(client);
  const theirs = await cluster.agents.get(neighbour.uuid, 1, 90_000);
  await theirs.apply([writing('secret.txt', neighboursSecret)], { syncEpoch: null, bulk: false });
  const theirShell = await openPodShell(theirs);
  theirShell.type(`${NEIGHBOURS_PROGRAM} &\r`);
  await waitFor(async () => (await theirShell.run(`pgrep -f '^${NEIGHBOURS_PROGRAM}'`)).status === 0, {
    deadlineMs: 60_000,
    what: "the neighbour's program",
  });
}, 20 * 60_000);
afterAll(() => cluster.stop(), 180_000);

async function output(line: string): Promise<string> {
  return (await shell.run(line)).output;
}

/** A call of the C library by a program of Python; prints the name of the error. */
function call(expression: string): string {
  return `python3 - <<'END'
import ctypes, errno, os, platform, socket
libc = ctypes.CDLL(None, use_errno=True)
arm = platform.machine() == 'aarch64'
try:
  failed = ${expression}
  print(errno.errorcode.get(ctypes.get_errno(), 'none') if failed == -1 else 'done')
except OSError as error:
  print(errno.errorcode[error.errno])
END`;
}

describe('a program in a session', () => {
  it.each([
    ['is user and group 1000 and in no other', 'id -u; id -g; id -G', '1000\n1000\n1000'],
    [
      'has no capability, nor has the agent',
      'grep -h ^Cap /proc/{self,$AGENT,1}/status | cut -f2 | uniq',
      '0'.repeat(16),
    ],
    ['can gain no privileges', 'grep -h NoNewPrivs /proc/{self,$AGENT,1}/status | cut -f2 | uniq', '1'],
    ['has its system calls filtered', 'grep -h Seccomp: /proc/{self,$AGENT,1}/status | cut -f2 | uniq', '2'],
    [
      'finds no program that would change its user',
      'find / -path /proc -prune -o -perm /6000 -type f -print 2>/dev/null',
      '',
    ],
    ['finds no device of blocks', 'find /dev -type b', ''],
    ['finds no socket of the machine', 'find / -path /proc -prune -o -type s -print 2>/dev/null', ''],
    ['sees nobody else', 'stat -c %u /proc/[0-9]* 2>/dev/null | sort -u', '1000'],
    [
      'has the pod to itself: tini, the agent, shells',
      "readlink /proc/[0-9]*/exe | sort -u | grep -v '/\\(readlink\\|sort\\|grep\\)$'",
      '/usr/bin/bash\n/usr/bin/tini\n/usr/local/bin/node',
    ],
    ['is below the init of the pod', 'tr "\\0" " " </proc/1/cmdline | cut -d " " -f 1', '/usr/bin/tini'],
    ['has no token of a service account', 'find /var/run/secrets /run/secrets 2>&1 | grep -vc "No such file"', '0'],
    ['is told no address of the cluster', 'env | grep -ci "kubernetes\\|_SERVICE_\\|_PORT="', '0'],
    ['is told no setting of the agent', 'env | grep -c "BERTH\\|^MAX_"', '0'],
    ['has a name, a home and a shell', 'echo $USER $HOME $SHELL $PWD', 'node /home/node /bin/bash /app/workspace'],
    [
      'cannot write to any file or folder but its own',
      'find / -path /proc -prune -o \\( -type d -o -type f \\) -writable -print -prune 2>/dev/null | sort',
      '/app/workspace\n/dev/mqueue\n/dev/shm\n/home/node\n/tmp',
    ],
    ['cannot change the kernel', 'find /proc/sys /proc/sysrq-trigger /sys -type f -writable 2>/dev/null | head', ''],
    [
      'sees nothing in what the kernel tells of the machine',
      'cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | head -c 1 | wc -c',
      '0',
    ],
    [
      'gets memory, processor and no more from its control group',
      'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null; cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us',
      /^536870912\n200000( 100000)?$/,
    ],
    ['comes to nothing above the root', 'stat -c %d:%i / /.. /proc/self/root/ /proc/1/root/ | sort -u | wc -l', '1'],
    ['cannot become root', call('os.setuid(0)'), 'EPERM'],
    ['cannot give a file away', `touch /tmp/mine; ${call("os.chown('/tmp/mine', 0, 0)")}`, 'EPERM'],
    ['cannot mount', call("libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)"), 'EPERM'],
    ['cannot make a user namespace', call('libc.unshare(0x10000000)'), 'EPERM'],
    [
      'cannot enter a namespace of another process',
      call("libc.setns(os.open('/proc/1/ns/net', os.O_RDONLY), 0)"),
      'EPERM',
    ],
    ['cannot make a device', call("os.mknod('/tmp/disk', 0o060666, os.makedev(254, 0))"), 'EPERM'],
    ['cannot open a raw socket', call('socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'), 'EPERM'],
    ['cannot load a program into the kernel', call('libc.syscall(280 if arm else 321, 0, None, 0)'), 'EPERM'],
    ['cannot reach the keys of the kernel', call('libc.syscall(219 if arm else 250, 0, -3, 0, 0, 0)'), 'EPERM'],
    ["cannot read the kernel's log", call('libc.klogctl(3, ctypes.create_string_buffer(64), 64)'), 'EPERM'],
    [
      'cannot set the clock',
      call('time.clock_settime(time.CLOCK_REALTIME, 0)').replace('import ctypes', 'import time, ctypes'),
      'EPERM',
    ],
    ['cannot make itself preferred', call('os.nice(-5)'), /^E(PERM|ACCES)$/],
    [
      "cannot write where the container's last words go",
      'echo x >/opt/berth/closed/termination-log',
      /Permission denied/,
    ],
  ])('%s', async (_name, line, expected) => {
    const found = await output(line);
    if (typeof expected === 'string') expect(found).toBe(expected);
    else expect(found).toMatch(expected);
  });

  it.each([
    '/',
    '/etc',
    '/usr/local/bin',
    '/opt/berth',
    '/run',
    '/run/berth',
    '/var/tmp',
    '/root',
    '/home',
    '/app',
    '/dev',
    '/sys/fs/cgroup',
  ])('cannot make a file in %s', async (folder) => {
    const { output: said, status } = await shell.run(`echo x >${folder}/planted`);
    expect(said).toMatch(/Read-only file system|Permission denied/);
    expect(status).not.toBe(0);
  });

  it('cannot change the agent, its key or the users of the pod', async () => {
    for (const file of ['/opt/berth/agent.mjs', '/opt/berth/pty.node', '/run/berth/key', '/etc/passwd', '/etc/hosts']) {
      expect((await shell.run(`echo x >>${file}`)).status).not.toBe(0);
      expect((await shell.run(`rm -f ${file}`)).status).not.toBe(0);
    }
  });

  it('reads the key of its own session from a file, which opens nothing else, and from no environment', async () => {
    const own = agentKey(cluster.config.BERTH_SECRET, spec).toString('hex');
    const theirs = agentKey(cluster.config.BERTH_SECRET, neighbour).toString('hex');
    // Known and meant so: an agent has nothing but what its own session's programs have anyway.
    expect(await output('cat /run/berth/key')).toBe(own);
    expect(own).not.toBe(theirs);
    expect(await output('cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | grep -acFf /run/berth/key')).toBe(
      '0',
    );
  });

  it("finds no path to another session's volume and no trace of its programs", async () => {
    expect(await output('ps -ef')).not.toContain(NEIGHBOURS_PROGRAM);
    expect(await output('hostname')).not.toContain(neighbour.uuid);
    // In two halves: the search would else find itself.
    const [one, two] = [neighboursSecret.slice(0, 20), neighboursSecret.slice(20)];
    const places = '/app /dev /etc /home /media /mnt /opt /root /run /srv /tmp /var';
    expect(
      await output(
        `grep -rslaF "$(printf %s%s '${one}' '${two}')" ${places} --devices=skip 2>/dev/null; echo searched`,
      ),
    ).toBe('searched');
    expect(await output(`grep -c ${neighbour.uuid} /proc/self/mountinfo`)).toBe('0');
    expect(await output('ls -A /app; ls -A /app/workspace')).toBe('workspace\n.berth-volume');
  });

  it('has nothing of the machine mounted but its volume, its two folders and what Kubernetes writes for a pod', async () => {
    const mounts = (await output(`awk '$5 !~ "^/(proc|sys)(/|$)" { print $5 }' /proc/self/mountinfo`)).split('\n');
    expect(mounts.sort()).toEqual(
      [
        ...['/', '/app/workspace', '/home/node', '/tmp', '/run/berth', '/opt/berth/closed/termination-log'],
        ...['/dev', '/dev/mqueue', '/dev/pts', '/dev/shm', '/etc/hostname', '/etc/hosts', '/etc/resolv.conf'],
      ].sort(),
    );
  });

  it('is nobody to the Kubernetes API', async () => {
    const host = "$(tr '\\0' '\\n' </proc/$AGENT/environ | sed -n 's/^KUBERNETES_SERVICE_HOST=//p')";
    for (const path of ['namespaces/default/secrets', 'nodes', `namespaces/${cluster.namespace.name}/pods`]) {
      // 000: no answer at all, where a network policy is enforced.
      expect(await output(`curl -sk -m 10 -o /dev/null -w '%{http_code}' https://${host}/api/v1/${path}`)).toMatch(
        /^(000|401|403)$/,
      );
    }
  });

  it("is nobody to its node's kubelet", async () => {
    const gateway = `$(python3 -c "
import socket, struct
for line in open('/proc/net/route').readlines()[1:]:
  fields = line.split()
  if fields[1] == '00000000': print(socket.inet_ntoa(struct.pack('<L', int(fields[2], 16))))")`;
    for (const port of [10250, 10255]) {
      const codes = await output(`curl -sk -m 10 -o /dev/null -w '%{http_code}' https://${gateway}:${port}/pods`);
      expect(codes).toMatch(/^(000|401|403)$/);
    }
  });

  it('finds a port open that is not its own: the one of the agent, and no other', async () => {
    const listening = await output(
      `awk '$4 == "0A" { split($2, part, ":"); print part[2] }' /proc/net/tcp /proc/net/tcp6 | sort -u`,
    );
    expect(listening).toBe((7070).toString(16).toUpperCase().padStart(4, '0'));
  });
});
